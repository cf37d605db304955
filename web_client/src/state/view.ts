// What the room looks like now: a fold over the leaves of the record (the rules are the court's: flows/SPEC.md, HR). `fold` reads leaves only (a name is content, and
// comes beside); it never asks who is looking, so everybody who may see an entry folds it the same way. The server's view
// in a welcome is the fold up to `next_seq`; leaves from there on are folded here.
import type { Fact, Leaf } from "../record/leaf";
import { foldCalls, readCalls, type Calls } from "./calling";
import { foldCourse, movedTo, readCourse, readProgram, type Course, type Program } from "./course";
import { foldChecked, isAsked, readBars, readStanding, readTexts, UNKNOWN, type Standing, type Texts } from "./checked";
import { foldConduct, readConduct, type Conduct } from "./conduct";
import { foldOpenness, readOpenness, type Openness } from "./openness";
import { companions, foldPrivate, left, readPrivate, type Private } from "./private";
import { byComing, foldForm, readForm, type Form } from "./windows";
import { foldTestimony, interrupted, STANDS, testifies, type Confrontation, type Stand, type Undertaking } from "./testimony";

export type Phase = "scheduled" | "checking_in" | "open" | "in_recess" | "technical_suspension" | "adjourned" | "closed" | "sealed";
export type SeatState = "absent" | "waiting" | "admitted" | "removed";

export type Rung = "video" | "small" | "audio" | "clips";

export interface Seat extends Standing {
  readonly slot: string;
  readonly role: string;
  readonly name: string;
  readonly state: SeatState;
  readonly connected: boolean;
  /** Since when it is (dis)connected, where that is known here; milliseconds since the Unix epoch. */
  readonly sinceMs: number | null;
  readonly muted: boolean;
  readonly hand: boolean;
  /** What its link carries, best first: video, small, audio, clips (HR22). */
  readonly rung: Rung;
  /** The judge has ruled that it goes on with this seat as it is. */
  readonly ruled: boolean;
  /** How far somebody who testifies has come; null for everybody else (WI). */
  readonly stand: Stand | null;
  readonly sworn: boolean;
  readonly called: boolean;
  /** Whose turn it is to question this seat. */
  readonly examiner: string | null;
}

export interface RoomView {
  readonly phase: Phase;
  readonly court: string;
  readonly caseNumber: string;
  readonly cause: string;
  readonly kind: string;
  readonly scheduledMs: number | null;
  readonly openedMs: number | null;
  readonly recessSinceMs: number | null;
  readonly recording: boolean;
  /** The rules it goes by; null where it has none (ST1). */
  readonly program: Program | null;
  readonly course: Course;
  readonly floor: string | null;
  /** How the floor is given, what waits for the judge, who was called while away (FL, AB). */
  readonly conduct: Conduct;
  /** Who was called while he was not here, and what became of it (NO). */
  readonly calls: Calls;
  /** Whose screen may be shown (HR21). */
  readonly screen: string | null;
  readonly seats: readonly Seat[];
  /** Who proposed the seal, and by which entry; null where nobody has. */
  readonly proposal: { readonly seq: number; readonly slot: string } | null;
  /** The restricted part that runs: its first entry, and who may read it besides the bench. */
  readonly restricted: { readonly seq: number; readonly slots: readonly string[] } | null;
  /** Whether the public watches, and from what it is excluded (PU). */
  readonly openness: Openness;
  /** What the public address of this hearing ends in. */
  readonly hearing: string;
  /** Told to whoever waits: the court sits in closed session (PU5). */
  readonly excluded: boolean;
  readonly sealed: { readonly seq: number; readonly tsMs: number } | null;
  readonly phone: string;
  /** What the bench found against an online hearing; null before it has looked (PE6). */
  readonly bars: readonly string[] | null;
  /** A fault of the recorder is on the record (PE6). */
  readonly recorderFailed: boolean;
  /** What people accept and consent to, as this sitting's rules have it; empty where it has none. */
  readonly texts: Texts;
  /** What its rules call people. */
  readonly roles: RoleNames;
  /** What the court knows of whoever waits, who is shown nobody else. */
  readonly own: Standing;
  /** Witnesses who are in the room together by order (WI9). */
  readonly confrontation: Confrontation | null;
  readonly undertaking: Undertaking | null;
  /** Whether it is asynchronous, or that was proposed (AS1). */
  readonly form: Form;
  /** Private rooms, channels, linked pairs, the signer (PR). */
  readonly privately: Private;
}

const PHASES: readonly Phase[] = ["scheduled", "checking_in", "open", "in_recess", "technical_suspension", "adjourned", "closed", "sealed"];
const RUNGS: readonly Rung[] = ["video", "small", "audio", "clips"];
const STATES: readonly SeatState[] = ["absent", "waiting", "admitted", "removed"];

/** What each role is called, in both languages. */
export type RoleNames = Readonly<Record<string, { readonly zh: string; readonly en: string }>>;
const NO_ROLES: RoleNames = {};

type Map_ = { readonly [key: string]: unknown };

function isMap(value: unknown): value is Map_ {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const flag = (value: unknown): boolean => value === true;
const instant = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
function oneOf<T extends string>(values: readonly T[], value: unknown, otherwise: T): T {
  return values.includes(value as T) ? (value as T) : otherwise;
}

export function readRung(value: unknown): Rung {
  return oneOf(RUNGS, value, "video");
}

/** How far whoever testifies has come; null for everybody else. */
export function readStand(value: Map_): Stand | null {
  return testifies(text(value["role"])) ? oneOf(STANDS, value["stand"], value["state"] === "admitted" ? "called" : "waiting") : null;
}

function readSeat(value: Map_): Seat {
  return {
    slot: text(value["slot"]),
    role: text(value["role"]),
    name: text(value["name"]),
    state: oneOf(STATES, value["state"], "absent"),
    connected: flag(value["connected"]),
    sinceMs: instant(value["since_ms"]),
    muted: flag(value["muted"]),
    hand: flag(value["hand"]),
    rung: readRung(value["rung"]),
    ruled: flag(value["ruled"]),
    ...readStanding(value),
    stand: readStand(value),
    sworn: flag(value["sworn"]),
    called: flag(value["called"]),
    examiner: typeof value["examiner"] === "string" ? value["examiner"] : null,
  };
}

/** The server's map as a view; what is missing reads as the quietest value, so an older client can sit in a newer room. */
export function readView(map: Map_): RoomView {
  const seats = Array.isArray(map["seats"]) ? map["seats"].filter(isMap).map(readSeat) : [];
  const { sealed, proposal, restricted } = map;
  return {
    phase: oneOf(PHASES, map["phase"], "scheduled"),
    court: text(map["court"]),
    caseNumber: text(map["case_number"]),
    cause: text(map["cause"]),
    kind: text(map["kind"]),
    scheduledMs: instant(map["scheduled_ms"]),
    openedMs: instant(map["opened_ms"]),
    recessSinceMs: instant(map["recess_since_ms"]),
    recording: flag(map["recording"]),
    program: readProgram(map["program"]),
    course: readCourse(map),
    floor: typeof map["floor"] === "string" ? map["floor"] : null,
    conduct: readConduct(map),
    calls: readCalls(map),
    screen: typeof map["screen"] === "string" ? map["screen"] : null,
    seats,
    proposal: isMap(proposal) ? { seq: instant(proposal["seq"]) ?? 0, slot: text(proposal["slot"]) } : null,
    restricted: isMap(restricted) ? { seq: instant(restricted["seq"]) ?? 0, slots: slotsOf(restricted["slots"]) } : null,
    openness: readOpenness(map["openness"]),
    hearing: text(map["hearing"]),
    excluded: flag(map["excluded"]),
    sealed: isMap(sealed) ? { seq: instant(sealed["seq"]) ?? 0, tsMs: instant(sealed["ts_ms"]) ?? 0 } : null,
    phone: text(map["phone"]),
    bars: readBars(map["bars"]),
    recorderFailed: flag(map["recorder_failed"]),
    own: readStanding(map),
    texts: readTexts(map["texts"]),
    roles: readRoles(map["roles"]),
    confrontation: isMap(map["confrontation"]) ? { slots: slotsOf(map["confrontation"]["slots"]), before: slotsOf(map["confrontation"]["before"]) } : null,
    undertaking: readUndertaking(map["undertaking"]),
    form: readForm(map),
    privately: readPrivate(map),
  };
}

function readUndertaking(value: unknown): Undertaking | null {
  if (!isMap(value) || !isMap(value["texts"])) return null;
  return { version: text(value["version"]), texts: Object.fromEntries(Object.entries(value["texts"]).map(([language, words]) => [language, text(words)])) };
}

function readRoles(value: unknown): RoleNames {
  if (!isMap(value)) return NO_ROLES;
  return Object.fromEntries(Object.entries(value).flatMap(([role, names]) => (isMap(names) && typeof names["zh"] === "string" && typeof names["en"] === "string" ? [[role, { zh: names["zh"], en: names["en"] }]] : [])));
}

function slotsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((slot): slot is string => typeof slot === "string") : [];
}

const STAFF: ReadonlySet<string> = new Set(["judge", "clerk"]);

function withSeat(view: RoomView, slot: Fact | undefined, change: (seat: Seat) => Partial<Seat>): RoomView {
  return { ...view, seats: view.seats.map((seat) => (seat.slot === slot ? { ...seat, ...change(seat) } : seat)) };
}

function withAll(view: RoomView, change: (seat: Seat) => Partial<Seat>): RoomView {
  return { ...view, seats: view.seats.map((seat) => ({ ...seat, ...change(seat) })) };
}

/** The room after this entry. `name` is the content of a `seat` entry, empty where it may not be read. */
export function fold(view: RoomView, leaf: Leaf, name = ""): RoomView {
  const conduct = foldConduct(view.conduct, leaf, view.floor);
  const role = (slot: string): string => seatOf(view, slot)?.role ?? "";
  const privately = foldPrivate(view.privately, leaf, role);
  const openness = foldOpenness(view.openness, leaf);
  const calls = foldCalls(view.calls, leaf);
  const form = foldForm(view.form, leaf);
  const same = conduct === view.conduct && calls === view.calls && privately === view.privately && openness === view.openness && form === view.form;
  return untimed(together(view, foldSeats(same ? view : { ...view, conduct, calls, privately, openness, form, excluded: openness.closing !== null }, leaf, name), leaf));
}

/** Whatever ends a turn ends its time. */
function untimed(view: RoomView): RoomView {
  return view.floor !== null || view.conduct.timed === null ? view : { ...view, conduct: { ...view.conduct, timed: null, untilMs: null } };
}

/** What follows for linked people (PR8), and for the private room of whoever is not admitted any more or is in another
 *  room from now on (PR3, PR6). */
function together(before: RoomView, view: RoomView, leaf: Leaf): RoomView {
  let after = view;
  const admitted = (seats: readonly Seat[], slot: string): boolean => seats.some((seat) => seat.slot === slot && seat.state === "admitted");
  if (leaf.type === "room.open") {
    const slots = slotsOf(leaf.facts[2]);
    const free = (slot: string | null): string | null => (slot !== null && slots.includes(slot) ? null : slot);
    return { ...view, floor: free(view.floor), screen: free(view.screen), seats: view.seats.map((seat) => (slots.includes(seat.slot) ? { ...seat, hand: false } : seat)) };
  }
  if (before.seats === view.seats) return view;
  const { links } = view.privately;
  for (const interpreter of Object.keys(links)) {
    const whose = links[interpreter] ?? "";
    if (!admitted(before.seats, whose) && admitted(view.seats, whose)) after = withSeat(after, interpreter, (seat) => ({ state: seat.state === "waiting" ? "admitted" : seat.state }));
  }
  if (leaf.type === "act.remove") {
    for (const slot of companions(view.privately, String(leaf.facts[0]))) {
      after = { ...withSeat(after, slot, () => ({ state: "removed", hand: false })), floor: after.floor === slot ? null : after.floor, screen: after.screen === slot ? null : after.screen };
    }
  }
  const role = (slot: string): string => seatOf(view, slot)?.role ?? "";
  const gone = before.seats.filter((seat) => {
    const now = seatOf(after, seat.slot);
    return now !== null && ((seat.state === "admitted" && now.state !== "admitted") || (seat.stand !== now.stand && (now.stand === "observing" || now.stand === "refused")));
  });
  return gone.length === 0 ? after : { ...after, privately: gone.reduce((its, seat) => left(its, seat.slot, role), after.privately) };
}

function foldSeats(view: RoomView, leaf: Leaf, name: string): RoomView {
  const [first, second] = leaf.facts;
  const { tsMs } = leaf;
  switch (leaf.type) {
    case "seat":
      if (typeof first !== "string" || view.seats.some((seat) => seat.slot === first)) return view;
      return {
        ...view,
        seats: [
          ...view.seats,
          { slot: first, role: text(second), name, state: "absent", connected: false, sinceMs: null, muted: false, hand: false, rung: "video", ruled: false, ...UNKNOWN, stand: testifies(text(second)) ? "waiting" : null, sworn: false, called: false, examiner: null },
        ],
      };
    case "join":
      return withSeat(view, first, (seat) => ({
        connected: true,
        sinceMs: tsMs,
        state: STAFF.has(seat.role) || byComing(view.form, seat) ? "admitted" : seat.state === "absent" ? "waiting" : seat.state,
      }));
    case "leave":
      return withSeat(interrupted(view, first), first, (seat) => ({
        connected: false,
        sinceMs: tsMs,
        hand: false,
        rung: "video",
        ruled: false,
        state: seat.state === "waiting" ? "absent" : seat.state,
      }));
    case "act.check_in":
      return { ...view, phase: "checking_in" };
    case "act.asynchronous": // AS4: whoever of the sides waits is let in
      return withAll(view, (seat) => (seat.state === "waiting" && isAsked(seat.role) ? { state: "admitted" } : {}));
    case "act.admit":
      return withSeat(view, first, (seat) => ({ state: "admitted", stand: seat.stand === "waiting" ? "called" : seat.stand }));
    case "act.remove": {
      // Whoever came by plain admission alone waits again (WI3).
      const after = withSeat(view, first, (seat) => ({ state: "removed", hand: false, stand: seat.stand === "called" && !seat.called ? "waiting" : seat.stand }));
      return { ...after, floor: view.floor === first ? null : view.floor, screen: view.screen === first ? null : view.screen };
    }
    case "act.open":
      return { ...view, phase: "open", openedMs: tsMs, screen: null };
    case "act.recess":
      return { ...withAll(interrupted(view), () => ({ ruled: false })), phase: "in_recess", recessSinceMs: tsMs, floor: null, screen: null };
    case "act.suspend":
      return { ...withAll(interrupted(view), () => ({ ruled: false })), phase: "technical_suspension", recessSinceMs: tsMs, floor: null, screen: null };
    case "act.adjourn":
      return { ...withAll(interrupted(view), () => ({ ruled: false, identity: null })), phase: "adjourned", recessSinceMs: null, floor: null, screen: null, restricted: null, scheduledMs: instant(first) };
    case "moved":
      return { ...view, scheduledMs: instant(first), program: view.program === null ? null : movedTo(view.program, first, tsMs) };
    case "stage":
    case "act.stage":
      return { ...view, course: foldCourse(view.course, leaf) };
    case "act.convert":
    case "act.cancel":
      return { ...interrupted(view), course: foldCourse(view.course, leaf), phase: "closed", recessSinceMs: null, floor: null, screen: null, restricted: null };
    case "act.resume":
      return { ...view, phase: "open", recessSinceMs: null };
    case "act.close":
      return { ...interrupted(view), phase: "closed", recessSinceMs: null, floor: null, screen: null, restricted: null };
    case "act.restrict":
      return { ...view, restricted: { seq: leaf.seq, slots: slotsOf(first) } };
    case "act.unrestrict":
      return { ...view, restricted: null };
    case "act.propose_seal":
      return { ...view, proposal: { seq: leaf.seq, slot: leaf.actor } };
    case "act.mute":
      return withSeat(view, first, () => ({ muted: true }));
    case "act.unmute":
      return withSeat(view, first, () => ({ muted: false }));
    case "act.mute_all":
      return withAll(view, (seat) => (STAFF.has(seat.role) ? {} : { muted: true }));
    case "act.unmute_all":
      return withAll(view, (seat) => (STAFF.has(seat.role) ? {} : { muted: false }));
    case "act.floor": {
      const floor = typeof first === "string" ? first : null;
      return { ...withSeat(view, floor, () => ({ hand: false, muted: false })), floor };
    }
    case "act.allow_screen":
      return { ...view, screen: typeof first === "string" ? first : null };
    case "act.end_screen":
      return { ...view, screen: null };
    case "quality":
      return withSeat(view, first, () => ({ rung: readRung(second), ruled: false }));
    case "act.go_on":
      return withSeat(view, first, () => ({ ruled: true }));
    case "hand":
      return withSeat(view, leaf.actor, () => ({ hand: first === true }));
    case "rec.start":
      return { ...view, recording: true };
    case "rec.stop":
      return { ...view, recording: false };
    case "seal":
      return { ...view, phase: "sealed", recording: false, proposal: null, sealed: { seq: leaf.seq, tsMs } };
    default:
      return foldTestimony(view, leaf) ?? foldChecked(view, leaf);
  }
}

export function seatOf(view: RoomView, slot: string | null): Seat | null {
  return view.seats.find((seat) => seat.slot === slot) ?? null;
}
