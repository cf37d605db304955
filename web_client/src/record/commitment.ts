// What was said is bound to its place on the record by a salted commitment, so that the words may be destroyed by order
// and the place still proves: commit = SHA-256("palm/content/v1\0" || salt || SHA-256(bytes)). The salt has 32 bytes and
// is made where the bytes are made; without it a "yes" could be guessed from its commitment.
import { concat, equal, utf8, type Bytes } from "./bytes";

const CONTEXT = utf8("palm/content/v1\0");
export const SALT_LENGTH = 32;

export async function sha256(bytes: Uint8Array): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Bytes));
}

export async function commit(salt: Uint8Array, content: Uint8Array): Promise<Bytes> {
  return commitDigest(salt, await sha256(content));
}

/** The same for content that was too large to hold: from its SHA-256. */
export async function commitDigest(salt: Uint8Array, digest: Uint8Array): Promise<Bytes> {
  if (salt.length !== SALT_LENGTH) throw new RangeError("a salt has 32 bytes");
  return sha256(concat(CONTEXT, salt, digest));
}

/** True when these are the bytes, to the last bit, that the entry was made for. */
export async function opens(commitment: Uint8Array, salt: Uint8Array, content: Uint8Array): Promise<boolean> {
  return salt.length === SALT_LENGTH && equal(commitment, await commit(salt, content));
}
