// The desk's board: today's sittings side by side, as codes and numbers, read like one's own room's console. The most alarming
// stands first; a sitting that is well keeps its place by its time. No word of anybody is in it: names are joined by the page.
import { nextStep } from "./conduct";
import { read, sorted, type Person, type Reading } from "./console";
import { readRung, type Phase, type SeatState } from "./view";

export interface BoardSitting {
  readonly stream: string;
  readonly caseId: string;
  readonly kind: string;
  readonly atMs: number | null;
  readonly phase: Phase | "halted";
  readonly stage: string | null;
  readonly openedMs: number | null;
  readonly recessSinceMs: number | null;
  readonly recording: boolean;
  readonly ending: "cancelled" | "converted" | null;
  /** Objections and motions, wishes for a room, and what is open before the hearing. */
  readonly pleas: number;
  readonly roomAsks: number;
  readonly lacks: number;
  readonly people: readonly Reading[];
}

type Map_ = { readonly [key: string]: unknown };
const isMap = (value: unknown): value is Map_ => typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
const maps = (value: unknown): readonly Map_[] => (Array.isArray(value) ? value.filter(isMap) : []);

const PHASES: readonly string[] = ["scheduled", "checking_in", "open", "in_recess", "technical_suspension", "adjourned", "closed", "sealed"];
const STATES: readonly string[] = ["absent", "waiting", "admitted", "removed"];

function personOf(map: Map_): Person {
  const { away } = map;
  const state = text(map["state"]);
  return {
    slot: text(map["slot"]),
    role: text(map["role"]),
    state: STATES.includes(state) ? (state as SeatState) : "absent",
    connected: map["connected"] === true,
    sinceMs: number(map["since_ms"]),
    rung: readRung(map["rung"]),
    ruled: map["ruled"] === true,
    hand: map["hand"] === true,
    microphone: typeof map["microphone"] === "boolean" ? map["microphone"] : null,
    silentMs: number(map["silent_audio_ms"]),
    unseenMs: map["camera"] === false ? null : number(map["silent_video_ms"]),
    quiet: map["quiet"] === true,
    step: nextStep(isMap(away) ? { step: text(away["step"]), atMs: number(away["at_ms"]) ?? 0, back: away["back"] === true } : undefined),
    out: map["out"] === true,
  };
}

/** The court's answer as sittings; what is missing reads as the quietest value. */
export function readBoard(answer: unknown): readonly BoardSitting[] {
  return maps(isMap(answer) ? answer["sittings"] : null).map((map) => {
    const phase = PHASES.includes(text(map["phase"])) ? (text(map["phase"]) as Phase) : "halted";
    const { ending } = map;
    return {
      stream: text(map["stream_id"]),
      caseId: text(map["case"]),
      kind: text(map["kind"]),
      atMs: number(map["at_ms"]),
      phase,
      stage: text(map["stage"]) === "" ? null : text(map["stage"]),
      openedMs: number(map["opened_ms"]),
      recessSinceMs: number(map["recess_since_ms"]),
      recording: map["recording"] === true,
      ending: ending === "cancelled" || ending === "converted" ? ending : null,
      pleas: number(map["pleas"]) ?? 0,
      roomAsks: number(map["room_asks"]) ?? 0,
      lacks: number(map["lacks"]) ?? 0,
      people: phase === "halted" ? [] : sorted(maps(map["seats"]).map((seat) => read(phase, personOf(seat)))),
    };
  });
}

/** How much a sitting asks for the clerk now: a record that does not verify above all, then whoever is not there, cannot be
 *  followed, or waits. */
export function gravity(sitting: BoardSitting): number {
  if (sitting.phase === "halted") return 1_000;
  if (sitting.phase === "technical_suspension") return 500 + alarms(sitting);
  const of = (alarm: Reading["alarm"]): number => ({ away: 20, no_picture: 12, silent: 10, unsteady: 4, unseen: 4, door: 3, hand: 1 })[alarm ?? "hand"];
  return sitting.people.reduce((sum, reading) => sum + (reading.alarm === null ? 0 : of(reading.alarm)), 0) + 5 * sitting.pleas + 3 * sitting.roomAsks;
}

/** People and wishes that want somebody's eye. */
export function alarms(sitting: BoardSitting): number {
  return sitting.people.filter((reading) => reading.alarm !== null).length + sitting.pleas + sitting.roomAsks + (sitting.phase === "halted" ? 1 : 0);
}

export function byGravity(sittings: readonly BoardSitting[]): readonly BoardSitting[] {
  return [...sittings].sort((a, b) => gravity(b) - gravity(a) || (a.atMs ?? 0) - (b.atMs ?? 0) || a.stream.localeCompare(b.stream));
}
