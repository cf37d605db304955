// Whether the public watches the sitting, and from what it is excluded (SPEC PU). The grounds come with the welcome,
// already named: they are of the rules, which no page ever folds.
import type { Leaf } from "../record/leaf";
import type { Named } from "./course";

export interface Ground extends Named {
  /** Only where a side has asked for it. */
  readonly asked: boolean;
}

export interface Openness {
  readonly public: boolean;
  /** The gallery is dark for a while, by order. */
  readonly held: boolean;
  /** By how many seconds the gallery sees and hears late. */
  readonly delayS: number;
  readonly mayBePublic: boolean;
  readonly grounds: readonly Ground[];
  readonly closing: { readonly seq: number; readonly ground: string; readonly until: string } | null;
  /** The observers who stay while the public is excluded. */
  readonly stay: readonly string[];
}

type Map_ = { readonly [key: string]: unknown };
const isMap = (value: unknown): value is Map_ => typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const count = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
const slots = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((slot): slot is string => typeof slot === "string") : []);

export function readOpenness(value: unknown): Openness {
  const map = isMap(value) ? value : {};
  const { closing, grounds } = map;
  return {
    public: map["public"] === true,
    held: map["held"] === true,
    delayS: count(map["delay_s"]),
    mayBePublic: map["may_be_public"] === true,
    grounds: (Array.isArray(grounds) ? grounds.filter(isMap) : []).map((each) => ({ code: text(each["code"]), zh: text(each["zh"]), en: text(each["en"]), asked: each["asked"] === true })),
    closing: isMap(closing) ? { seq: count(closing["seq"]), ground: text(closing["ground"]), until: text(closing["until"]) } : null,
    stay: slots(map["stay"]),
  };
}

/** The openness after this entry; the same object where it changes nothing. */
export function foldOpenness(openness: Openness, leaf: Leaf): Openness {
  const [first, , third, fourth] = leaf.facts;
  switch (leaf.type) {
    case "act.open_to_public":
      return { ...openness, public: true };
    case "act.end_public":
      return { ...openness, public: false };
    case "act.hold_gallery":
      return { ...openness, held: true };
    case "act.show_gallery":
      return { ...openness, held: false };
    case "act.gallery_delay":
      return { ...openness, delayS: count(first) };
    case "act.close_to_public":
      return { ...openness, closing: { seq: leaf.seq, ground: text(first), until: text(third) }, stay: slots(fourth) };
    case "act.lift_closing":
      return { ...openness, closing: null, stay: [] };
    default:
      return openness;
  }
}

const APPLICANTS: ReadonlySet<string> = new Set(["plaintiff", "defendant", "third_party", "agent"]);
const OVER: ReadonlySet<string> = new Set(["closed", "sealed"]);

/** Whether the bench may still open or close it. */
export function goesOn(phase: string): boolean {
  return !OVER.has(phase);
}

interface Watches {
  readonly role: string;
  readonly stand: string | null;
}

/** Whether this seat is the public: it watches, and takes no part (PU5). */
export function watches(seat: Watches): boolean {
  return seat.role === "observer" || seat.stand === "observing";
}

/** Whether the law lets this seat ask for the public to be excluded (PU5). */
export function applies(seat: { readonly role: string }): boolean {
  return APPLICANTS.has(seat.role);
}

/** Who is to testify, has not been heard, and could be watching like anybody (PU8). */
export function unheard<S extends Watches>(view: { readonly seats: readonly S[] }): readonly S[] {
  return view.seats.filter((seat) => seat.stand === "waiting");
}
