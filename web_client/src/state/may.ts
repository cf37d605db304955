// What a person may do now, so that a button can say why it is still: a reading of the court's rules (SPEC.md HR1-HR9) for
// the person's own eyes. The court decides; this only spares people a refusal they could have foreseen.
import { seatOf, type Phase, type RoomView, type Seat } from "./view";

/** Why not, as a code the catalogs have words for; null where the court would say yes. */
export type Obstacle = "offline" | "not_admitted" | "observer" | "before" | "recess" | "closed" | "sealed" | "muted" | "not_your_turn" | null;

const BENCH: ReadonlySet<string> = new Set(["judge", "clerk"]);

export function isBench(role: string): boolean {
  return BENCH.has(role);
}

const SPEAKING: Readonly<Record<Phase, Obstacle>> = {
  scheduled: "before",
  checking_in: "before",
  open: null,
  in_recess: "recess",
  closed: "closed",
  sealed: "sealed",
};

function bySeat(seat: Seat, view: RoomView): Obstacle {
  if (seat.state !== "admitted") return "not_admitted";
  if (seat.role === "observer") return "observer";
  if (isBench(seat.role)) return view.phase === "scheduled" || view.phase === "closed" || view.phase === "sealed" ? SPEAKING[view.phase] : null;
  return SPEAKING[view.phase];
}

/** May this seat send words, pictures and files? */
export function mayWrite(view: RoomView, slot: string): Obstacle {
  const seat = seatOf(view, slot);
  return seat === null ? "not_admitted" : bySeat(seat, view);
}

/** May this seat send a clip with its voice? As with live voice, the mute and the floor count (HR8, HR9). */
export function maySpeak(view: RoomView, slot: string): Obstacle {
  const seat = seatOf(view, slot);
  if (seat === null) return "not_admitted";
  const written = bySeat(seat, view);
  if (written !== null || isBench(seat.role)) return written;
  if (seat.muted) return "muted";
  return view.floor === null || view.floor === slot ? null : "not_your_turn";
}

/** The acts by which this role may move the sitting on, in the order of frequency (HR1, HR2). */
export function nextActs(view: RoomView, role: string): readonly ("act.check_in" | "act.open" | "act.recess" | "act.resume" | "act.close" | "seal")[] {
  const judge = role === "judge";
  switch (view.phase) {
    case "scheduled":
      return isBench(role) ? ["act.check_in"] : [];
    case "checking_in":
      return judge ? ["act.open"] : [];
    case "open":
      return judge ? ["act.recess", "act.close"] : [];
    case "in_recess":
      return judge ? ["act.resume", "act.close"] : [];
    case "closed":
      return judge ? ["seal"] : [];
    case "sealed":
      return [];
  }
}
