// The words of the door and of the checklist; part of the room's chunk.
import { people as en } from "./en/people";
import { textOf, type Asked, type Texts } from "../state/checked";
import { catalog, language } from "./language";
import { people as zh } from "./zh/people";

export const peopleWords = catalog(zh, en);

/** The version of these catalogs' own texts, which are shown where a sitting has no rules with texts of their own. */
const OWN_VERSION = "palmcourt/2026-11";

/** What is shown and accepted, in the language spoken now. */
export function textShown(texts: Texts, asked: Asked): { readonly version: string; readonly text: string } {
  const given = textOf(texts, asked);
  return given === null ? { version: OWN_VERSION, text: peopleWords().texts[asked] } : { version: given.version, text: given[language.value] };
}
