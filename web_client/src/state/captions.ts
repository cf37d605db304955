// What is said, as lines under the speaker: from what is typed, until speech is recognised too. A line stays until newer ones
// take its place, never by a clock: people read at their own speed.
import type { Entry } from "./sitting";

export interface Caption {
  readonly seq: number;
  readonly slot: string;
  readonly text: string;
  /** Said by whoever has the floor. */
  readonly floor: boolean;
}

/** Lines shown at once. */
export const LINES = 2;

export function captions(entries: readonly Entry[], floor: string | null, count: number = LINES): readonly Caption[] {
  const found: Caption[] = [];
  for (let at = entries.length - 1; at >= 0 && found.length < count; at--) {
    const entry = entries[at];
    if (entry === undefined || entry.leaf === null || entry.leaf.type !== "msg.text") continue;
    const text = entry.words?.["text"];
    if (typeof text !== "string" || text === "") continue;
    found.unshift({ seq: entry.seq, slot: entry.leaf.actor, text, floor: entry.leaf.actor === floor });
  }
  return found;
}

/** Whose words are on their way: whoever has the floor before anybody else. */
export function writer(typing: readonly string[], floor: string | null): string | null {
  return typing.find((slot) => slot === floor) ?? typing[0] ?? null;
}
