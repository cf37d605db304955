// Calling somebody who is not here, and what became of it (flows/SPEC.md, NO). A fold of its own over the same leaves as
// `view.ts`. **Nothing is concluded that a channel cannot know:** a message that a relay took was not therefore read.
import type { Leaf } from "../record/leaf";

export interface Call {
  readonly seq: number;
  readonly atMs: number;
  /** How often he was called at this sitting. */
  readonly times: number;
  /** By channel. */
  readonly outcomes: Readonly<Record<string, string>>;
  readonly openedMs: number | null;
  readonly ended: "came" | "opened" | "unanswered" | null;
}

export type Calls = Readonly<Record<string, Call>>;

const FAILED: ReadonlySet<string> = new Set(["refused", "gone", "expired", "no_address"]);
const ENDED: readonly unknown[] = ["came", "opened", "unanswered"];
/** Calls that a phone is rung by: the court's, and the first two steps of the absence ladder. */
const RINGS: ReadonlySet<string> = new Set(["act.call_person", "act.prompt_absent", "act.warn_absent"]);
/** A phone that rings more often than once a minute is put away (NO5). */
export const APART_MS = 60_000;

type Map_ = { readonly [key: string]: unknown };
const isMap = (value: unknown): value is Map_ => typeof value === "object" && value !== null && !Array.isArray(value);
const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
const texts = (value: unknown): Readonly<Record<string, string>> => (isMap(value) ? Object.fromEntries(Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === "string")) : {});
const endedOf = (value: unknown): Call["ended"] => (ENDED.includes(value) ? (value as Call["ended"]) : null);

/** From the map of a welcome. */
export function readCalls(map: Map_): Calls {
  const found: Record<string, Call> = {};
  for (const seat of Array.isArray(map["seats"]) ? map["seats"].filter(isMap) : []) {
    const its = seat["call"];
    if (isMap(its)) {
      found[String(seat["slot"] ?? "")] = { seq: number(its["seq"]) ?? -1, atMs: number(its["at_ms"]) ?? 0, times: number(its["times"]) ?? 1, outcomes: texts(its["outcomes"]), openedMs: number(its["opened_ms"]), ended: endedOf(its["ended"]) };
    }
  }
  return found;
}

/** The calls after this entry. */
export function foldCalls(calls: Calls, leaf: Leaf): Calls {
  const [slot, occasion, ref, channel, outcome] = leaf.facts;
  if (typeof slot !== "string") return calls;
  const before = calls[slot];
  if (RINGS.has(leaf.type)) return { ...calls, [slot]: { seq: leaf.seq, atMs: leaf.tsMs, times: (before?.times ?? 0) + 1, outcomes: {}, openedMs: null, ended: null } };
  if (before === undefined) return calls;
  const after = (change: Partial<Call>): Calls => ({ ...calls, [slot]: { ...before, ...change } });
  switch (leaf.type) {
    case "join":
      return before.ended === null ? after({ ended: "came" }) : calls;
    case "call.unanswered":
      return after({ ended: "unanswered" });
    case "notice":
      if (occasion !== "call" || ref !== before.seq) return calls;
      return outcome === "opened" ? after({ openedMs: leaf.tsMs, ended: before.ended ?? "opened" }) : after({ outcomes: { ...before.outcomes, [String(channel)]: String(outcome) } });
    default:
      return calls;
  }
}

export type Standing = "came" | "opened" | "unreachable" | "unanswered" | "told" | "calling";

/** Where a call stands, the strongest first: he came, he opened it, no way leads to him, he did not answer, it is on its way. */
export function standingOf(call: Call): Standing {
  if (call.ended === "came") return "came";
  if (call.openedMs !== null) return "opened";
  const outcomes = Object.values(call.outcomes);
  if (outcomes.length > 0 && outcomes.every((outcome) => FAILED.has(outcome))) return "unreachable";
  if (call.ended === "unanswered") return "unanswered";
  return outcomes.length > 0 ? "told" : "calling";
}
