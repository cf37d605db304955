import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";

import type { Receipt, Welcome } from "../src/protocol/frames.gen";
import { receiptStatement, refusalStatement, stated } from "../src/record/attest";
import { fromHex, toHex, utf8, type Bytes } from "../src/record/bytes";
import { commit, commitDigest, sha256 } from "../src/record/commitment";
import { cosignatureText, cosignerName, cosigners } from "../src/record/cosign";
import { actMessage, keyIdOf, type Act } from "../src/record/csig";
import { deviceKey, makeKey } from "../src/record/device-key";
import { AT_ONCE, digestOf } from "../src/record/digest";
import { verifyEd25519 } from "../src/record/ed25519";
import { openCheckpoint, parseVerifier } from "../src/record/note";
import { leadsTo } from "../src/record/rotation";
import { Tree } from "../src/record/tree";
import { Witness, type WitnessPorts } from "../src/state/witness";
import { evidence } from "../src/pages/room/evidence";
import { consistency } from "./consistency";
import { MemoryRecord, SigningCourt } from "./signing-court";
import { vectors, withBytes } from "./vectors";

interface Statements {
  stream_id: string;
  origin: string;
  device_key: string;
  device_key_id: string;
  court_key: string;
  acts: { fields: unknown[]; message: string; csig: string }[];
  statements: string[];
  first_ts_ms: number;
  batches_of_the_last: { place: number; path: string[]; signature: string }[][];
}
const given = vectors<Statements>("recording/vectors/statements.json");
const actOf = (fields: unknown[]): Act => {
  const [dseq, command, args, refs, digest, tsClientMs] = withBytes(fields) as unknown[];
  return { dseq, command, args, refs, commit: digest, tsClientMs } as Act;
};

describe("an act", () => {
  it("is signed over the bytes that Python packs", async () => {
    for (const { fields, message, csig } of given.acts) {
      const text = actMessage(fromHex(given.stream_id), actOf(fields));
      expect(toHex(text)).toBe(message);
      expect(await verifyEd25519(fromHex(given.device_key), fromHex(csig), text)).toBe(true);
    }
  });
  it("is another act when anything of it is changed", async () => {
    const { fields, csig } = given.acts[0] as Statements["acts"][0];
    const act = actOf(fields);
    for (const other of [{ ...act, dseq: 2 }, { ...act, command: "msg.file" }, { ...act, args: [null] }, { ...act, commit: null }, { ...act, tsClientMs: 1 }]) {
      expect(await verifyEd25519(fromHex(given.device_key), fromHex(csig), actMessage(fromHex(given.stream_id), other))).toBe(false);
    }
    expect(await verifyEd25519(fromHex(given.device_key), fromHex(csig), actMessage(new Uint8Array(16), act))).toBe(false);
  });
  it.each([true, false])("is signed by a key made here, WebCrypto's own: %s", async (native) => {
    const kept = await makeKey(native);
    const key = await deviceKey(kept);
    const signature = await key.sign(utf8("words"));
    expect(await verifyEd25519(key.publicKey, signature, utf8("words"))).toBe(true);
    expect(await verifyEd25519(key.publicKey, signature, utf8("word"))).toBe(false);
    if (kept.kind === "native") {
      expect(kept.privateKey.extractable).toBe(false);
      await expect(crypto.subtle.exportKey("pkcs8", kept.privateKey)).rejects.toThrow();
    } else expect(native).toBe(false);
  });
  it("names its key as the record does", async () => {
    expect(toHex(await keyIdOf(fromHex(given.device_key)))).toBe(given.device_key_id);
  });
});

describe("the court's answers", () => {
  const courtKey = fromHex(given.court_key);
  it("are stated in the bytes that Python packs", () => {
    for (let n = 0; n < 6; n++) {
      expect(toHex(receiptStatement(given.origin, n, new Uint8Array(32).fill(n), given.first_ts_ms + n))).toBe(given.statements[n]);
    }
    expect(toHex(refusalStatement(given.origin, fromHex(given.device_key_id), 7, "wrong_phase", given.first_ts_ms))).toBe(given.statements[6]);
  });
  it("hold on their paths in one batch, and each only for itself", async () => {
    for (const batch of given.batches_of_the_last) {
      const last = given.statements.slice(-batch.length).map(fromHex);
      for (const [index, each] of batch.entries()) {
        const attestation = { place: each.place, size: batch.length, path: each.path.map(fromHex), signature: fromHex(each.signature) };
        expect(await stated(last[index] as Bytes, attestation, courtKey)).toBe(true);
        expect(await stated(last[index] as Bytes, attestation, fromHex(given.device_key))).toBe(false);
        expect(await stated(utf8("something else"), attestation, courtKey)).toBe(false);
        expect(await stated(last[index] as Bytes, { ...attestation, size: 2 ** 20 + 1 }, courtKey)).toBe(false);
        if (batch.length > 1) expect(await stated(last[index] as Bytes, { ...attestation, place: (index + 1) % batch.length }, courtKey)).toBe(false);
      }
    }
  });
  it("are checked in less than 10 ms", async () => {
    const batch = given.batches_of_the_last.at(-1) as Statements["batches_of_the_last"][0];
    const each = batch[0] as (typeof batch)[0];
    const attestation = { place: 0, size: batch.length, path: each.path.map(fromHex), signature: fromHex(each.signature) };
    const statement = fromHex(given.statements[0] as string);
    await stated(statement, attestation, courtKey);
    const times: number[] = [];
    for (let n = 0; n < 50; n++) {
      const began = performance.now();
      expect(await stated(statement, attestation, courtKey)).toBe(true);
      times.push(performance.now() - began);
    }
    const median = times.sort((a, b) => a - b)[25] as number;
    console.info(`receipt check: median ${median.toFixed(2)} ms`);
    expect(median).toBeLessThan(10);
  });
});

describe("a cosignature", () => {
  const python = vectors<{ log_vkey: string; witness_vkey: string; time: number; signed_message: string; signature: string; good: string }>("recording/vectors/cosignatures.json");
  it("is over the text that Python signs, and is found under the note", async () => {
    const log = await parseVerifier(python.log_vkey);
    const opened = await openCheckpoint(python.good, [log], verifyEd25519);
    expect(new TextDecoder().decode(cosignatureText(opened.body, python.time))).toBe(python.signed_message);
    const key = Uint8Array.from(Buffer.from(python.witness_vkey.split("+")[2] as string, "base64")).slice(1);
    expect(cosignerName(opened.origin, "party/1")).toBe(python.witness_vkey.split("+")[0]);
    expect(await cosigners(opened.origin, opened.body, opened.signatures, new Map([["party/1", key]]))).toEqual([{ slot: "party/1", timeS: python.time }]);
    expect(await cosigners(opened.origin, opened.body, opened.signatures, new Map([["party/2", key]]))).toEqual([]);
    expect(await cosigners(opened.origin, opened.body.replace("\n7\n", "\n8\n"), opened.signatures, new Map([["party/1", key]]))).toEqual([]);
  });
});

describe("a large file", () => {
  it("has the same fingerprint in pieces as at once", async () => {
    for (const size of [0, 1_000, AT_ONCE, AT_ONCE + 1, AT_ONCE + 3 * 1024 * 1024 + 17]) {
      const bytes = Buffer.alloc(size, "掌");
      const shares: number[] = [];
      const digest = await digestOf(new Blob([bytes]), (share) => shares.push(share));
      expect(toHex(digest)).toBe(createHash("sha256").update(bytes).digest("hex"));
      if (size > AT_ONCE) expect(shares.at(-1)).toBe(1);
    }
  });
  it("is committed to as small content is", async () => {
    const salt = new Uint8Array(32).fill(1);
    expect(toHex(await commitDigest(salt, await sha256(utf8("同意"))))).toBe(toHex(await commit(salt, utf8("同意"))));
  });
});

const STREAM = new Uint8Array(16).fill(7);
const ORIGIN = `court.example/${toHex(STREAM)}`;
const leafHash = (n: number): Uint8Array => new Uint8Array(32).fill(n);

async function treeOf(leaves: readonly Uint8Array[]): Promise<Tree> {
  const tree = Tree.empty();
  for (const leaf of leaves) await tree.append(leaf);
  return tree;
}

interface Phone {
  witness: Witness;
  cosigned: { size: number; timeS: number; signature: Bytes }[];
  key: Bytes;
}
async function phone(record: MemoryRecord, more: Partial<WitnessPorts> = {}): Promise<Phone> {
  const key = await deviceKey(await makeKey());
  const cosigned: Phone["cosigned"] = [];
  const ports: WitnessPorts = {
    store: record,
    wall: () => 1_000_000,
    after: () => () => undefined,
    cosign: (size, timeS, signature) => cosigned.push({ size, timeS, signature }) > 0,
    urgent: () => true,
    ...more,
  };
  return { witness: new Witness(key, ports), cosigned, key: key.publicKey };
}
async function welcome(court: SigningCourt, nextSeq: number, startSeq = 0, frontier: readonly Uint8Array[] = [], rotations: readonly string[] = []): Promise<Welcome> {
  return {
    type: "welcome", version: 2, session: "s", stream_id: STREAM, origin: ORIGIN, vkey: await court.vkey(ORIGIN), epoch: 1, slot: "party/1", role: "plaintiff",
    view: {}, next_seq: nextSeq, start_seq: startSeq, frontier, now_ms: 0, last_dseq: 0, rotations, limits: {}, media: {},
  };
}
/** The phone is shown these entries and a checkpoint over them. */
async function visit(court: SigningCourt, at: Phone, leaves: readonly Uint8Array[]): Promise<void> {
  await at.witness.welcome(await welcome(court, leaves.length), false);
  for (const [seq, leaf] of leaves.entries()) await at.witness.append(seq, leaf);
  await at.witness.checkpoint(await court.checkpoint(ORIGIN, leaves.length, await (await treeOf(leaves)).root()), []);
}
/** The old key and the new one say that it is the court's next. */
async function changeOf(old: SigningCourt, next: SigningCourt): Promise<{ host: string; text: string; scheduled: string }> {
  const host = "court.example";
  const text = `palm/key-rotation/v1\n${host}\n${await old.vkey(host)}\n${await next.vkey(host)}\n1790000000000\nscheduled\n`;
  return { host, text, scheduled: `${text}\n${await old.line(text, host)}${await next.line(text, host)}` };
}
const five = [1, 2, 3, 4, 5].map(leafHash);

describe("a phone as a witness", () => {
  it("keeps a checkpoint and then signs it, in a form that others verify", async () => {
    const court = await SigningCourt.of();
    const record = new MemoryRecord();
    const at = await phone(record, { cosign: () => true });
    const kept: (string | undefined)[] = [];
    const here = await phone(record, { cosign: (size, timeS, signature) => (kept.push(record.heads.get(ORIGIN)?.note), at.cosigned.push({ size, timeS, signature }), true) });
    await visit(court, here, five);
    expect(here.witness.verdict.value.kind).toBe("agrees");
    expect(kept).toEqual([record.heads.get(ORIGIN)?.note]);
    const { size, timeS, signature } = at.cosigned[0] as Phone["cosigned"][0];
    const body = (record.heads.get(ORIGIN)?.note ?? "").split("\n\n")[0] + "\n";
    expect(size).toBe(5);
    expect(await verifyEd25519(here.key, signature, cosignatureText(body, timeS))).toBe(true);
  });
  it("waits its ten seconds unless the bench has acted", async () => {
    const court = await SigningCourt.of();
    let urgent = false;
    let later: () => void = () => undefined;
    let now = 1_000_000;
    const at = await phone(new MemoryRecord(), { urgent: () => urgent, wall: () => now, after: (_ms, call) => ((later = call), () => undefined) });
    await visit(court, at, five.slice(0, 2));
    expect(at.cosigned.map((each) => each.size)).toEqual([2]);
    const next = async (size: number): Promise<void> => {
      await at.witness.append(size - 1, five[size - 1] as Uint8Array);
      const whole = five.slice(0, size);
      await at.witness.checkpoint(await court.checkpoint(ORIGIN, size, await (await treeOf(whole)).root()), await consistency(size - 1, whole));
    };
    await next(3);
    expect(at.cosigned.map((each) => each.size)).toEqual([2]);
    now += 10_000;
    later();
    await new Promise((done) => setTimeout(done, 20));
    expect(at.cosigned.map((each) => each.size)).toEqual([2, 3]);
    urgent = true;
    await next(4);
    expect(at.cosigned.map((each) => each.size)).toEqual([2, 3, 4]);
    expect(at.witness.verdict.value.kind).toBe("agrees");
  });
  it("signs nothing and keeps both notes for ever when the record was rolled back", async () => {
    const court = await SigningCourt.of();
    const record = new MemoryRecord();
    await visit(court, await phone(record), five);
    const before = record.heads.get(ORIGIN)?.note;
    const at = await phone(record); // another day
    await visit(court, at, five.slice(0, 3));
    expect(at.witness.fork.value).toMatchObject({ why: "shorter", head: { size: 5, note: before } });
    expect(at.witness.fork.value?.came).toContain("\n3\n");
    expect(at.cosigned).toEqual([]);
    const again = await phone(record);
    await visit(court, again, five.slice(0, 3));
    expect(again.witness.fork.value?.why).toBe("shorter");
    expect(record.heads.get(ORIGIN)?.note).toBe(before);
    const file = evidence(record.forks.get(ORIGIN) as never);
    expect(file).toContain(before);
    expect(file).toContain(at.witness.fork.value?.came);
  });
  it("finds an entry changed since its last visit", async () => {
    const court = await SigningCourt.of();
    const record = new MemoryRecord();
    await visit(court, await phone(record), five);
    const at = await phone(record);
    await visit(court, at, [...five.slice(0, 2), leafHash(99), ...five.slice(3), leafHash(6)]);
    expect(at.witness.fork.value?.why).toBe("not_continued");
    expect(at.witness.fork.value?.came).toContain("\n6\n");
    expect(at.cosigned).toEqual([]);
  });
  it("joins what it kept to a session that begins later, and finds a change between", async () => {
    const court = await SigningCourt.of();
    for (const [changed, why] of [[false, undefined], [true, "not_continued"]] as const) {
      const record = new MemoryRecord();
      await visit(court, await phone(record), five.slice(0, 2));
      const now = changed ? [leafHash(77), ...five.slice(1)] : five;
      const at = await phone(record);
      const before = await treeOf(now.slice(0, 4));
      await at.witness.welcome(await welcome(court, 5, 4, before.frontier), false);
      await at.witness.append(4, now[4] as Uint8Array);
      await at.witness.checkpoint(await court.checkpoint(ORIGIN, 5, await (await treeOf(now)).root()), []);
      expect(at.cosigned).toEqual([]); // not before it is known to continue
      expect(at.witness.unmet).toBe(2);
      await at.witness.bridge((await treeOf(now.slice(0, 2))).frontier, now.slice(2, 4), before.frontier);
      expect(at.witness.fork.value?.why).toBe(why);
      expect(at.cosigned.map((each) => each.size)).toEqual(changed ? [] : [5]);
    }
  });
  it("checks a receipt, keeps it, and holds the record to it", async () => {
    const court = await SigningCourt.of();
    const other = await SigningCourt.of(9);
    const receiptOf = async (by: SigningCourt): Promise<Receipt> => ({
      type: "receipt", dseq: 1, seq: 1, leaf_hash: leafHash(2), ts_ms: 5, attestation: await by.attest(receiptStatement(ORIGIN, 1, leafHash(2), 5)),
    });
    const record = new MemoryRecord();
    const at = await phone(record);
    await at.witness.welcome(await welcome(court, 0), false);
    expect(await at.witness.receipt(await receiptOf(other), undefined)).toBe(false);
    expect(at.witness.receipts.value.get(1)?.good).toBe(false);
    expect(await at.witness.receipt(await receiptOf(court), undefined)).toBe(true);
    record.kept = record.kept.slice(-1);
    const later = await phone(record);
    await visit(court, later, [leafHash(1), leafHash(66)]);
    expect(later.witness.fork.value?.why).toBe("receipt_differs");
    expect(later.witness.fork.value?.came).toContain('"seq":1');
    expect(later.cosigned).toEqual([]);
  });
  it("goes on under the court's next key in the middle of a visit, and under none that nothing leads to", async () => {
    const [old, next] = [await SigningCourt.of(1), await SigningCourt.of(2)];
    const { scheduled } = await changeOf(old, next);
    for (const [notes, why] of [[[scheduled], undefined], [[], "court_key"]] as const) {
      const at = await phone(new MemoryRecord());
      await visit(old, at, five);
      await at.witness.welcome(await welcome(next, 6, 5, (await treeOf(five)).frontier, notes), true);
      await at.witness.append(5, leafHash(6));
      const whole = [...five, leafHash(6)];
      await at.witness.checkpoint(await next.checkpoint(ORIGIN, 6, await (await treeOf(whole)).root()), []);
      const receipt: Receipt = { type: "receipt", dseq: 1, seq: 5, leaf_hash: leafHash(6), ts_ms: 5, attestation: await next.attest(receiptStatement(ORIGIN, 5, leafHash(6), 5)) };
      expect(await at.witness.receipt(receipt, leafHash(6))).toBe(true);
      expect(at.witness.fork.value?.why).toBe(why);
      expect([...new Set(at.cosigned.map((each) => each.size))]).toEqual(why === undefined ? [5, 6] : [5]); // 5 once more: its line may have been lost
    }
  });
  it("follows a key that the former one vouched for, and no other", async () => {
    const [old, next] = [await SigningCourt.of(1), await SigningCourt.of(2)];
    const { host, text, scheduled } = await changeOf(old, next);
    const alone = `${text}\n${await next.line(text, host)}`;
    const lostText = text.replace("scheduled", "lost");
    const lost = `${lostText}\n${await old.line(lostText, host)}${await next.line(lostText, host)}`;
    expect(await leadsTo(host, old.key, next.key, [scheduled])).toBe(true);
    for (const notes of [[], [alone], [lost], [scheduled.replace("1790000000000", "1790000000001")]]) expect(await leadsTo(host, old.key, next.key, notes)).toBe(false);
    expect(await leadsTo("other.example", old.key, next.key, [scheduled])).toBe(false);
    const record = new MemoryRecord();
    record.courts.set(host, old.key);
    const told = await phone(record);
    await told.witness.welcome(await welcome(next, 0), false);
    expect(told.witness.fork.value?.why).toBe("court_key");
    const fresh = new MemoryRecord();
    fresh.courts.set(host, old.key);
    const follows = await phone(fresh);
    await follows.witness.welcome(await welcome(next, 0, 0, [], [scheduled]), false);
    expect(follows.witness.fork.value).toBeNull();
    expect(fresh.courts.get(host)).toEqual(next.key);
  });
});
