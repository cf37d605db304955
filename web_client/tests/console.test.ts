// The clerk's console (R14): who cannot be heard, seen or reached, since when, what comes next; the gravest first.
import { describe, expect, it } from "vitest";

import { benchActs } from "../src/state/acts";
import { consoleOf, read, sorted, waitingFor, type Person } from "../src/state/console";
import { roomsFor } from "../src/state/rooms";
import { readView } from "../src/state/view";

const fine: Person = { slot: "party/1", role: "plaintiff", state: "admitted", connected: true, sinceMs: 1, rung: "video", ruled: false, hand: false, microphone: true, silentMs: null, unseenMs: null, quiet: false, step: "prompt", out: false };

describe("the console", () => {
  it.each<[string, Partial<Person>, string | null, string | null]>([
    ["is well", {}, null, null],
    ["is gone", { connected: false }, "away", "prompt"],
    ["was prompted", { connected: false, step: "warn" }, "away", "warn"],
    ["was ruled on", { connected: false, step: null }, "away", null],
    ["was asked to leave", { connected: false, state: "removed" }, null, null],
    ["sends no picture", { rung: "audio" }, "no_picture", "go_on"],
    ["sends no picture, and it was ruled on", { rung: "clips", ruled: true }, null, null],
    ["is silent", { silentMs: 5 }, "silent", "ask_sound"],
    ["has switched the microphone off", { silentMs: 5, microphone: false }, null, null],
    ["is not seen", { unseenMs: 5 }, "unseen", "ask_picture"],
    ["has a weak link", { quiet: true }, "unsteady", null],
    ["waits at the door", { state: "waiting" }, "door", "admit"],
    ["has testified and is out", { state: "waiting", out: true }, null, null],
    ["raises a hand", { hand: true }, "hand", "floor"],
    ["is a judge who is gone", { role: "judge", connected: false }, "away", null],
    ["is an observer who is gone", { role: "observer", connected: false }, null, null],
  ])("R14 reads of somebody who %s what is wrong and what comes next", (_what, more, alarm, next) => {
    expect(read("open", { ...fine, ...more })).toMatchObject({ alarm, next });
  });
  it.each(["scheduled", "adjourned", "closed", "sealed"] as const)("R14 a sitting that is %s alarms nobody", (phase) => {
    expect(read(phase, { ...fine, connected: false, silentMs: 5 })).toMatchObject({ alarm: null, next: null });
  });
  it("in a recess nobody need be heard", () => {
    expect(read("in_recess", { ...fine, silentMs: 5 }).alarm).toBeNull();
  });
  it("R14 the gravest stands first, and of two alike whoever has been so for longer", () => {
    const of = (slot: string, more: Partial<Person>): Person => ({ ...fine, slot, ...more });
    const people = [of("party/1", {}), of("party/2", { hand: true }), of("party/3", { connected: false, sinceMs: 20 }), of("party/4", { connected: false, sinceMs: 10 }), of("party/5", { silentMs: 3 })];
    expect(sorted(people.map((each) => read("open", each))).map((each) => each.person.slot)).toEqual(["party/4", "party/3", "party/5", "party/2", "party/1"]);
  });
});

const court = readView({
  phase: "open",
  program: { stages: [{ code: "roll_call", zh: "", en: "" }], grounds: [] },
  stage: "roll_call",
  seats: [
    { slot: "judge/1", role: "judge", state: "admitted", connected: true },
    { slot: "clerk/1", role: "clerk", state: "admitted", connected: true },
    { slot: "party/1", role: "plaintiff", state: "admitted", connected: true },
    { slot: "party/2", role: "defendant", state: "admitted", connected: true, hand: true },
    { slot: "agent/1", role: "agent", state: "admitted", connected: true },
    { slot: "witness/1", role: "witness", state: "waiting", connected: true },
    { slot: "observer/1", role: "observer", state: "admitted", connected: true },
  ],
  room_asks: { "agent/1": { kind: "counsel", slots: ["party/1", "agent/1"] } },
  pleas: [{ seq: 5, slot: "party/1", what: "objection", code: "form" }],
});

describe("what waits for the bench", () => {
  it("counts whoever stands at the door, hands, pleas and wishes for a room, once each", () => {
    expect(waitingFor(court, new Map(), "judge/1")).toBe(4);
    expect(consoleOf(court, new Map(), "judge/1").map((each) => each.person.slot)).not.toContain("judge/1");
  });
  it("PR2 the bench grants a wish while the court is open; whoever is named in it does not", () => {
    expect(roomsFor(court, "judge/1").asked.map((ask) => ask.whose)).toEqual(["agent/1"]);
    expect(roomsFor(court, "party/1").asked).toEqual([]);
    expect(roomsFor({ ...court, phase: "in_recess" }, "party/1").asked.map((ask) => ask.whose)).toEqual(["agent/1"]);
  });
  it("PR1 a party without a lawyer in the room may not ask for a room with one", () => {
    const alone = { ...court, seats: court.seats.filter((seat) => seat.role !== "agent") };
    expect([roomsFor(court, "party/1").asks, roomsFor(alone, "party/1").asks]).toEqual([true, false]);
    expect(roomsFor(court, "clerk/1").opens).toEqual(["counsel"]);
  });
});

describe("the acts of the bench", () => {
  it("the judge's frequent acts are at hand, and what ends the sitting is apart from them", () => {
    const acts = benchActs(court, "judge/1");
    expect(acts.steps).toEqual(["act.recess"]);
    expect(acts.turn).toEqual({ slot: "party/2", why: "hand" });
    expect(acts.speakers.map((seat) => seat.slot)).toEqual(["party/2", "party/1", "agent/1"]);
    expect(acts.apart).toEqual(["act.suspend", "act.adjourn", "act.convert", "act.close"]);
    expect([acts.stages, acts.order, acts.unrestrict]).toEqual([true, true, false]);
  });
  it("FL3 in turns the next one is offered, and nobody else", () => {
    const turns = { ...court, conduct: { ...court.conduct, mode: "turns" as const, turns: ["witness/1", "party/1"] } };
    expect(benchActs(turns, "judge/1")).toMatchObject({ turn: { slot: "party/1", why: "turn" }, speakers: [] });
  });
  it("HR2 the clerk is offered what is the clerk's, and a party nothing", () => {
    expect(benchActs(court, "clerk/1")).toMatchObject({ steps: [], turn: null, more: ["mute_all"], apart: [], order: false });
    expect(benchActs({ ...court, phase: "scheduled" }, "clerk/1").steps).toEqual(["act.check_in"]);
    expect(benchActs(court, "party/1")).toMatchObject({ steps: [], more: [], apart: [] });
  });
});
