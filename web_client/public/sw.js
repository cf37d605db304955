// Keeps the shell of the courtroom, and rings when the court calls. With no network the page still opens, shows what is kept,
// and reconnects. It never touches /api; the record and people's words are the page's own business. The page is asked for fresh first; files named
// by their hash never change. The build writes the list of files and its name into this one.
const SHELL = "palm-__NAME__";
const FILES = ["/", "/emblem.svg" /* __FILES__ */];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith("palm-") && name !== SHELL).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || url.pathname.startsWith("/api/")) return;
  if (url.pathname.startsWith("/assets/") || url.pathname === "/emblem.svg") {
    event.respondWith(caches.match(event.request).then((kept) => kept || fetch(event.request)));
  } else if (event.request.mode === "navigate" && url.pathname === "/") {
    event.respondWith(fetch(event.request).catch(() => caches.match("/")));
  }
});

// The court calls a phone that sleeps (NO4). The message says that it calls and where to go, nothing else (NO8); what cannot
// be read is shown all the same, for a browser that is called and shows nothing is called no more.
const CALLS = {
  zh: ["法庭正在请您", "请点这里进入。", "法院有新的通知", "请点这里查看。"],
  en: ["The court is calling you", "Tap here to enter.", "There is a notice from the court", "Tap here to read it."],
};

function wordOf(data) {
  try {
    const [version, call, ticket] = data.json();
    if (version === 1 && /^[A-Za-z0-9_-]{8,128}$/.test(ticket)) return { call: call === 1, ticket };
  } catch {
    // another version's word, or none
  }
  return { call: false, ticket: null };
}

self.addEventListener("push", (event) => {
  const { call, ticket } = wordOf(event.data);
  const words = CALLS[/^zh\b/i.test(self.navigator.language) ? "zh" : "en"];
  const [title, body] = call ? words : words.slice(2);
  event.waitUntil(self.registration.showNotification(title, { body, icon: "/emblem.svg", tag: call ? "palm-call" : "palm-news", renotify: true, requireInteraction: call, data: { ticket } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const ticket = event.notification.data && event.notification.data.ticket;
  // A window of its own: whoever sits in another hearing is not torn out of it.
  event.waitUntil(self.clients.openWindow(ticket ? `/#/j/${ticket}` : "/"));
});
