// What the record says of an asynchronous sitting (SPEC AS), as a sentence.
import { roomWords } from "../../i18n/room-words";
import { list } from "../../i18n/times";
import { windowsWords } from "../../i18n/windows-words";
import type { Leaf } from "../../record/leaf";
import { seatOf, type RoomView } from "../../state/view";
import { bothTimes, person } from "../../i18n/words";

/** Null for any other entry. `actor`: whose entry it is, in words. */
export function windowSentence(leaf: Leaf, actor: string, view: RoomView): string | null {
  const d = windowsWords().did;
  const [first, second, third, , fifth, sixth] = leaf.facts;
  const by = (words: string): string => roomWords().by(actor, words);
  const n = Number(first);
  const name = (slot: unknown): string => {
    const seat = seatOf(view, String(slot));
    return seat === null ? String(slot) : person(seat.role, seat.name);
  };
  const names = (slots: unknown): string => list(Array.isArray(slots) ? slots.map(name) : []);
  switch (leaf.type) {
    case "act.offer_asynchronous":
      return by(d.offer);
    case "act.asynchronous":
      return by(d.asynchronous);
    case "act.synchronous":
      return by(d.synchronous);
    case "act.window":
      return by(d.window(n, names(sixth), bothTimes(Number(fifth))));
    case "act.window_extend":
      return by(d.extend(n, second === null ? d.all : name(second), bothTimes(Number(third))));
    case "act.window_cancel":
      return by(d.cancel(n));
    case "act.window_close":
      return by(d.close(n));
    case "window.begin":
      return d.begin(n);
    case "window.close":
      return d.end(n, names(third));
    case "window.revealed":
      return d.revealed(n);
    case "statement.none":
      return by(d.none(n));
    case "statement.late":
      return d.late(name(second), n);
    case "act.rule_late":
      return by(d.rule_late(n, windowsWords().rulings[String(second)] ?? String(second)));
    default:
      return null;
  }
}
