// This phone as a witness. It keeps the last checkpoint that it checked, the receipts it got and the court's key, from one
// visit to the next; it signs a checkpoint only when that checkpoint continues what is kept, **and it keeps the new one
// before it signs it**. What cannot be true together is kept for ever and shown; from then on it signs nothing.
import { batch, signal } from "@preact/signals";

import type { Receipt, Refused, Welcome } from "../protocol/frames.gen";
import { equal, own, type Bytes } from "../record/bytes";
import { receiptStatement, refusalStatement, stated, type Attestation } from "../record/attest";
import { cosignatureText } from "../record/cosign";
import type { DeviceKey } from "../record/device-key";
import { Kept, type Head, type Verdict, type Why } from "../record/kept";
import { parseVerifier, type Checkpoint } from "../record/note";
import { leadsTo } from "../record/rotation";

/** The court's signed word that an act is on the record. */
export interface KeptReceipt {
  readonly origin: string;
  readonly seq: number;
  readonly dseq: number;
  readonly leafHash: Bytes;
  readonly tsMs: number;
  readonly attestation: Attestation;
  /** Whether the court's signature was found good when it came. */
  readonly good: boolean;
}

/** Two things that cannot both be true. */
export interface Fork {
  readonly origin: string;
  readonly why: Why;
  readonly atMs: number;
  readonly vkey: string;
  readonly head: Head | null;
  readonly came: string;
}

/** Each call is durable when it resolves. */
export interface WitnessStore {
  head(origin: string): Promise<Head | null>;
  keepHead(head: Head): Promise<void>;
  receipts(origin: string): Promise<readonly KeptReceipt[]>;
  keepReceipt(receipt: KeptReceipt): Promise<void>;
  /** The fork of this record, of which there is never more than the first. */
  fork(origin: string): Promise<Fork | null>;
  /** Keeps it for ever; nothing removes one. */
  keepFork(fork: Fork): Promise<void>;
  courtKey(host: string): Promise<Bytes | null>;
  keepCourtKey(host: string, key: Bytes): Promise<void>;
}

export interface WitnessPorts {
  readonly store: WitnessStore;
  /** Wall clock, milliseconds since the epoch. */
  wall(): number;
  after(ms: number, call: () => void): () => void;
  /** Says a cosignature to the court; false when the line is down. */
  cosign(size: number, timeS: number, signature: Bytes): boolean;
  /** Is one of these entries an act of the bench, or the seal? Those are witnessed at once. */
  urgent(fromSeq: number, toSeq: number): boolean;
}

const COSIGN_EVERY_MS = 10_000;

export class Witness {
  readonly verdict = signal<Verdict>({ kind: "unchecked" });
  /** By the entry's number. */
  readonly receipts = signal<ReadonlyMap<number, KeptReceipt>>(new Map());
  readonly fork = signal<Fork | null>(null);
  private kept: Kept | null = null;
  private origin = "";
  private vkey = "";
  private keptSize = 0;
  private signedSize = 0;
  private signedAt = -Infinity;
  private cancel: (() => void) | null = null;

  constructor(
    private readonly key: DeviceKey,
    private readonly ports: WitnessPorts,
  ) {}

  /** Where the tree that is kept ends; null before the first welcome. */
  get size(): number | null {
    return this.kept?.size ?? null;
  }

  root(): Promise<Uint8Array> | null {
    return this.kept?.root() ?? null;
  }

  /** Where the record must be loaded back to, so that it joins on to what an earlier visit kept; null when it has. */
  get unmet(): number | null {
    const { kept } = this;
    return kept === null || kept.state.kind === "forked" ? null : (kept.unmet?.size ?? null);
  }

  /** A session begins. `goesOn`: its entries continue those that are here. */
  async welcome(frame: Welcome, goesOn: boolean): Promise<void> {
    this.signedSize = 0; // what an earlier session was told it may have lost
    if (this.origin !== frame.origin) {
      this.origin = frame.origin;
      this.vkey = frame.vkey;
      const receipts = await this.ports.store.receipts(frame.origin);
      const fork = await this.ports.store.fork(frame.origin);
      batch(() => {
        this.receipts.value = new Map(receipts.map((each) => [each.seq, each]));
        this.fork.value = fork;
      });
    }
    this.vkey = frame.vkey;
    if (!goesOn || this.kept === null) {
      const head = await this.ports.store.head(frame.origin);
      this.kept = await Kept.from(frame.origin, frame.vkey, frame.start_seq, frame.frontier, head);
    } else await this.kept.under(frame.vkey);
    this.kept.session();
    this.kept.ends(frame.next_seq);
    await this.checkCourtKey(frame);
    await this.judged();
  }

  /** In the lobby nothing of the record is here. */
  outside(): void {
    this.kept = null;
    this.cancel?.();
    this.cancel = null;
  }

  async append(seq: number, leafHash: Uint8Array): Promise<void> {
    await this.kept?.append(seq, leafHash);
    this.compareReceipt(seq, leafHash);
  }

  /** After the entries of one frame have been appended. */
  async judged(): Promise<void> {
    const { kept } = this;
    if (kept === null) return;
    const verdict = kept.state;
    this.verdict.value = verdict;
    if (verdict.kind === "forked") await this.keepFork(verdict.why, verdict.head, verdict.came);
    else if (verdict.kind === "agrees") await this.agreed(verdict.checkpoint);
  }

  async checkpoint(note: string, consistency: readonly Uint8Array[]): Promise<void> {
    if (this.kept === null) return;
    await this.kept.checkpoint(note, consistency);
    await this.judged();
  }

  /** The entries between the kept checkpoint and the beginning of this session have been loaded. */
  async bridge(frontier: readonly Uint8Array[], leaves: readonly Uint8Array[], start: readonly Uint8Array[]): Promise<void> {
    await this.kept?.bridge(frontier, leaves, start);
    await this.judged();
  }

  /** Checks and keeps a receipt; true when the court's signature holds. */
  async receipt(frame: Receipt, leafHash: Uint8Array | undefined): Promise<boolean> {
    if (this.kept === null) return false;
    const attestation = { ...frame.attestation, path: frame.attestation.path.map(own), signature: own(frame.attestation.signature) };
    const good = await stated(receiptStatement(this.origin, frame.seq, frame.leaf_hash, frame.ts_ms), attestation, this.kept.courtKey);
    const receipt: KeptReceipt = { origin: this.origin, seq: frame.seq, dseq: frame.dseq, leafHash: own(frame.leaf_hash), tsMs: frame.ts_ms, attestation, good };
    await this.ports.store.keepReceipt(receipt);
    this.receipts.value = new Map(this.receipts.value).set(frame.seq, receipt);
    if (leafHash !== undefined) {
      this.compareReceipt(frame.seq, leafHash);
      await this.judged();
    }
    return good;
  }

  /** True or false for a signed refusal; null for one that the session itself gave, which nobody signs. */
  async refusal(frame: Refused): Promise<boolean | null> {
    if (frame.attestation === null || this.kept === null) return null;
    return stated(refusalStatement(this.origin, this.key.id, frame.dseq, frame.code, frame.ts_ms), frame.attestation, this.kept.courtKey);
  }

  private compareReceipt(seq: number, leafHash: Uint8Array): void {
    const receipt = this.receipts.peek().get(seq);
    if (receipt === undefined || !receipt.good || equal(receipt.leafHash, leafHash)) return;
    const { leafHash: hash, attestation, tsMs } = receipt;
    this.kept?.contradicted("receipt_differs", JSON.stringify({ seq, leaf_hash: hash, ts_ms: tsMs, attestation }, hexed));
  }

  private async checkCourtKey(frame: Welcome): Promise<void> {
    const host = frame.origin.split("/")[0] ?? "";
    const now = (await parseVerifier(frame.vkey)).key;
    const before = await this.ports.store.courtKey(host);
    if (before !== null && !equal(before, now) && !(await leadsTo(host, before, now, frame.rotations))) {
      this.kept?.contradicted("court_key", frame.vkey);
      return;
    }
    if (before === null || !equal(before, now)) await this.ports.store.keepCourtKey(host, own(now));
  }

  private async keepFork(why: Why, head: Head | null, came: string): Promise<void> {
    const known = this.fork.peek();
    if (known !== null && known.came !== "") return; // the first one counts; it is complete
    const kept = head === null ? null : { origin: head.origin, size: head.size, root: own(head.root), note: head.note };
    const fork: Fork = known === null ? { origin: this.origin, why, atMs: this.ports.wall(), vkey: this.vkey, head: kept, came } : { ...known, came };
    await this.ports.store.keepFork(fork);
    this.fork.value = fork;
  }

  private async agreed(checkpoint: Checkpoint): Promise<void> {
    if (this.fork.peek() !== null || this.unmet !== null) return;
    if (checkpoint.size > this.keptSize) {
      this.keptSize = checkpoint.size;
      await this.ports.store.keepHead({ origin: checkpoint.origin, size: checkpoint.size, root: own(checkpoint.root), note: checkpoint.note });
    }
    if (checkpoint.size <= this.signedSize) return;
    const wait = this.signedAt + COSIGN_EVERY_MS - this.ports.wall();
    if (wait > 0 && !this.ports.urgent(this.signedSize, checkpoint.size)) {
      this.cancel ??= this.ports.after(wait, () => {
        this.cancel = null;
        void this.judged();
      });
      return;
    }
    this.cancel?.();
    this.cancel = null;
    this.signedSize = checkpoint.size;
    this.signedAt = this.ports.wall();
    const timeS = Math.floor(this.ports.wall() / 1000);
    if (!this.ports.cosign(checkpoint.size, timeS, await this.key.sign(cosignatureText(checkpoint.body, timeS)))) this.signedSize = 0;
  }
}

/** Bytes as hexadecimal text, for what people keep in a file. */
function hexed(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("") : value;
}
