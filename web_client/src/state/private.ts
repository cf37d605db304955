// Private rooms, interpreter channels, linked pairs and the signer, as a fold over leaves (flows/SPEC.md, PR). Its effects on
// seats and floor are `left` and `companions`, which `view.ts` uses. The same tables as the court's `rooms.py`.
import type { Leaf } from "../record/leaf";

export const KINDS = ["counsel", "deliberation", "sidebar"] as const;
export type Kind = (typeof KINDS)[number];

export interface PrivateRoom {
  readonly number: number;
  readonly kind: Kind;
  readonly slots: readonly string[];
  readonly recorded: boolean;
  /** When everybody in it is back, once that was ordered. */
  readonly endsMs: number | null;
}

export interface Private {
  readonly rooms: readonly PrivateRoom[];
  /** Who asks for a room, of which kind, with whom. */
  readonly asks: Readonly<Record<string, { readonly kind: Kind; readonly slots: readonly string[] }>>;
  /** The language that an interpreter speaks. */
  readonly voices: Readonly<Record<string, string>>;
  /** The language that a listener has chosen. */
  readonly tuned: Readonly<Record<string, string>>;
  /** With whom an interpreter comes and goes. */
  readonly links: Readonly<Record<string, string>>;
  readonly signer: string | null;
}

type Map_ = { readonly [key: string]: unknown };
export type RoleOf = (slot: string) => string;

function isMap(value: unknown): value is Map_ {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : []);
const count = (value: unknown): number => (typeof value === "number" ? value : 0);
const kindOf = (value: unknown): Kind => KINDS.find((kind) => kind === value) ?? "sidebar";
const textMap = (value: unknown): Readonly<Record<string, string>> =>
  isMap(value) ? Object.fromEntries(Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === "string")) : {};

/** From the map of a welcome; what a court does not tell reads as: no rooms, no channels. */
export function readPrivate(map: Map_): Private {
  const asks = isMap(map["room_asks"]) ? Object.entries(map["room_asks"]).filter((pair): pair is [string, Map_] => isMap(pair[1])) : [];
  return {
    rooms: (Array.isArray(map["rooms"]) ? map["rooms"].filter(isMap) : []).map((room) => ({
      number: count(room["number"]),
      kind: kindOf(room["kind"]),
      slots: texts(room["slots"]),
      recorded: room["recorded"] === true,
      endsMs: typeof room["ends_ms"] === "number" ? room["ends_ms"] : null,
    })),
    asks: Object.fromEntries(asks.map(([slot, ask]) => [slot, { kind: kindOf(ask["kind"]), slots: texts(ask["slots"]) }])),
    voices: textMap(map["channels"]),
    tuned: textMap(map["tuned"]),
    links: textMap(map["links"]),
    signer: typeof map["signer"] === "string" ? map["signer"] : null,
  };
}

/** The private room that this seat is in; null: the courtroom. */
export function roomOf(its: Private, slot: string): PrivateRoom | null {
  return its.rooms.find((room) => room.slots.includes(slot)) ?? null;
}

/** Two people are in the same place: the courtroom, or one private room. */
export function together(its: Private, one: string, other: string): boolean {
  return roomOf(its, one) === roomOf(its, other);
}

export function deliberates(its: Private): boolean {
  return its.rooms.some((room) => room.kind === "deliberation");
}

export function companions(its: Private, slot: string): readonly string[] {
  return Object.entries(its.links).flatMap(([interpreter, whose]) => (whose === slot ? [interpreter] : []));
}

const PARTIES: readonly string[] = ["plaintiff", "defendant", "third_party"];
const NEEDS: Readonly<Record<Kind, readonly ((role: string) => boolean)[]>> = {
  counsel: [(role) => PARTIES.includes(role), (role) => role === "agent"],
  deliberation: [(role) => role === "judge"],
  sidebar: [(role) => role === "judge", (role) => role !== "judge" && role !== "clerk"],
};

/** Without this seat, and whoever interprets for him, in any private room (PR6). */
export function left(its: Private, slot: string, role: RoleOf): Private {
  if (roomOf(its, slot) === null && its.asks[slot] === undefined) return its;
  const gone = [slot, ...companions(its, slot)];
  const rooms = its.rooms
    .map((room) => (room.slots.some((each) => gone.includes(each)) ? { ...room, slots: room.slots.filter((each) => !gone.includes(each)) } : room))
    .filter((room) => room.slots.length > 1 && NEEDS[room.kind].every((need) => room.slots.some((each) => need(role(each)))));
  return { ...its, rooms, asks: without(its.asks, [slot]) };
}

function without<T>(map: Readonly<Record<string, T>>, slots: readonly string[]): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(map).filter(([slot]) => !slots.includes(slot)));
}

function set(map: Readonly<Record<string, string>>, slot: unknown, value: unknown): Readonly<Record<string, string>> {
  const rest = without(map, [String(slot)]);
  return typeof value === "string" ? { ...rest, [String(slot)]: value } : rest;
}

/** After this entry; who was removed or let out by it is `left` by the caller. */
export function foldPrivate(its: Private, leaf: Leaf, role: RoleOf): Private {
  const [first, second, third, fourth] = leaf.facts;
  switch (leaf.type) {
    case "room.open": {
      const slots = texts(third);
      return { ...its, rooms: [...its.rooms, { number: count(first), kind: kindOf(second), slots, recorded: fourth === true, endsMs: null }], asks: without(its.asks, slots) };
    }
    case "room.ask":
      return { ...its, asks: { ...its.asks, [leaf.actor]: { kind: kindOf(first), slots: texts(second) } } };
    case "room.leave":
      return left(its, leaf.actor, role);
    case "act.room_close":
      if (second === 0) return { ...its, rooms: its.rooms.filter((room) => room.number !== first) };
      return { ...its, rooms: its.rooms.map((room) => (room.number === first ? { ...room, endsMs: leaf.tsMs + 1_000 * count(second) } : room)) };
    case "room.end":
      return { ...its, rooms: its.rooms.filter((room) => room.number !== first) };
    case "act.recess":
    case "act.suspend":
      return { ...its, rooms: its.rooms.filter((room) => room.kind !== "sidebar"), asks: {} };
    case "act.close":
    case "act.adjourn":
    case "act.convert":
      return { ...its, rooms: [], asks: {} };
    case "act.channel": {
      const voices = set(its.voices, first, second);
      const spoken = Object.values(voices);
      return { ...its, voices, tuned: Object.fromEntries(Object.entries(its.tuned).filter(([, language]) => spoken.includes(language))) };
    }
    case "channel":
      return { ...its, tuned: set(its.tuned, leaf.actor, first) };
    case "act.link":
      return { ...its, links: set(its.links, first, second) };
    case "act.pin":
      return { ...its, signer: typeof first === "string" ? first : null };
    default:
      return its;
  }
}
