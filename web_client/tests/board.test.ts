// The board of several hearings (R14): what the court tells in codes, read and sorted by alarm.
import { describe, expect, it } from "vitest";

import { alarms, byGravity, readBoard } from "../src/state/board";

const seat = (slot: string, more: object = {}): object => ({ slot, role: slot.startsWith("party") ? "plaintiff" : slot.split("/")[0], state: "admitted", connected: true, rung: "video", ...more });
const sitting = (stream: string, at_ms: number, seats: readonly object[], more: object = {}): object => ({ stream_id: stream, case: `c${stream}`, kind: "hearing", at_ms, phase: "open", seats, ...more });
const order = (...sittings: readonly object[]): readonly string[] => byGravity(readBoard({ sittings })).map((each) => each.stream);

describe("the board", () => {
  it("puts the most alarming sitting first, and leaves what is well in the order of its time", () => {
    const well = [seat("judge/1"), seat("party/1")];
    expect(
      order(
        sitting("late", 30, well),
        sitting("early", 10, well),
        sitting("hand", 5, [seat("judge/1"), seat("party/1", { hand: true })]),
        sitting("gone", 40, [seat("judge/1"), seat("party/1", { connected: false, since_ms: 1 })]),
        sitting("no-judge", 50, [seat("judge/1", { connected: false }), seat("party/1")], { phase: "technical_suspension" }),
        sitting("broken", 60, [], { phase: "halted" }),
      ),
    ).toEqual(["broken", "no-judge", "gone", "hand", "early", "late"]);
  });
  it("counts people and wishes that wait", () => {
    const [read] = readBoard({ sittings: [sitting("a", 1, [seat("judge/1"), seat("party/1", { connected: false }), seat("party/2", { silent_audio_ms: 3, microphone: true })], { pleas: 2, room_asks: 1 })] });
    expect(read === undefined ? null : alarms(read)).toBe(5);
    expect(read?.people.map((each) => each.person.slot)).toEqual(["party/1", "party/2", "judge/1"]);
  });
  it("alarms nobody about a sitting that has not begun or is over", () => {
    for (const phase of ["scheduled", "adjourned", "closed"]) {
      const [read] = readBoard({ sittings: [sitting("a", 1, [seat("party/1", { connected: false, state: "absent" })], { phase })] });
      expect(read === undefined ? null : alarms(read)).toBe(0);
    }
  });
  it.each([[null], [{}], [{ sittings: "x" }], [{ sittings: [null, 1] }]])("reads %j as an empty board", (answer) => {
    expect(readBoard(answer)).toEqual([]);
  });
  it("reads what it does not know as the quietest value", () => {
    const [read] = readBoard({ sittings: [{ stream_id: "a", phase: "unheard-of", seats: [{ slot: "party/1" }] }] });
    expect(read).toMatchObject({ phase: "halted", people: [] });
  });
});
