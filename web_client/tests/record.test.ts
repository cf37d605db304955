import { describe, expect, it } from "vitest";

import { fromHex, toHex, utf8 } from "../src/record/bytes";
import { commit, opens } from "../src/record/commitment";
import { verifyEd25519 } from "../src/record/ed25519";
import { Kept } from "../src/record/kept";
import { BadLeaf, readLeaf } from "../src/record/leaf";
import { openCheckpoint, parseVerifier } from "../src/record/note";
import { proveLine, holds, WholeTree } from "../src/record/proof";
import { extendsTree, hashLeaf, includes, inclusionPath, rootOf, Tree } from "../src/record/tree";
import { vectors } from "./vectors";

interface TreeVectors {
  entries: string[];
  leaf_hashes: string[];
  roots: string[];
  frontiers: string[][];
  inclusion: { seq: number; size: number; proof: string[] }[];
  consistency: { old: number; size: number; proof: string[] }[];
}
interface CheckpointVectors {
  origin: string;
  stream_vkey: string;
  good: { size: number; root: string; note: string }[];
  bad: { name: string; note: string }[];
}
const tree = vectors<TreeVectors>("recording/vectors/tree.json");
const notes = vectors<CheckpointVectors>("recording/vectors/checkpoints.json");
const hex = (list: readonly string[]): Uint8Array[] => list.map(fromHex);

describe("commitments", () => {
  const given = vectors<{ commitments: { salt: string; content: string; commitment: string }[] }>("recording/vectors/commitments.json");
  it("are the same bytes as in Python", async () => {
    for (const each of given.commitments) {
      expect(toHex(await commit(fromHex(each.salt), utf8(each.content)))).toBe(each.commitment);
    }
  });
  it("do not open with one letter changed", async () => {
    const salt = new Uint8Array(32);
    const made = await commit(salt, utf8("同意"));
    expect(await opens(made, salt, utf8("同意"))).toBe(true);
    expect(await opens(made, salt, utf8("不同意"))).toBe(false);
    expect(await opens(made, new Uint8Array(31), utf8("同意"))).toBe(false);
  });
});

describe("leaves", () => {
  const given = vectors<{ good: { name: string; bytes: string; leaf_hash: string; fields: unknown[] }[]; bad: { name: string; bytes: string }[] }>(
    "recording/vectors/leaves.json",
  );
  it.each(given.good)("read: $name", async ({ bytes, leaf_hash, fields }) => {
    const leaf = readLeaf(fromHex(bytes));
    expect(leaf.type).toBe(fields[1]);
    expect(leaf.seq).toBe(fields[2]);
    expect(toHex(await hashLeaf(fromHex(bytes)))).toBe(leaf_hash);
  });
  it.each(given.bad)("are refused: $name", ({ bytes }) => {
    expect(() => readLeaf(fromHex(bytes))).toThrow(BadLeaf);
  });
});

describe("the tree", () => {
  it("grows to the same roots and edges as in Python", async () => {
    const growing = Tree.empty();
    expect(toHex(await growing.root())).toBe(tree.roots[0]);
    for (let n = 0; n < tree.entries.length; n++) {
      const hash = await hashLeaf(fromHex(tree.entries[n] as string));
      expect(toHex(hash)).toBe(tree.leaf_hashes[n]);
      await growing.append(hash);
      expect(toHex(await growing.root())).toBe(tree.roots[n + 1]);
      expect(growing.frontier.map(toHex)).toEqual(tree.frontiers[n + 1]);
    }
  });
  it("goes on from a frontier", async () => {
    for (let start = 0; start < 20; start++) {
      const late = Tree.from(start, hex(tree.frontiers[start] as string[]));
      for (const hash of hex(tree.leaf_hashes.slice(start))) await late.append(hash);
      expect(toHex(await late.root())).toBe(tree.roots[20]);
    }
    expect(() => Tree.from(3, [])).toThrow(RangeError);
  });
  it("makes and checks every inclusion proof", async () => {
    const leaves = hex(tree.leaf_hashes);
    const whole = new WholeTree(leaves);
    for (const { seq, size, proof } of tree.inclusion) {
      const path = await whole.path(seq, size);
      expect(path.map(toHex)).toEqual(proof);
      expect((await inclusionPath(seq, leaves.slice(0, size))).map(toHex)).toEqual(proof);
      const root = fromHex(tree.roots[size] as string);
      expect(await includes(seq, size, leaves[seq] as Uint8Array, path, root)).toBe(true);
      expect(await includes(seq, size, leaves[(seq + 1) % 20] as Uint8Array, path, root)).toBe(false);
    }
    expect(toHex(await rootOf(leaves))).toBe(tree.roots[20]);
  });
  it("proves what a late comer has, from the frontier of what he has not", async () => {
    const leaves = hex(tree.leaf_hashes);
    for (const { seq, size, proof } of tree.inclusion) {
      const first = Math.floor((seq * 2) / 3);
      const late = new WholeTree(leaves.slice(first), first, hex(tree.frontiers[first] as string[]));
      expect((await late.path(seq, size)).map(toHex), `${seq} of ${size} from ${first}`).toEqual(proof);
      if (first > 0) await expect(late.path(first - 1, size)).rejects.toThrow(RangeError);
    }
    expect(() => new WholeTree(leaves, 3, [])).toThrow(RangeError);
  });
  it("checks every consistency proof, and refuses a changed one", async () => {
    for (const { old, size, proof } of tree.consistency) {
      const from = fromHex(tree.roots[old] as string);
      const to = fromHex(tree.roots[size] as string);
      expect(await extendsTree(old, from, size, to, hex(proof)), `${old} to ${size}`).toBe(true);
      if (proof.length > 0) {
        const other = hex(proof);
        (other[0] as Uint8Array)[0] = ((other[0] as Uint8Array)[0] as number) ^ 1;
        expect(await extendsTree(old, from, size, to, other)).toBe(false);
      }
    }
  });
});

describe("checkpoints", () => {
  it("open with the stream's key", async () => {
    const key = await parseVerifier(notes.stream_vkey);
    for (const each of notes.good) {
      const opened = await openCheckpoint(each.note, [key], verifyEd25519);
      expect([opened.size, toHex(opened.root), opened.origin]).toEqual([each.size, each.root, notes.origin]);
    }
  });
  it.each(notes.bad)("are refused: $name", async ({ note }) => {
    const key = await parseVerifier(notes.stream_vkey);
    await expect(openCheckpoint(note, [key], verifyEd25519)).rejects.toThrow();
  });
});

describe("what a phone keeps", () => {
  const checkpointOf = (size: number): string => {
    const found = notes.good.find((each) => each.size === size);
    if (found === undefined) throw new Error(`no checkpoint of ${size}`);
    return found.note;
  };
  const sizes = notes.good.map((each) => each.size);
  const most = Math.max(...sizes.filter((size) => size <= tree.leaf_hashes.length));

  it("agrees with a checkpoint its leaves lead to, whichever comes first", async () => {
    for (const early of [true, false]) {
      const kept = await Kept.from(notes.origin, notes.stream_vkey, 0, []);
      if (early) await kept.checkpoint(checkpointOf(most));
      for (let n = 0; n < most; n++) expect(await kept.append(n, fromHex(tree.leaf_hashes[n] as string))).toBe(true);
      if (!early) await kept.checkpoint(checkpointOf(most));
      expect(kept.state).toMatchObject({ kind: "agrees", checkpoint: { size: most } });
    }
  });
  it("says so when the court signed something else", async () => {
    const kept = await Kept.from(notes.origin, notes.stream_vkey, 0, []);
    for (let n = 0; n < most; n++) await kept.append(n, fromHex(tree.leaf_hashes[n === 0 ? 1 : n] as string));
    expect((await kept.checkpoint(checkpointOf(most))).kind).toBe("forked");
  });
  it("takes no leaf out of its order", async () => {
    const kept = await Kept.from(notes.origin, notes.stream_vkey, 0, []);
    expect(await kept.append(1, fromHex(tree.leaf_hashes[1] as string))).toBe(false);
    expect(kept.size).toBe(0);
  });
});

describe("a line's proof", () => {
  const leaves = hex(tree.leaf_hashes);
  const note = notes.good.filter((each) => each.size > 2 && each.size <= leaves.length).at(-1);
  it("holds for the line and not for another", async () => {
    if (note === undefined) throw new Error("no checkpoint to test with");
    const whole = new WholeTree(leaves.slice(0, note.size));
    const line = { seq: 1, leafHash: leaves[1] as Uint8Array, commit: null, salt: null, content: null, device: null };
    const proof = await proveLine(line, whole, note.note, notes.stream_vkey, notes.origin);
    expect(holds(proof)).toBe(true);
    const other = await proveLine({ ...line, leafHash: leaves[2] as Uint8Array }, whole, note.note, notes.stream_vkey, notes.origin);
    expect(holds(other)).toBe(false);
  });
  it("fails when a word was changed", async () => {
    if (note === undefined) throw new Error("no checkpoint to test with");
    const whole = new WholeTree(leaves.slice(0, note.size));
    const salt = new Uint8Array(32);
    const digest = await commit(salt, utf8('{"text":"yes"}'));
    const line = { seq: 1, leafHash: leaves[1] as Uint8Array, commit: digest, salt, content: utf8('{"text":"no"}'), device: null };
    expect(holds(await proveLine(line, whole, note.note, notes.stream_vkey, notes.origin))).toBe(false);
  });
});
