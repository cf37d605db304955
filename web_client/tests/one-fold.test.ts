// The vectors of tests/hearing_server/flows/test_one_fold.py, which runs this file: what the court sends somebody, folded
// here, is the view with which the court would welcome him.
import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { readLeaf } from "../src/record/leaf";
import { fold, readView, type RoomView } from "../src/state/view";

interface Vector {
  readonly seed: number;
  readonly viewer: string;
  readonly view: Record<string, unknown>;
  readonly batches: readonly { readonly leaves: readonly string[]; readonly view: Record<string, unknown> }[];
}

const file = process.env["PALMCOURT_FOLDS"];
const { name, vectors } = (file === undefined ? { name: "", vectors: [] } : JSON.parse(readFileSync(file, "utf8"))) as { name: string; vectors: readonly Vector[] };

/** A welcome does not say since when somebody is here or gone; a phone that saw him come and go knows it. */
function comparable(view: RoomView): unknown {
  return { ...view, seats: view.seats.map((seat) => ({ ...seat, sinceMs: null })) };
}

describe.skipIf(file === undefined)("one fold, two languages", () => {
  it.each(vectors)("walk $seed as $viewer sees it", ({ view, batches }) => {
    let now = readView(view);
    for (const batch of batches) {
      const leaves = batch.leaves.map((raw) => readLeaf(new Uint8Array(Buffer.from(raw, "hex"))));
      for (const leaf of leaves) now = fold(now, leaf, leaf.type === "seat" ? name : "");
      expect(comparable(now), `after ${leaves.map((leaf) => `#${leaf.seq} ${leaf.type} ${JSON.stringify(leaf.facts)}`).join(", ")}`).toEqual(comparable(readView(batch.view)));
    }
  });
});
