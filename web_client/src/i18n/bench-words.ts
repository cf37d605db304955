// The words of the bench's bar and side panel; part of the room's chunk.
import { bench as en } from "./en/bench";
import { catalog } from "./language";
import { bench as zh } from "./zh/bench";

export const benchWords = catalog(zh, en);
