// What this phone keeps of the court's record: every leaf hash it was shown, the tree over them, and the last checkpoint
// that the court signed and that this tree agrees with. **It never believes a root it can compute**: a checkpoint that the
// leaves do not lead to is proof of a fork, and is said aloud.
import { equal } from "./bytes";
import { verifyEd25519 } from "./ed25519";
import { BadNote, openCheckpoint, parseVerifier, type Checkpoint, type Verifier } from "./note";
import { Tree } from "./tree";

export type Verdict =
  | { readonly kind: "unchecked" }
  | { readonly kind: "agrees"; readonly checkpoint: Checkpoint }
  | { readonly kind: "forked"; readonly why: string };

export class Kept {
  /** Over everything that came. */
  private all: Tree;
  /** Over what the last checkpoint covers; it follows `all` along `pending`. */
  private checked: Tree;
  private pending: Uint8Array[] = [];
  private ahead: Checkpoint | null = null;
  private verifier: Verifier | null = null;
  private verdict: Verdict = { kind: "unchecked" };

  private constructor(
    private readonly origin: string,
    size: number,
    frontier: readonly Uint8Array[],
  ) {
    this.all = Tree.from(size, frontier);
    this.checked = Tree.from(size, frontier);
  }

  /** Goes on from a tree of `size` with this frontier. Throws BadNote or RangeError when key or frontier are unusable. */
  static async from(origin: string, vkey: string, size: number, frontier: readonly Uint8Array[]): Promise<Kept> {
    const kept = new Kept(origin, size, frontier);
    kept.verifier = await parseVerifier(vkey);
    return kept;
  }

  get size(): number {
    return this.all.size;
  }

  get state(): Verdict {
    return this.verdict;
  }

  root(): Promise<Uint8Array> {
    return this.all.root();
  }

  /** The next leaf. Anything but the next is a hole or a repetition: false, and nothing is changed. */
  async append(seq: number, leafHash: Uint8Array): Promise<boolean> {
    if (seq !== this.all.size) return false;
    await this.all.append(leafHash);
    this.pending.push(leafHash);
    if (this.ahead !== null && this.ahead.size <= this.all.size) {
      const due = this.ahead;
      this.ahead = null;
      await this.compare(due);
    }
    return true;
  }

  /** A checkpoint came: it is compared now, or as soon as the leaves it covers are here. */
  async checkpoint(note: string): Promise<Verdict> {
    if (this.verifier === null || this.verdict.kind === "forked") return this.verdict;
    let checkpoint: Checkpoint;
    try {
      checkpoint = await openCheckpoint(note, [this.verifier], verifyEd25519);
    } catch (error) {
      if (!(error instanceof BadNote) && !(error instanceof RangeError)) throw error;
      this.verdict = { kind: "forked", why: error.message };
      return this.verdict;
    }
    if (checkpoint.origin !== this.origin) {
      this.verdict = { kind: "forked", why: "a checkpoint of another record" };
    } else if (checkpoint.size > this.all.size) {
      this.ahead = checkpoint;
    } else {
      await this.compare(checkpoint);
    }
    return this.verdict;
  }

  private async compare(checkpoint: Checkpoint): Promise<void> {
    if (checkpoint.size < this.checked.size) return; // older than what is already known to agree
    while (this.checked.size < checkpoint.size) {
      const leafHash = this.pending.shift();
      if (leafHash === undefined) return;
      await this.checked.append(leafHash);
    }
    this.verdict = equal(await this.checked.root(), checkpoint.root)
      ? { kind: "agrees", checkpoint }
      : { kind: "forked", why: "the signed root is not the root of the entries seen here" };
  }
}
