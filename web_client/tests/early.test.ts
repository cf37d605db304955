import { describe, expect, it } from "vitest";

import type { Socket } from "../src/protocol/connection";
import { EarlyLine } from "../src/protocol/early";

class Fake implements Socket {
  binaryType = "";
  readyState = 0;
  bufferedAmount = 0;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  said = 0;
  send(): void {
    this.said += 1;
  }
  close(): void {
    this.readyState = 3;
  }
  opens(): void {
    this.readyState = 1;
    this.onopen?.(undefined as never);
  }
  hangsUp(): void {
    this.readyState = 3;
    this.onclose?.({ code: 4401, reason: "no hello in time" });
  }
}

function dialling(): { line: EarlyLine; sockets: Fake[] } {
  const sockets: Fake[] = [];
  const line = new EarlyLine(() => {
    const socket = new Fake();
    sockets.push(socket);
    return socket;
  });
  return { line, sockets };
}

describe("a line dialled while its person reads", () => {
  it("says nothing, and is handed over open or still on its way, once", () => {
    const { line, sockets } = dialling();
    sockets[0]?.opens();
    expect(line.take()).toBe(sockets[0]);
    expect(sockets[0]?.said).toBe(0);
    expect(line.take()).toBeNull();
    expect(dialling().line.take()).not.toBeNull();
  });

  it("is dialled anew when the court hangs up, for a minute of reading and no longer", () => {
    const { line, sockets } = dialling();
    for (let n = 0; n < 10; n++) {
      sockets.at(-1)?.opens();
      sockets.at(-1)?.hangsUp();
    }
    expect(sockets).toHaveLength(6);
    expect(line.take()).toBeNull();
  });

  it("is not dialled again where nothing answers, nor when the person went back", () => {
    const deaf = dialling();
    deaf.sockets[0]?.hangsUp();
    expect(deaf.sockets).toHaveLength(1);
    const back = dialling();
    back.sockets[0]?.opens();
    back.line.close();
    expect(back.sockets[0]?.readyState).toBe(3);
    back.sockets[0]?.hangsUp();
    expect(back.sockets).toHaveLength(1);
  });
});
