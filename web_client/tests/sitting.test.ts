import { decode, encode } from "@msgpack/msgpack";
import { describe, expect, it } from "vitest";

import type { Socket } from "../src/protocol/connection";
import { decodeClientFrame, encodeServerFrame, type ClientFrame, type Delivered, type ServerFrame } from "../src/protocol/frames.gen";
import { utf8 } from "../src/record/bytes";
import { receiptStatement } from "../src/record/attest";
import { commit } from "../src/record/commitment";
import { deviceKey, makeKey } from "../src/record/device-key";
import { hashLeaf, Tree } from "../src/record/tree";
import type { Item, OutboxStore } from "../src/state/outbox";
import { Sitting } from "../src/state/sitting";
import { MemoryRecord, SigningCourt } from "./signing-court";

const STREAM = new Uint8Array(16).fill(7);
const ORIGIN = "court.example/07070707070707070707070707070707";
const signer = await SigningCourt.of();
const VKEY = await signer.vkey(ORIGIN);
const KEY = await deviceKey(await makeKey());

/** A court of one room: keeps entries, answers frames, and can be cut off. */
class FakeCourt {
  entries: Delivered[] = [];
  sockets: Line[] = [];
  heard: ClientFrame[] = [];
  silentAbout = new Set<number>();
  seen = new Map<number, number>();
  firstVisible = 0;

  async put(type: string, actor: string, facts: unknown[], words: object | null, dseq: number | null = null, given?: { salt: Uint8Array; content: Uint8Array }): Promise<Delivered> {
    const seq = this.entries.length;
    const content = given?.content ?? (words === null ? null : utf8(JSON.stringify(words)));
    const salt = content === null ? null : (given?.salt ?? new Uint8Array(32).fill(seq));
    const digest = content === null || salt === null ? null : await commit(salt, content);
    const leaf = encode([1, type, seq, STREAM, 1_000 + seq, 1, actor, null, dseq, dseq === null ? null : 5, digest, [], facts, null]);
    const entry = { seq, leaf, salt, content };
    this.entries.push(entry);
    return entry;
  }

  async frontier(size: number): Promise<readonly Uint8Array[]> {
    const tree = Tree.empty();
    for (const entry of this.entries.slice(0, size)) await tree.append(await hashLeaf(entry.leaf));
    return tree.frontier;
  }

  async welcome(line: Line, cursorNext: number | null): Promise<void> {
    const start = cursorNext ?? Math.max(this.firstVisible, this.entries.length - 4);
    line.say({
      type: "welcome", version: 2, session: "token", stream_id: STREAM, origin: ORIGIN, vkey: VKEY, epoch: 1, slot: "party/1", role: "plaintiff",
      view: { phase: "open", seats: [{ slot: "party/1", role: "plaintiff", name: "张三", state: "admitted", connected: true }] },
      next_seq: this.entries.length, start_seq: start, frontier: await this.frontier(start), now_ms: 50_000, last_dseq: Math.max(0, ...this.seen.keys()), rotations: [], limits: {}, media: { slots: 3 },
    });
    const tail = this.entries.slice(start);
    if (tail.length > 0) line.say({ type: "deliver", entries: tail });
  }

  async hear(line: Line, frame: ClientFrame): Promise<void> {
    this.heard.push(frame);
    if (frame.type === "hello") await this.welcome(line, frame.cursor?.next_seq ?? null);
    if (frame.type === "history") {
      const from = Math.max(frame.from_seq, this.firstVisible);
      line.say({ type: "history_page", start_seq: from, frontier: await this.frontier(from), entries: this.entries.slice(from, Math.min(frame.to_seq, from + 3)), withheld: [] });
    }
    if (frame.type === "submit") {
      let seq = this.seen.get(frame.dseq);
      if (seq === undefined) {
        const entry = await this.put(frame.command, "party/1", [...frame.args], null, frame.dseq, { salt: frame.salt as Uint8Array, content: frame.content as Uint8Array });
        seq = entry.seq;
        this.seen.set(frame.dseq, seq);
        if (this.silentAbout.has(frame.dseq)) {
          this.silentAbout.delete(frame.dseq);
          line.cut(); // durable, and the answer lost: the worst moment
          return;
        }
        line.say({ type: "deliver", entries: [entry] });
      }
      const leafHash = await hashLeaf((this.entries[seq] as Delivered).leaf);
      line.say({ type: "receipt", dseq: frame.dseq, seq, leaf_hash: leafHash, ts_ms: 1, attestation: await signer.attest(receiptStatement(ORIGIN, seq, leafHash, 1)) });
    }
  }
}

class Line implements Socket {
  binaryType = "";
  readyState = 0;
  bufferedAmount = 0;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  constructor(private readonly court: FakeCourt) {
    court.sockets.push(this);
    setTimeout(() => {
      this.readyState = 1;
      this.onopen?.(undefined as never);
    });
  }
  send(data: Uint8Array): void {
    void this.court.hear(this, decodeClientFrame(decode(data)));
  }
  say(frame: ServerFrame): void {
    this.onmessage?.({ data: encode(encodeServerFrame(frame)) });
  }
  cut(): void {
    this.readyState = 3;
    this.onclose?.({ code: 1006, reason: "" });
  }
  close(): void {
    this.readyState = 3;
  }
}

class Memory implements OutboxStore {
  rows = new Map<number, Item>();
  private ids = 0;
  private dseq = 0;
  all = (): Promise<Item[]> => Promise.resolve([...this.rows.values()]);
  add(item: Omit<Item, "id">): Promise<Item> {
    const made = { ...item, id: ++this.ids };
    this.rows.set(made.id, made);
    return Promise.resolve({ ...made });
  }
  put = (item: Item): Promise<void> => Promise.resolve(void this.rows.set(item.id, { ...item }));
  remove = (id: number): Promise<void> => Promise.resolve(void this.rows.delete(id));
  nextDseq = (_key: string, floor: number): Promise<number> => Promise.resolve((this.dseq = Math.max(this.dseq, floor) + 1));
}

function enter(court: FakeCourt, store = new Memory()): Sitting {
  const after = (ms: number, call: () => void): (() => void) => {
    const timer = setTimeout(call, Math.min(ms, 300));
    return () => clearTimeout(timer);
  };
  return new Sitting(
    "ws://court",
    "t".repeat(32),
    { key: KEY, secret: new Uint8Array(32) },
    `${"07".repeat(16)}/party/1`,
    () => "zh-CN",
    { dial: () => new Line(court), now: () => performance.now(), wall: () => 40_000, after: (ms, call) => (ms < 1_000 ? after(ms, call) : () => undefined), chance: () => 0, record: new MemoryRecord() },
    { store, upload: () => Promise.resolve(), now: () => 40_000, after },
  );
}

const until = async (what: () => boolean): Promise<void> => {
  const end = Date.now() + 3_000;
  while (!what()) {
    if (Date.now() > end) throw new Error("it did not come to that");
    await new Promise((done) => setTimeout(done, 5));
  }
};
const said = (sitting: Sitting): unknown[] => sitting.entries.value.map((entry) => entry.words?.["text"] ?? entry.leaf?.type);

describe("a sitting on a phone", () => {
  it("shows what it was sent, folds what is new, and keeps the court's clock", async () => {
    const court = new FakeCourt();
    await court.put("open", "court", ["hearing", STREAM, 1], { case_number: "1" });
    const sitting = enter(court);
    await sitting.start();
    await until(() => sitting.entries.value.length === 1);
    expect(sitting.courtNow()).toBe(50_000);
    court.sockets[0]?.say({ type: "deliver", entries: [await court.put("act.recess", "judge/1", [], null)] });
    await until(() => sitting.view.value?.phase === "in_recess");
    sitting.stop();
  });

  it("says that somebody is writing only until what was written is here", async () => {
    const court = new FakeCourt();
    await court.put("open", "court", ["hearing", STREAM, 1], { case_number: "1" });
    const sitting = enter(court);
    await sitting.start();
    await until(() => sitting.me.value !== null);
    const writes = (slot: string): boolean => sitting.live.value.get(slot)?.typing === true;
    for (const slot of ["judge/1", "party/2"]) court.sockets[0]?.say({ type: "presence", slot, value: { typing: true } });
    await until(() => writes("judge/1") && writes("party/2"));
    court.sockets[0]?.say({ type: "deliver", entries: [await court.put("msg.text", "judge/1", [], { text: "请说" })] });
    await until(() => said(sitting).includes("请说"));
    expect(writes("judge/1")).toBe(false);
    expect(writes("party/2")).toBe(true);
    sitting.stop();
  });

  it("delivers once what was durable while the answer was lost", async () => {
    const court = new FakeCourt();
    await court.put("open", "court", ["hearing", STREAM, 1], { case_number: "1" });
    court.silentAbout.add(1);
    const store = new Memory();
    const sitting = enter(court, store);
    await sitting.start();
    await until(() => sitting.me.value !== null);
    await sitting.say({ command: "msg.text", content: { text: "我同意" } });
    await sitting.say({ command: "msg.text", content: { text: "没有异议" } });
    await until(() => sitting.outbox.items.value.length === 0 && sitting.entries.value.length === 3);
    expect(said(sitting)).toEqual(["open", "我同意", "没有异议"]);
    expect(court.entries).toHaveLength(3);
    expect(court.sockets.length).toBeGreaterThan(1);
    expect(store.rows.size).toBe(0);
    const second = court.heard.filter((frame) => frame.type === "hello")[1];
    expect(second?.type === "hello" && second.cursor?.next_seq).toBe(1);
    sitting.stop();
  });

  it("asks for what came before, in pages that join without a hole", async () => {
    const court = new FakeCourt();
    for (let n = 0; n < 12; n++) await court.put("msg.text", "judge/1", [], { text: String(n) });
    const sitting = enter(court);
    await sitting.start();
    await until(() => sitting.entries.value.length === 4);
    expect(sitting.complete.value).toBe(false);
    await sitting.loadBack(0);
    expect(said(sitting)).toEqual(Array.from({ length: 12 }, (_, n) => String(n)));
    expect(sitting.before.value.size).toBe(0);
    expect(sitting.complete.value).toBe(true);
    sitting.stop();
  });

  it("knows where the record begins for a witness", async () => {
    const court = new FakeCourt();
    for (let n = 0; n < 6; n++) await court.put("msg.text", "judge/1", [], { text: String(n) });
    court.firstVisible = 4;
    const sitting = enter(court);
    await sitting.start();
    await until(() => sitting.entries.value.length === 2);
    await sitting.loadBack(0);
    expect(said(sitting)).toEqual(["4", "5"]);
    expect(sitting.before.value).toMatchObject({ size: 4 });
    expect(sitting.complete.value).toBe(true);
    sitting.stop();
  });
});
