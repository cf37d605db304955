// On a thin link the picture gives way first; the voice never. Down quickly, up slowly, decided by numbers that come in.

export interface Reading {
  /** Share of our packets that the court did not get, 0 to 1. */
  readonly lost: number;
  /** Round trip in seconds. */
  readonly trip: number;
  /** What the browser believes it may send, bits per second; null where it does not say. */
  readonly mayBps: number | null;
}

export type Rung = "full" | "small" | "voice";

export interface Ladder {
  readonly rung: Rung;
  /** Readings in a row that call for another rung. */
  readonly strikes: number;
}

const DOWN_AFTER = 2;
const UP_AFTER = 8;

export function judgeReading(reading: Reading): Rung {
  if (reading.lost > 0.15 || reading.trip > 1.5 || (reading.mayBps !== null && reading.mayBps < 90_000)) return "voice";
  if (reading.lost > 0.05 || reading.trip > 0.7 || (reading.mayBps !== null && reading.mayBps < 250_000)) return "small";
  return "full";
}

const ORDER: readonly Rung[] = ["voice", "small", "full"];

/** Down quickly, one rung or more; up slowly, one rung at a time. */
export function step(ladder: Ladder, reading: Reading): Ladder {
  const now = ORDER.indexOf(ladder.rung);
  const due = ORDER.indexOf(judgeReading(reading));
  if (due === now) return { rung: ladder.rung, strikes: 0 };
  const strikes = due < now ? Math.max(0, ladder.strikes) + 1 : Math.min(0, ladder.strikes) - 1;
  if (strikes >= DOWN_AFTER) return { rung: ORDER[due] ?? "voice", strikes: 0 };
  if (strikes <= -UP_AFTER) return { rung: ORDER[now + 1] ?? "full", strikes: 0 };
  return { rung: ladder.rung, strikes };
}
