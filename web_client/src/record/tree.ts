// The record's tree (RFC 6962 section 2.1): leaf = H(0x00 || bytes), node = H(0x01 || left || right), split at the largest
// power of two below the size. A phone that came late continues the tree from its *frontier*: the roots of the full
// subtrees of the tree so far, left to right, one per set bit of the size. It never trusts a root it can compute.
import { concat, equal, type Bytes } from "./bytes";
import { sha256 } from "./commitment";

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);

export function hashLeaf(bytes: Uint8Array): Promise<Bytes> {
  return sha256(concat(LEAF, bytes));
}

export function hashNode(left: Uint8Array, right: Uint8Array): Promise<Bytes> {
  return sha256(concat(NODE, left, right));
}

export function bitsSet(size: number): number {
  let count = 0;
  for (let n = size; n > 0; n = Math.floor(n / 2)) count += n % 2;
  return count;
}

/** A growing tree of which only the right edge is kept. */
export class Tree {
  private constructor(
    private count: number,
    private edge: Uint8Array[],
  ) {}

  static empty(): Tree {
    return new Tree(0, []);
  }

  /** Throws RangeError when the number of hashes does not belong to the size. */
  static from(size: number, frontier: readonly Uint8Array[]): Tree {
    if (frontier.length !== bitsSet(size)) throw new RangeError(`a tree of ${size} has ${bitsSet(size)} hashes, not ${frontier.length}`);
    return new Tree(size, frontier.slice());
  }

  get size(): number {
    return this.count;
  }

  get frontier(): readonly Uint8Array[] {
    return this.edge;
  }

  async append(leafHash: Uint8Array): Promise<void> {
    let hash = leafHash;
    for (let n = this.count; n % 2 === 1; n = (n - 1) / 2) hash = await hashNode(this.edge.pop() as Uint8Array, hash);
    this.edge.push(hash);
    this.count += 1;
  }

  async root(): Promise<Uint8Array> {
    let hash: Uint8Array | undefined;
    for (let i = this.edge.length - 1; i >= 0; i--) {
      const left = this.edge[i] as Uint8Array;
      hash = hash === undefined ? left : await hashNode(left, hash);
    }
    return hash ?? sha256(new Uint8Array(0));
  }
}

function split(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}

/** The root over these leaf hashes (RFC 6962 MTH). */
export async function rootOf(leaves: readonly Uint8Array[]): Promise<Uint8Array> {
  const tree = Tree.empty();
  for (const leaf of leaves) await tree.append(leaf);
  return tree.root();
}

/** RFC 6962 PATH(m, D[n]): the sibling hashes from the leaf up to the root. */
export async function inclusionPath(index: number, leaves: readonly Uint8Array[]): Promise<Uint8Array[]> {
  if (index < 0 || index >= leaves.length) throw new RangeError("no such entry in a tree of this size");
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  if (index < k) return [...(await inclusionPath(index, leaves.slice(0, k))), await rootOf(leaves.slice(k))];
  return [...(await inclusionPath(index - k, leaves.slice(k))), await rootOf(leaves.slice(0, k))];
}

/** The root to which this path leads from this leaf of a tree of this size; null where the path is too short or too long
 * (RFC 9162 section 2.1.3.2). */
export async function rootFrom(index: number, size: number, leafHash: Uint8Array, path: readonly Uint8Array[]): Promise<Uint8Array | null> {
  if (index < 0 || index >= size) return null;
  let fn = index;
  let sn = size - 1;
  let hash = leafHash;
  for (const sibling of path) {
    if (sn === 0) return null;
    if (fn % 2 === 1 || fn === sn) {
      hash = await hashNode(sibling, hash);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else {
      hash = await hashNode(hash, sibling);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 ? hash : null;
}

/** Does this leaf, with this path, lead to this root of a tree of this size? */
export async function includes(index: number, size: number, leafHash: Uint8Array, path: readonly Uint8Array[], root: Uint8Array): Promise<boolean> {
  const reached = await rootFrom(index, size, leafHash, path);
  return reached !== null && equal(reached, root);
}

/** RFC 9162 section 2.1.4.2: is the tree (size, root) a continuation of the tree (oldSize, oldRoot)? */
export async function extendsTree(
  oldSize: number,
  oldRoot: Uint8Array,
  size: number,
  root: Uint8Array,
  proof: readonly Uint8Array[],
): Promise<boolean> {
  if (oldSize > size) return false;
  if (oldSize === size) return proof.length === 0 && equal(oldRoot, root);
  if (oldSize === 0) return proof.length === 0;
  const path = proof.slice();
  let power = 1;
  while (power < oldSize) power *= 2;
  if (power === oldSize) path.unshift(oldRoot);
  const first = path[0];
  if (first === undefined) return false;
  let fn = oldSize - 1;
  let sn = size - 1;
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  let older: Uint8Array = first;
  let newer: Uint8Array = first;
  for (const hash of path.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      older = await hashNode(hash, older);
      newer = await hashNode(hash, newer);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else {
      newer = await hashNode(newer, hash);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && equal(older, oldRoot) && equal(newer, root);
}
