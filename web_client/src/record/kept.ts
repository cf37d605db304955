// What this phone keeps of the court's record: every leaf hash it was shown, the tree over them, and the last checkpoint
// that the court signed and that this tree agrees with. **It never believes a root it can compute**: a checkpoint that the
// leaves do not lead to, or that does not continue the one kept from an earlier day, is proof of a fork; both are handed
// out as evidence, and from then on nothing is witnessed.
import { equal } from "./bytes";
import { verifyEd25519 } from "./ed25519";
import { BadNote, openCheckpoint, parseVerifier, type Checkpoint, type Verifier } from "./note";
import { extendsTree, Tree } from "./tree";

/** The last checkpoint that this phone checked, as it is kept from one visit to the next. */
export interface Head {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
}

/** Why two things that the court signed cannot both be true. */
export type Why =
  /** Not signed by the court's key, or not to be read. */
  | "unsigned"
  | "other_record"
  /** The signed root is not the root of the entries that were shown. */
  | "entries_differ"
  /** It does not continue the checkpoint that was kept. */
  | "not_continued"
  /** The record is shorter than what was signed before. */
  | "shorter"
  /** A receipt names another entry at this place. */
  | "receipt_differs"
  /** The court uses a key that nothing leads to from the one it used before. */
  | "court_key";

export type Verdict =
  | { readonly kind: "unchecked" }
  | { readonly kind: "agrees"; readonly checkpoint: Checkpoint }
  /** `came` is what was shown now, `head` what was kept before; null where nothing was. */
  | { readonly kind: "forked"; readonly why: Why; readonly head: Head | null; readonly came: string };

export class Kept {
  /** Over everything that came. */
  private all: Tree;
  /** Over what the last checkpoint covers; it follows `all` along `pending`. */
  private checked: Tree;
  private pending: Uint8Array[] = [];
  private ahead: Checkpoint | null = null;
  private verdict: Verdict = { kind: "unchecked" };
  private last: Checkpoint | null = null;

  private constructor(
    private readonly origin: string,
    private verifier: Verifier,
    size: number,
    frontier: readonly Uint8Array[],
    private head: Head | null,
  ) {
    this.all = Tree.from(size, frontier);
    this.checked = Tree.from(size, frontier);
  }

  /** Goes on from a tree of `size` with this frontier; `head` is what an earlier visit kept. Throws BadNote or RangeError
   * when key or frontier are unusable. */
  static async from(origin: string, vkey: string, size: number, frontier: readonly Uint8Array[], head: Head | null = null): Promise<Kept> {
    const verifier = await parseVerifier(vkey);
    if (verifier.name !== origin) throw new BadNote("the key is not this record's");
    const kept = new Kept(origin, verifier, size, frontier, head);
    if (head !== null && head.size === size) await kept.reach();
    return kept;
  }

  /** The court signs with this key from now on; whether the former one leads to it is for the caller to ask. */
  async under(vkey: string): Promise<void> {
    const verifier = await parseVerifier(vkey);
    if (verifier.name !== this.origin) throw new BadNote("the key is not this record's");
    this.verifier = verifier;
  }

  get size(): number {
    return this.all.size;
  }

  get state(): Verdict {
    return this.verdict;
  }

  /** The court's key for this record, 32 bytes. */
  get courtKey(): Uint8Array {
    return this.verifier.key;
  }

  /** The kept checkpoint that has not been met yet: it lies before the first leaf here, or beyond the last. */
  get unmet(): Head | null {
    return this.head;
  }

  root(): Promise<Uint8Array> {
    return this.all.root();
  }

  /** The next leaf. Anything but the next is a hole or a repetition: false, and nothing is changed. */
  async append(seq: number, leafHash: Uint8Array): Promise<boolean> {
    if (seq !== this.all.size) return false;
    await this.all.append(leafHash);
    this.pending.push(leafHash);
    if (this.head !== null && this.head.size === this.all.size) await this.reach();
    if (this.ahead !== null && this.ahead.size <= this.all.size) {
      const due = this.ahead;
      this.ahead = null;
      await this.compare(due);
    }
    return true;
  }

  /** A checkpoint came: it is compared now, or as soon as the leaves it covers are here. `consistency` leads from the last
   * one of this session, and is checked too: it is what others, who have no leaves, would be shown. */
  async checkpoint(note: string, consistency: readonly Uint8Array[] = []): Promise<Verdict> {
    let checkpoint: Checkpoint;
    try {
      checkpoint = await openCheckpoint(note, [this.verifier], verifyEd25519);
    } catch (error) {
      if (!(error instanceof BadNote) && !(error instanceof RangeError)) throw error;
      return this.fork("unsigned", note);
    }
    if (this.verdict.kind === "forked") {
      // The entries contradicted what was kept before the court had signed them: now it has, and both notes are there.
      if (this.verdict.came === "") this.verdict = { ...this.verdict, came: note };
      return this.verdict;
    }
    if (checkpoint.origin !== this.origin) return this.fork("other_record", note);
    const { last } = this;
    if (last !== null && checkpoint.size >= last.size && !(await extendsTree(last.size, last.root, checkpoint.size, checkpoint.root, consistency))) {
      return this.fork("not_continued", note, last);
    }
    if (last === null || checkpoint.size >= last.size) this.last = checkpoint;
    if (checkpoint.size > this.all.size) this.ahead = checkpoint;
    else await this.compare(checkpoint);
    return this.verdict;
  }

  /** Another session begins: its first checkpoint has no proof, for the court does not know what it showed before. */
  session(): void {
    this.last = null;
  }

  /** The court says that its record ends at `size`. Shorter than what it signed before, it has lost or taken back entries. */
  ends(size: number): Verdict {
    return this.head !== null && size < this.head.size ? this.fork("shorter", "") : this.verdict;
  }

  /** The leaves from the kept checkpoint up to where this tree began have come: `frontier` is that of the kept size. */
  async bridge(frontier: readonly Uint8Array[], leaves: readonly Uint8Array[], start: readonly Uint8Array[]): Promise<Verdict> {
    const { head } = this;
    if (head === null || this.verdict.kind === "forked") return this.verdict;
    const tree = Tree.from(head.size, frontier);
    const met = equal(await tree.root(), head.root);
    for (const leaf of leaves) await tree.append(leaf);
    const began = Tree.from(tree.size, start);
    if (!met || !equal(await tree.root(), await began.root())) return this.fork("not_continued", this.last?.note ?? "");
    this.head = null;
    return this.verdict;
  }

  /** Something else that the court signed cannot be true together with these entries. */
  contradicted(why: Why, came: string): Verdict {
    return this.fork(why, came);
  }

  private fork(why: Why, came: string, head: Head | null = this.head ?? this.lastGood()): Verdict {
    if (this.verdict.kind !== "forked") this.verdict = { kind: "forked", why, head, came };
    return this.verdict;
  }

  private lastGood(): Checkpoint | null {
    return this.verdict.kind === "agrees" ? this.verdict.checkpoint : null;
  }

  /** The tree has come to the size of the kept checkpoint. */
  private async reach(): Promise<void> {
    const { head } = this;
    if (head === null) return;
    if (equal(await this.all.root(), head.root)) this.head = null;
    else this.fork("not_continued", this.last?.note ?? "", head);
  }

  private async compare(checkpoint: Checkpoint): Promise<void> {
    if (this.verdict.kind === "forked" || checkpoint.size < this.checked.size) return; // older than what is already known to agree
    while (this.checked.size < checkpoint.size) {
      const leafHash = this.pending.shift();
      if (leafHash === undefined) return;
      await this.checked.append(leafHash);
    }
    if (equal(await this.checked.root(), checkpoint.root)) this.verdict = { kind: "agrees", checkpoint };
    else this.fork("entries_differ", checkpoint.note);
  }
}
