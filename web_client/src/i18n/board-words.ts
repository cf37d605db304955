// The words of the board of several hearings; part of the desk's chunk, and of the room's for the bench.
import { board as en } from "./en/board";
import { catalog } from "./language";
import { words } from "./words";
import { board as zh } from "./zh/board";

export const boardWords = catalog(zh, en);

/** The state of a sitting as everywhere else, and one that only the board knows: its record was stopped. */
export function phaseWords(phase: string): string {
  return phase === "halted" ? boardWords().stopped : (words().phases[phase] ?? phase);
}
