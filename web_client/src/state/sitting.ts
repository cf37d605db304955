// One sitting as one phone knows it: the line, the view, the lines of the record, the outbox, and who is there right now.
// Frames go in, signals come out. **Everything shown as "on the record" came in a deliver frame; what was only sent is in
// the outbox and looks different.** No DOM: the page renders the signals and calls `say`.
import { batch, computed, signal, type ReadonlySignal } from "@preact/signals";

import { Connection, type Line, type Ports } from "../protocol/connection";
import {
  VERSION,
  type Delivered,
  type Hidden,
  type HistoryPage,
  type ServerFrame,
  type SignalValue,
  type View,
  type Welcome,
} from "../protocol/frames.gen";
import { equal, fromHex, fromUtf8, own, toHex, type Bytes } from "../record/bytes";
import { actMessage, COURT } from "../record/csig";
import type { DeviceKey } from "../record/device-key";
import { readLeaf, type Leaf } from "../record/leaf";
import { hashLeaf } from "../record/tree";
import { fromWaiting } from "./checked";
import { Outbox, type Draft, type Item, type OutboxPorts } from "./outbox";
import { isBenchSlot } from "./may";
import type { Stand } from "./testimony";
import { NO_WINDOWS, readWindows, type Windows } from "./windows";
import { fold, readStand, readView, type RoomView } from "./view";
import { Witness, type WitnessStore } from "./witness";

/** One place on the record, as this viewer may see it. */
export interface Entry {
  readonly seq: number;
  readonly leafHash: Bytes;
  /** Null where the entry is withheld from this viewer. */
  readonly leaf: Leaf | null;
  readonly salt: Bytes | null;
  readonly content: Bytes | null;
  /** `content` as its maker's object; null where there is none or it cannot be read. */
  readonly words: { readonly [key: string]: unknown } | null;
}

export interface Me {
  readonly slot: string;
  readonly role: string;
  /** The bearer token for uploads, blobs and the export. */
  readonly session: string;
  readonly streamHex: string;
  readonly origin: string;
  readonly vkey: string;
}

/** What is known of somebody this second; never on the record. */
export interface Live {
  readonly microphone: boolean | null;
  readonly camera: boolean | null;
  readonly typing: boolean;
  readonly quality: string | null;
  /** Since when no sound of it arrives at the court; milliseconds since the epoch, null where it does. */
  readonly silentMs: number | null;
  /** The same for its picture. */
  readonly unseenMs: number | null;
  /** Its line has said nothing for two seconds: it may be gone. */
  readonly quiet: boolean;
  /** What does not come from it though it should, and since when: told to the seat itself and to the bench. */
  readonly trouble: readonly Trouble[];
}

export interface Watchers {
  readonly now: number;
  readonly most: number;
}

export interface Trouble {
  readonly kind: "audio" | "video" | "screen";
  readonly what: string;
  readonly sinceMs: number | null;
}

export interface Identity {
  readonly key: DeviceKey;
  readonly secret: Bytes;
}

export interface MediaFrames {
  /** Hello has just been sent. What was prepared may be offered in the same flight; whether it was. */
  ahead(): boolean;
  /** A welcome: this phone has a seat that may send and receive. Said before the record behind it has been checked.
   * `offered`: an offer was sent ahead of it on this line, and the court will answer that one. */
  seated(slots: number, relays: readonly RTCIceServer[], offered: boolean): void;
  answer(sdp: string, slots: View): void;
  slots(slots: View): void;
}

export interface SittingPorts extends Ports {
  /** Wall clock, milliseconds since the epoch. */
  wall(): number;
  readonly record: WitnessStore;
}

/** Of whom `presence` tells too, and who has no seat. */
const GALLERY = "gallery";
const EMPTY: Live = { microphone: null, camera: null, typing: false, quality: null, silentMs: null, unseenMs: null, quiet: false, trouble: [] };
/** What the court answers at once; asking for more would only be cut. */
const PAGE = 128;
const ANSWER_MS = 10_000;
const TYPING_MS = 5_000;
const JOIN_ON_MS = 1_000;
/** Nobody notices that a room is drawn so much later; a picture that comes so much earlier he does. */
const BEFORE_DRAWING_MS = 80;

export class Sitting {
  readonly line = signal<Line>({ kind: "dialling", attempt: 0 });
  readonly roundTrip = signal<number | null>(null);
  readonly me = signal<Me | null>(null);
  readonly lobby = signal<RoomView | null>(null);
  /** How far this person's own testimony has come, while he is held (WI). */
  readonly held = signal<Stand | null>(null);
  readonly view = signal<RoomView | null>(null);
  /** What this seat is shown of an asynchronous sitting. */
  readonly windows = signal<Windows>(NO_WINDOWS);
  readonly entries = signal<readonly Entry[]>([]);
  readonly live = signal<ReadonlyMap<string, Live>>(new Map());
  /** How many of the public watch, and did at once at the most. */
  readonly watchers = signal<Watchers>({ now: 0, most: 0 });
  readonly loadingHistory = signal(false);
  /** The tree before the first entry that is here: its size and its frontier. */
  readonly before = signal<{ readonly size: number; readonly frontier: readonly Uint8Array[] }>({ size: 0, frontier: [] });
  /** Nothing before what is here can be seen: it is the beginning, or the beginning for this viewer. */
  readonly complete: ReadonlySignal<boolean>;
  readonly outbox: Outbox;
  readonly witness: Witness;
  /** Entries whose content was destroyed by order: their number, and the entry that says so. */
  readonly destroyed: ReadonlySignal<ReadonlyMap<number, number>>;
  /** How many are kept here and not yet answered by the court. */
  readonly waiting: ReadonlySignal<number>;
  /** The first sequence number that is here; below it the record has not been asked for. */
  readonly from: ReadonlySignal<number>;
  media: MediaFrames | null = null;

  private readonly connection: Connection;
  private readonly bySeq = new Map<number, Entry>();
  private foldedTo = 0;
  /** Where this session's entries began: the size and frontier of the tree before them. */
  private began: { readonly size: number; readonly frontier: readonly Uint8Array[] } | null = null;
  private epoch = 0;
  private skew = 0;
  /** An offer went ahead on this line, and nobody has been sent to wait since. */
  private offered = false;
  private answered: (() => void) | null = null;
  private readonly noEarlier = signal(false);
  private turn: Promise<unknown> = Promise.resolve();
  private readonly quietTyping = new Map<string, () => void>();
  private asked: ((page: HistoryPage) => void) | null = null;

  constructor(
    url: string,
    private readonly ticket: string,
    private readonly identity: Identity,
    streamKey: string,
    private readonly language: () => string,
    private readonly ports: SittingPorts,
    outbox: Omit<OutboxPorts, "sign">,
  ) {
    const stream = fromHex(streamKey.split("/")[0] ?? "");
    this.outbox = new Outbox(streamKey, { ...outbox, sign: (act) => this.identity.key.sign(actMessage(stream, act)) });
    this.witness = new Witness(this.identity.key, {
      store: ports.record,
      wall: () => ports.wall(),
      after: (ms, call) => ports.after(ms, call),
      cosign: (size, timeS, signature) => this.connection.send({ type: "cosign", size, time_s: timeS, signature }),
      urgent: (from, to) => this.benchActed(from, to),
    });
    this.destroyed = computed(() => destroyedIn(this.entries.value));
    this.waiting = computed(() => this.outbox.items.value.filter((item) => item.state === "waiting" || item.state === "uploading").length);
    this.from = computed(() => this.entries.value[0]?.seq ?? this.foldedTo);
    this.complete = computed(() => this.from.value === 0 || this.noEarlier.value);
    this.connection = new Connection(
      url,
      {
        hello: async () => ({
          type: "hello",
          version: VERSION,
          ticket: this.ticket,
          device_key: this.identity.key.publicKey,
          device_secret: this.identity.secret,
          language: this.language(),
          cursor: await this.cursor(),
        }),
        frame: (frame) => {
          // Media is no part of the record: it does not wait until signatures are checked and a long history is hashed.
          if (frame.type === "welcome") {
            if (this.offered) this.letAnswerFirst();
            this.seated(frame);
          } else if (frame.type === "lobby") this.offered = false; // the court passes over what it holds of those who wait
          else if (frame.type === "answer") {
            this.media?.answer(frame.sdp, frame.slots);
            this.answered?.();
          }
          else if (frame.type === "slots") this.media?.slots(frame.slots);
          this.turn = this.turn.then(() => this.take(frame)).catch((error: unknown) => console.error("palmcourt", error));
        },
        greeted: () => {
          this.offered = this.media?.ahead() === true;
        },
        line: (line) => {
          if (line.kind !== "open") this.outbox.disconnected();
          this.line.value = line;
        },
        roundTrip: (ms) => {
          this.roundTrip.value = this.roundTrip.value === null ? ms : Math.round(0.7 * this.roundTrip.value + 0.3 * ms);
        },
      },
      ports,
    );
  }

  async start(): Promise<void> {
    await this.outbox.open();
    this.connection.start();
    this.outbox.resumeUploads();
  }

  stop(): void {
    this.connection.stop();
  }

  wake(): void {
    this.connection.wake();
  }

  /** The court's clock now, milliseconds since the epoch. */
  courtNow(): number {
    return this.ports.wall() + this.skew;
  }

  say(draft: Draft): Promise<Item> {
    return this.outbox.add(draft);
  }

  /** Worthless a second later: sent if the line is open, else forgotten. */
  mention(name: string, value: SignalValue): boolean {
    return this.connection.send({ type: "signal", name, value });
  }

  offer(sdp: string): boolean {
    return this.connection.send({ type: "negotiate", kind: "offer", sdp });
  }

  endMedia(): void {
    this.connection.send({ type: "negotiate", kind: "bye", sdp: "" });
  }

  /** Asks for what came before, back to `to`; resolves when it is here, cannot be had, or the line broke. */
  async loadBack(to: number): Promise<void> {
    if (this.loadingHistory.peek()) return;
    this.loadingHistory.value = true;
    try {
      while (this.from.value > to) {
        const upTo = this.from.value;
        const found: Entry[] = [];
        let edge: HistoryPage | null = null;
        // A page may be shorter than asked: it is shown when it joins on without a hole.
        let next = Math.max(to, upTo - PAGE);
        while (next < upTo) {
          const page = await this.askPage(next, upTo);
          if (page === null) return;
          const entries = [...(await Promise.all(page.entries.map(readDelivered))), ...page.withheld.map(readHidden)].sort((a, b) => a.seq - b.seq);
          const last = entries[entries.length - 1];
          // The court begins where this viewer's record begins, whatever was asked.
          if (page.start_seq > next || last === undefined) this.noEarlier.value = true;
          if (last === undefined) return;
          edge ??= page;
          found.push(...entries);
          next = last.seq + 1;
        }
        if (edge !== null && edge.start_seq < this.before.peek().size) this.before.value = { size: edge.start_seq, frontier: edge.frontier.map(own) };
        for (const entry of found) if (!this.bySeq.has(entry.seq)) this.bySeq.set(entry.seq, entry);
        this.publish();
        if (this.from.value >= upTo) return;
      }
    } finally {
      this.loadingHistory.value = false;
    }
  }

  private askPage(fromSeq: number, toSeq: number): Promise<HistoryPage | null> {
    if (!this.connection.send({ type: "history", from_seq: fromSeq, to_seq: toSeq })) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.asked = resolve;
      this.ports.after(ANSWER_MS, () => resolve(null));
    });
  }

  private async cursor(): Promise<{ stream_id: Uint8Array; epoch: number; next_seq: number; root: Uint8Array } | null> {
    const me = this.me.value;
    const { size } = this.witness;
    const root = this.witness.root();
    if (size === null || root === null || me === null) return null;
    return { stream_id: fromHex(me.streamHex), epoch: this.epoch, next_seq: size, root: await root };
  }

  private benchActed(from: number, to: number): boolean {
    for (let seq = from; seq < to; seq++) {
      const leaf = this.bySeq.get(seq)?.leaf;
      if (leaf != null && (leaf.type === "seal" || (isBenchSlot(leaf.actor) && leaf.type.startsWith("act.")))) return true;
    }
    return false;
  }

  /** What an earlier visit kept lies before what is here: the entries between are fetched, so that the two are compared. */
  private async joinOn(): Promise<void> {
    const from = this.witness.unmet;
    if (from === null || this.began === null || from >= this.began.size) return;
    if (this.loadingHistory.peek()) {
      this.ports.after(JOIN_ON_MS, () => void this.joinOn());
      return;
    }
    await this.loadBack(from);
    const { size, frontier } = this.before.peek();
    const start = this.began;
    if (start === null || size > from || this.witness.unmet !== from) return; // the line broke, or the record begins later here
    const page = size === from ? frontier : await this.frontierAt(from);
    const between = this.entries.peek().filter((entry) => entry.seq >= from && entry.seq < start.size);
    if (page === null || between.length !== start.size - from) return;
    this.turn = this.turn.then(() => this.witness.bridge(page, between.map((entry) => entry.leafHash), start.frontier)).catch((error: unknown) => console.error("palmcourt", error));
  }

  private async frontierAt(seq: number): Promise<readonly Uint8Array[] | null> {
    const page = await this.askPage(seq, seq + 1);
    return page !== null && page.start_seq === seq ? page.frontier.map(own) : null;
  }

  private async take(frame: ServerFrame): Promise<void> {
    switch (frame.type) {
      case "welcome":
        return this.welcome(frame);
      case "lobby": {
        const came = this.lobby.peek() === null || !this.outbox.ready;
        batch(() => {
          this.lobby.value = readView(frame.view);
          this.held.value = readStand(frame.view);
          this.witness.outside();
          this.view.value = null;
          this.me.value = null;
        });
        if (came) this.outbox.connected((submit) => this.connection.send(submit), 0, fromWaiting);
        return;
      }
      case "deliver":
        return this.deliver(await Promise.all(frame.entries.map(readDelivered)));
      case "withheld":
        return this.deliver(frame.entries.map(readHidden));
      case "history_page":
        this.asked?.(frame);
        this.asked = null;
        return;
      case "receipt":
        // Checked and kept before anything is called proven.
        await this.witness.receipt(frame, this.bySeq.get(frame.seq)?.leafHash);
        this.outbox.recorded(frame.dseq, frame.seq);
        // Whoever waits is sent no entry that could take its place.
        if (this.lobby.peek() !== null) this.outbox.settle((item) => item.dseq === frame.dseq);
        return;
      case "refused":
        this.outbox.refused(frame.dseq, frame.code, frame.detail, await this.witness.refusal(frame));
        return;
      case "busy":
        this.outbox.busy(frame.dseq, frame.retry_ms);
        return;
      case "checkpoint":
        return this.witness.checkpoint(frame.note, frame.consistency);
      case "answer":
      case "slots":
        return; // taken at once, see `frame` above
      case "presence":
        this.presence(frame.slot, frame.value);
        return;
      case "pong":
        this.skew = frame.now_ms - this.ports.wall();
        return;
      case "closing":
        return;
    }
  }

  /** The answer to what went ahead is right behind the welcome. It is taken first: a path is looked for and keys are agreed
   * on by other threads, and meanwhile this one draws the room. */
  private letAnswerFirst(): void {
    const came = new Promise<void>((resolve) => {
      this.answered = resolve;
      this.ports.after(BEFORE_DRAWING_MS, resolve);
    });
    this.turn = this.turn.then(() => came);
  }

  private seated(frame: Welcome): void {
    const slots = frame.media["slots"];
    const phase = frame.view["phase"];
    const { offered } = this;
    this.offered = false;
    if (typeof slots !== "number" || slots === 0 || phase === "adjourned" || phase === "closed" || phase === "sealed") return;
    this.media?.seated(slots, readRelays(frame.media["ice_servers"]), offered);
  }

  private async welcome(frame: Welcome): Promise<void> {
    this.skew = frame.now_ms - this.ports.wall();
    this.epoch = frame.epoch;
    const goesOn = this.witness.size === frame.start_seq && this.me.value?.origin === frame.origin;
    if (!goesOn && !this.bySeq.has(frame.start_seq) && !this.bySeq.has(frame.start_seq - 1)) {
      // Not a continuation of what is here: a record with a hole would look whole.
      this.bySeq.clear();
      this.before.value = { size: frame.start_seq, frontier: frame.frontier.map(own) };
      this.noEarlier.value = false;
    }
    if (!goesOn) this.began = { size: frame.start_seq, frontier: frame.frontier.map(own) };
    await this.witness.welcome(frame, goesOn);
    this.foldedTo = frame.next_seq;
    batch(() => {
      this.lobby.value = null;
      this.view.value = readView(frame.view);
      this.windows.value = readWindows(frame.view["windows"]);
      this.live.value = new Map();
      this.me.value = {
        slot: frame.slot,
        role: frame.role,
        session: frame.session,
        streamHex: toHex(frame.stream_id),
        origin: frame.origin,
        vkey: frame.vkey,
      };
    });
    this.outbox.connected((submit) => this.connection.send(submit), frame.last_dseq);
    // After the entries of this welcome, which are in the line behind it.
    this.ports.after(JOIN_ON_MS, () => void this.joinOn());
  }

  private async deliver(entries: readonly Entry[]): Promise<void> {
    let view = this.view.value;
    const spoke = new Set<string>();
    for (const entry of entries) {
      if (entry.leaf?.type.startsWith("msg.") === true) spoke.add(entry.leaf.actor);
      await this.witness.append(entry.seq, entry.leafHash);
      this.bySeq.set(entry.seq, entry);
      if (entry.seq < this.foldedTo || entry.leaf === null || view === null) continue;
      const name = entry.words?.["name"];
      view = fold(view, entry.leaf, typeof name === "string" ? name : "");
      this.foldedTo = entry.seq + 1;
    }
    await this.witness.judged();
    batch(() => {
      this.view.value = view;
      this.publish();
      const slot = this.me.value?.slot;
      this.outbox.settle((item) => entries.some((entry) => isOwn(entry, item, slot)));
      // What was being written is here now.
      for (const who of spoke) if (this.live.value.get(who)?.typing === true) this.presence(who, { typing: false });
    });
  }

  private publish(): void {
    this.entries.value = [...this.bySeq.values()].sort((a, b) => a.seq - b.seq);
  }

  private presence(slot: string, value: View): void {
    if (value["windows"] !== undefined && slot === this.me.peek()?.slot) this.windows.value = readWindows(value["windows"]);
    if (slot === GALLERY) {
      this.watchers.value = readWatchers(value);
      return;
    }
    const was = this.live.value.get(slot) ?? EMPTY;
    const flag = (key: string, otherwise: boolean | null): boolean | null => {
      const given = value[key];
      return typeof given === "boolean" ? given : otherwise;
    };
    const instant = (key: string, otherwise: number | null): number | null => {
      const given = value[key];
      return typeof given === "number" ? given : given === null ? null : otherwise;
    };
    const quality = value["quality"];
    const next: Live = {
      microphone: flag("microphone", was.microphone),
      camera: flag("camera", was.camera),
      typing: flag("typing", was.typing) === true,
      quality: typeof quality === "string" ? quality : was.quality,
      silentMs: instant("silent_audio_ms", was.silentMs),
      unseenMs: instant("silent_video_ms", was.unseenMs),
      quiet: flag("quiet", was.quiet) === true,
      trouble: value["trouble"] === undefined ? was.trouble : readTrouble(value["trouble"]),
    };
    this.live.value = new Map(this.live.value).set(slot, next);
    this.quietTyping.get(slot)?.();
    this.quietTyping.delete(slot);
    if (next.typing) {
      // Nobody says "I stopped writing": silence says it, or the message itself.
      this.quietTyping.set(slot, this.ports.after(TYPING_MS, () => this.presence(slot, { typing: false })));
    }
  }
}

const isMap = (value: unknown): value is { readonly [key: string]: unknown } => typeof value === "object" && value !== null && !Array.isArray(value);

function readWatchers(value: View): Watchers {
  const number = (given: unknown): number => (typeof given === "number" && given > 0 ? Math.floor(given) : 0);
  return { now: number(value["now"]), most: number(value["most"]) };
}

function readTrouble(value: unknown): readonly Trouble[] {
  if (!isMap(value)) return [];
  return (["audio", "video", "screen"] as const).flatMap((kind) => {
    const told = value[kind];
    if (!isMap(told) || typeof told["what"] !== "string") return [];
    return [{ kind, what: told["what"], sinceMs: typeof told["since_ms"] === "number" ? told["since_ms"] : null }];
  });
}

function readRelays(value: unknown): readonly RTCIceServer[] {
  if (!Array.isArray(value)) return [];
  const text = (given: unknown): string => (typeof given === "string" ? given : "");
  return value.filter(isMap).flatMap((each) => {
    const urls = (Array.isArray(each["urls"]) ? each["urls"] : [each["urls"]]).filter((url): url is string => typeof url === "string");
    return urls.length === 0 ? [] : [{ urls, username: text(each["username"]), credential: text(each["credential"]) }];
  });
}

function isOwn(entry: Entry, item: Item, slot: string | undefined): boolean {
  if (item.seq !== null) return item.seq === entry.seq;
  const leaf = entry.leaf;
  if (leaf === null || leaf.actor !== slot || item.dseq === null || leaf.dseq !== item.dseq || leaf.type !== item.command) return false;
  return item.commit === null ? leaf.commit === null || leaf.tsClientMs === item.tsClientMs : leaf.commit !== null && equal(leaf.commit, item.commit);
}

/** What `redact` entries say was destroyed. */
function destroyedIn(entries: readonly Entry[]): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const { leaf } of entries) {
    const seqs = leaf?.type === "redact" && leaf.actor === COURT ? leaf.facts[1] : undefined;
    if (leaf === null || !Array.isArray(seqs)) continue;
    for (const seq of seqs as readonly unknown[]) if (typeof seq === "number") found.set(seq, leaf.seq);
  }
  return found;
}

async function readDelivered(given: Delivered): Promise<Entry> {
  const bytes = own(given.leaf);
  const leaf = readLeaf(bytes);
  const content = given.content === null ? null : own(given.content);
  return {
    seq: given.seq,
    leafHash: await hashLeaf(bytes),
    leaf,
    salt: given.salt === null ? null : own(given.salt),
    content,
    words: readWords(content),
  };
}

function readHidden(given: Hidden): Entry {
  return { seq: given.seq, leafHash: own(given.leaf_hash), leaf: null, salt: null, content: null, words: null };
}

function readWords(content: Uint8Array | null): { readonly [key: string]: unknown } | null {
  if (content === null) return null;
  try {
    const value: unknown = JSON.parse(fromUtf8(content));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as { [key: string]: unknown }) : null;
  } catch {
    return null;
  }
}
