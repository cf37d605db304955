// The proof of one line: its content opens its commitment, its leaf lies on a path to a root, and the court signed that
// root. Everything is computed here from bytes; a yes that this file did not compute is not shown as a yes.
import { equal } from "./bytes";
import { opens } from "./commitment";
import { verifyEd25519 } from "./ed25519";
import { BadNote, openCheckpoint, parseVerifier } from "./note";
import { hashNode, includes } from "./tree";

/** The whole tree over the leaf hashes, with every inner hash computed once. */
export class WholeTree {
  private readonly known = new Map<string, Uint8Array>();

  constructor(readonly leaves: readonly Uint8Array[]) {}

  private async rootOf(start: number, size: number): Promise<Uint8Array> {
    if (size === 1) return this.leaves[start] as Uint8Array;
    const key = `${start}+${size}`;
    let hash = this.known.get(key);
    if (hash === undefined) {
      const k = splitAt(size);
      hash = await hashNode(await this.rootOf(start, k), await this.rootOf(start + k, size - k));
      this.known.set(key, hash);
    }
    return hash;
  }

  /** The path of this leaf in the tree over the first `size` leaves (RFC 6962 section 2.1.1). */
  async path(index: number, size: number): Promise<Uint8Array[]> {
    if (index < 0 || index >= size || size > this.leaves.length) throw new RangeError("no such entry in this tree");
    const path: Uint8Array[] = [];
    let start = 0;
    let rest = size;
    const steps: [number, number][] = [];
    while (rest > 1) {
      const k = splitAt(rest);
      if (index - start < k) {
        steps.push([start + k, rest - k]);
        rest = k;
      } else {
        steps.push([start, k]);
        start += k;
        rest -= k;
      }
    }
    for (const [from, count] of steps.reverse()) path.push(await this.rootOf(from, count));
    return path;
  }
}

function splitAt(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}

export type WordsVerdict = "match" | "differ" | "none" | "withheld";

export interface LineProof {
  readonly signature: boolean;
  readonly signers: readonly string[];
  readonly path: boolean;
  readonly steps: number;
  readonly size: number;
  readonly words: WordsVerdict;
  readonly root: Uint8Array | null;
}

export interface Line {
  readonly seq: number;
  readonly leafHash: Uint8Array;
  /** The leaf's commitment; null where it has none, undefined where the leaf is withheld. */
  readonly commit: Uint8Array | null | undefined;
  readonly salt: Uint8Array | null;
  readonly content: Uint8Array | null;
}

/** Checks one line against the court's signed checkpoint. A note that cannot be read counts as a signature that fails. */
export async function proveLine(line: Line, tree: WholeTree, note: string, vkey: string, origin: string): Promise<LineProof> {
  let words: WordsVerdict = "none";
  if (line.commit === undefined) words = "withheld";
  else if (line.commit !== null && line.content === null) words = "withheld";
  else if (line.commit !== null) words = line.salt !== null && line.content !== null && (await opens(line.commit, line.salt, line.content)) ? "match" : "differ";
  try {
    const checkpoint = await openCheckpoint(note, [await parseVerifier(vkey)], verifyEd25519);
    const path = await tree.path(line.seq, checkpoint.size);
    const holds = checkpoint.origin === origin && equal(tree.leaves[line.seq] as Uint8Array, line.leafHash);
    return {
      signature: checkpoint.origin === origin,
      signers: checkpoint.signers,
      path: holds && (await includes(line.seq, checkpoint.size, line.leafHash, path, checkpoint.root)),
      steps: path.length,
      size: checkpoint.size,
      words,
      root: checkpoint.root,
    };
  } catch (error) {
    if (!(error instanceof BadNote) && !(error instanceof RangeError)) throw error;
    return { signature: false, signers: [], path: false, steps: 0, size: tree.leaves.length, words, root: null };
  }
}

export function holds(proof: LineProof): boolean {
  return proof.signature && proof.path && proof.words !== "differ";
}
