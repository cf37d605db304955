import { describe, expect, it } from "vitest";

import type { Leaf } from "../src/record/leaf";
import { asksOf, mayShowScreen, maySpeak, mayWrite, nextActs, sealWaitsFor } from "../src/state/may";
import { fold, readView, seatOf, type RoomView } from "../src/state/view";

let seq = 0;
function leaf(type: string, actor: string, facts: Leaf["facts"] = []): Leaf {
  seq += 1;
  return { type, seq, streamId: new Uint8Array(16), tsMs: 1_000 * seq, epoch: 1, actor, deviceKeyId: null, dseq: null, tsClientMs: null, commit: null, refs: [], facts, csig: null };
}

const court = readView({
  phase: "checking_in",
  seats: [
    { slot: "judge/1", role: "judge", name: "陈静", state: "admitted", connected: true },
    { slot: "party/1", role: "plaintiff", name: "平安", state: "admitted", connected: true },
    { slot: "party/2", role: "defendant", name: "方某", state: "waiting", connected: true },
    { slot: "observer/1", role: "observer", name: "", state: "admitted", connected: true },
  ],
});
const after = (view: RoomView, ...leaves: Leaf[]): RoomView => leaves.reduce((room, each) => fold(room, each), view);

describe("the fold", () => {
  it("HR1 follows the sitting from checking in to the seal", () => {
    const phases = ["act.open", "act.recess", "act.resume", "act.close", "seal"].reduce<RoomView[]>(
      (rooms, type) => [...rooms, fold(rooms.at(-1) as RoomView, leaf(type, "judge/1"))],
      [court],
    );
    expect(phases.map((room) => room.phase)).toEqual(["checking_in", "open", "in_recess", "open", "closed", "sealed"]);
    expect(phases.at(-1)?.sealed?.seq).toBe(seq);
  });
  it("HR5 HR11 the bench sits by joining, others wait, and a drop keeps the seat", () => {
    const room = after(court, leaf("leave", "court", ["party/1", "network"]), leaf("leave", "court", ["party/2", "left"]));
    expect(seatOf(room, "party/1")).toMatchObject({ state: "admitted", connected: false });
    expect(seatOf(room, "party/2")).toMatchObject({ state: "absent", connected: false });
    const back = after(room, leaf("join", "court", ["party/1", "return"]), leaf("join", "court", ["party/2", "return"]), leaf("join", "court", ["judge/1", "first"]));
    expect(seatOf(back, "party/1")?.state).toBe("admitted");
    expect(seatOf(back, "party/2")?.state).toBe("waiting");
    expect(seatOf(back, "judge/1")?.state).toBe("admitted");
  });
  it("HR9 the floor ends one's mute and lowers one's hand, and a recess ends the floor", () => {
    const room = after(court, leaf("act.open", "judge/1"), leaf("act.mute", "judge/1", ["party/1"]), leaf("hand", "party/1", [true]));
    expect(seatOf(room, "party/1")).toMatchObject({ muted: true, hand: true });
    const given = fold(room, leaf("act.floor", "judge/1", ["party/1"]));
    expect(given.floor).toBe("party/1");
    expect(seatOf(given, "party/1")).toMatchObject({ muted: false, hand: false });
    expect(fold(given, leaf("act.recess", "judge/1")).floor).toBeNull();
  });
  it("mutes all but the bench", () => {
    const room = fold(court, leaf("act.mute_all", "judge/1"));
    expect(room.seats.map((seat) => seat.muted)).toEqual([false, true, true, true]);
  });
  it("HR21 shows one screen at a time, until it is ended or the court recesses", () => {
    const given = after(court, leaf("act.open", "judge/1"), leaf("act.allow_screen", "judge/1", ["party/1"]));
    expect(given.screen).toBe("party/1");
    expect([mayShowScreen(given, "party/1"), mayShowScreen(given, "party/2"), mayShowScreen(given, "judge/1")]).toEqual([true, false, true]);
    expect(fold(given, leaf("act.end_screen", "party/1")).screen).toBeNull();
    expect(fold(given, leaf("act.recess", "judge/1")).screen).toBeNull();
    expect(fold(given, leaf("act.remove", "judge/1", ["party/1"])).screen).toBeNull();
  });
  it("HR22 asks the judge about whoever cannot be seen, once for each step, and anew after a recess", () => {
    const thin = after(court, leaf("act.open", "judge/1"), leaf("quality", "court", ["party/1", "audio", "downlink"]));
    const asked = (room: RoomView): readonly string[] => asksOf(room).map((seat) => seat.slot);
    expect([asked(thin), asked(fold(thin, leaf("quality", "court", ["party/1", "small", "recovered"])))]).toEqual([["party/1"], []]);
    const ruled = fold(thin, leaf("act.go_on", "judge/1", ["party/1"]));
    expect(asked(ruled)).toEqual([]);
    expect(asked(fold(ruled, leaf("quality", "court", ["party/1", "clips", "client"])))).toEqual(["party/1"]);
    expect(asked(after(ruled, leaf("act.recess", "judge/1"), leaf("act.resume", "judge/1")))).toEqual(["party/1"]);
    expect(seatOf(fold(thin, leaf("leave", "court", ["party/1", "network"])), "party/1")).toMatchObject({ rung: "video", ruled: false });
  });
  it("leaves the room as it is for an entry it does not know", () => {
    expect(fold(court, leaf("exhibit.shown", "party/1"))).toBe(court);
  });
});

describe("what one may do", () => {
  const open = fold(court, leaf("act.open", "judge/1"));
  it("HR7 parties speak only while the court is open, the bench also in recess, observers never", () => {
    expect(mayWrite(court, "party/1")).toBe("before");
    expect(mayWrite(open, "party/1")).toBeNull();
    expect(mayWrite(open, "observer/1")).toBe("observer");
    expect(mayWrite(open, "party/2")).toBe("not_admitted");
    const recess = fold(open, leaf("act.recess", "judge/1"));
    expect(mayWrite(recess, "party/1")).toBe("recess");
    expect(mayWrite(recess, "judge/1")).toBeNull();
    expect(mayWrite(after(recess, leaf("act.close", "judge/1")), "judge/1")).toBe("closed");
  });
  it("HR8 HR9 mute and floor stop the voice and not the pen", () => {
    const muted = fold(open, leaf("act.mute", "judge/1", ["party/1"]));
    expect(maySpeak(muted, "party/1")).toBe("muted");
    expect(mayWrite(muted, "party/1")).toBeNull();
    const floor = after(open, leaf("act.admit", "judge/1", ["party/2"]), leaf("act.floor", "judge/1", ["party/2"]));
    expect(maySpeak(floor, "party/1")).toBe("not_your_turn");
    expect(maySpeak(floor, "party/2")).toBeNull();
    expect(maySpeak(floor, "judge/1")).toBeNull();
  });
  it("HR2 only the judge moves the sitting, and nothing moves a sealed one", () => {
    expect(nextActs(open, "judge/1")).toEqual(["act.recess", "act.close"]);
    expect(nextActs(open, "clerk/1")).toEqual([]);
    expect(nextActs({ ...open, phase: "sealed" }, "judge/1")).toEqual([]);
    expect(nextActs({ ...bench(), phase: "scheduled" }, "clerk/1")).toEqual(["act.check_in"]);
  });
  it("HR18 two of the bench seal, a judge among them, and a judge alone seals alone", () => {
    const closed = { ...bench(), phase: "closed" as const };
    expect(nextActs(closed, "judge/1")).toEqual(["act.propose_seal"]);
    expect(nextActs(closed, "party/1")).toEqual([]);
    const byClerk = fold(closed, leaf("act.propose_seal", "clerk/1"));
    expect(nextActs(byClerk, "clerk/1")).toEqual([]);
    expect(nextActs(byClerk, "clerk/2")).toEqual([]);
    expect(nextActs(byClerk, "judge/1")).toEqual(["act.seal"]);
    expect(sealWaitsFor(byClerk).map((seat) => seat.slot)).toEqual(["judge/1"]);
    const byJudge = fold(closed, leaf("act.propose_seal", "judge/1"));
    expect(sealWaitsFor(byJudge).map((seat) => seat.slot)).toEqual(["clerk/1", "clerk/2"]);
    expect(nextActs({ ...court, phase: "closed" }, "judge/1")).toEqual(["act.seal"]);
  });
  it("HR19 those outside a restricted part are silent until it ends, or the court closes", () => {
    const open = after(bench(), leaf("act.open", "judge/1"));
    const restricted = fold(open, leaf("act.restrict", "judge/1", [["party/1"]]));
    expect([mayWrite(restricted, "party/1"), mayWrite(restricted, "judge/1"), mayWrite(restricted, "party/2")]).toEqual([null, null, "restricted"]);
    expect(maySpeak(restricted, "party/2")).toBe("restricted");
    for (const type of ["act.unrestrict", "act.close"]) expect(fold(restricted, leaf(type, "judge/1")).restricted).toBeNull();
  });
});

/** A judge, two clerks and the parties, all admitted. */
function bench(): RoomView {
  const clerks = readView({ seats: ["clerk/1", "clerk/2"].map((slot) => ({ slot, role: "clerk", name: "", state: "admitted", connected: true })) }).seats;
  return { ...court, seats: [...court.seats.map((seat) => ({ ...seat, state: "admitted" as const })), ...clerks] };
}

describe("a testimony", () => {
  const open = { ...court, phase: "open" as const, seats: [...court.seats, ...readView({ seats: [{ slot: "witness/1", role: "witness", name: "", state: "waiting", connected: true }] }).seats] };
  const path: readonly [string, string, Leaf["facts"], string][] = [
    ["act.call", "judge/1", ["witness/1"], "called"],
    ["undertaking.sign", "witness/1", ["2026-1", "zh"], "signed"],
    ["act.undertaking_begin", "judge/1", ["witness/1"], "reading"],
    ["leave", "court", ["witness/1", "network"], "signed"],
    ["join", "court", ["witness/1", "return"], "signed"],
    ["act.undertaking_begin", "judge/1", ["witness/1"], "reading"],
    ["act.undertaking_end", "judge/1", ["witness/1"], "testifying"],
    ["act.release", "judge/1", ["witness/1", "excluded"], "excluded"],
    ["act.recall", "judge/1", ["witness/1"], "testifying"],
    ["act.release", "judge/1", ["witness/1", "may_observe"], "observing"],
  ];
  it("WI2 WI4 goes its path, and a reading that was cut is begun again", () => {
    let room: RoomView = open;
    for (const [type, actor, facts, stand] of path) {
      room = fold(room, leaf(type, actor, facts));
      expect(seatOf(room, "witness/1")?.stand).toBe(stand);
      expect(seatOf(room, "witness/1")?.state).toBe(stand === "excluded" ? "waiting" : "admitted");
    }
  });
  it("WI5 WI8 who has not sworn, and who was released, does not speak", () => {
    const called = fold(open, leaf("act.call", "judge/1", ["witness/1"]));
    expect(mayWrite(called, "witness/1")).toBe("not_sworn");
    const observing = fold(called, leaf("act.release", "judge/1", ["witness/1", "may_observe"]));
    expect(mayWrite(observing, "witness/1")).toBe("released");
    expect(mayWrite(fold(open, leaf("act.admit", "judge/1", ["witness/1"])), "witness/1")).toBeNull();
  });
  it("WI7 while one examines, the others wait", () => {
    const room = after(open, leaf("act.call", "judge/1", ["witness/1"]), leaf("act.undertaking_end", "judge/1", ["witness/1"]), leaf("act.examine", "judge/1", ["witness/1", "party/1"]));
    expect([maySpeak(room, "party/1"), maySpeak(room, "party/2"), maySpeak(room, "witness/1")]).toEqual([null, "not_admitted", null]);
    expect(fold(room, leaf("act.recess", "judge/1")).seats.every((seat) => seat.examiner === null)).toBe(true);
  });
  it("WI9 a confrontation ends as it began", () => {
    const two = { ...open, seats: open.seats.flatMap((seat) => (seat.role === "witness" ? [{ ...seat, stand: "testifying" as const }, { ...seat, slot: "witness/2", stand: "excluded" as const }] : [seat])) };
    const room = fold(two, leaf("act.confront", "judge/1", [["witness/1", "witness/2"]]));
    expect(seatOf(room, "witness/2")).toMatchObject({ stand: "testifying", state: "admitted" });
    expect(seatOf(fold(room, leaf("act.confront_end", "judge/1")), "witness/2")).toMatchObject({ stand: "excluded", state: "waiting" });
  });
});
