// On a thin link the picture gives way first, in words; the voice never. Read once every two seconds from the media leg's own
// counters; the decision is a pure function so that a test can walk it down and up the ladder.
import { signal } from "@preact/signals";

import { cameraOn, stream } from "../../media/devices";
import type { Court } from "./session";

/** True while one's own picture is held back for the sake of the voice. */
export const slowLink = signal(false);

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
  if (reading.lost > 0.05 || reading.trip > 0.7 || (reading.mayBps !== null && reading.mayBps < 300_000)) return "small";
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

export function watchLink(court: Court): () => void {
  let ladder: Ladder = { rung: "full", strikes: 0 };
  const timer = setInterval(() => {
    const pc = court.peer.connection;
    if (pc === null || pc.connectionState !== "connected") return;
    void pc.getStats().then((report) => {
      let lost: number | null = null;
      let trip: number | null = null;
      let mayBps: number | null = null;
      report.forEach((each: Record<string, unknown>) => {
        if (each["type"] === "remote-inbound-rtp") {
          if (typeof each["fractionLost"] === "number") lost = Math.max(lost ?? 0, each["fractionLost"]);
          if (typeof each["roundTripTime"] === "number") trip = Math.max(trip ?? 0, each["roundTripTime"]);
        } else if (each["type"] === "candidate-pair" && each["nominated"] === true) {
          if (typeof each["currentRoundTripTime"] === "number") trip = Math.max(trip ?? 0, each["currentRoundTripTime"]);
          if (typeof each["availableOutgoingBitrate"] === "number") mayBps = each["availableOutgoingBitrate"];
        }
      });
      const next = step(ladder, { lost: lost ?? 0, trip: trip ?? 0, mayBps });
      if (next.rung !== ladder.rung) {
        court.sitting.mention("quality", next.rung);
        court.sitting.mention("link", next.rung === "full" ? "good" : "thin");
        slowLink.value = next.rung === "voice";
        void court.peer.setLow(next.rung !== "full");
        for (const track of stream.peek()?.getVideoTracks() ?? []) track.enabled = cameraOn.peek() && next.rung !== "voice";
      }
      ladder = next;
    });
  }, 2_000);
  return () => {
    clearInterval(timer);
    slowLink.value = false;
  };
}
