// Which of the two languages is spoken now. Catalogs are typed by the Chinese one, so a missing sentence in the English
// one does not compile; each page brings its own catalog in both languages, so changing language needs no network.
import { signal } from "@preact/signals";

export type Language = "zh" | "en";

const KEPT = "palm.language";

function first(): Language {
  try {
    const kept = localStorage.getItem(KEPT);
    if (kept === "zh" || kept === "en") return kept;
  } catch {
    // a browser that keeps nothing still has a language
  }
  return /^zh\b/i.test(navigator.language) ? "zh" : "en";
}

export const language = signal<Language>(first());

export function speak(choice: Language): void {
  language.value = choice;
  document.documentElement.lang = tag();
  try {
    localStorage.setItem(KEPT, choice);
  } catch {
    // see above
  }
}

/** The BCP 47 tag for the page, for dates and for the server. */
export function tag(): "zh-CN" | "en" {
  return language.value === "zh" ? "zh-CN" : "en";
}

/** A catalog in both languages; calling it gives the one spoken now and re-renders who called when it changes. */
export function catalog<T>(zh: T, en: T): () => T {
  return () => (language.value === "zh" ? zh : en);
}
