// What the court signs to a sender. **One signature binds it to every answer of a moment**: the statements are leaves of a
// tree, the court signs the root, and each sender gets the path to his own. A receipt whose entry is missing from a later
// record proves that something was removed; so it is checked before it is believed, and kept (FORMAT.md section 4.2).
import { concat, utf8, type Bytes } from "./bytes";
import { pack } from "./csig";
import { verifyEd25519 } from "./ed25519";
import { hashLeaf, rootFrom } from "./tree";

const RECEIPT = utf8("palm/receipt/v1\0");
const REFUSAL = utf8("palm/refusal/v1\0");
const CONTEXT = utf8("palm/attest/v1\0");
const MOST_STATEMENTS = 2 ** 20;

/** The court's signature over an answer: where the answer stands among those of its moment, and the way up. */
export interface Attestation {
  readonly place: number;
  readonly size: number;
  readonly path: readonly Uint8Array[];
  readonly signature: Uint8Array;
}

/** The entry with this hash is number `seq` of this record since this time. */
export function receiptStatement(origin: string, seq: number, leafHash: Uint8Array, tsMs: number): Bytes {
  return concat(RECEIPT, pack([origin, seq, leafHash, tsMs]));
}

/** The rules refused this device's act at this time. */
export function refusalStatement(origin: string, deviceKeyId: Uint8Array, dseq: number, code: string, tsMs: number): Bytes {
  return concat(REFUSAL, pack([origin, deviceKeyId, dseq, code, tsMs]));
}

/** Did the court of this key make this statement? */
export async function stated(statement: Uint8Array, attestation: Attestation, courtKey: Uint8Array): Promise<boolean> {
  const { place, size, path, signature } = attestation;
  if (size > MOST_STATEMENTS) return false;
  const root = await rootFrom(place, size, await hashLeaf(statement), path);
  return root !== null && verifyEd25519(courtKey, signature, concat(CONTEXT, root));
}
