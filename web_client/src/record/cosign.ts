// A phone witnesses the record: it signs a checkpoint whose root it has computed itself from the entries it was shown. C2SP
// cosignature/v1 in its Ed25519 form, by the device key; the first line of the text keeps this signature apart from that of
// an act. The names say which seat of which record (FORMAT.md section 4.1).
import { concat, equal, utf8, type Bytes } from "./bytes";
import { sha256 } from "./commitment";
import { verifyEd25519 } from "./ed25519";
import type { NoteSignature } from "./note";

const COSIGNATURE = 4;

/** What is signed: the time, then the three lines of the checkpoint. */
export function cosignatureText(body: string, timeS: number): Bytes {
  return utf8(`cosignature/v1\ntime ${timeS}\n${body}`);
}

export function cosignerName(origin: string, slot: string): string {
  return `${origin}/${slot.split("/").join("-")}`;
}

/** Who witnessed a checkpoint, and when by his clock. */
export interface Cosigner {
  readonly slot: string;
  readonly timeS: number;
}

/** Those of these keys whose cosignature over this body is among the signatures and holds. An unknown or a bad one is nobody's. */
export async function cosigners(origin: string, body: string, signatures: readonly NoteSignature[], keys: ReadonlyMap<string, Uint8Array>): Promise<Cosigner[]> {
  const found: Cosigner[] = [];
  for (const [slot, key] of keys) {
    const name = cosignerName(origin, slot);
    const id = (await sha256(concat(utf8(name), new Uint8Array([10, COSIGNATURE]), key))).slice(0, 4);
    for (const each of signatures) {
      if (each.name !== name || each.bytes.length !== 76 || !equal(each.bytes.slice(0, 4), id)) continue;
      const timeS = readTime(each.bytes.slice(4, 12));
      if (timeS === null || !(await verifyEd25519(key, each.bytes.slice(12), cosignatureText(body, timeS)))) continue;
      found.push({ slot, timeS });
      break;
    }
  }
  return found;
}

/** A u64 in big-endian order; null where it is later than any clock. */
function readTime(bytes: Uint8Array): number | null {
  let value = 0;
  for (const byte of bytes) value = value * 256 + byte;
  return Number.isSafeInteger(value) ? value : null;
}
