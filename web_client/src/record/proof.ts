// The proof of one line: its content opens its commitment, its leaf lies on a path to a root, and the court signed that
// root. Everything is computed here from bytes; a yes that this file did not compute is not shown as a yes.
import { equal } from "./bytes";
import type { DeviceVerdict } from "./keys";
import { opens } from "./commitment";
import { verifyEd25519 } from "./ed25519";
import { BadNote, openCheckpoint, parseVerifier } from "./note";
import { bitsSet, hashNode, includes } from "./tree";

/** The tree over the leaf hashes, with every inner hash computed once. Whoever came late has the leaves from `first` on and
 * the frontier of what was before: that is enough for the path of every leaf he has, and tells nothing of the others. */
export class WholeTree {
  private readonly known = new Map<string, Uint8Array>();

  /** Throws RangeError when the frontier does not belong to a tree of size `first`. */
  constructor(
    readonly leaves: readonly Uint8Array[],
    readonly first = 0,
    frontier: readonly Uint8Array[] = [],
  ) {
    if (frontier.length !== bitsSet(first)) throw new RangeError("the frontier is of another size");
    let start = 0;
    for (const hash of frontier) {
      let size = 1;
      while (size * 2 <= first - start) size *= 2;
      this.known.set(`${start}+${size}`, hash);
      start += size;
    }
  }

  /** The hash of this leaf; undefined where it is not here. */
  leaf(index: number): Uint8Array | undefined {
    return this.leaves[index - this.first];
  }

  get size(): number {
    return this.first + this.leaves.length;
  }

  private async rootOf(start: number, size: number): Promise<Uint8Array> {
    const key = `${start}+${size}`;
    let hash = this.known.get(key);
    if (hash === undefined && size === 1) {
      hash = this.leaf(start);
      if (hash === undefined) throw new RangeError("a leaf that is not here");
      return hash;
    }
    if (hash === undefined) {
      const k = splitAt(size);
      hash = await hashNode(await this.rootOf(start, k), await this.rootOf(start + k, size - k));
      this.known.set(key, hash);
    }
    return hash;
  }

  /** The path of this leaf in the tree over the first `size` leaves (RFC 6962 section 2.1.1). */
  async path(index: number, size: number): Promise<Uint8Array[]> {
    if (index < this.first || index >= size || size > this.size) throw new RangeError("no such entry in this tree");
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
  /** Whether the person's own device signed it; null where the entry is withheld. */
  readonly device: DeviceVerdict | null;
  readonly root: Uint8Array | null;
}

export interface Line {
  readonly seq: number;
  readonly leafHash: Uint8Array;
  /** The leaf's commitment; null where it has none, undefined where the leaf is withheld. */
  readonly commit: Uint8Array | null | undefined;
  readonly salt: Uint8Array | null;
  readonly content: Uint8Array | null;
  readonly device: DeviceVerdict | null;
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
    const holds = checkpoint.origin === origin && equal(tree.leaf(line.seq) ?? new Uint8Array(0), line.leafHash);
    return {
      signature: checkpoint.origin === origin,
      signers: checkpoint.signers,
      path: holds && (await includes(line.seq, checkpoint.size, line.leafHash, path, checkpoint.root)),
      steps: path.length,
      size: checkpoint.size,
      words,
      device: line.device,
      root: checkpoint.root,
    };
  } catch (error) {
    if (!(error instanceof BadNote) && !(error instanceof RangeError)) throw error;
    return { signature: false, signers: [], path: false, steps: 0, size: tree.size, words, device: line.device, root: null };
  }
}

export function holds(proof: LineProof): boolean {
  return proof.signature && proof.path && proof.words !== "differ" && proof.device !== "differs";
}
