// The words of order in court; part of the room's chunk.
import { conduct as en } from "./en/conduct";
import { catalog } from "./language";
import { conduct as zh } from "./zh/conduct";

export const conductWords = catalog(zh, en);
