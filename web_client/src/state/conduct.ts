// How the sitting is conducted: how the floor is given and for how long, what waits for the judge, who was called while he
// was away (flows/SPEC.md, FL and AB). A fold of its own over the same leaves as `view.ts`.
import type { Fact, Leaf } from "../record/leaf";

export type FloorMode = "free" | "hands" | "turns";
export const MODES: readonly FloorMode[] = ["free", "hands", "turns"];

export const GROUNDS = ["leading", "relevance", "form", "personal", "repeated", "other"] as const;
export const MOTIONS = ["adjournment", "recusal", "evidence", "witness", "other"] as const;
export const OUTCOMES = { objection: ["sustained", "overruled", "reserved"], motion: ["granted", "denied", "reserved"] } as const;

export interface Plea {
  readonly seq: number;
  readonly slot: string;
  readonly what: "objection" | "motion";
  readonly code: string;
  readonly reserved: boolean;
}

/** What the judge last said to somebody who was away: `prompted`, `warned`, or a ruling; and whether he came back since. */
export interface Away {
  readonly step: string;
  readonly atMs: number;
  readonly back: boolean;
}

export interface Conduct {
  readonly mode: FloorMode;
  readonly turns: readonly string[];
  /** Whose time runs, until when; counts only while he has the floor. */
  readonly timed: string | null;
  readonly untilMs: number | null;
  readonly pleas: readonly Plea[];
  readonly away: Readonly<Record<string, Away>>;
}

type Map_ = { readonly [key: string]: unknown };

function isMap(value: unknown): value is Map_ {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : []);

function readMode(value: unknown): FloorMode {
  return MODES.find((mode) => mode === value) ?? "free";
}

function readPlea(value: Map_): Plea {
  return {
    seq: number(value["seq"]) ?? 0,
    slot: String(value["slot"] ?? ""),
    what: value["what"] === "motion" ? "motion" : "objection",
    code: String(value["code"] ?? ""),
    reserved: value["reserved"] === true,
  };
}

/** From the map of a welcome or of the lobby; what a court does not tell reads as the quietest value. */
export function readConduct(map: Map_): Conduct {
  const seats = Array.isArray(map["seats"]) ? map["seats"].filter(isMap) : [map];
  const away: Record<string, Away> = {};
  for (const seat of seats) {
    const its = seat["away"];
    if (isMap(its)) away[String(seat["slot"] ?? "")] = { step: String(its["step"] ?? ""), atMs: number(its["at_ms"]) ?? 0, back: its["back"] === true };
  }
  return {
    mode: readMode(map["floor_mode"]),
    turns: texts(map["turns"]),
    timed: typeof map["floor"] === "string" ? map["floor"] : null,
    untilMs: number(map["floor_until_ms"]),
    pleas: Array.isArray(map["pleas"]) ? map["pleas"].filter(isMap).map(readPlea) : [],
    away,
  };
}

const STEPS: Readonly<Record<string, string>> = { "act.prompt_absent": "prompted", "act.warn_absent": "warned" };

/** The conduct after this entry; `floor` is who had the floor before it. */
export function foldConduct(conduct: Conduct, leaf: Leaf, floor: string | null): Conduct {
  const [first, second] = leaf.facts;
  switch (leaf.type) {
    case "act.floor_mode":
      return { ...conduct, mode: readMode(first), turns: [] };
    case "act.turns":
      return { ...conduct, turns: texts(first) };
    case "act.floor":
      return given(conduct, leaf, floor);
    case "objection":
    case "motion":
      return { ...conduct, pleas: [...conduct.pleas, { seq: leaf.seq, slot: leaf.actor, what: leaf.type, code: String(first), reserved: false }] };
    case "act.rule":
      return {
        ...conduct,
        pleas: second === "reserved" ? conduct.pleas.map((plea) => (plea.seq === first ? { ...plea, reserved: true } : plea)) : conduct.pleas.filter((plea) => plea.seq !== first),
      };
    case "act.prompt_absent":
    case "act.warn_absent":
    case "act.rule_absent":
      return withAway(conduct, first, { step: STEPS[leaf.type] ?? String(second), atMs: leaf.tsMs, back: false });
    case "join": {
      const away = typeof first === "string" ? conduct.away[first] : undefined;
      return away === undefined ? conduct : withAway(conduct, first, { ...away, back: true });
    }
    default:
      return conduct;
  }
}

function given(conduct: Conduct, leaf: Leaf, floor: string | null): Conduct {
  const [first, seconds] = leaf.facts;
  const slot = typeof first === "string" ? first : null;
  const at = slot === null || slot === floor ? -1 : conduct.turns.indexOf(slot);
  return { ...conduct, turns: conduct.turns.slice(at + 1), timed: slot, untilMs: typeof seconds === "number" ? leaf.tsMs + 1_000 * seconds : null };
}

function withAway(conduct: Conduct, slot: Fact | undefined, away: Away): Conduct {
  return typeof slot === "string" ? { ...conduct, away: { ...conduct.away, [slot]: away } } : conduct;
}

/** When the time of whoever has the floor is up. */
export function untilMs(conduct: Conduct, floor: string | null): number | null {
  return floor !== null && conduct.timed === floor ? conduct.untilMs : null;
}

/** Whether the judge has ruled on his absence, and he has not come back since (AB3). */
export function isRuledAway(away: Away | undefined): boolean {
  return away !== undefined && !away.back && away.step !== "prompted" && away.step !== "warned";
}

/** The step that comes next with somebody who is away (AB2): `prompt`, `warn`, `rule`; null once it is ruled. */
export function nextStep(away: Away | undefined): "prompt" | "warn" | "rule" | null {
  if (away === undefined || away.back) return "prompt";
  return away.step === "prompted" ? "warn" : away.step === "warned" ? "rule" : null;
}
