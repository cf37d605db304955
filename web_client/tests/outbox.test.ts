import { describe, expect, it } from "vitest";

import type { Submit } from "../src/protocol/frames.gen";
import { Outbox, Rejected, type Item, type OutboxStore, type Upload } from "../src/state/outbox";

class Memory implements OutboxStore {
  rows = new Map<number, Item>();
  ids = 0;
  dseq = 0;
  all(streamKey: string): Promise<Item[]> {
    return Promise.resolve([...this.rows.values()].filter((item) => item.streamKey === streamKey).map((item) => ({ ...item })));
  }
  add(item: Omit<Item, "id">): Promise<Item> {
    const made = { ...item, id: ++this.ids };
    this.rows.set(made.id, { ...made });
    return Promise.resolve(made);
  }
  put(item: Item): Promise<void> {
    this.rows.set(item.id, { ...item });
    return Promise.resolve();
  }
  remove(id: number): Promise<void> {
    this.rows.delete(id);
    return Promise.resolve();
  }
  nextDseq(_streamKey: string, floor: number): Promise<number> {
    this.dseq = Math.max(this.dseq, floor) + 1;
    return Promise.resolve(this.dseq);
  }
}

let signatures = 0;
/** Never twice the same, so that a second signature for one act would show. */
const sign = (): Promise<Uint8Array<ArrayBuffer>> => Promise.resolve(new Uint8Array(64).fill(++signatures));
const there: Upload = () => Promise.resolve();

function made(store: Memory, upload: Upload = there): Outbox {
  return new Outbox("s/party/1", { store, upload, sign, now: () => 1_000, after: () => () => undefined });
}

async function settle(): Promise<void> {
  await new Promise((done) => setTimeout(done, 5));
}

function words(submit: Submit | undefined): string {
  return JSON.parse(new TextDecoder().decode(submit?.content as Uint8Array)).text as string;
}

describe("the outbox", () => {
  it("sends in the order of the hand, one at a time", async () => {
    const store = new Memory();
    const box = made(store);
    const sent: Submit[] = [];
    await box.add({ command: "msg.text", content: { text: "one" } });
    await box.add({ command: "msg.text", content: { text: "two" } });
    box.connected((submit) => sent.push(submit) > 0, 0);
    await settle();
    expect(sent.map(words)).toEqual(["one"]);
    box.recorded(1, 40);
    await settle();
    expect(sent.map(words)).toEqual(["one", "two"]);
    expect(sent.map((submit) => submit.dseq)).toEqual([1, 2]);
  });

  it("sends again under the same number and with the same bytes after a break, and once after a reload", async () => {
    const store = new Memory();
    const before = made(store);
    const first: Submit[] = [];
    await before.add({ command: "msg.text", content: { text: "did it arrive?" } });
    before.connected((submit) => first.push(submit) > 0, 0);
    await settle();
    before.disconnected();
    await before.add({ command: "msg.text", content: { text: "said in the tunnel" } });
    before.connected((submit) => first.push(submit) > 0, 0);
    await settle();
    expect(first.map((submit) => submit.dseq)).toEqual([1, 1]);

    const after = made(store); // the page was thrown away and came back
    await after.open();
    const second: Submit[] = [];
    after.connected((submit) => second.push(submit) > 0, 1);
    await settle();
    expect(second[0]).toEqual(first[0]);
    after.recorded(1, 7);
    await settle();
    expect(words(second[1])).toBe("said in the tunnel");
    expect(second[1]?.dseq).toBe(2);
    after.recorded(2, 8);
    await settle();
    expect(store.rows.size).toBe(0);
  });

  it("never uses a number that the court has seen, even when this browser forgot", async () => {
    const box = made(new Memory());
    const sent: Submit[] = [];
    box.connected((submit) => sent.push(submit) > 0, 41);
    await box.add({ command: "hand", args: [true] });
    await settle();
    expect(sent[0]?.dseq).toBe(42);
    expect(sent[0]?.salt).toBeNull();
  });

  it("PE3 sends from the waiting room what may be asked there, and keeps the rest in its order until it is let in", async () => {
    const store = new Memory();
    const box = made(store);
    const sent: Submit[] = [];
    const send = (submit: Submit): boolean => sent.push(submit) > 0;
    await box.add({ command: "msg.text", content: { text: "said before" } });
    await box.add({ command: "rules.accept", args: ["1"], content: { text: "rules" } });
    box.connected(send, 0, (command) => command === "rules.accept");
    await settle();
    expect(sent.map((submit) => [submit.command, submit.dseq])).toEqual([["rules.accept", 1]]);
    box.recorded(1, 7);
    box.connected(send, 1);
    await settle();
    expect(sent.map((submit) => [submit.command, submit.dseq])).toEqual([["rules.accept", 1], ["msg.text", 2]]);
    // A word that went out under a number and was not answered goes first, so nothing overtakes it from the waiting room.
    box.disconnected();
    await box.add({ command: "rules.accept", args: ["2"], content: { text: "rules" } });
    box.connected(send, 1, (command) => command === "rules.accept");
    await settle();
    expect(sent.length).toBe(2);
  });

  it("keeps a refusal until it has been read, and goes on", async () => {
    const store = new Memory();
    const box = made(store);
    const sent: Submit[] = [];
    box.connected((submit) => sent.push(submit) > 0, 0);
    await box.add({ command: "msg.text", content: { text: "a" } });
    await box.add({ command: "msg.text", content: { text: "b" } });
    await settle();
    box.refused(1, "wrong_phase", "in_recess", true);
    await settle();
    expect(sent.map((submit) => submit.dseq)).toEqual([1, 2]);
    expect(box.items.value[0]).toMatchObject({ state: "refused", refusal: { code: "wrong_phase" } });
    expect(await box.discard(box.items.value[0]?.id ?? 0)).toBe(true);
    expect(box.items.value.map((item) => item.dseq)).toEqual([2]);
  });

  it("does not take back what may already be on the record", async () => {
    const box = made(new Memory());
    box.connected(() => true, 0);
    const item = await box.add({ command: "msg.text", content: { text: "a" } });
    await settle();
    expect(await box.discard(item.id)).toBe(false);
  });

  it("lets words pass a slow upload and gives the file its number when it has arrived", async () => {
    let arrive: () => void = () => undefined;
    const slow: Upload = () => new Promise((done) => (arrive = done));
    const box = made(new Memory(), slow);
    const sent: Submit[] = [];
    box.connected((submit) => sent.push(submit) > 0, 0);
    await box.add({ command: "msg.image", content: { mime: "image/jpeg" }, file: new Blob(["picture"]) });
    await box.add({ command: "msg.text", content: { text: "see the picture" } });
    await settle();
    expect(sent.map((submit) => submit.command)).toEqual(["msg.text"]);
    box.recorded(1, 5);
    arrive();
    await settle();
    expect(sent[1]).toMatchObject({ command: "msg.image", dseq: 2 });
    expect((sent[1]?.args[0] as Uint8Array).length).toBe(32);
  });

  it("shows an upload that will never be taken as refused", async () => {
    const box = made(new Memory(), () => Promise.reject(new Rejected("too_large", "413")));
    await box.add({ command: "msg.file", content: { mime: "text/plain" }, file: new Blob(["x"]) });
    await settle();
    expect(box.items.value[0]).toMatchObject({ state: "refused", refusal: { code: "too_large" } });
  });

  it("makes room for the entry when it comes, in whichever order the court answers", async () => {
    const store = new Memory();
    const box = made(store);
    box.connected(() => true, 0);
    await box.add({ command: "msg.text", content: { text: "a" } });
    await settle();
    box.settle((item) => item.dseq === 1);
    box.recorded(1, 3);
    expect(box.items.value).toHaveLength(0);
    await settle();
    expect(store.rows.size).toBe(0);
  });
});
