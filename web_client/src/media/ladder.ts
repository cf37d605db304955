// What the way to the court carries, judged by numbers that come in: on a thin link the picture gives way first; the voice
// never. Down quickly, a rung at a time, since the shock of a link that has just become thin says little of what it carries.
// Up by trying: a link that carries little shows little, so whether it carries more is known only once
// more is sent; a try that fails makes the next one wait twice as long.
import type { Uplink } from "./layers";
import type { Pulse } from "./pulse";

export type Reading = Pick<Pulse, "lost" | "trip" | "mayBps">;

export interface Ladder {
  readonly uplink: Uplink;
  /** Since when the readings have asked for another rung (or, on a lower one, been good enough to try); milliseconds. */
  readonly since: number | null;
  /** When this rung was reached. */
  readonly at: number;
  /** It was reached by going up: a try. */
  readonly tried: boolean;
  readonly patience: number;
  /** Smoothed: a report is about a dozen packets, of which one lost is no link's fault. */
  readonly lost: number;
}

const DOWN_MS = 1_800;
/** Giving up the picture is for a link that is thin and stays so when the queue of its first shock has gone. */
const VOICE_MS = 5_000;
const SMOOTH = 0.3;
const FIRST_PATIENCE_MS = 8_000;
const MOST_PATIENCE_MS = 120_000;
/** A rung that held for so long was no failed try. */
const HELD_MS = 20_000;
/** So long the browser's belief lags behind what it has just been allowed to send. */
const RAMP_MS = 6_000;

const ORDER: readonly Uplink[] = ["voice", "thin", "full"];

export const LADDER: Ladder = { uplink: "full", since: null, at: 0, tried: false, patience: FIRST_PATIENCE_MS, lost: 0 };

/** The highest rung these readings leave room for. */
export function judge({ lost, trip, mayBps }: Reading): Uplink {
  const bps = mayBps ?? Infinity;
  if (lost > 0.3 || trip > 2.5 || bps < 22_000) return "voice";
  if (lost > 0.12 || trip > 1.2 || bps < 110_000) return "thin";
  return "full";
}

/** Good enough to try the rung above this one: nothing is lost that need not be, and what is sent arrives soon. */
function calm({ lost, trip }: Reading): boolean {
  return lost < 0.1 && trip < 0.8;
}

export function step(before: Ladder, given: Reading, now: number): Ladder {
  const ladder = { ...before, lost: before.lost + SMOOTH * (given.lost - before.lost) };
  const reading = { ...given, lost: ladder.lost };
  const rung = ORDER.indexOf(ladder.uplink);
  const ramping = ladder.tried && now - ladder.at < RAMP_MS;
  const due = ORDER.indexOf(judge(ramping ? { ...reading, mayBps: null } : reading));
  if (due < rung) {
    const since = ladder.since ?? now;
    if (now - since < (rung === 1 ? VOICE_MS : DOWN_MS)) return { ...ladder, since };
    const failed = ladder.tried && now - ladder.at < HELD_MS;
    const patience = failed ? Math.min(MOST_PATIENCE_MS, ladder.patience * 2) : FIRST_PATIENCE_MS;
    return { ...ladder, uplink: ORDER[rung - 1] as Uplink, since: null, at: now, tried: false, patience };
  }
  if (rung === ORDER.length - 1 || !calm(reading)) return { ...ladder, since: null };
  const since = ladder.since ?? now;
  // Readings that leave plenty of room need no courage.
  const wait = due > rung ? Math.min(ladder.patience, FIRST_PATIENCE_MS) : ladder.patience;
  if (now - since < wait) return { ...ladder, since };
  return { ...ladder, uplink: ORDER[rung + 1] as Uplink, since: null, at: now, tried: true };
}
