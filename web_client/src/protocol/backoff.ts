// How long to wait before the next try. The first tries come quickly, since a restarted court is back in a second; later
// ones more slowly, but never above five seconds: however long the court was away, everybody is back within
// that. The jitter keeps a whole court's phones from knocking together. Pure: chance comes in.

const FIRST_MS = 250;
const SOON_MS = 2_500;
const LATE_MS = 3_800;
const SOON_TRIES = 120;

/** Milliseconds before try `attempt` (0 for the first after a loss); `chance` is in [0, 1). */
export function waitBefore(attempt: number, chance: number): number {
  const most = attempt < SOON_TRIES ? SOON_MS : LATE_MS;
  const base = Math.min(most, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(base * (0.7 + 0.6 * chance));
}
