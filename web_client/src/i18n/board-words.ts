// The words of the board of several hearings; part of the desk's chunk, and of the room's for the bench.
import { board as en } from "./en/board";
import { catalog } from "./language";
import { board as zh } from "./zh/board";

export const boardWords = catalog(zh, en);
