import { encode } from "@msgpack/msgpack";
import { describe, expect, it } from "vitest";

import { waitBefore } from "../src/protocol/backoff";
import { Connection, type Line, type Socket } from "../src/protocol/connection";
import { decodeClientFrame, encodeServerFrame, type ClientFrame, type ServerFrame } from "../src/protocol/frames.gen";
import { decode } from "@msgpack/msgpack";

/** A clock that moves when told to; promises are let through between its ticks. */
class Clock {
  now = 0;
  private calls: { at: number; call: () => void }[] = [];
  after = (ms: number, call: () => void): (() => void) => {
    const entry = { at: this.now + ms, call };
    this.calls.push(entry);
    return () => {
      this.calls = this.calls.filter((each) => each !== entry);
    };
  };
  async run(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      await settle();
      const next = this.calls.filter((each) => each.at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.calls = this.calls.filter((each) => each !== next);
      this.now = next.at;
      next.call();
    }
    this.now = end;
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

/** The other end: answers pings while the network is up. */
class Fake implements Socket {
  binaryType = "";
  readyState = 0;
  bufferedAmount = 0;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  readonly heard: ClientFrame[] = [];
  /** Whether it answers a hello. */
  answers = true;
  constructor(private readonly net: Net) {}
  send(data: Uint8Array): void {
    if (!this.net.up) return; // a dead network swallows, it does not tell
    const frame = decodeClientFrame(decode(data));
    this.heard.push(frame);
    if (frame.type === "hello" && this.answers) this.say({ type: "lobby", view: {} });
    if (frame.type === "ping") this.say({ type: "pong", n: frame.n, now_ms: 1 });
  }
  close(): void {
    this.readyState = 3;
  }
  say(frame: ServerFrame): void {
    this.onmessage?.({ data: encode(encodeServerFrame(frame)) });
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.(undefined as never);
  }
}

class Net {
  up = true;
  sockets: Fake[] = [];
}

function made(clock: Clock, net: Net, dialled: Fake | null = null): { connection: Connection; lines: Line[]; greetings: number[] } {
  const lines: Line[] = [];
  const greetings: number[] = [];
  let early = dialled;
  const connection = new Connection(
    "ws://court/api/session",
    {
      hello: () =>
        Promise.resolve({ type: "hello", version: 1, ticket: "t".repeat(32), device_key: new Uint8Array(32), device_secret: new Uint8Array(32), language: "zh", cursor: null }),
      greeted: () => void greetings.push(clock.now),
      frame: () => undefined,
      line: (line) => lines.push(line),
      roundTrip: () => undefined,
    },
    {
      dial: () => {
        if (early !== null) {
          const taken = early;
          early = null;
          return taken;
        }
        const socket = new Fake(net);
        net.sockets.push(socket);
        if (net.up) clock.after(20, () => socket.open());
        return socket;
      },
      now: () => clock.now,
      after: clock.after,
      chance: () => 0.5,
    },
  );
  return { connection, lines, greetings };
}

describe("the line", () => {
  it("says hello at once on a line that was dialled and opened before, and tells that it did", async () => {
    const clock = new Clock();
    const net = new Net();
    const dialled = new Fake(net);
    dialled.open();
    const { connection, lines, greetings } = made(clock, net, dialled);
    connection.start();
    await clock.run(0);
    expect(dialled.heard.map((frame) => frame.type)).toEqual(["hello"]);
    expect(greetings).toEqual([0]);
    expect(lines.at(-1)?.kind).toBe("open");
    expect(net.sockets).toHaveLength(0);
  });
  it("says nothing but pings and an offer before the court has answered: anything else would end the line for good", async () => {
    const clock = new Clock();
    const net = new Net();
    const { connection } = made(clock, net);
    connection.start();
    await clock.run(1);
    const slow = net.sockets[0] as Fake;
    slow.answers = false;
    slow.open();
    await clock.run(5_000);
    expect(connection.send({ type: "signal", name: "typing", value: true })).toBe(false);
    expect(connection.send({ type: "cosign", size: 1, time_s: 1, signature: new Uint8Array(64) })).toBe(false);
    expect(connection.send({ type: "negotiate", kind: "offer", sdp: "" })).toBe(true);
    expect(new Set(slow.heard.map((frame) => frame.type))).toEqual(new Set(["hello", "ping", "negotiate"]));
    slow.say({ type: "lobby", view: {} });
    expect(connection.send({ type: "signal", name: "typing", value: true })).toBe(true);
  });
  it("notices a dead network by itself and is back within three seconds of its return", async () => {
    const clock = new Clock();
    const net = new Net();
    const { connection, lines } = made(clock, net);
    connection.start();
    await clock.run(1_000);
    expect(lines.at(-1)?.kind).toBe("open");
    net.up = false;
    await clock.run(20_000);
    expect(lines.at(-1)?.kind).not.toBe("open");
    net.up = true;
    connection.wake();
    await clock.run(3_000);
    expect(lines.at(-1)?.kind).toBe("open");
  });

  it("is back within two seconds even where nobody says that the network is there again", async () => {
    for (const away of [8_000, 20_000, 31_000, 90_000]) {
      const clock = new Clock();
      const net = new Net();
      const { connection, lines } = made(clock, net);
      connection.start();
      await clock.run(1_000);
      net.up = false;
      await clock.run(away);
      expect(lines.at(-1)?.kind).not.toBe("open");
      net.up = true; // what was dialled before hangs on: its first packet is lost
      await clock.run(2_100);
      expect(lines.at(-1)?.kind).toBe("open");
      const open = net.sockets.filter((socket) => socket.readyState !== 3);
      expect(open).toHaveLength(1);
    }
  });

  it("comes back when the court restarts, without being asked", async () => {
    const clock = new Clock();
    const net = new Net();
    const { connection, lines } = made(clock, net);
    connection.start();
    await clock.run(1_000);
    net.sockets.at(-1)?.onclose?.({ code: 4503, reason: "" });
    await clock.run(2_000);
    expect(lines.map((line) => line.kind)).toEqual(["dialling", "open", "waiting", "dialling", "open"]);
    expect(net.sockets).toHaveLength(2);
  });

  it("does not knock again when the court has said that there is no point", async () => {
    for (const code of [4400, 4401, 4403, 4409, 4410] as const) {
      const clock = new Clock();
      const net = new Net();
      const { connection, lines } = made(clock, net);
      connection.start();
      await clock.run(1_000);
      net.sockets[0]?.say({ type: "closing", code, detail: "expired" });
      net.sockets[0]?.onclose?.({ code: 1006, reason: "" });
      await clock.run(60_000);
      expect(lines.at(-1)).toEqual({ kind: "ended", code, detail: "expired" });
      expect(net.sockets).toHaveLength(1);
    }
  });

  it("ends when what it hears is not a frame", async () => {
    const clock = new Clock();
    const net = new Net();
    const { connection, lines } = made(clock, net);
    connection.start();
    await clock.run(1_000);
    net.sockets[0]?.onmessage?.({ data: new Uint8Array([0xc1]) });
    expect(lines.at(-1)).toMatchObject({ kind: "ended", code: 4400 });
  });

  it("sends nothing before hello and nothing after a break", async () => {
    const clock = new Clock();
    const net = new Net();
    const { connection } = made(clock, net);
    expect(connection.send({ type: "ping", n: 1 })).toBe(false);
    connection.start();
    expect(connection.send({ type: "ping", n: 1 })).toBe(false);
    await clock.run(100);
    expect(net.sockets[0]?.heard.map((frame) => frame.type)).toEqual(["hello"]);
    expect(connection.send({ type: "ping", n: 1 })).toBe(true);
    connection.stop();
    expect(connection.send({ type: "ping", n: 2 })).toBe(false);
  });
});

describe("the wait before another try", () => {
  it("is short at first, never above five seconds, and differs between phones", () => {
    expect(waitBefore(0, 0.5)).toBeLessThan(400);
    for (let attempt = 0; attempt < 200; attempt++) {
      expect(waitBefore(attempt, 0.999)).toBeLessThan(5_000);
    }
    expect(waitBefore(5, 0)).not.toBe(waitBefore(5, 0.9));
  });
});
