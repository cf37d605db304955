// SHA-256 step by step. A chunk of its own, since it carries the library: see digest.ts.
import { sha256 } from "@noble/hashes/sha2.js";

import type { Bytes } from "./bytes";

/** Small enough for memory, large enough that reading, not calling, takes the time. */
const PIECE = 1024 * 1024;

export async function inPieces(file: Blob, progress: (share: number) => void): Promise<Bytes> {
  const hash = sha256.create();
  for (let at = 0; at < file.size; at += PIECE) {
    hash.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
    progress(Math.min(1, (at + PIECE) / file.size));
  }
  return new Uint8Array(hash.digest());
}
