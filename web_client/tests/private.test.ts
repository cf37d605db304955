// The fold of private rooms and channels, beside the court's own (tests/hearing_server/flows/test_rooms.py, test_channels.py).
import { describe, expect, it } from "vitest";

import type { Leaf } from "../src/record/leaf";
import { mayWrite } from "../src/state/may";
import { deliberates, roomOf, together } from "../src/state/private";
import { fold, readView, seatOf, type RoomView } from "../src/state/view";

let seq = 0;
function leaf(type: string, actor: string, facts: Leaf["facts"] = []): Leaf {
  seq += 1;
  return { type, seq, streamId: new Uint8Array(16), tsMs: 1_000 * seq, epoch: 1, actor, deviceKeyId: null, dseq: null, tsClientMs: null, commit: null, refs: [], facts, csig: null };
}
const court = readView({
  phase: "open",
  seats: ["judge/1:judge", "judge/2:judge", "party/1:plaintiff", "party/2:defendant", "agent/1:agent", "interpreter/1:interpreter"].map((each) => {
    const [slot, role] = each.split(":");
    return { slot, role, name: "", state: "admitted", connected: true };
  }),
});
const after = (view: RoomView, ...leaves: Leaf[]): RoomView => leaves.reduce((room, each) => fold(room, each), view);
const judge = (type: string, ...facts: Leaf["facts"][number][]): Leaf => leaf(type, "judge/1", facts);
const counsel = leaf("room.open", "court", [1, "counsel", ["party/1", "agent/1"], false]);

describe("private rooms", () => {
  it("PR3 who is in one has neither floor nor screen nor hand, and writes nothing", () => {
    const inside = after(court, judge("act.floor", "party/1"), judge("act.allow_screen", "agent/1"), leaf("hand", "agent/1", [true]), counsel);
    expect([inside.floor, inside.screen, seatOf(inside, "agent/1")?.hand]).toEqual([null, null, false]);
    expect([mayWrite(inside, "party/1"), mayWrite(inside, "party/2")]).toEqual(["in_private_room", null]);
    expect([together(inside.privately, "party/1", "agent/1"), together(inside.privately, "party/1", "judge/1")]).toEqual([true, false]);
  });
  it("PR4 while the bench deliberates the parties write nothing", () => {
    const away = after(court, leaf("room.open", "court", [1, "deliberation", ["judge/1", "judge/2"], false]));
    expect([deliberates(away.privately), mayWrite(away, "party/1")]).toEqual([true, "deliberating"]);
  });
  it("PR5 a countdown stands until the room ends", () => {
    const ending = judge("act.room_close", 1, 30);
    const counting = after(court, counsel, ending);
    expect(roomOf(counting.privately, "party/1")?.endsMs).toBe(ending.tsMs + 30_000);
    expect(after(counting, leaf("room.end", "court", [1, ending.tsMs + 30_000])).privately.rooms).toEqual([]);
    expect(after(court, counsel, judge("act.room_close", 1, 0)).privately.rooms).toEqual([]);
  });
  it("PR6 with one person left it is none; a recess ends sidebars, the close all", () => {
    expect(after(court, counsel, leaf("room.leave", "party/1")).privately.rooms).toEqual([]);
    expect(after(court, counsel, judge("act.remove", "agent/1")).privately.rooms).toEqual([]);
    const both = after(court, counsel, leaf("room.open", "court", [2, "sidebar", ["judge/1", "party/2"], true]));
    const recess = after(both, judge("act.recess"));
    expect(recess.privately.rooms.map((room) => room.number)).toEqual([1]);
    expect(after(recess, judge("act.close")).privately.rooms).toEqual([]);
  });
  it("PR8 a linked interpreter is let in and removed with his person", () => {
    const linked = after(court, judge("act.link", "interpreter/1", "party/1"), judge("act.remove", "party/1"));
    expect(seatOf(linked, "interpreter/1")?.state).toBe("removed");
    const waiting = { ...linked, seats: linked.seats.map((seat) => (seat.slot === "interpreter/1" ? { ...seat, state: "waiting" as const } : seat)) };
    expect(seatOf(after(waiting, judge("act.admit", "party/1")), "interpreter/1")?.state).toBe("admitted");
  });
  it("PR7 a language ends with its last interpreter", () => {
    const heard = after(court, judge("act.channel", "interpreter/1", "en"), leaf("channel", "party/2", ["en"]));
    expect(heard.privately.tuned).toEqual({ "party/2": "en" });
    expect(after(heard, judge("act.channel", "interpreter/1", null)).privately.tuned).toEqual({});
  });
});
