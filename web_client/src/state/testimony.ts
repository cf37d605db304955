// How far those who testify have come, as a fold over leaves (SPEC.md, WI). The same table as the court's `witness.py`;
// the court decides, this follows.
import type { Fact, Leaf } from "../record/leaf";
import type { RoomView, Seat } from "./view";

export type Stand = "waiting" | "called" | "signed" | "reading" | "testifying" | "refused" | "observing" | "excluded";
export const STANDS: readonly Stand[] = ["waiting", "called", "signed", "reading", "testifying", "refused", "observing", "excluded"];

export interface Confrontation {
  readonly slots: readonly string[];
  /** How each stood before it. */
  readonly before: readonly string[];
}

export interface Undertaking {
  readonly version: string;
  readonly texts: Readonly<Record<string, string>>;
}

const TESTIFY: ReadonlySet<string> = new Set(["witness", "expert"]);

export function testifies(role: string): boolean {
  return TESTIFY.has(role);
}

type Change = (seat: Seat) => Partial<Seat>;

function change(view: RoomView, slot: Fact | undefined, by: Change): RoomView {
  return { ...view, seats: view.seats.map((seat) => (seat.slot === slot ? { ...seat, ...by(seat) } : seat)) };
}

/** Neither floor nor screen is left with somebody who does not testify any more. */
function quiet(view: RoomView, slot: Fact | undefined): RoomView {
  return { ...view, floor: view.floor === slot ? null : view.floor, screen: view.screen === slot ? null : view.screen };
}

function released(view: RoomView, slot: Fact | undefined, to: Stand): RoomView {
  return change(quiet(view, slot), slot, (seat) => ({
    stand: to,
    examiner: null,
    hand: false,
    state: to === "excluded" && seat.state === "admitted" ? (seat.connected ? "waiting" : "absent") : seat.state,
  }));
}

/** A recess, the end, or (with a slot) a drop: a reading that it cut is begun again. */
export function interrupted(view: RoomView, slot: Fact | undefined = undefined): RoomView {
  if (view.seats.every((seat) => seat.stand !== "reading" && seat.examiner === null)) return view;
  return {
    ...view,
    seats: view.seats.map((seat) => ({
      ...seat,
      stand: seat.stand === "reading" && (slot === undefined || slot === seat.slot) ? "signed" : seat.stand,
      examiner: slot === undefined ? null : seat.examiner,
    })),
  };
}

/** The room after an entry about a testimony; null for every other entry. */
export function foldTestimony(view: RoomView, leaf: Leaf): RoomView | null {
  const [first, second] = leaf.facts;
  switch (leaf.type) {
    case "act.call":
      return change(view, first, () => ({ stand: "called", called: true, examiner: null, state: "admitted" }));
    case "undertaking.sign":
      return change(view, leaf.actor, () => ({ stand: "signed", examiner: null }));
    case "undertaking.refuse":
    case "act.undertaking_refused":
      return released(view, leaf.type === "undertaking.refuse" ? leaf.actor : first, "refused");
    case "act.undertaking_begin":
      return change(view, first, () => ({ stand: "reading", examiner: null }));
    case "act.undertaking_end":
      return change(view, first, () => ({ stand: "testifying", sworn: true, examiner: null }));
    case "act.examine":
      return { ...change(view, first, () => ({ stand: "testifying", examiner: typeof second === "string" ? second : null })), floor: null };
    case "act.release":
      return released(view, first, second === "may_observe" ? "observing" : "excluded");
    case "act.recall":
      return change(view, first, (seat) => ({ stand: seat.sworn ? "testifying" : "called", examiner: null, state: "admitted" }));
    case "act.confront": {
      const slots = Array.isArray(first) ? first.filter((slot): slot is string => typeof slot === "string") : [];
      const before = slots.map((slot) => view.seats.find((seat) => seat.slot === slot)?.stand ?? "testifying");
      const inside = slots.reduce((room, slot) => change(room, slot, () => ({ stand: "testifying", examiner: null, state: "admitted" })), view);
      return { ...inside, confrontation: { slots, before } };
    }
    case "act.confront_end": {
      const over = view.confrontation;
      if (over === null) return view;
      const back = over.slots.reduce((room, slot, at) => {
        const before = over.before[at];
        const now = room.seats.find((seat) => seat.slot === slot)?.stand;
        return now === "testifying" && (before === "observing" || before === "excluded") ? released(room, slot, before) : room;
      }, view);
      return { ...back, confrontation: null };
    }
    default:
      return null;
  }
}

/** Why a seat that testifies may not speak now (WI5, WI8); null where it may, and for every other seat. */
export function unsworn(view: RoomView, seat: Seat): "not_sworn" | "released" | null {
  if (seat.stand === null || seat.stand === "testifying") return null;
  if (seat.stand === "observing" || seat.stand === "excluded") return "released";
  return seat.stand === "refused" || view.seats.some((each) => each.called) ? "not_sworn" : null;
}

/** While somebody is examined, the others wait for their turn (WI7). */
export function hasTurn(view: RoomView, slot: string): boolean {
  const examined = view.seats.filter((seat) => seat.examiner !== null);
  if (examined.length === 0 || view.floor === slot) return true;
  return examined.some((seat) => seat.slot === slot || seat.examiner === slot) || (view.confrontation?.slots.includes(slot) ?? false);
}
