// One WebSocket message is one frame is one msgpack array; everything about its shape is in frames.gen.ts.
import { decode, encode } from "@msgpack/msgpack";

import { decodeFrame, encodeFrame, type ClientFrame, type ServerFrame } from "./frames.gen";

export function pack(frame: ClientFrame): Uint8Array<ArrayBuffer> {
  return encode(encodeFrame(frame)) as Uint8Array<ArrayBuffer>;
}

/** Throws when the bytes are not a frame a room may say; the caller closes the connection. */
export function unpack(bytes: ArrayBuffer | Uint8Array): ServerFrame {
  return decodeFrame(decode(bytes));
}
