// Who somebody is, what he consents to and which court rules he has accepted, as the leaves tell it; and what the court looks
// at before it opens (SPEC PE). The same list as the court's own (`people.checklist`), for the bench's eyes.
import type { Fact, Leaf } from "../record/leaf";
import { isRuledAway } from "./conduct";
import type { RoomView, Seat } from "./view";

export interface Standing {
  /** What the court found when it last looked who he is; null before. */
  readonly identity: "passed" | "failed" | null;
  /** The forms he consents to now. */
  readonly consents: readonly string[];
  /** The version of the court rules that he has accepted. */
  readonly rules: string | null;
}

export const UNKNOWN: Standing = { identity: null, consents: [], rules: null };

/** What is asked of somebody at the court's door, one page each. */
export type Asked = "rules" | "online_hearing" | "recording" | "asynchronous";

/** Words that a person accepts, by their version. A text is never changed: a better one is a new version. */
export interface Text {
  readonly version: string;
  readonly zh: string;
  readonly en: string;
}
export type Texts = Readonly<Record<string, Text>>;

/** Which of the texts of a court's rules each question shows. */
const TEXT: Readonly<Record<Asked, string>> = { rules: "court_rules", online_hearing: "consent", recording: "recording", asynchronous: "asynchronous" };

export function textOf(texts: Texts, asked: Asked): Text | null {
  return texts[TEXT[asked]] ?? null;
}

export function readTexts(value: unknown): Texts {
  if (typeof value !== "object" || value === null) return {};
  const found: Record<string, Text> = {};
  for (const [name, each] of Object.entries(value as { readonly [key: string]: unknown })) {
    if (typeof each !== "object" || each === null) continue;
    const { version, zh, en } = each as { readonly [key: string]: unknown };
    if (typeof version === "string" && typeof zh === "string" && typeof en === "string") found[name] = { version, zh, en };
  }
  return found;
}

const CONSENTING: ReadonlySet<string> = new Set(["plaintiff", "defendant", "third_party", "agent"]);
/** Who must be here when the court opens. */
const SIDES: ReadonlySet<string> = new Set(["plaintiff", "defendant", "third_party"]);
const UNCHECKED: ReadonlySet<string> = new Set(["judge", "clerk", "courtroom", "observer"]);
/** What may be sent by whoever waits (PE3). */
const FROM_WAITING: ReadonlySet<string> = new Set(["consent", "consent.withdraw", "rules.accept", "zone"]);

export function fromWaiting(command: string): boolean {
  return FROM_WAITING.has(command);
}

/** Whether his consent to the form of the hearing is asked. */
export function isAsked(role: string): boolean {
  return CONSENTING.has(role);
}

export function isChecked(role: string): boolean {
  return !UNCHECKED.has(role);
}

export function readStanding(map: { readonly [key: string]: unknown }): Standing {
  const { identity, consents, rules } = map;
  return {
    identity: identity === "passed" || identity === "failed" ? identity : null,
    consents: words(consents),
    rules: typeof rules === "string" ? rules : null,
  };
}

export function readBars(value: unknown): readonly string[] | null {
  return Array.isArray(value) ? words(value) : null;
}

function words(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];
}

/** What is still to be asked of this person at the door, in order; `offered`: the asynchronous form was proposed (AS1). Where the court has rules, what they have a text for. */
export function toAsk(role: string, own: Standing, texts: Texts, offered = false): readonly Asked[] {
  const asked: Asked[] = [];
  if (!isChecked(role)) return asked;
  if (own.rules === null) asked.push("rules");
  if (CONSENTING.has(role)) for (const form of ["online_hearing", "recording"] as const) if (!own.consents.includes(form)) asked.push(form);
  if (offered && CONSENTING.has(role) && role !== "agent" && !own.consents.includes("asynchronous")) asked.push("asynchronous");
  return Object.keys(texts).length === 0 ? asked : asked.filter((each) => textOf(texts, each) !== null);
}

/** The room after an entry of this part; the same view for any other. */
export function foldChecked(view: RoomView, leaf: Leaf): RoomView {
  const [first, second] = leaf.facts;
  const change = (slot: Fact | undefined, to: (seat: Seat) => Partial<Standing>): RoomView => ({
    ...view,
    seats: view.seats.map((seat) => (seat.slot === slot ? { ...seat, ...to(seat) } : seat)),
  });
  const given = (seat: Seat, form: Fact | undefined): readonly string[] => [...new Set([...seat.consents, String(form)])].sort();
  switch (leaf.type) {
    case "act.verify":
      return change(first, () => ({ identity: leaf.facts[2] === "passed" ? "passed" : "failed" }));
    case "act.note_consent":
      return change(first, (seat) => ({ consents: given(seat, second) }));
    case "consent":
      return change(leaf.actor, (seat) => ({ consents: given(seat, first) }));
    case "consent.withdraw":
      return change(leaf.actor, (seat) => ({ consents: seat.consents.filter((form) => form !== first) }));
    case "rules.accept":
      return change(leaf.actor, () => ({ rules: typeof first === "string" ? first : null }));
    case "rec.fault":
      return { ...view, recorderFailed: true };
    case "act.bars":
      return { ...view, bars: readBars(first) };
    default:
      return view;
  }
}

/** One thing that is not done: of whom (or the court), and what. */
export interface Missing {
  readonly slot: string;
  readonly what: "bars" | "recorder" | "here" | "identity" | "consent" | "rules";
}

/** What is missing before the court opens (PE6). Whoever looks at this is a judge who is here, so that item is left out. */
export function missing(view: RoomView): readonly Missing[] {
  const found: Missing[] = view.bars === null ? [{ slot: "court", what: "bars" }] : [];
  const apart = view.form.asynchronous; // AS4: nobody need be here, and nothing live is recorded
  const form = apart ? "asynchronous" : "online_hearing";
  if (view.recorderFailed && !apart) found.push({ slot: "court", what: "recorder" });
  for (const seat of view.seats) {
    const isHere = seat.connected && (seat.state === "waiting" || seat.state === "admitted");
    const excused = seat.state === "removed" || isRuledAway(view.conduct.away[seat.slot]);
    if (SIDES.has(seat.role) && !isHere && !excused && !apart) found.push({ slot: seat.slot, what: "here" });
    if (!isChecked(seat.role) || !isHere) continue;
    if (seat.identity !== "passed") found.push({ slot: seat.slot, what: "identity" });
    if (CONSENTING.has(seat.role) && !seat.consents.includes(form)) found.push({ slot: seat.slot, what: "consent" });
    if (seat.rules === null) found.push({ slot: seat.slot, what: "rules" });
  }
  return found;
}
