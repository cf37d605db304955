// The fold of how the sitting is conducted, beside the court's own (tests/hearing_server/flows/test_floor.py, test_absence.py).
import { describe, expect, it } from "vitest";

import type { Leaf } from "../src/record/leaf";
import { nextStep, untilMs } from "../src/state/conduct";
import { maySpeak } from "../src/state/may";
import { fold, readView, type RoomView } from "../src/state/view";

let seq = 0;
function leaf(type: string, actor: string, facts: Leaf["facts"] = []): Leaf {
  seq += 1;
  return { type, seq, streamId: new Uint8Array(16), tsMs: 1_000 * seq, epoch: 1, actor, deviceKeyId: null, dseq: null, tsClientMs: null, commit: null, refs: [], facts, csig: null };
}
const court = readView({
  phase: "open",
  seats: ["judge/1:judge", "party/1:plaintiff", "party/2:defendant"].map((each) => {
    const [slot, role] = each.split(":");
    return { slot, role, name: "", state: "admitted", connected: true };
  }),
});
const after = (view: RoomView, ...leaves: Leaf[]): RoomView => leaves.reduce((room, each) => fold(room, each), view);
const judge = (type: string, ...facts: Leaf["facts"][number][]): Leaf => leaf(type, "judge/1", facts);

describe("the conduct of a sitting", () => {
  it("FL1 unless the floor is free nobody but the bench speaks without it", () => {
    expect(maySpeak(court, "party/1")).toBeNull();
    const hands = after(court, judge("act.floor_mode", "hands"));
    expect([maySpeak(hands, "party/1"), maySpeak(hands, "judge/1")]).toEqual(["not_your_turn", null]);
    const given = after(hands, judge("act.floor", "party/1"));
    expect([maySpeak(given, "party/1"), maySpeak(given, "party/2")]).toEqual([null, "not_your_turn"]);
  });
  it("FL3 a turn that is given is taken from the list, and those before it with it", () => {
    const turns = after(court, judge("act.floor_mode", "turns"), judge("act.turns", ["party/1", "party/2", "party/1"]));
    expect(after(turns, judge("act.floor", "party/1")).conduct.turns).toEqual(["party/2", "party/1"]);
    expect(after(turns, judge("act.floor", "party/2")).conduct.turns).toEqual(["party/1"]);
    expect(after(turns, judge("act.floor_mode", "free")).conduct.turns).toEqual([]);
  });
  it("FL4 a time counts while he has the floor, and a longer one takes its place", () => {
    const given = after(court, judge("act.floor", "party/1", 60));
    const first = untilMs(given.conduct, given.floor);
    expect(first).toBe(1_000 * seq + 60_000);
    expect(untilMs(given.conduct, after(given, judge("act.recess")).floor)).toBeNull();
    const more = after(given, judge("act.floor", "party/1", 90));
    expect(untilMs(more.conduct, more.floor)).toBe(1_000 * seq + 90_000);
    const none = after(more, judge("act.floor", "party/2"));
    expect(untilMs(none.conduct, none.floor)).toBeNull();
  });
  it("FL5 a plea waits until it is ruled on, and a reserved one goes on waiting", () => {
    const asked = after(court, leaf("objection", "party/1", ["form"]), leaf("motion", "party/2", ["evidence"]));
    const [objection, motion] = asked.conduct.pleas;
    const ruled = after(asked, judge("act.rule", objection?.seq ?? 0, "reserved"), judge("act.rule", motion?.seq ?? 0, "granted"));
    expect(ruled.conduct.pleas).toEqual([{ ...objection, reserved: true }]);
  });
  it("AB2 AB4 the steps follow one another, and whoever comes back begins anew", () => {
    const gone = after(court, leaf("leave", "court", ["party/1", "network"]));
    const steps = [judge("act.prompt_absent", "party/1"), judge("act.warn_absent", "party/1"), judge("act.rule_absent", "party/1", "excused")];
    const seen = steps.map((_, count) => nextStep(after(gone, ...steps.slice(0, count)).conduct.away["party/1"]));
    expect(seen).toEqual(["prompt", "warn", "rule"]);
    const ruled = after(gone, ...steps);
    expect(nextStep(ruled.conduct.away["party/1"])).toBeNull();
    const back = after(ruled, leaf("join", "court", ["party/1", "return"])).conduct.away["party/1"];
    expect([back?.step, back?.back, nextStep(back)]).toEqual(["excused", true, "prompt"]);
  });
  it("reads what a court shows, also in the lobby, and nothing of a court that shows less", () => {
    const lobby = readView({ slot: "party/2", away: { step: "warned", at_ms: 5, back: true } });
    expect(lobby.conduct.away["party/2"]).toEqual({ step: "warned", atMs: 5, back: true });
    expect(court.conduct).toMatchObject({ mode: "free", turns: [], untilMs: null, pleas: [], away: {} });
  });
});
