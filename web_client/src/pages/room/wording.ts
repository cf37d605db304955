// An entry of the record as a sentence. Messages are shown as what was said; everything else is who did what to whom.
import { conductWords } from "../../i18n/conduct-words";
import { roomWords } from "../../i18n/room-words";
import { courseSentence } from "./course-wording";
import { list, parts } from "../../i18n/times";
import { privateWords } from "../../i18n/private-words";
import { witnessWords } from "../../i18n/witness-words";
import { bothTimes, person, roleName } from "../../i18n/words";
import type { Leaf } from "../../record/leaf";
import type { Entry } from "../../state/sitting";
import { checkedSentence } from "./checked-wording";
import { opennessSentence } from "./openness-wording";
import { windowSentence } from "./windows-wording";
import { readRung, seatOf, type RoomView } from "../../state/view";

export function who(view: RoomView, slot: unknown): string {
  if (slot === "court") return roleName("court");
  const seat = typeof slot === "string" ? seatOf(view, slot) : null;
  return seat === null ? String(slot ?? "") : person(seat.role, seat.name);
}

/** Role alone, for bubbles: there are few of each, and the name is on the plate. */
export function whoShort(view: RoomView, slot: string): string {
  const seat = seatOf(view, slot);
  if (seat === null) return who(view, slot);
  const alike = view.seats.filter((other) => other.role === seat.role).length;
  return alike > 1 ? person(seat.role, seat.name) : roleName(seat.role);
}

export function isMessage(type: string): boolean {
  return type.startsWith("msg.") || (type.startsWith("statement.") && type !== "statement.none" && type !== "statement.late");
}

/** What the machine notes of links and tracks, and what the bench notes for itself (notes.tsx): in the room it is told where it is seen, and the whole of it is on the record. */
const QUIET: ReadonlySet<string> = new Set(["bench.note", "rec.segment", "rec.gap", "quality", "media.reached", "drop"]);

/** What a person reads in the room: acts and words, not the bookkeeping of the machine. */
export function isQuiet(entry: Entry): boolean {
  const type = entry.leaf?.type;
  // A first key is everybody's, and an anchor comes by the clock: both stand in the sealed record.
  const routine = type === "key.add" ? entry.leaf?.facts[2] === "first" : type === "key.revoke" || type === "anchor";
  // What became of a call is told beside the person; that he opened it is news for everybody.
  if (type === "notice") return entry.leaf?.facts[1] !== "call" || entry.leaf.facts[4] !== "opened";
  return routine || type === "open" || type === "rules" || type === "seat" || type === "zone" || QUIET.has(type ?? "");
}

export function sentence(entry: Entry, view: RoomView): string {
  const r = roomWords();
  const d = r.did;
  const leaf = entry.leaf;
  if (leaf === null) return r.withheld;
  const [first, second, third, fourth] = leaf.facts;
  const actor = whoShort(view, leaf.actor);
  const short = (slot: unknown): string => whoShort(view, String(slot));
  const track = (value: unknown): string => r.tracks[String(value)] ?? String(value);
  const number = (value: unknown): number => (typeof value === "number" ? value : 0);
  switch (leaf.type) {
    case "open":
      return d.open;
    case "seat":
      return d.seat(who(view, first));
    case "join":
      return second === "return" ? d["join.return"](who(view, first)) : d["join.first"](who(view, first));
    case "leave":
      return second === "left" ? d["leave.left"](short(first)) : second === "removed" ? d["leave.removed"](short(first)) : d["leave.network"](short(first));
    case "key.add":
      return third === "clerk" ? d["key.add.clerk"](who(view, first)) : d["key.add.first"](who(view, first));
    case "key.revoke":
      return d["key.revoke"](who(view, first));
    case "anchor":
      return d.anchor;
    case "redact":
      return d.redact(list(Array.isArray(second) ? second.map((seq) => `#${String(seq)}`) : []), r.grounds[String(first)] ?? String(first));
    case "act.restrict":
      return r.by(actor, d["act.restrict"](list(Array.isArray(first) ? first.map(short) : [])));
    case "act.unrestrict":
    case "act.end_screen":
    case "act.propose_seal":
    case "act.seal":
      return r.by(actor, d[leaf.type]);
    case "bench.note":
      return r.by(actor, d[leaf.type]);
    case "act.check_in":
      return d["act.check_in"];
    case "act.open":
    case "act.recess":
    case "act.resume":
    case "act.close":
    case "act.mute_all":
    case "act.unmute_all":
      return r.by(actor, d[leaf.type]);
    case "act.admit":
    case "act.remove":
    case "act.mute":
    case "act.unmute":
    case "act.go_on":
      return r.by(actor, d[leaf.type](short(first)));
    case "act.gallery_delay":
      return r.by(actor, number(first) === 0 ? d.gallery_live : d["act.gallery_delay"](r.hms(...parts(1000 * number(first)))));
    case "act.allow_screen":
      return r.by(actor, first === leaf.actor ? d.screen_own : d["act.allow_screen"](short(first)));
    case "act.floor":
      if (typeof first === "string" && typeof second === "number") return r.by(actor, conductWords().did.floor_for(short(first), second % 60 === 0 ? conductWords().minutes(second / 60) : r.hms(...parts(second * 1_000))));
      return r.by(actor, typeof first === "string" ? d["act.floor"](short(first)) : d.floor_end);
    case "hand":
      return r.by(actor, first === true ? d.hand_up : d.hand_down);
    case "rec.start":
    case "rec.stop":
    case "rec.fault":
      return d[leaf.type];
    case "rec.segment":
      return d["rec.segment"](short(first), track(second));
    case "rec.gap":
      return d["rec.gap"](short(first), track(second), r.hms(...parts(number(fourth) - number(third))));
    case "quality":
      return d.quality(short(first), r.rungs[readRung(second)]);
    case "media.reached": {
      const from = Array.isArray(second) ? [...new Set(second.map((row) => (Array.isArray(row) ? short(row[0]) : "")))] : [];
      return d["media.reached"](short(first), list(from));
    }
    case "conflict":
      return d.conflict(who(view, first));
    case "seal":
      return d.seal(number(first), number(leaf.facts[5]));
    default:
      return isMessage(leaf.type) ? actor : (course(leaf.type, first, leaf.actor, actor, view) ?? testimony(leaf.type, first, second, actor, short) ?? checkedSentence(leaf, short) ?? conducted(entry, view) ?? privately(leaf, actor, short) ?? opennessSentence(leaf, actor, view) ?? windowSentence(leaf, actor, view) ?? d.other(leaf.type));
  }
}

/** A step of the sitting's course (ST); null for any other entry. */
function course(type: string, first: unknown, by: string, actor: string, view: RoomView): string | null {
  const court = by === "court";
  const told = courseSentence(type, first, court, view);
  return told === null || court ? told : roomWords().by(actor, told);
}

/** A step of somebody's testimony (WI), by whoever made it; null for any other entry. */
function testimony(type: string, about: unknown, how: unknown, actor: string, short: (slot: unknown) => string): string | null {
  const key = type === "act.release" ? `${type}.${String(how)}` : type === "act.examine" && typeof how !== "string" ? "act.examine_end" : type;
  const say = witnessWords().did[key];
  if (say === undefined) return null;
  return roomWords().by(actor, say(list((Array.isArray(about) ? about : [about]).map(short)), short(how)));
}

/** Private rooms, channels, pairs, the signer (PR); null for any other entry. */
function privately(leaf: Leaf, actor: string, short: (slot: unknown) => string): string | null {
  const r = roomWords();
  const w = privateWords();
  const [first, second, third, fourth] = leaf.facts;
  const people = (slots: unknown): string => list((Array.isArray(slots) ? slots : []).map(short));
  switch (leaf.type) {
    case "act.room_open":
      return r.by(actor, w.did_open(w.kinds[String(first)] ?? "", people(second)));
    case "room.ask":
      return r.by(actor, w.did_ask(w.kinds[String(first)] ?? "", people(second)));
    case "act.room_grant":
      return r.by(actor, w.did_grant(short(first)));
    case "room.open":
      return w.did_enter(w.kinds[String(second)] ?? "", people(third), fourth === true);
    case "act.room_close":
      return r.by(actor, second === 0 ? w.did_close : w.did_close_in(Number(second)));
    case "room.leave":
      return r.by(actor, w.did_leave);
    case "room.end":
      return w.did_end;
    case "act.channel":
      return r.by(actor, typeof second === "string" ? w.did_channel(short(first), w.language(second)) : w.did_channel_end(short(first)));
    case "channel":
      return r.by(actor, typeof first === "string" ? w.did_tune(w.language(first)) : w.did_untune);
    case "act.link":
      return r.by(actor, typeof second === "string" ? w.did_link(short(first), short(second)) : w.did_unlink(short(first)));
    case "act.pin":
      return r.by(actor, typeof first === "string" ? w.did_pin(short(first)) : w.did_unpin);
    default:
      return null;
  }
}

/** How the sitting is conducted (FL, AB); null for anything else. */
function conducted(entry: Entry, view: RoomView): string | null {
  const w = conductWords();
  const d = w.did;
  if (entry.leaf === null) return null;
  const { type, actor, facts } = entry.leaf;
  const [first, second] = facts;
  const by = (words: string): string => roomWords().by(whoShort(view, actor), words);
  const short = whoShort(view, String(first));
  const code = (value: unknown): string => w.codes[String(value)] ?? String(value);
  switch (type) {
    case "act.floor_mode":
      return by(d.mode(first === "hands" || first === "turns" ? w.modes[first] : w.modes.free));
    case "act.turns":
      return by(d.turns(list(Array.isArray(first) ? first.map((slot) => whoShort(view, String(slot))) : [])));
    case "floor.time_up":
      return d.time_up(short);
    case "objection":
      return by(d.objection(code(first)));
    case "motion":
      return by(d.motion(code(first)));
    case "act.order":
      return by(d.order);
    case "act.rule":
      return by(d.rule(typeof first === "number" ? first : 0, code(second)));
    case "drop":
      return d.drop(short);
    case "act.prompt_absent":
      return by(d.prompt(short));
    case "act.warn_absent":
      return by(d.warn(short));
    case "act.rule_absent":
      return by(d.ruled(short, w.rulings[String(second)] ?? String(second)));
    case "act.call_person":
      return by(w.call.did(short));
    case "call.unanswered":
      return w.call.did_unanswered(short);
    case "notice":
      return noticed(entry.leaf, short);
    default:
      return null;
  }
}

/** What became of a notice (NO3): who, what of, by which way. */
function noticed(leaf: Leaf, short: string): string {
  const w = conductWords().call;
  const [, occasion, ref, channel, outcome] = leaf.facts;
  const what = occasion === "call" ? w.of_call(Number(ref)) : (w.occasions[String(occasion)] ?? w.of_date)(typeof ref === "number" ? bothTimes(ref) : "");
  const how = w.outcomes[String(outcome)] ?? String(outcome);
  return w.noticed(short, what, outcome === "no_address" ? how : w.way(w.channels[String(channel)] ?? String(channel), how));
}

/** The words of a message, or of a reason given with an act. */
export function wordsOf(entry: Entry): string {
  if (entry.leaf?.type === "consent" || entry.leaf?.type === "rules.accept") return ""; // the court's own text, by its version
  const text = entry.words?.["text"] ?? entry.words?.["reason"];
  return typeof text === "string" ? text : "";
}

export function refusalWords(code: string): string {
  const r = roomWords();
  return r.refusals[code] ?? r.refused_other;
}
