// A checkpoint is a C2SP signed note: origin, size and root of the record, and lines of signatures below. What the court
// signed is the text up to and including the last newline before the blank line; a note whose known key does not verify
// is refused as a whole, unknown keys are ignored (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).
import { concat, equal, fromBase64, utf8, type Bytes } from "./bytes";
import { sha256 } from "./commitment";

const ED25519 = 1;

/** The court's public key as `name+hex(key id)+base64(type || key)`. */
export interface Verifier {
  readonly name: string;
  readonly keyId: Bytes;
  readonly key: Bytes;
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes;
  /** The names of the keys that were known here and verified. */
  readonly signers: readonly string[];
  readonly note: string;
  /** The three lines that are signed. */
  readonly body: string;
  /** Every line under it, known or not: witnesses sign there too. */
  readonly signatures: readonly NoteSignature[];
}

export class BadNote extends Error {}

export type VerifySignature = (key: Uint8Array, signature: Uint8Array, text: Uint8Array) => Promise<boolean>;

/** Throws BadNote when the text is not a verifier key, or its id does not follow from its name and key. */
export async function parseVerifier(vkey: string): Promise<Verifier> {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey.trim());
  if (match === null) throw new BadNote("not a verifier key");
  const [, name = "", id = "", encoded = ""] = match;
  const typed = fromBase64(encoded);
  if (typed[0] !== ED25519 || typed.length !== 33) throw new BadNote("not an Ed25519 key");
  const keyId = await keyIdOf(name, typed);
  const given = Uint8Array.from(id.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  if (!equal(keyId, given)) throw new BadNote("the key's id does not belong to the key");
  return { name, keyId, key: typed.slice(1) };
}

async function keyIdOf(name: string, typedKey: Uint8Array): Promise<Bytes> {
  return (await sha256(concat(utf8(name), utf8("\n"), typedKey))).slice(0, 4);
}

/** One line under a note: 4 bytes of key id, then whatever this kind of key signs with. */
export interface NoteSignature {
  readonly name: string;
  readonly bytes: Bytes;
}

export interface OpenedNote {
  /** What was signed: up to and including the last newline before the blank line. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
  /** The names of the given keys that signed. */
  readonly signers: readonly string[];
}

/** Throws BadNote when it cannot be read, or the signature of a given key fails. Unknown keys are ignored. */
export async function openNote(note: string, verifiers: readonly Verifier[], verify: VerifySignature): Promise<OpenedNote> {
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || !note.endsWith("\n")) throw new BadNote("not a signed note");
  const text = note.slice(0, cut + 1);
  const signatures: NoteSignature[] = [];
  const signers: string[] = [];
  for (const line of note.slice(cut + 2, -1).split("\n")) {
    const match = /^— ([^\s+]+) ([A-Za-z0-9+/=]+)$/.exec(line);
    if (match === null) throw new BadNote("a signature line cannot be read");
    const [, name = "", encoded = ""] = match;
    const bytes = fromBase64(encoded);
    signatures.push({ name, bytes });
    const known = verifiers.find((verifier) => verifier.name === name && equal(verifier.keyId, bytes.slice(0, 4)));
    if (known === undefined) continue;
    if (!(await verify(known.key, bytes.slice(4), utf8(text)))) throw new BadNote(`the signature of ${name} does not hold`);
    signers.push(name);
  }
  return { text, signatures, signers };
}

/** Throws BadNote unless at least one known key signed and none of the known keys' signatures fails. */
export async function openCheckpoint(note: string, verifiers: readonly Verifier[], verify: VerifySignature): Promise<Checkpoint> {
  const { text, signatures, signers } = await openNote(note, verifiers, verify);
  if (signers.length === 0) throw new BadNote("no known key signed this");
  const [origin = "", size = "", root = ""] = text.split("\n");
  if (origin === "" || !/^(0|[1-9][0-9]{0,15})$/.test(size)) throw new BadNote("not a checkpoint");
  const hash = fromBase64(root);
  if (hash.length !== 32) throw new BadNote("a root has 32 bytes");
  return { origin, size: Number(size), root: hash, signers, note, body: text, signatures };
}
