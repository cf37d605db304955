// What a device signs when its person acts. **A leaf of a person holds exactly what was signed**: its type is the command,
// its facts are the arguments, so the signed bytes are made again from the leaf alone, and the court can neither make up an
// act nor bend one. The bytes are canonical msgpack, the same that Python packs (FORMAT.md section 1.1).
import { encode } from "@msgpack/msgpack";

import { concat, utf8, type Bytes } from "./bytes";
import { sha256 } from "./commitment";
import { verifyEd25519 } from "./ed25519";
import type { Fact, Leaf, Reference } from "./leaf";

const CONTEXT = utf8("palm/client/v1\0");
const KEY_CONTEXT = utf8("palm/device-key/v1\0");
const KEY_ID_LENGTH = 16;
/** The actor of what the court's machine puts on the record: the only one whose leaves no device signs. */
export const COURT = "court";

/** One act, before anybody has signed it. */
export interface Act {
  readonly dseq: number;
  readonly command: string;
  readonly args: readonly Fact[];
  readonly refs: readonly Reference[];
  readonly commit: Uint8Array | null;
  readonly tsClientMs: number;
}

/** Bytes in canonical msgpack: shortest forms, no maps, no fractions. */
export function pack(value: unknown): Bytes {
  return encode(value) as Bytes;
}

/** The `device_key_id` of a leaf: it follows from the key alone. */
export async function keyIdOf(publicKey: Uint8Array): Promise<Bytes> {
  return (await sha256(concat(KEY_CONTEXT, publicKey))).slice(0, KEY_ID_LENGTH);
}

/** The bytes that a device signs for this act in this stream. */
export function actMessage(streamId: Uint8Array, act: Act): Bytes {
  return concat(CONTEXT, pack([streamId, act.dseq, act.command, act.args, act.refs, act.commit, act.tsClientMs]));
}

/** Did the holder of this key do what this leaf says? */
export async function leafSignedBy(leaf: Leaf, publicKey: Uint8Array): Promise<boolean> {
  if (leaf.csig === null || leaf.dseq === null || leaf.tsClientMs === null) return false;
  const act: Act = { dseq: leaf.dseq, command: leaf.type, args: leaf.facts, refs: leaf.refs, commit: leaf.commit, tsClientMs: leaf.tsClientMs };
  return verifyEd25519(publicKey, leaf.csig, actMessage(leaf.streamId, act));
}
