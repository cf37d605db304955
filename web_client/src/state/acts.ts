// What the bench is offered, and where: the frequent acts within one or two taps, the rare ones behind one button, and what
// cannot be taken back apart from both. A reading of the same rules as `may.ts`; the court decides.
import { isBench, nextActs, type NextAct } from "./may";
import { roomOf } from "./private";
import { seatOf, type RoomView, type Seat } from "./view";

export type Rare = "act.suspend" | "act.adjourn" | "act.convert" | "act.cancel";
export type More = "floor_mode" | "mute_all" | "unmute_all" | "restrict" | "public" | "asynchronous";

export interface BenchActs {
  /** What moves the sitting on, or stops it for a while: check in, open, recess, resume, seal. */
  readonly steps: readonly Exclude<NextAct, "act.close">[];
  /** Who speaks next by one tap: the next of the turns, or the first raised hand. */
  readonly turn: { readonly slot: string; readonly why: "turn" | "hand" } | null;
  /** Whom the floor may be given to, raised hands first. */
  readonly speakers: readonly Seat[];
  readonly floorEnd: boolean;
  readonly stages: boolean;
  readonly order: boolean;
  readonly unrestrict: boolean;
  readonly more: readonly More[];
  /** What ends the sitting, or its being online. */
  readonly apart: readonly (Rare | "act.close")[];
}

const NONE: BenchActs = { steps: [], turn: null, speakers: [], floorEnd: false, stages: false, order: false, unrestrict: false, more: [], apart: [] };
const LIVE: ReadonlySet<string> = new Set(["checking_in", "open", "in_recess"]);
/** Until it is over the bench says whether the public watches (PU). */
const BEFORE_THE_END: ReadonlySet<string> = new Set([...LIVE, "scheduled", "technical_suspension", "adjourned"]);
/** While nothing live is recorded: then a sitting may become asynchronous (AS1). */
const NOT_SITTING: ReadonlySet<string> = new Set(["scheduled", "checking_in", "in_recess", "technical_suspension"]);
const SILENT: ReadonlySet<string> = new Set(["observer", "courtroom", "clerk", "judge"]);

export function benchActs(view: RoomView, slot: string): BenchActs {
  const role = seatOf(view, slot)?.role ?? "";
  if (!isBench(role)) return NONE;
  const next = nextActs(view, slot);
  const steps = next.filter((act): act is Exclude<NextAct, "act.close"> => act !== "act.close");
  const live = LIVE.has(view.phase);
  const mute: readonly More[] = live ? [view.seats.some((seat) => seat.muted) ? "unmute_all" : "mute_all"] : [];
  const openness: readonly More[] = BEFORE_THE_END.has(view.phase) && (role === "judge" || view.openness.mayBePublic) ? ["public"] : [];
  const form: readonly More[] = NOT_SITTING.has(view.phase) && !view.form.asynchronous ? ["asynchronous"] : [];
  if (role !== "judge") return { ...NONE, steps, more: [...mute, ...openness, ...form] };
  const open = view.phase === "open";
  const speakers = open ? speakersOf(view) : [];
  return {
    steps,
    turn: open ? turnOf(view, speakers) : null,
    speakers,
    floorEnd: view.floor !== null,
    stages: open && view.program !== null && view.program.stages.length > 0,
    order: live && view.restricted === null,
    unrestrict: live && view.restricted !== null,
    more: live ? ["floor_mode", ...mute, ...(view.restricted === null ? (["restrict"] as const) : []), ...openness, ...form] : [...openness, ...form],
    apart: [...rareActs(view), ...(next.includes("act.close") ? (["act.close"] as const) : [])],
  };
}

export function rareActs(view: RoomView): readonly Rare[] {
  const convert = view.program === null ? [] : (["act.convert"] as const);
  switch (view.phase) {
    case "scheduled":
      return ["act.cancel"];
    case "checking_in":
      return view.openedMs === null ? ["act.cancel"] : [];
    case "open":
      return ["act.suspend", "act.adjourn", ...convert];
    case "in_recess":
    case "technical_suspension":
      return ["act.adjourn", ...convert];
    default:
      return [];
  }
}

/** In turns only the next in the list may be given it (FL3), and he is `turnOf`'s. */
function speakersOf(view: RoomView): readonly Seat[] {
  if (view.conduct.mode === "turns") return [];
  const able = view.seats.filter((seat) => seat.state === "admitted" && seat.connected && !SILENT.has(seat.role) && seat.stand !== "observing" && seat.stand !== "refused" && seat.slot !== view.floor && roomOf(view.privately, seat.slot) === null);
  return [...able].sort((a, b) => Number(b.hand) - Number(a.hand));
}

/** The next in the order who is here; the court decides, this only names him on the button. */
function turnOf(view: RoomView, speakers: readonly Seat[]): BenchActs["turn"] {
  if (view.conduct.mode === "turns") {
    const slot = view.conduct.turns.find((each) => view.seats.some((seat) => seat.slot === each && seat.state === "admitted" && seat.connected && roomOf(view.privately, each) === null));
    return slot === undefined ? null : { slot, why: "turn" };
  }
  const [first] = speakers;
  return first?.hand === true ? { slot: first.slot, why: "hand" } : null;
}
