// Where the clerk is at the desk, and the desk itself. One signal, as for the pages.
import { signal } from "@preact/signals";

import type { CaseRow, Desk } from "../../protocol/desk";

export type DeskPlace = { readonly kind: "cases" } | { readonly kind: "new" } | { readonly kind: "case"; readonly row: CaseRow };

export const place = signal<DeskPlace>({ kind: "cases" });
export const desk = signal<Desk | null>(null);

/** Opens a place so that the browser's back button leads out of it again. */
export function go(to: DeskPlace): void {
  history.pushState({ desk: to.kind }, "");
  place.value = to;
  scrollTo(0, 0);
}
