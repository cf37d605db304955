// Calls as a phone folds them, and what they say of somebody (SPEC NO4-NO7).
import { describe, expect, it } from "vitest";

import type { Leaf } from "../src/record/leaf";
import { foldCalls, readCalls, standingOf, type Calls } from "../src/state/calling";
function leafOf(type: string, facts: readonly unknown[], seq: number): Leaf {
  return { type, facts, seq, tsMs: seq, actor: "court" } as unknown as Leaf;
}

const W = "witness/1";
const after = (...leaves: readonly (readonly [string, ...unknown[]])[]): Calls => leaves.reduce<Calls>((calls, [type, ...facts], n) => foldCalls(calls, leafOf(type, facts, n + 1)), {});
const rung = ["act.call_person", W] as const;

describe("a call", () => {
  it.each<[string, readonly (readonly [string, ...unknown[]])[]]>([
    ["calling", []],
    ["told", [["notice", W, "call", 1, "email", "accepted"]]],
    ["told", [["notice", W, "call", 1, "email", "accepted"], ["notice", W, "call", 1, "sms", "refused"]]],
    ["unreachable", [["notice", W, "call", 1, "none", "no_address"]]],
    ["unreachable", [["notice", W, "call", 1, "push", "gone"], ["call.unanswered", W, 1]]],
    ["unanswered", [["notice", W, "call", 1, "email", "accepted"], ["call.unanswered", W, 1]]],
    ["opened", [["notice", W, "call", 1, "email", "opened"]]],
    ["opened", [["call.unanswered", W, 1], ["notice", W, "call", 1, "email", "opened"]]],
    ["came", [["join", W, "first"], ["call.unanswered", "party/1", 1]]],
    ["calling", [["notice", W, "call", 7, "email", "opened"]]],
    ["calling", [["notice", W, "scheduled", 1, "email", "refused"]]],
  ])("NO6 NO7 is told as %s", (standing, more) => {
    const call = after(rung, ...more)[W];
    expect(call === undefined ? null : standingOf(call)).toBe(standing);
  });
  it("NO4 rings anew with each step of the absence ladder, and counts on", () => {
    expect(after(rung, ["call.unanswered", W, 1], ["act.prompt_absent", W])[W]).toMatchObject({ seq: 3, times: 2, ended: null, outcomes: {} });
  });
  it("reads from a welcome what it would have folded", () => {
    const call = { seq: 1, at_ms: 1, times: 1, outcomes: { email: "accepted" }, ended: null, opened_ms: null };
    expect(readCalls({ seats: [{ slot: W, call }, { slot: "party/1", call: null }] })[W]).toMatchObject({ seq: 1, outcomes: { email: "accepted" } });
  });
});
