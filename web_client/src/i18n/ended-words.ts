// The words of a sitting that is adjourned, closed, converted or cancelled; part of the room's chunk.
import { ended as en } from "./en/ended";
import { catalog } from "./language";
import { ended as zh } from "./zh/ended";

export const endedWords = catalog(zh, en);
