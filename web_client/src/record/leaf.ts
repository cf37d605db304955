// A leaf is a msgpack array of 14 fields in fixed order. Its bytes are what the record is made of: they are hashed as they
// came; encoding them again serves only to refuse those that are not the one encoding of what they say. Leaves carry codes, slots, numbers and digests; words for people
// are content, bound by `commit`.
import { decode, encode } from "@msgpack/msgpack";

import { equal, own, type Bytes } from "./bytes";

export type Scalar = null | boolean | number | string | Uint8Array;
export type Fact = Scalar | readonly Fact[];
/** An entry of this stream, or of another by (stream id, sequence, leaf hash). */
export type Reference = number | readonly [Uint8Array, number, Uint8Array];

export interface Leaf {
  readonly type: string;
  readonly seq: number;
  readonly streamId: Bytes;
  /** When the court put it on the record: milliseconds since the Unix epoch. */
  readonly tsMs: number;
  readonly epoch: number;
  /** A slot ("party/1"), "registry" for the clerk's desk, or "court". */
  readonly actor: string;
  /** Which key signed; null for what the court itself records. */
  readonly deviceKeyId: Bytes | null;
  /** The number the sender's device gave its command; null for what the court itself records. */
  readonly dseq: number | null;
  /** The sender's clock: evidence only. */
  readonly tsClientMs: number | null;
  readonly commit: Bytes | null;
  readonly refs: readonly Reference[];
  readonly facts: readonly Fact[];
  /** The device's signature over the act; null for what the court itself records. */
  readonly csig: Bytes | null;
}

const FIELDS = 14;
const VERSION = 1;
const TYPE = /^[a-z][a-z0-9_.]{0,63}$/;
const MOST_BYTES = 4_096;

export class BadLeaf extends Error {}

/** Throws BadLeaf when the bytes are not an entry of version 1. */
export function readLeaf(bytes: Uint8Array): Leaf {
  if (bytes.length > MOST_BYTES) throw new BadLeaf("longer than an entry may be");
  let fields: unknown;
  try {
    fields = decode(bytes);
  } catch {
    throw new BadLeaf("not msgpack");
  }
  if (!Array.isArray(fields) || fields.length !== FIELDS || fields[0] !== VERSION) throw new BadLeaf("not an entry of version 1");
  // msgpack can write one number in several ways; two byte strings for one entry would be two entries.
  if (!equal(encode(fields), bytes)) throw new BadLeaf("not the canonical encoding");
  const [, type, seq, streamId, tsMs, epoch, actor, deviceKeyId, dseq, tsClientMs, commit, refs, facts, csig] = fields as unknown[];
  if (
    typeof type !== "string" ||
    !TYPE.test(type) ||
    !isNatural(seq) ||
    !(streamId instanceof Uint8Array) ||
    streamId.length !== 16 ||
    !isNatural(tsMs) ||
    !isNatural(epoch) ||
    typeof actor !== "string" ||
    !(deviceKeyId === null || (deviceKeyId instanceof Uint8Array && deviceKeyId.length > 0 && deviceKeyId.length <= 32)) ||
    !(dseq === null || isNatural(dseq)) ||
    !(tsClientMs === null || Number.isSafeInteger(tsClientMs)) ||
    !(commit === null || (commit instanceof Uint8Array && commit.length === 32)) ||
    !Array.isArray(refs) ||
    !refs.every(isReference) ||
    !Array.isArray(facts) ||
    !facts.every(isFact) ||
    !(csig === null || (csig instanceof Uint8Array && csig.length === 64))
  ) {
    throw new BadLeaf("a field of the entry has another shape");
  }
  return {
    type,
    seq,
    streamId: own(streamId),
    tsMs,
    epoch,
    actor,
    deviceKeyId: deviceKeyId === null ? null : own(deviceKeyId),
    dseq,
    tsClientMs: tsClientMs as number | null,
    commit: commit === null ? null : own(commit),
    refs: refs as Reference[],
    facts: facts as Fact[],
    csig: csig === null ? null : own(csig),
  };
}

function isReference(value: unknown): boolean {
  if (isNatural(value)) return true;
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [stream, seq, hash] = value as unknown[];
  return stream instanceof Uint8Array && stream.length === 16 && isNatural(seq) && hash instanceof Uint8Array && hash.length === 32;
}

function isFact(value: unknown): boolean {
  if (value === null || typeof value === "boolean" || typeof value === "string" || value instanceof Uint8Array) return true;
  if (typeof value === "number") return Number.isInteger(value);
  return Array.isArray(value) && value.every(isFact);
}

function isNatural(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
