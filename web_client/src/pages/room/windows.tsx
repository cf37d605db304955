// The asynchronous sitting's place in the room. What it shows is a chunk of its own: most hearings never need it.
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { words } from "../../i18n/words";
import { isBench } from "../../state/may";
import { seatOf, type RoomView } from "../../state/view";
import { sheet } from "./acts";

type Pages = typeof import("../windows/windows");
const pages = signal<Pages | null>(null);
const RETRY_MS = 2_000;

function load(): void {
  if (pages.peek() !== null) return;
  import("../windows/windows").then(
    (found) => (pages.value = found),
    () => setTimeout(load, RETRY_MS), // a thin link: it comes when it comes
  );
}

export interface AtWindows {
  readonly view: RoomView;
  readonly slot: string;
}

/** What runs, and what is asked of whoever looks; for the bench, what it may do. */
export function WindowsHere({ view, slot }: AtWindows): JSX.Element {
  useEffect(load, []);
  const found = pages.value;
  if (found === null) return <p role="status">{words().loading}</p>;
  return isBench(seatOf(view, slot)?.role ?? "") ? <found.BenchWindows view={view} slot={slot} /> : <found.OwnWindows view={view} slot={slot} />;
}

/** The bench puts the form to the parties, and the judge decides on it. */
export function AsynchronousSheet({ view, slot }: AtWindows): JSX.Element | null {
  const open = sheet.value === "asynchronous";
  useEffect(() => {
    if (open) load();
  }, [open]);
  const found = pages.value;
  return open && found !== null ? <found.FormSheet view={view} slot={slot} close={() => (sheet.value = null)} /> : null;
}
