// Captions from what is typed: the last lines, never withheld or destroyed ones, and who is writing.
import { describe, expect, it } from "vitest";

import type { Leaf } from "../src/record/leaf";
import { captions, writer } from "../src/state/captions";
import type { Entry } from "../src/state/sitting";

function entry(seq: number, actor: string, text: string | null, type = "msg.text"): Entry {
  const leaf: Leaf = { type, seq, streamId: new Uint8Array(16), tsMs: seq, epoch: 1, actor, deviceKeyId: null, dseq: null, tsClientMs: null, commit: null, refs: [], facts: [], csig: null };
  return { seq, leafHash: new Uint8Array(32), leaf, salt: null, content: null, words: text === null ? null : { text } };
}
const withheld: Entry = { seq: 9, leafHash: new Uint8Array(32), leaf: null, salt: null, content: null, words: null };

describe("captions", () => {
  it("are the last two things written, in their order, whoever acted in between", () => {
    const entries = [entry(1, "party/1", "one"), entry(2, "party/2", "two"), entry(3, "judge/1", null, "act.floor"), entry(4, "party/1", "three")];
    expect(captions(entries, "party/1")).toEqual([
      { seq: 2, slot: "party/2", text: "two", floor: false },
      { seq: 4, slot: "party/1", text: "three", floor: true },
    ]);
  });
  it("show nothing of what is withheld, destroyed, or no words", () => {
    expect(captions([entry(1, "party/1", null), withheld, entry(2, "party/1", ""), entry(3, "party/1", "a picture", "msg.image")], null)).toEqual([]);
  });
  it("name whoever has the floor first among those who write", () => {
    expect(writer(["party/2", "party/1"], "party/1")).toBe("party/1");
    expect(writer(["party/2"], "party/1")).toBe("party/2");
    expect(writer([], "party/1")).toBeNull();
  });
});
