// The clerk's console as a reading: of each person what is wrong now and since when, and what comes next; the gravest first.
// The same reading for one's own room and for the desk's board of several, which knows codes and no words.
import { nextStep } from "./conduct";
import { asksOf, isBench } from "./may";
import { roomsFor } from "./rooms";
import type { Live } from "./sitting";
import type { Phase, RoomView, Rung, SeatState } from "./view";

/** What a console knows of one person. */
export interface Person {
  readonly slot: string;
  readonly role: string;
  readonly state: SeatState;
  readonly connected: boolean;
  /** Since when it is (dis)connected, where that is known. */
  readonly sinceMs: number | null;
  readonly rung: Rung;
  readonly ruled: boolean;
  readonly hand: boolean;
  readonly microphone: boolean | null;
  readonly silentMs: number | null;
  readonly unseenMs: number | null;
  readonly quiet: boolean;
  /** The judge's next step with somebody who is away; null where there is none. */
  readonly step: "prompt" | "warn" | "rule" | null;
  /** He has testified and is out: he waits for nothing (WI8). */
  readonly out: boolean;
}

export type Alarm = "away" | "unsteady" | "no_picture" | "silent" | "unseen" | "door" | "hand";
export type Next = "prompt" | "warn" | "rule" | "go_on" | "ask_sound" | "ask_picture" | "admit" | "floor";

export interface Reading {
  readonly person: Person;
  readonly alarm: Alarm | null;
  readonly sinceMs: number | null;
  readonly next: Next | null;
}

/** The order of gravity: who is not there at all, who cannot be followed, who waits. */
const ORDER: readonly (Alarm | null)[] = ["away", "no_picture", "silent", "unsteady", "unseen", "door", "hand", null];
const EXPECTED_NOT: ReadonlySet<string> = new Set(["judge", "clerk", "observer", "courtroom"]);

export function read(phase: Phase, person: Person): Reading {
  const told = (alarm: Alarm | null, sinceMs: number | null, next: Next | null): Reading => ({ person, alarm, sinceMs, next });
  const live = phase === "checking_in" || phase === "open" || phase === "in_recess" || phase === "technical_suspension";
  if (!live) return told(null, person.sinceMs, null);
  if (person.state === "waiting" && person.connected) return person.out ? told(null, null, null) : told("door", person.sinceMs, "admit");
  if (!person.connected && person.state !== "removed") {
    // The bench that is missing is the gravest of all, and no ladder is climbed with it.
    if (isBench(person.role)) return told("away", person.sinceMs, null);
    if (EXPECTED_NOT.has(person.role)) return told(null, person.sinceMs, null);
    return told("away", person.sinceMs, phase === "technical_suspension" ? null : person.step);
  }
  if (!person.connected || person.state !== "admitted") return told(null, person.sinceMs, null);
  const heard = phase === "open" || phase === "checking_in";
  if (phase === "open" && (person.rung === "audio" || person.rung === "clips") && !person.ruled && person.role !== "observer" && person.role !== "courtroom") return told("no_picture", null, "go_on");
  if (heard && person.silentMs !== null && person.microphone !== false) return told("silent", person.silentMs, "ask_sound");
  if (person.quiet) return told("unsteady", null, null);
  if (heard && person.unseenMs !== null) return told("unseen", person.unseenMs, "ask_picture");
  if (phase === "open" && person.hand) return told("hand", null, "floor");
  return told(null, person.sinceMs, null);
}

/** The gravest first; of two alike whoever has been so for longer, then by seat. */
export function sorted(readings: readonly Reading[]): readonly Reading[] {
  const rank = (reading: Reading): number => ORDER.indexOf(reading.alarm);
  const since = (reading: Reading): number => reading.sinceMs ?? Infinity;
  return [...readings].sort((a, b) => rank(a) - rank(b) || (since(a) === since(b) ? 0 : since(a) - since(b)) || a.person.slot.localeCompare(b.person.slot));
}

/** Everybody in this room but the viewer, as the console reads them. */
export function consoleOf(view: RoomView, live: ReadonlyMap<string, Live>, own: string): readonly Reading[] {
  return sorted(view.seats.filter((seat) => seat.slot !== own).map((seat) => read(view.phase, personOf(view, seat, live.get(seat.slot)))));
}

function personOf(view: RoomView, seat: RoomView["seats"][number], live: Live | undefined): Person {
  const { slot, role, state, connected, sinceMs, rung, ruled, hand } = seat;
  return {
    ...{ slot, role, state, connected, sinceMs, rung, ruled, hand },
    microphone: live?.microphone ?? null,
    silentMs: live?.silentMs ?? null,
    unseenMs: live?.camera === false ? null : (live?.unseenMs ?? null),
    quiet: live?.quiet === true,
    step: nextStep(view.conduct.away[slot]),
    out: seat.stand === "excluded",
  };
}

/** How many things wait for the bench in this room: told where the list is opened. */
export function waitingFor(view: RoomView, live: ReadonlyMap<string, Live>, own: string): number {
  const people = consoleOf(view, live, own).filter((reading) => reading.next !== null && reading.next !== "go_on").length;
  return people + asksOf(view).length + view.conduct.pleas.length + roomsFor(view, own).asked.length;
}
