import { describe, expect, it } from "vitest";

import { course as en } from "../src/i18n/en/course";
import { course as zh } from "../src/i18n/zh/course";
import type { Leaf } from "../src/record/leaf";
import { wayTo } from "../src/state/course";
import { mayWrite, nextActs } from "../src/state/may";
import { fold, readView, type RoomView } from "../src/state/view";

let seq = 0;
function leaf(type: string, actor: string, facts: Leaf["facts"] = []): Leaf {
  seq += 1;
  return { type, seq, streamId: new Uint8Array(16), tsMs: 1_000 * seq, epoch: 1, actor, deviceKeyId: null, dseq: null, tsClientMs: null, commit: null, refs: [], facts, csig: null };
}
const stage = (code: string, skip = false): object => ({ code, zh: code, en: code, skip });
const court = readView({
  phase: "checking_in",
  program: { stages: [stage("roll_call"), stage("investigation"), stage("debate", true), stage("ruling")], grounds: [{ code: "originals", zh: "原件", en: "originals" }], notice_days: 3, short_notice: true },
  seats: [
    { slot: "judge/1", role: "judge", name: "陈静", state: "admitted", connected: true },
    { slot: "party/1", role: "plaintiff", name: "平安", state: "admitted", connected: true },
  ],
});
const after = (view: RoomView, ...leaves: Leaf[]): RoomView => leaves.reduce((room, each) => fold(room, each), view);
const open = after(court, leaf("act.open", "judge/1"), leaf("stage", "court", ["roll_call"]));

describe("the course of a sitting", () => {
  it("ST2 ST3 follows the stages, and knows which can be entered", () => {
    expect(open.course.stage).toBe("roll_call");
    const ways = (view: RoomView): unknown => view.program?.stages.map((each) => view.program && wayTo(view.program, view.course, each.code));
    expect(ways(open)).toEqual(["here", "forward", null, null]);
    const later = after(open, leaf("act.stage", "judge/1", ["investigation"]));
    expect(ways(later)).toEqual(["back", "here", "forward", "forward"]);
    const returned = after(later, leaf("act.stage", "judge/1", ["ruling"]), leaf("act.stage", "judge/1", ["roll_call"]));
    expect(ways(returned)).toEqual(["here", "forward", "forward", "forward"]);
  });
  it("ST6 a suspension stops everybody but the bench, and only a resumption ends it", () => {
    const room = fold(open, leaf("act.suspend", "court"));
    expect(room.phase).toBe("technical_suspension");
    expect(mayWrite(room, "party/1")).toBe("suspended");
    expect(mayWrite(room, "judge/1")).toBeNull();
    expect(nextActs(room, "judge/1")).toEqual(["act.resume", "act.close"]);
    expect(fold(room, leaf("act.resume", "judge/1")).phase).toBe("open");
  });
  it("ST5 an adjournment has its date and goes on by checking in", () => {
    const room = fold(open, leaf("act.adjourn", "judge/1", [9_000_000]));
    expect([room.phase, room.scheduledMs, mayWrite(room, "judge/1")]).toEqual(["adjourned", 9_000_000, "adjourned"]);
    expect(fold(room, leaf("act.check_in", "court")).phase).toBe("checking_in");
  });
  it("ST7 ST8 knows how it ended", () => {
    expect(fold(open, leaf("act.convert", "judge/1", ["originals"]))).toMatchObject({ phase: "closed", course: { ending: "converted" } });
    expect(fold(court, leaf("act.cancel", "judge/1"))).toMatchObject({ phase: "closed", course: { ending: "cancelled" } });
  });
  it("says the same things in both languages", () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort());
    expect(Object.keys(en.did).sort()).toEqual(Object.keys(zh.did).sort());
  });
});
