// The words of open and closed; part of the room's chunk.
import { openness as en } from "./en/openness";
import { catalog } from "./language";
import { openness as zh } from "./zh/openness";

export const opennessWords = catalog(zh, en);
