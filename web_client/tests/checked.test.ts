import { describe, expect, it } from "vitest";

import type { Leaf } from "../src/record/leaf";
import { fromWaiting, missing, readTexts, toAsk, UNKNOWN } from "../src/state/checked";
import { fold, readView, seatOf, type RoomView } from "../src/state/view";

let seq = 0;
function leaf(type: string, actor: string, facts: Leaf["facts"] = []): Leaf {
  seq += 1;
  return { type, seq, streamId: new Uint8Array(16), tsMs: seq, epoch: 1, actor, deviceKeyId: null, dseq: null, tsClientMs: null, commit: null, refs: [], facts, csig: null };
}
const seat = (slot: string, role: string, more = {}): object => ({ slot, role, name: "", state: "waiting", connected: true, ...more });
const room = readView({ phase: "checking_in", bars: null, seats: [seat("judge/1", "judge"), seat("party/1", "plaintiff"), seat("witness/1", "witness"), seat("observer/1", "observer")] });
const after = (view: RoomView, ...leaves: Leaf[]): RoomView => leaves.reduce((now, each) => fold(now, each), view);
const lacks = (view: RoomView): readonly string[] => missing(view).map((item) => `${item.slot} ${item.what}`);

describe("checking in", () => {
  it("PE6 names what is missing of each who is here, and each act mends one of it", () => {
    expect(lacks(room)).toEqual(["court bars", "party/1 identity", "party/1 consent", "party/1 rules", "witness/1 identity", "witness/1 rules"]);
    const acts = [
      leaf("act.bars", "clerk/1", [[]]),
      leaf("act.verify", "clerk/1", ["party/1", "document", "passed"]),
      leaf("act.note_consent", "clerk/1", ["party/1", "online_hearing", "1", "zh"]),
      leaf("rules.accept", "party/1", ["1"]),
      leaf("act.verify", "clerk/1", ["witness/1", "video", "passed"]),
      leaf("rules.accept", "witness/1", ["1"]),
    ];
    expect(acts.map((_, n) => lacks(after(room, ...acts.slice(0, n + 1))).length)).toEqual([5, 4, 3, 2, 1, 0]);
  });
  it("PE6 names a side who is not here until the judge has ruled on it, and a recorder that failed", () => {
    const gone = after(room, leaf("leave", "court", ["party/1", "network"]), leaf("leave", "court", ["witness/1", "network"]), leaf("act.bars", "clerk/1", [[]]));
    expect(lacks(gone)).toEqual(["party/1 here"]);
    const warned = after(gone, leaf("act.prompt_absent", "judge/1", ["party/1"]), leaf("act.warn_absent", "judge/1", ["party/1"]));
    expect(lacks(warned)).toEqual(["party/1 here"]);
    expect(lacks(fold(warned, leaf("act.rule_absent", "judge/1", ["party/1", "excused"])))).toEqual([]);
    expect(lacks(fold(gone, leaf("act.remove", "clerk/1", ["party/1"])))).toEqual([]);
    expect(lacks(fold(gone, leaf("rec.fault", "court", ["worker"])))).toEqual(["court recorder", "party/1 here"]);
  });
  it("PE6 asks of an asynchronous sitting neither presence nor the recorder, and its own consent", () => {
    const apart = after(room, leaf("rec.fault", "court", ["worker"]), leaf("act.asynchronous", "judge/1", [[]]), leaf("act.bars", "clerk/1", [[]]));
    expect(lacks(after(apart, leaf("leave", "court", ["party/1", "network"]), leaf("leave", "court", ["witness/1", "network"])))).toEqual([]);
    expect(lacks(after(apart, leaf("consent", "party/1", ["online_hearing", "1", "zh"])))).toContain("party/1 consent");
    expect(lacks(after(apart, leaf("consent", "party/1", ["asynchronous", "1", "zh"])))).not.toContain("party/1 consent");
  });
  it("PE1 the last look counts, and PE4 a withdrawn consent is none", () => {
    const doubted = after(room, leaf("act.verify", "clerk/1", ["party/1", "document", "passed"]), leaf("act.verify", "judge/1", ["party/1", "question", "failed"]));
    expect(seatOf(doubted, "party/1")?.identity).toBe("failed");
    const given = after(room, leaf("consent", "party/1", ["recording", "1", "zh"]), leaf("consent", "party/1", ["online_hearing", "1", "zh"]));
    expect(seatOf(given, "party/1")?.consents).toEqual(["online_hearing", "recording"]);
    expect(seatOf(fold(given, leaf("consent.withdraw", "party/1", ["recording"])), "party/1")?.consents).toEqual(["online_hearing"]);
  });
  it("PE3 asks at the door what the court's rules have a text for, and no witness for his consent", () => {
    const texts = readTexts({ court_rules: { version: "1", zh: "一", en: "one" }, consent: { version: "1", zh: "二", en: "two" }, odd: 3 });
    expect(toAsk("plaintiff", UNKNOWN, {})).toEqual(["rules", "online_hearing", "recording"]);
    expect(toAsk("plaintiff", UNKNOWN, texts)).toEqual(["rules", "online_hearing"]);
    expect(toAsk("plaintiff", { ...UNKNOWN, rules: "1" }, texts)).toEqual(["online_hearing"]);
    expect(toAsk("witness", UNKNOWN, texts)).toEqual(["rules"]);
    expect([toAsk("observer", UNKNOWN, texts), toAsk("judge", UNKNOWN, texts)]).toEqual([[], []]);
    expect(["consent", "consent.withdraw", "rules.accept", "msg.text", "hand"].map(fromWaiting)).toEqual([true, true, true, false, false]);
  });
});
