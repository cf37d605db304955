// The asynchronous sitting: its form, folded from the leaves, and its windows, which the court tells each seat as far as it
// may know them (flows/SPEC.md, AS). The windows are not folded here: while statements are kept back, what there is to
// fold does not come, and who could count the entries would know who has spoken.
import type { Leaf } from "../record/leaf";
import { isAsked } from "./checked";

export interface Form {
  /** The bench has put it to the parties: each is asked for his consent. */
  readonly offered: boolean;
  readonly asynchronous: boolean;
}

export type Mode = "one_by_one" | "reveal_together";
export type StatementKind = "text" | "voice" | "image" | "video" | "none";

export interface Made {
  readonly seq: number;
  readonly atMs: number;
  /** Null where only that somebody has acted may be known. */
  readonly kind: StatementKind | null;
}

export interface Window_ {
  readonly number: number;
  readonly stage: string | null;
  readonly mode: Mode;
  readonly opensMs: number;
  /** Until when this seat may speak, or everybody where it is not asked. */
  readonly closesMs: number;
  /** When the time of the last seat is over. */
  readonly endsMs: number;
  readonly began: boolean;
  /** Why it ended; null while it has not. */
  readonly end: "time" | "order" | "cancelled" | "converted" | null;
  readonly endedMs: number | null;
  readonly slots: readonly string[];
  /** Who was given more time than the others, and until when; told to the bench. */
  readonly longer: Readonly<Record<string, number>>;
  /** Who said nothing, once it has ended. */
  readonly silent: readonly string[];
  readonly made: Readonly<Record<string, Made>>;
}

export interface Late {
  readonly seq: number;
  readonly number: number;
  readonly slot: string;
  readonly kind: StatementKind | null;
  readonly atMs: number;
  readonly ruling: Ruling | null;
}

export const RULINGS = ["excused", "admonished", "not_adopted"] as const;
export type Ruling = (typeof RULINGS)[number];
export const REASONS = ["network", "device", "illness", "force_majeure", "time_zone", "agreed", "other"] as const;
export type Reason = (typeof REASONS)[number];

export interface Windows {
  /** The time zones that phones have told, by seat: one's own, or all of them on the bench. */
  readonly zones: Readonly<Record<string, string>>;
  readonly all: readonly Window_[];
  readonly late: readonly Late[];
}

export const NO_WINDOWS: Windows = { zones: {}, all: [], late: [] };

type Map_ = { readonly [key: string]: unknown };
const isMap = (value: unknown): value is Map_ => typeof value === "object" && value !== null && !Array.isArray(value);
const count = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : []);
const maps = (value: unknown): readonly Map_[] => (Array.isArray(value) ? value.filter(isMap) : []);
const pairs = (value: unknown): readonly (readonly [string, unknown])[] => (isMap(value) ? Object.entries(value) : []);

const KINDS: readonly StatementKind[] = ["text", "voice", "image", "video", "none"];
const ENDS = ["time", "order", "cancelled", "converted"] as const;
const kindOf = (value: unknown): StatementKind | null => KINDS.find((kind) => kind === value) ?? null;

export function readForm(map: Map_): Form {
  return { offered: map["asynchronous_offered"] === true, asynchronous: map["asynchronous"] === true };
}

/** From a welcome, or from what the court tells whenever it changes. */
export function readWindows(value: unknown): Windows {
  if (!isMap(value)) return NO_WINDOWS;
  return {
    zones: Object.fromEntries(pairs(value["zones"]).flatMap(([slot, zone]) => (typeof zone === "string" ? [[slot, zone]] : []))),
    all: maps(value["all"]).map(readWindow),
    late: maps(value["late"]).map((late) => ({
      seq: count(late["seq"]),
      number: count(late["number"]),
      slot: text(late["slot"]),
      kind: kindOf(late["kind"]),
      atMs: count(late["at_ms"]),
      ruling: RULINGS.find((ruling) => ruling === late["ruling"]) ?? null,
    })),
  };
}

function readWindow(map: Map_): Window_ {
  return {
    number: count(map["number"]),
    stage: typeof map["stage"] === "string" ? map["stage"] : null,
    mode: map["mode"] === "one_by_one" ? "one_by_one" : "reveal_together",
    opensMs: count(map["opens_ms"]),
    closesMs: count(map["closes_ms"]),
    endsMs: count(map["ends_ms"]),
    began: map["began"] === true,
    end: ENDS.find((end) => end === map["end"]) ?? null,
    endedMs: typeof map["ended_ms"] === "number" ? map["ended_ms"] : null,
    slots: texts(map["slots"]),
    longer: Object.fromEntries(pairs(map["longer"]).map(([slot, at]) => [slot, count(at)])),
    silent: texts(map["silent"]),
    made: Object.fromEntries(pairs(map["made"]).flatMap(([slot, made]) => (isMap(made) ? [[slot, { seq: count(made["seq"]), atMs: count(made["at_ms"]), kind: kindOf(made["kind"]) }]] : []))),
  };
}

/** The window that was set and has not ended; there is one at the most. */
export function running(windows: Windows): Window_ | null {
  const last = windows.all[windows.all.length - 1];
  return last !== undefined && last.end === null ? last : null;
}

/** Statements are kept back from everybody but the bench: what others do now does not arrive here (AS8). */
export function keptBack(windows: Windows): boolean {
  const now = running(windows);
  return now !== null && now.began && now.mode === "reveal_together";
}

/** Whose consent the form needs (AS1). */
export const SIDES: ReadonlySet<string> = new Set(["plaintiff", "defendant", "third_party"]);

/** Sides and their agents are let in by coming (AS4). */
export function byComing(form: Form, seat: { readonly role: string; readonly state: string }): boolean {
  return form.asynchronous && isAsked(seat.role) && (seat.state === "absent" || seat.state === "waiting");
}

/** The form after this entry; the same object where it changes nothing. */
export function foldForm(form: Form, leaf: Leaf): Form {
  switch (leaf.type) {
    case "act.offer_asynchronous":
      return { ...form, offered: true };
    case "act.asynchronous":
      return { ...form, asynchronous: true };
    case "act.synchronous":
      return { offered: false, asynchronous: false };
    default:
      return form;
  }
}
