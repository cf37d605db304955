// The entries of checking in as sentences.
import { peopleWords } from "../../i18n/people-words";
import { roomWords } from "../../i18n/room-words";
import type { Leaf } from "../../record/leaf";

/** An entry of this part as a sentence; null for any other. */
export function checkedSentence(leaf: Leaf, short: (slot: unknown) => string): string | null {
  const p = peopleWords();
  const by = (what: string): string => roomWords().by(short(leaf.actor), what);
  const [first, second, third] = leaf.facts;
  const form = (code: unknown): string => p.forms[String(code)] ?? String(code);
  switch (leaf.type) {
    case "act.verify":
      return by(p.did[third === "passed" ? "verify.passed" : "verify.failed"](short(first), p.methods[String(second)] ?? String(second)));
    case "act.note_consent":
      return by(p.did.note_consent(short(first), form(second)));
    case "act.bars":
      return by(p.did.bars);
    case "consent":
      return by(p.did.consent(form(first)));
    case "consent.withdraw":
      return by(p.did.withdraw(form(first)));
    case "rules.accept":
      return by(p.did.rules);
    case "checklist":
      return p.did.checklist(Array.isArray(first) ? first.length : 0);
    default:
      return null;
  }
}
