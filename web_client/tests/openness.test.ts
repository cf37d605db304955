import { describe, expect, it } from "vitest";

import { openness as en } from "../src/i18n/en/openness";
import { openness as zh } from "../src/i18n/zh/openness";
import type { Leaf } from "../src/record/leaf";
import { benchActs } from "../src/state/acts";
import { unheard } from "../src/state/openness";
import { fold, readView, type RoomView } from "../src/state/view";

let seq = 0;
function leaf(type: string, actor: string, facts: Leaf["facts"] = []): Leaf {
  seq += 1;
  return { type, seq, streamId: new Uint8Array(16), tsMs: 1_000 * seq, epoch: 1, actor, deviceKeyId: null, dseq: null, tsClientMs: null, commit: null, refs: [], facts, csig: null };
}
const after = (view: RoomView, ...leaves: Leaf[]): RoomView => leaves.reduce((room, each) => fold(room, each), view);
const court = readView({ phase: "open", openness: { may_be_public: true, grounds: [{ code: "privacy", zh: "隐私", en: "privacy", asked: false }] } });

describe("whether the public watches", () => {
  it("PU1 PU7 opens, holds dark and ends", () => {
    expect(court.openness.public).toBe(false);
    const open = after(court, leaf("act.open_to_public", "clerk/1"), leaf("act.hold_gallery", "judge/1"), leaf("act.gallery_delay", "judge/1", [60]));
    expect([open.openness.public, open.openness.held, open.openness.delayS]).toEqual([true, true, 60]);
    const ended = after(open, leaf("act.show_gallery", "judge/1"), leaf("act.end_public", "clerk/1"));
    expect([ended.openness.public, ended.openness.held]).toEqual([false, false]);
  });
  it("PU5 PU6 closes on a ground, with who stays, and lifts", () => {
    const closed = after(court, leaf("act.close_to_public", "judge/1", ["privacy", null, "end", ["observer/1"]]));
    expect(closed.openness.closing).toEqual({ seq, ground: "privacy", until: "end" });
    expect(closed.openness.stay).toEqual(["observer/1"]);
    const lifted = after(closed, leaf("act.lift_closing", "judge/1"));
    expect([lifted.openness.closing, lifted.openness.stay]).toEqual([null, []]);
  });
  it("PU reads an older court's map as private, open to nobody", () => {
    expect(readView({}).openness).toEqual({ public: false, held: false, delayS: 0, mayBePublic: false, grounds: [], closing: null, stay: [] });
  });
  it("PU1 PU5 is the judge's in every court, the clerk's where it may be opened, nobody's after the close", () => {
    const seats = ["judge", "clerk", "plaintiff"].map((role) => ({ slot: `${role}/1`, role, state: "admitted", connected: true }));
    const offers = (phase: string, slot: string, may: boolean): boolean => benchActs(readView({ phase, seats, openness: { may_be_public: may } }), slot).more.includes("public");
    expect(["scheduled", "checking_in", "open", "in_recess", "technical_suspension", "adjourned"].map((phase) => offers(phase, "judge/1", false))).toEqual([true, true, true, true, true, true]);
    expect([offers("open", "clerk/1", true), offers("open", "clerk/1", false), offers("open", "plaintiff/1", true), offers("closed", "judge/1", true)]).toEqual([true, false, false, false]);
  });
  it("PU8 names whoever is still to be heard, and nobody who was", () => {
    const seats = [
      { slot: "witness/1", role: "witness", state: "absent", stand: "waiting" },
      { slot: "witness/2", role: "witness", state: "admitted", stand: "testifying" },
      { slot: "witness/3", role: "witness", state: "waiting", stand: "excluded" },
      { slot: "party/1", role: "plaintiff", state: "admitted" },
    ];
    expect(unheard(readView({ seats })).map((seat) => seat.slot)).toEqual(["witness/1"]);
  });
  it("has words in both languages", () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort());
  });
});
