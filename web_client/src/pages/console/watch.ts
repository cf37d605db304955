// Looks at the board every few seconds for as long as anybody shows it. What was read last stays on the screen when the court
// cannot be reached, and is said to be old.
import { signal } from "@preact/signals";

import { Problem } from "../../protocol/api";
import { Desk, type CaseRow } from "../../protocol/desk";
import { readBoard, type BoardSitting } from "../../state/board";
import { identityOf, keptDesk, outboxStore } from "../../state/device";

const EVERY_MS = 3_000;
/** A window nobody looks at asks less often. */
const HIDDEN_MS = 15_000;

export interface Seen {
  readonly sittings: readonly BoardSitting[];
  /** The court's clock minus this browser's. */
  readonly skewMs: number;
  readonly atMs: number;
  readonly failing: boolean;
}

export const seen = signal<Seen | null>(null);
/** The cases behind it: numbers and names, which the board itself does not carry. */
export const rows = signal<ReadonlyMap<string, CaseRow>>(new Map());

let watching = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let desk: Desk | null = null;
let tag: string | null = null;

async function open(): Promise<Desk | null> {
  const ticket = keptDesk();
  if (ticket === null) return null;
  desk ??= new Desk(ticket, { ...(await identityOf("registry")), nextDseq: () => outboxStore.nextDseq("registry", 0), now: () => Date.now() });
  return desk;
}

async function look(): Promise<void> {
  try {
    const at = await open();
    if (at === null) return;
    const answer = await at.board(tag);
    const last = seen.peek();
    if (answer === null) {
      if (last !== null) seen.value = { ...last, atMs: Date.now(), failing: false };
    } else {
      const sittings = readBoard(answer.board);
      if (sittings.some((each) => !rows.peek().has(each.caseId))) rows.value = new Map((await at.cases()).map((row) => [row.id, row]));
      tag = answer.tag;
      seen.value = { sittings, skewMs: answer.nowMs - Date.now(), atMs: Date.now(), failing: false };
    }
  } catch (error) {
    const last = seen.peek();
    seen.value = last === null ? { sittings: [], skewMs: 0, atMs: Date.now(), failing: true } : { ...last, failing: true };
    // The desk's link opens nothing any more: asking on would only be refused.
    if (error instanceof Problem && error.status === 401) desk = null;
  }
}

async function again(): Promise<void> {
  await look();
  if (watching > 0) timer = setTimeout(() => void again(), document.visibilityState === "visible" ? EVERY_MS : HIDDEN_MS);
}

/** Watches until the result is called. */
export function watchBoard(): () => void {
  watching += 1;
  if (watching === 1) void again();
  return () => {
    watching -= 1;
    if (watching === 0) clearTimeout(timer);
  };
}

export function deskOf(): Promise<Desk | null> {
  return open();
}
