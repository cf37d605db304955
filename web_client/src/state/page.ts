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
  | { readonly kind: "sitting"; readonly visit: Visit }
  | { readonly kind: "desk"; readonly ticket: string; readonly info: DeskInfo }
  | { readonly kind: "gallery"; readonly hearing: string | null }
  | { readonly kind: "failed"; readonly why: Failure };

export const page = signal<Page>({ kind: "opening" });

const PHONE = "palm.phone";

function keptPhone(): string {
  try {
    return localStorage.getItem(PHONE) ?? "";
  } catch {
    return "";
  }
}

/** The court's number, as soon as anything has told it; kept, because it is needed most when the court cannot be reached. */
export const phone = signal(typeof localStorage === "undefined" ? "" : keptPhone());

export function learnPhone(number: string): void {
  if (number === "" || number === phone.peek()) return;
  phone.value = number;
  try {
    localStorage.setItem(PHONE, number);
  } catch {
    // known for as long as this page lives
  }
}

/** The court's name, where an answer has told it: a page that says something went wrong says whose page it is. */
export const courtName = signal("");

/** What any answer of the court says of the court itself, the refusals too. */
export function learnCourt(body: Readonly<Record<string, unknown>>): void {
  const { phone: number, court } = body;
  if (typeof number === "string") learnPhone(number);
  if (typeof court === "string" && court !== "") courtName.value = court;
}

const BY_CLOSE_CODE: Readonly<Record<number, Failure>> = { 4400: "broken", 4403: "removed", 4409: "replaced", 4410: "expired" };

/** Which failure page a stable code of the server, an HTTP status or a close code belongs to. */
export function failureOf(code: string, status = 0): Failure {
  if (code === "expired") return "expired";
  if (code === "revoked") return "revoked";
  if (code === "used_elsewhere") return "used";
  if (code === "removed") return "removed";
  const closed = BY_CLOSE_CODE[status];
  if (closed !== undefined) return closed;
  if (code === "unreachable" || status === 429 || (status >= 500 && status < 600)) return "unreachable";
  return "unknown";
}
