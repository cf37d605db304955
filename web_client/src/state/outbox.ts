// What a person has said and the court has not yet answered. **The law: it is kept before it is shown as "sending", its
// number never changes once given, and it leaves only when the court has answered.** The device signs it once, with its
// number, and the signature is kept with it, so what is sent again is the same bytes. A reload, a tunnel or a killed tab
// therefore loses nothing and doubles nothing: the court knows (device key, dseq).
//
// One submit is under way at a time, so the order on the record is the order of the hand. A file is uploaded first and gets
// its number only when it is there, so that a word never waits behind a video.
import { batch, signal, type ReadonlySignal } from "@preact/signals";

import type { Argument, Submit } from "../protocol/frames.gen";
import { random, toBase64, utf8, type Bytes } from "../record/bytes";
import { commit, commitDigest, SALT_LENGTH } from "../record/commitment";
import type { Act } from "../record/csig";
import { digestOf } from "../record/digest";

export type ItemState = "uploading" | "waiting" | "recorded" | "refused";

export interface Parcel {
  readonly data: Blob;
  readonly salt: Bytes;
  readonly commit: Bytes;
  /** Where the upload goes on after a break; null before the server has made a place for it. */
  url: string | null;
}

export interface Item {
  /** Its place in this outbox; local, and never sent. */
  readonly id: number;
  readonly streamKey: string;
  dseq: number | null;
  /** The device's signature over this act under this number; null as long as it has none. */
  csig: Bytes | null;
  readonly command: string;
  readonly args: readonly Argument[];
  readonly salt: Bytes | null;
  readonly content: Bytes | null;
  readonly commit: Bytes | null;
  readonly tsClientMs: number;
  readonly parcel: Parcel | null;
  state: ItemState;
  /** Where it stands on the record, once it does. */
  seq: number | null;
  /** Why it was refused: a stable code, the server's detail, and whether the court's signature under it holds (null where
   * it came unsigned, as what no rule was asked about does). */
  refusal: { readonly code: string; readonly detail: string; readonly signed: boolean | null } | null;
}

export interface Draft {
  readonly command: string;
  readonly args?: readonly Argument[];
  readonly content?: { readonly [key: string]: unknown };
  readonly file?: Blob;
}

/** Keeps items and the counter of one seat on one device. Each call is durable when it resolves. */
export interface OutboxStore {
  all(streamKey: string): Promise<Item[]>;
  /** Keeps a new item and gives it its id; what it returns holds the bytes as they are kept, not as they were chosen. */
  add(item: Omit<Item, "id">): Promise<Item>;
  put(item: Item): Promise<void>;
  remove(id: number): Promise<void>;
  /** The next number of this seat's device, above `floor`; no number is ever given twice. */
  nextDseq(streamKey: string, floor: number): Promise<number>;
}

/** Takes the bytes to the court. Resolves when they are there; rejects with `Rejected` when they never will be. */
export type Upload = (item: Item, parcel: Parcel, progress: (share: number) => void, keep: () => Promise<void>) => Promise<void>;

export class Rejected extends Error {
  constructor(readonly code: string, detail: string) {
    super(detail);
  }
}

export interface OutboxPorts {
  readonly store: OutboxStore;
  readonly upload: Upload;
  /** The device's signature over this act. */
  sign(act: Act): Promise<Bytes>;
  now(): number;
  after(ms: number, call: () => void): () => void;
}

const ANSWER_MS = 12_000;
const UPLOAD_RETRY_MS = 2_000;

export class Outbox {
  private readonly list = signal<readonly Item[]>([]);
  private readonly shares = signal<ReadonlyMap<number, number>>(new Map());
  private readonly reading = signal<number | null>(null);
  private send: ((submit: Submit) => boolean) | null = null;
  private may: (command: string) => boolean = () => true;
  private lastDseq = 0;
  private flying: number | null = null;
  private cancel: (() => void) | null = null;
  private turn: Promise<unknown> = Promise.resolve();
  private uploads = new Set<number>();

  constructor(
    private readonly streamKey: string,
    private readonly ports: OutboxPorts,
  ) {}

  /** Everything not yet answered, and refusals not yet read, in the order of the hand. */
  get items(): ReadonlySignal<readonly Item[]> {
    return this.list;
  }

  /** For each upload under way the share that has arrived, 0 to 1. */
  get progress(): ReadonlySignal<ReadonlyMap<number, number>> {
    return this.shares;
  }

  /** While a chosen file's fingerprint is being made: the share that has been read, 0 to 1. */
  get preparing(): ReadonlySignal<number | null> {
    return this.reading;
  }

  /** Brings back what an earlier page kept. */
  async open(): Promise<void> {
    const kept = await this.ports.store.all(this.streamKey);
    for (const item of kept) if (item.state === "recorded") await this.ports.store.remove(item.id);
    this.list.value = kept.filter((item) => item.state !== "recorded");
  }

  /** Keeps it, shows it, sends it when it can. `args` of what has a file begin with its commitment. */
  async add(draft: Draft): Promise<Item> {
    let parcel: Parcel | null = null;
    let content = draft.content ?? null;
    let args = draft.args ?? [];
    if (draft.file !== undefined) {
      const salt = random(SALT_LENGTH);
      // Piece by piece: a video of 200 MB must not stand in a phone's memory as one.
      const digest = await commitDigest(salt, await this.fingerprint(draft.file));
      parcel = { data: draft.file, salt, commit: digest, url: null };
      args = [digest, ...args];
      content = { ...content, size: draft.file.size, salt: toBase64(salt) }; // who may read the message may check its file
    }
    const bytes = content === null ? null : utf8(JSON.stringify(content));
    const salt = bytes === null ? null : random(SALT_LENGTH);
    const item = await this.ports.store.add({
      streamKey: this.streamKey,
      dseq: null,
      csig: null,
      command: draft.command,
      args,
      salt,
      content: bytes,
      commit: bytes === null || salt === null ? null : await commit(salt, bytes),
      tsClientMs: this.ports.now(),
      parcel,
      state: parcel === null ? "waiting" : "uploading",
      seq: null,
      refusal: null,
    });
    this.list.value = [...this.list.value, item];
    this.pump();
    return item;
  }

  /** Whether anything can be sent now. */
  get ready(): boolean {
    return this.send !== null;
  }

  /** The line is open: what has a number goes again under the same one, in order; then the rest. `may`: whoever waits is
   * asked a few things only; what he said before stays here until he is let in. */
  connected(send: (submit: Submit) => boolean, lastDseq: number, may: (command: string) => boolean = () => true): void {
    this.send = send;
    this.may = may;
    this.lastDseq = Math.max(this.lastDseq, lastDseq);
    this.flying = null;
    this.pump();
  }

  /** Uploads can be tried, whether or not the line is open. */
  resumeUploads(): void {
    for (const item of this.list.value) if (item.state === "uploading") void this.carry(item);
  }

  disconnected(): void {
    this.send = null;
    this.flying = null;
    this.cancel?.();
    this.cancel = null;
  }

  recorded(dseq: number, seq: number): void {
    this.answered(dseq, (item) => ({ ...item, state: "recorded", seq }));
  }

  refused(dseq: number, code: string, detail: string, signed: boolean | null): void {
    this.answered(dseq, (item) => ({ ...item, state: "refused", refusal: { code, detail, signed } }));
  }

  busy(dseq: number, retryMs: number): void {
    if (this.flying !== dseq) return;
    this.cancel?.();
    this.cancel = this.ports.after(retryMs, () => {
      this.flying = null;
      this.pump();
    });
  }

  /** The entry itself has come: the line on the record takes the place of the line in the outbox. */
  settle(matches: (item: Item) => boolean): void {
    const gone = this.list.value.filter(matches);
    if (gone.length === 0) return;
    this.list.value = this.list.value.filter((item) => !matches(item));
    for (const item of gone) {
      if (item.dseq !== null && item.dseq === this.flying) this.landed();
      void this.ports.store.remove(item.id);
    }
  }

  /** A refusal has been read, or something not yet numbered is taken back. What may already be there cannot be. */
  async discard(id: number): Promise<boolean> {
    const item = this.list.value.find((each) => each.id === id);
    if (item === undefined || (item.state !== "refused" && item.dseq !== null)) return false;
    this.list.value = this.list.value.filter((each) => each.id !== id);
    await this.ports.store.remove(id);
    return true;
  }

  private answered(dseq: number, change: (item: Item) => Item): void {
    batch(() => {
      for (const item of this.list.value) {
        if (item.dseq !== dseq || item.state === "recorded" || item.state === "refused") continue;
        const next = change(item);
        this.replace(next);
        void (next.state === "recorded" ? this.ports.store.remove(next.id) : this.ports.store.put(next));
      }
      this.lastDseq = Math.max(this.lastDseq, dseq);
      if (this.flying === dseq) this.landed();
    });
  }

  private landed(): void {
    this.flying = null;
    this.cancel?.();
    this.cancel = null;
    this.pump();
  }

  private replace(next: Item): void {
    this.list.value = this.list.value.map((item) => (item.id === next.id ? next : item));
  }

  private pump(): void {
    this.resumeUploads();
    this.turn = this.turn.then(() => this.next()).catch(() => undefined);
  }

  private async next(): Promise<void> {
    if (this.send === null || this.flying !== null) return;
    const waiting = this.list.value.filter((item) => item.state === "waiting");
    // Numbered ones first: they may be on the record already, and numbers go up.
    const numbered = waiting.filter((item) => item.dseq !== null).sort((a, b) => (a.dseq as number) - (b.dseq as number));
    // A number above one that is still to be answered would have that one refused.
    let item = numbered[0] ?? waiting.find((each) => this.may(each.command));
    if (item === undefined || !this.may(item.command)) return;
    if (item.dseq === null || item.csig === null) {
      const dseq = item.dseq ?? (await this.ports.store.nextDseq(this.streamKey, this.lastDseq));
      const { command, args, tsClientMs } = item;
      item = { ...item, dseq, csig: await this.ports.sign({ dseq, command, args, refs: [], commit: item.commit, tsClientMs }) };
      await this.ports.store.put(item); // kept before it is sent: after a crash it must go again under this number, the same bytes
      this.replace(item);
    }
    const { dseq, csig } = item as { dseq: number; csig: Bytes };
    const sent = this.send?.({
      type: "submit",
      dseq,
      command: item.command,
      args: item.args,
      refs: [],
      salt: item.salt,
      content: item.content,
      ts_client_ms: item.tsClientMs,
      csig,
    });
    if (sent !== true) return;
    this.flying = dseq;
    this.cancel?.();
    this.cancel = this.ports.after(ANSWER_MS, () => {
      this.flying = null;
      this.pump();
    });
  }

  private async fingerprint(file: Blob): Promise<Bytes> {
    try {
      return await digestOf(file, (share) => (this.reading.value = share));
    } finally {
      this.reading.value = null;
    }
  }

  private async carry(item: Item): Promise<void> {
    const parcel = item.parcel;
    if (parcel === null || this.uploads.has(item.id)) return;
    this.uploads.add(item.id);
    const progress = (share: number): void => {
      this.shares.value = new Map(this.shares.value).set(item.id, share);
    };
    try {
      await this.ports.upload(item, parcel, progress, () => this.ports.store.put(item));
      const ready: Item = { ...item, state: "waiting" };
      if (!this.list.value.some((each) => each.id === item.id)) return; // taken back meanwhile
      await this.ports.store.put(ready);
      this.replace(ready);
    } catch (error) {
      if (error instanceof Rejected) {
        const refused: Item = { ...item, state: "refused", refusal: { code: error.code, detail: error.message, signed: null } };
        await this.ports.store.put(refused);
        this.replace(refused);
      } else {
        this.ports.after(UPLOAD_RETRY_MS, () => {
          if (this.list.value.some((each) => each.id === item.id && each.state === "uploading")) void this.carry(item);
        });
      }
      return;
    } finally {
      this.uploads.delete(item.id);
    }
    this.pump();
  }
}

