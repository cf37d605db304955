// What a person may do now, so that a button can say why it is still: a reading of the court's rules (SPEC.md HR1-HR9) for
// the person's own eyes. The court decides; this only spares people a refusal they could have foreseen.
import { deliberates, roomOf } from "./private";
import { hasTurn, unsworn } from "./testimony";
import { seatOf, type Phase, type RoomView, type Seat } from "./view";

/** Why not, as a code the catalogs have words for; null where the court would say yes. */
export type Obstacle = "offline" | "not_admitted" | "observer" | "before" | "recess" | "suspended" | "adjourned" | "closed" | "sealed" | "muted" | "not_your_turn" | "restricted" | "not_sworn" | "released" | "in_private_room" | "deliberating" | null;

const BENCH: ReadonlySet<string> = new Set(["judge", "clerk"]);

/** By its name alone, for entries of seats that are not seen here. */
export function isBenchSlot(slot: string): boolean {
  return BENCH.has(slot.split("/")[0] ?? "");
}

export function isBench(role: string): boolean {
  return BENCH.has(role);
}

const SPEAKING: Readonly<Record<Phase, Obstacle>> = {
  scheduled: "before",
  checking_in: "before",
  open: null,
  in_recess: "recess",
  technical_suspension: "suspended",
  adjourned: "adjourned",
  closed: "closed",
  sealed: "sealed",
};

function bySeat(seat: Seat, view: RoomView): Obstacle {
  if (seat.state !== "admitted") return "not_admitted";
  if (seat.role === "observer") return "observer";
  if (isBench(seat.role)) return view.phase === "scheduled" || view.phase === "adjourned" || view.phase === "closed" || view.phase === "sealed" ? SPEAKING[view.phase] : null;
  return SPEAKING[view.phase];
}

/** Is this seat outside the restricted part that runs (HR19)? */
export function isOutside(view: RoomView, slot: string): boolean {
  const { restricted } = view;
  const seat = seatOf(view, slot);
  return restricted !== null && seat !== null && !isBench(seat.role) && !restricted.slots.includes(slot);
}

/** May this seat send words, pictures and files? */
export function mayWrite(view: RoomView, slot: string): Obstacle {
  const seat = seatOf(view, slot);
  if (seat === null) return "not_admitted";
  if (roomOf(view.privately, slot) !== null) return "in_private_room";
  if (view.phase === "open" && deliberates(view.privately) && !isBench(seat.role)) return "deliberating";
  return bySeat(seat, view) ?? unsworn(view, seat) ?? (isOutside(view, slot) ? "restricted" : null);
}

/** May this seat send a clip with its voice? As with live voice, the mute and the floor count (HR8, HR9). */
export function maySpeak(view: RoomView, slot: string): Obstacle {
  const seat = seatOf(view, slot);
  if (seat === null) return "not_admitted";
  const written = mayWrite(view, slot);
  if (written !== null || isBench(seat.role)) return written;
  if (seat.muted) return "muted";
  // FL1: unless the floor is free, nobody speaks without it; while a witness is examined his turns hold (WI7).
  const free = view.conduct.mode === "free" || view.seats.some((each) => each.examiner !== null);
  return (view.floor === slot || (view.floor === null && free)) && hasTurn(view, slot) ? null : "not_your_turn";
}

export type NextAct = "act.check_in" | "act.open" | "act.recess" | "act.resume" | "act.close" | "act.propose_seal" | "act.seal";

/** The acts by which this seat may move the sitting on, in the order of frequency (HR1, HR2). */
export function nextActs(view: RoomView, slot: string): readonly NextAct[] {
  const role = seatOf(view, slot)?.role ?? "";
  const judge = role === "judge";
  switch (view.phase) {
    case "scheduled":
      return isBench(role) ? ["act.check_in"] : [];
    case "checking_in":
      return judge ? ["act.open"] : [];
    case "open":
      return judge ? ["act.recess", "act.close"] : [];
    case "adjourned":
      return judge ? ["act.check_in", "act.close"] : isBench(role) ? ["act.check_in"] : [];
    case "technical_suspension":
    case "in_recess":
      return judge ? ["act.resume", "act.close"] : [];
    case "closed":
      return sealing(view, slot) ?? [];
    case "sealed":
      return [];
  }
}

/** Four eyes: one of the bench proposes, another seals, a judge among them; a judge who sits alone seals alone. */
function sealing(view: RoomView, slot: string): readonly NextAct[] | null {
  const bench = view.seats.filter((seat) => isBench(seat.role));
  const me = bench.find((seat) => seat.slot === slot);
  if (me === undefined) return null;
  if (bench.length === 1) return me.role === "judge" ? ["act.seal"] : null;
  const { proposal } = view;
  if (proposal === null) return ["act.propose_seal"];
  if (proposal.slot === slot) return null;
  const proposer = bench.find((seat) => seat.slot === proposal.slot);
  return me.role === "judge" || proposer?.role === "judge" ? ["act.seal"] : null;
}

/** Whose act the seal still waits for, once it has been proposed. */
export function sealWaitsFor(view: RoomView): readonly Seat[] {
  if (view.phase !== "closed" || view.proposal === null) return [];
  return view.seats.filter((seat) => (sealing(view, seat.slot) ?? []).includes("act.seal"));
}

/** May this seat show its screen now: it holds the one there is (HR21), or may take it, sitting on the bench. */
export function mayShowScreen(view: RoomView, slot: string): boolean {
  const live = view.phase === "checking_in" || view.phase === "open";
  return live && (view.screen === slot || isBench(seatOf(view, slot)?.role ?? ""));
}

/** Whom the judge is asked about: present in an open court, not to be seen, and not ruled on yet (HR22). */
export function asksOf(view: RoomView): readonly Seat[] {
  if (view.phase !== "open") return [];
  return view.seats.filter(
    (seat) => seat.state === "admitted" && seat.connected && seat.role !== "observer" && seat.role !== "courtroom" && (seat.rung === "audio" || seat.rung === "clips") && !seat.ruled,
  );
}
