import { describe, expect, it } from "vitest";

import { step, type Ladder } from "../src/media/ladder";

const good = { lost: 0, trip: 0.05, mayBps: 2_000_000 };
const thin = { lost: 0.05, trip: 0.3, mayBps: 50_000 };
const walk = (ladder: Ladder, reading: typeof good, times: number): Ladder => Array.from({ length: times }).reduce<Ladder>((at) => step(at, reading), ladder);

describe("the ladder", () => {
  it("gives up the picture within two readings of a link of 50 kbit/s", () => {
    expect(walk({ rung: "full", strikes: 0 }, thin, 1).rung).toBe("full");
    expect(walk({ rung: "full", strikes: 0 }, thin, 2).rung).toBe("voice");
  });
  it("climbs one rung at a time and only after a while", () => {
    const voice: Ladder = { rung: "voice", strikes: 0 };
    expect(walk(voice, good, 7).rung).toBe("voice");
    expect(walk(voice, good, 8).rung).toBe("small");
    expect(walk(voice, good, 16).rung).toBe("full");
  });
  it("does not move for one bad moment", () => {
    expect(walk(step({ rung: "full", strikes: 0 }, thin), good, 1)).toEqual({ rung: "full", strikes: 0 });
  });
});
