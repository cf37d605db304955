// From a link to a page: the ticket leaves the address bar before anything else happens, then the court is asked what it
// opens. The room and the registry are chunks of their own, fetched when somebody goes there.
import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { sitBy } from "./i18n/times";
import { called, words } from "./i18n/words";
import { EntryPage } from "./pages/entry/entry";
import { FailedPage } from "./pages/failed/failed";
import { isSitting, openTicket, Problem, type DeskInfo, type TicketInfo } from "./protocol/api";
import { keepLink, keptDesk, keptLink, waitingOf, type Link } from "./state/device";
import { failureOf, learnCourt, page, phone, type Failure, type Page } from "./state/page";
import { onPage } from "./ui/routes";

const LINK = /^#\/([jr])\/([A-Za-z0-9_-]{8,128})$/;
/** The board of today's hearings, in a window of its own beside a courtroom. */
const CONSOLE = "#/console";
/** What is open to the public: the list, or one hearing. It names nobody, so it may stay in the address. */
const PUBLIC = /^#\/p(?:\/([0-9a-f]{16}))?$/;
const RETRY_MS = 4_000;

async function findLink(): Promise<Link | null> {
  const desk = location.hash === CONSOLE ? keptDesk() : null;
  if (desk !== null) return { door: "r", ticket: desk, entered: false };
  const match = LINK.exec(location.hash);
  if (match === null) return keptLink();
  const link: Link = { door: match[1] as "j" | "r", ticket: match[2] as string, entered: false };
  // Never identity in an address: not in the history, not in a screenshot, not in what a phone suggests next time.
  history.replaceState(null, "", `${location.pathname}#/`);
  const kept = await keptLink();
  // The same link opened again in the tab that is already inside is a reload, not a new visit.
  const again = kept !== null && kept.entered && kept.ticket === link.ticket && kept.door === link.door;
  keepLink(again ? kept : link);
  return again ? kept : link;
}

/** The court says its number with every refusal; whoever stands before the door without a link needs it too. */
function askWhomToCall(): void {
  if (phone.peek() !== "") return;
  openTicket("no-link-at-all").catch((error: unknown) => {
    if (error instanceof Problem) learnCourt(error.body);
  });
}

let retry: ReturnType<typeof setTimeout> | undefined;

/** Reads the link, asks the court what it opens, and shows the page for it. */
export async function open(): Promise<void> {
  clearTimeout(retry);
  const watched = PUBLIC.exec(location.hash);
  if (watched !== null) {
    page.value = { kind: "gallery", hearing: watched[1] ?? null };
    return;
  }
  if (typeof indexedDB === "undefined" || crypto.subtle === undefined) {
    page.value = { kind: "failed", why: "old_browser" };
    askWhomToCall();
    return;
  }
  const link = await findLink();
  if (link === null) {
    page.value = { kind: "failed", why: "no_link" };
    askWhomToCall();
    return;
  }
  let info: TicketInfo | DeskInfo;
  try {
    info = await openTicket(link.ticket);
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem(0, "broken", "");
    learnCourt(problem.body);
    const why = failureOf(problem.code, problem.status);
    if (why === "unreachable" && link.entered && link.info !== undefined) {
      // Inside already: the sitting's own page reconnects, and shows what waits.
      goTo(link.ticket, link.info, true);
      return;
    }
    page.value = { kind: "failed", why };
    if (why === "unreachable") retry = setTimeout(() => void open(), RETRY_MS);
    return;
  }
  learnCourt({ ...info });
  sitBy(info.time_zone);
  called.value = isSitting(info) && info.role_name ? { [info.role]: info.role_name } : {};
  if (!isSitting(info)) {
    page.value = { kind: "desk", ticket: link.ticket, info };
    return;
  }
  goTo(link.ticket, info, link.entered, await waitingOf(keyOf(info)));
}

function keyOf(info: TicketInfo): string {
  return `${info.stream_id}/${info.slot}`;
}

function goTo(ticket: string, info: TicketInfo, entered: boolean, waiting = 0): void {
  const visit = { ticket, info, streamKey: keyOf(info) };
  page.value = entered ? { kind: "sitting", visit } : { kind: "entry", visit, waiting };
}

function Loading(): JSX.Element {
  return (
    <main class="page" aria-busy="true" {...onPage("loading")}>
      <p role="status">{words().loading}</p>
    </main>
  );
}

type Lazy = "test" | "sitting" | "desk" | "gallery";
type LazyPage<K extends Lazy> = ComponentType<{ readonly at: Extract<Page, { kind: K }> }>;

async function fetchPage(kind: Lazy): Promise<ComponentType<{ readonly at: never }>> {
  if (kind === "desk") return (await import("./pages/registry/registry")).RegistryPage satisfies LazyPage<"desk">;
  if (kind === "gallery") return (await import("./pages/gallery/gallery")).GalleryPage satisfies LazyPage<"gallery">;
  const court = await import("./pages/court");
  return kind === "test" ? (court.SelfTestPage satisfies LazyPage<"test">) : (court.SittingPage satisfies LazyPage<"sitting">);
}

const fetched = new Map<Lazy, ComponentType<{ readonly at: never }>>();

function LazyChunk({ at }: { readonly at: Extract<Page, { kind: Lazy }> }): JSX.Element {
  const [, show] = useState(0);
  const kind = at.kind;
  useEffect(() => {
    if (fetched.has(kind)) return undefined;
    let here = true;
    let failures = 0;
    const load = (): void => {
      fetchPage(kind).then(
        (component) => {
          fetched.set(kind, component);
          if (here) show((n) => n + 1);
        },
        () => {
          failures += 1;
          if (here) setTimeout(() => void again(), 1_500);
        },
      );
    };
    const again = async (): Promise<void> => {
      // The link is down, or a new version has taken this chunk's place: then only the page from its start can help.
      const reachable = failures >= 3 && (await fetch("/healthz", { cache: "no-store" }).then((answer) => answer.ok, () => false));
      if (reachable) location.reload();
      else if (here) load();
    };
    load();
    return () => {
      here = false;
    };
  }, [kind]);
  const Component = fetched.get(kind) as ComponentType<{ readonly at: typeof at }> | undefined;
  return Component === undefined ? <Loading /> : <Component at={at} />;
}

/** Where trying the same link again cannot help, the one thing to do is to call. */
const HOPELESS: ReadonlySet<Failure> = new Set(["no_link", "old_browser", "unknown", "expired", "revoked"]);

export function App(): JSX.Element {
  const at = page.value;
  const title = words().product;
  useEffect(() => {
    document.title = title;
  }, [title]);
  switch (at.kind) {
    case "opening":
      return <Loading />;
    case "entry":
      return <EntryPage visit={at.visit} waiting={at.waiting} />;
    case "failed": {
      return <FailedPage why={at.why} again={HOPELESS.has(at.why) ? undefined : () => void open()} />;
    }
    default:
      return <LazyChunk at={at} />;
  }
}
