// Where the clerk is at the desk, and the desk itself. One signal, as for the pages.
import { signal } from "@preact/signals";

import { Problem } from "../../protocol/api";
import type { CaseRow, Desk } from "../../protocol/desk";
import { failureOf, learnCourt, page } from "../../state/page";

export type DeskPlace = { readonly kind: "cases" } | { readonly kind: "new" } | { readonly kind: "board" } | { readonly kind: "case"; readonly row: CaseRow };

export const place = signal<DeskPlace>(location.hash === "#/console" ? { kind: "board" } : { kind: "cases" });
export const desk = signal<Desk | null>(null);

/** Opens a place so that the browser's back button leads out of it again. */
export function go(to: DeskPlace): void {
  history.pushState({ desk: to.kind }, "");
  place.value = to;
  scrollTo(0, 0);
}

/** A refused session shows the page that says why; anything else is tried again by the clerk. */
export function deskFailed(error: unknown): void {
  if (!(error instanceof Problem) || error.status !== 401) return;
  learnCourt(error.body);
  page.value = { kind: "failed", why: failureOf(error.code, error.status) };
}
