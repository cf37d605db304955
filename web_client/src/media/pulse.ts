// The leg's heartbeat, read from the browser's own counters about once a second: does anything still arrive, what is lost on
// the way to the court, how much has been used. No DOM beyond the report; decided by numbers that come in.

export interface Pulse {
  /** Everything that arrived on the path, answers to its checks as well. Only its change matters. */
  readonly heard: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Share of our packets that the court did not get, 0 to 1. */
  readonly lost: number;
  /** Round trip in seconds. */
  readonly trip: number;
  /** What the browser believes it may send, bits per second; null where it does not say. */
  readonly mayBps: number | null;
}

type Row = Readonly<Record<string, unknown>>;
const number = (row: Row, key: string): number => (typeof row[key] === "number" ? row[key] : 0);

export function readPulse(report: { forEach(call: (row: Row) => void): void }): Pulse {
  let lost = 0;
  let trip = 0;
  let mayBps: number | null = null;
  let transport: Row | null = null;
  let pairIn = 0;
  let pairOut = 0;
  let answers = 0;
  report.forEach((row) => {
    switch (row["type"]) {
      case "transport":
        transport = row;
        break;
      case "remote-inbound-rtp":
        lost = Math.max(lost, number(row, "fractionLost"));
        trip = Math.max(trip, number(row, "roundTripTime"));
        break;
      case "candidate-pair":
        pairIn += number(row, "bytesReceived");
        pairOut += number(row, "bytesSent");
        answers += number(row, "responsesReceived");
        if (row["nominated"] !== true) break;
        trip = Math.max(trip, number(row, "currentRoundTripTime"));
        if (typeof row["availableOutgoingBitrate"] === "number") mayBps = row["availableOutgoingBitrate"];
        break;
    }
  });
  // Where the transport counts (Chromium, Safari) it counts for all pairs there ever were.
  const receivedBytes = transport === null ? pairIn : number(transport, "bytesReceived");
  const sentBytes = transport === null ? pairOut : number(transport, "bytesSent");
  return { heard: receivedBytes + answers, receivedBytes, sentBytes, lost, trip, mayBps };
}

/** A leg that was busy and then says nothing for so long has lost its path: its checks alone come more often. */
const SILENT_MS = 1_900;
/** Bytes a second below which silence proves nothing: a room in which nobody speaks and nobody is seen. */
const BUSY_BPS = 1_000;

/** Tells a dead path from a quiet room. */
export class Watch {
  private last: { heard: number; at: number } | null = null;
  private heardAt = 0;
  private busy = false;

  /** True when something was due and nothing came. */
  hear(heard: number, now: number): boolean {
    const last = this.last;
    this.last = { heard, at: now };
    if (last === null || heard < last.heard) {
      this.heardAt = now;
      this.busy = false;
      return false;
    }
    if (heard > last.heard) {
      this.heardAt = now;
      this.busy = ((heard - last.heard) * 1_000) / Math.max(1, now - last.at) > BUSY_BPS;
      return false;
    }
    return this.busy && now - this.heardAt >= SILENT_MS;
  }

  forget(): void {
    this.last = null;
    this.busy = false;
  }
}
