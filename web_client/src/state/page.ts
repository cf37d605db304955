// Which page is shown, and what it is shown about. One signal; pages set it, nobody else.
import { signal } from "@preact/signals";

import type { DeskInfo, TicketInfo } from "../protocol/api";

export type Failure =
  | "expired"
  | "revoked"
  | "used"
  | "unknown"
  | "no_link"
  | "old_browser"
  | "unreachable"
  | "removed"
  | "replaced"
  | "broken";

export interface Visit {
  readonly ticket: string;
  readonly info: TicketInfo;
  /** Names this seat on this browser: stream and slot. */
  readonly streamKey: string;
}

export type Page =
  | { readonly kind: "opening" }
  | { readonly kind: "entry"; readonly visit: Visit; readonly waiting: number }
  | { readonly kind: "test"; readonly visit: Visit }
  | { readonly kind: "sitting"; readonly visit: Visit; readonly returning: boolean }
  | { readonly kind: "desk"; readonly ticket: string; readonly info: DeskInfo }
  | { readonly kind: "failed"; readonly why: Failure; readonly phone: string; readonly waiting: number };

export const page = signal<Page>({ kind: "opening" });

/** The court's number, as soon as anything has told it. */
export const phone = signal("");

/** Which failure page a stable code of the server, or a close code, belongs to. */
export function failureOf(code: string, status = 0): Failure {
  if (/expired/.test(code)) return "expired";
  if (/revoked|replaced_link/.test(code)) return "revoked";
  if (/used|device|bound/.test(code)) return "used";
  if (/removed|not_permitted/.test(code)) return "removed";
  if (code === "unreachable" || status >= 500 || status === 429) return "unreachable";
  if (status === 410 || status === 4410) return "expired";
  if (status === 409) return "used";
  if (status === 4409) return "replaced";
  if (status === 4403) return "removed";
  if (status === 4400) return "broken";
  return "unknown";
}
