// The entries of a sitting's course as sentences (SPEC ST), in the record's own names.
import { courseWords } from "../../i18n/course-words";
import { language } from "../../i18n/language";
import { bothTimes } from "../../i18n/words";
import type { Named } from "../../state/course";
import type { RoomView } from "../../state/view";

/** What the record calls a code, in the language spoken now. */
export function called(found: readonly Named[], code: unknown): string {
  const named = found.find((each) => each.code === code);
  return named === undefined ? String(code ?? "") : named[language.value];
}

/** Their line in the timeline; null for any other entry. */
export function courseSentence(type: string, first: unknown, court: boolean, view: RoomView): string | null {
  const d = courseWords().did;
  switch (type) {
    case "rules":
      return d.rules;
    case "stage":
    case "act.stage":
      return (court ? d.stage_court : d.stage)(called(view.program?.stages ?? [], first));
    case "act.suspend":
      return court ? d.suspend_court : d.suspend;
    case "act.adjourn":
      return d.adjourn(typeof first === "number" ? bothTimes(first) : "");
    case "moved":
      return d.moved(typeof first === "number" ? bothTimes(first) : "");
    case "act.convert":
      return d.convert(called(view.program?.grounds ?? [], first));
    case "act.cancel":
      return d.cancel;
    default:
      return null;
  }
}
