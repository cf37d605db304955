// Which private rooms a seat may open or ask for now, and whose wish it may grant (PR1, PR2): a reading of the court's rules,
// so that nothing is offered that would only be refused.
import { isBench } from "./may";
import { roomOf, type Kind } from "./private";
import { seatOf, type RoomView, type Seat } from "./view";

const PARTIES: readonly string[] = ["plaintiff", "defendant", "third_party"];

export function fits(kind: Kind, role: string): boolean {
  if (kind === "counsel") return PARTIES.includes(role) || role === "agent" || role === "interpreter";
  if (kind === "deliberation") return role === "judge" || role === "assistant";
  return role !== "observer" && role !== "courtroom";
}

/** Is it a room of its kind (PR1)? */
export function isWhole(kind: Kind, seats: readonly Seat[]): boolean {
  const has = (test: (role: string) => boolean): boolean => seats.some((seat) => test(seat.role));
  if (seats.length < 2) return false;
  if (kind === "counsel") return has((role) => PARTIES.includes(role)) && has((role) => role === "agent");
  return has((role) => role === "judge") && (kind === "deliberation" || has((role) => !isBench(role)));
}

export interface RoomAsk {
  readonly whose: string;
  readonly kind: Kind;
  readonly slots: readonly string[];
}

export interface Offered {
  /** Who is in the courtroom and could go into a room. */
  readonly free: readonly Seat[];
  /** What this seat opens by itself: the bench alone. */
  readonly opens: readonly Kind[];
  /** Whether it may ask for a room with its lawyer or client. */
  readonly asks: boolean;
  /** Wishes that wait for this seat: to be granted by the bench, or agreed to by whoever is named in them. */
  readonly asked: readonly RoomAsk[];
}

const NOTHING: Offered = { free: [], opens: [], asks: false, asked: [] };

export function roomsFor(view: RoomView, slot: string): Offered {
  const me = seatOf(view, slot);
  if (me === null || me.state !== "admitted" || (view.phase !== "open" && view.phase !== "in_recess")) return NOTHING;
  const bench = isBench(me.role);
  const free = view.seats.filter((seat) => seat.state === "admitted" && roomOf(view.privately, seat.slot) === null);
  const may = (kind: Kind): boolean => isWhole(kind, free.filter((seat) => fits(kind, seat.role))) && (kind !== "sidebar" || view.phase === "open");
  const offered: readonly Kind[] = !bench ? [] : me.role === "judge" ? ["counsel", "sidebar", "deliberation"] : ["counsel"];
  const asker = (me.role === "agent" || PARTIES.includes(me.role)) && roomOf(view.privately, slot) === null;
  const waits = ([whose, ask]: [string, { readonly kind: Kind; readonly slots: readonly string[] }]): boolean =>
    bench ? view.phase === "open" || ask.kind === "sidebar" : whose !== slot && ask.slots.includes(slot) && view.phase === "in_recess";
  return {
    free,
    opens: offered.filter(may),
    asks: asker && may("counsel"),
    asked: Object.entries(view.privately.asks)
      .filter(waits)
      .map(([whose, ask]) => ({ whose, ...ask })),
  };
}
