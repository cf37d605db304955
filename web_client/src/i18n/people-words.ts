// The words of the door and of the checklist; part of the room's chunk.
import { people as en } from "./en/people";
import { catalog } from "./language";
import { people as zh } from "./zh/people";

export const peopleWords = catalog(zh, en);

/** The texts below that a person consents to or accepts: a text is never changed, a better one is a new version. */
export const TEXTS_VERSION = "2026-11";
