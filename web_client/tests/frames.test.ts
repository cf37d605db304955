import { decode, encode } from "@msgpack/msgpack";
import { describe, expect, it } from "vitest";

import { decodeClientFrame, decodeFrame, encodeFrame, encodeServerFrame, type ClientFrame, type ServerFrame } from "../src/protocol/frames.gen";
import { fromHex, toHex } from "../src/record/bytes";
import { vectors, withBytes } from "./vectors";

interface Vector {
  msgpack: string;
  frame: unknown;
}
interface Bad {
  why: string;
  msgpack: string;
}
const given = vectors<{ good: { client: Vector[]; server: Vector[] }; bad: { client: Bad[]; server: Bad[] } }>("signaling/vectors/frames.json");

describe("frames", () => {
  it("of a phone have the bytes that Python reads", () => {
    for (const { msgpack, frame } of given.good.client) {
      expect(toHex(encode(encodeFrame(withBytes(frame) as ClientFrame)))).toBe(msgpack);
    }
  });
  it("of a room are read as Python wrote them", () => {
    for (const { msgpack, frame } of given.good.server) {
      const read = decodeFrame(decode(fromHex(msgpack)));
      expect(read).toEqual(withBytes(frame));
      expect(decodeFrame(decode(encode(encodeServerFrame(read as ServerFrame))))).toEqual(read);
    }
  });
  it.each(given.bad.server)("of a room are refused: $why", ({ msgpack }) => {
    expect(() => decodeFrame(decode(fromHex(msgpack)))).toThrow();
  });
  it("of a phone that the court refuses are refused here too, where the shape can tell", () => {
    let refused = 0;
    for (const { msgpack } of given.bad.client) {
      try {
        decodeClientFrame(decode(fromHex(msgpack)));
      } catch {
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(given.bad.client.length / 2);
  });
});
