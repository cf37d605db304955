// Who stands where: PR9 says that the signer is seen by everybody, always; ODR 24 that seats are seen.
import { describe, expect, it } from "vitest";

import { arrange, columns, type Situation } from "../src/state/layout";

const ALL = ["judge/1", "clerk/1", "party/1", "party/2", "interpreter/1"];
const base: Situation = { present: ALL, middle: "party/1", signer: "interpreter/1", own: "party/2", screen: false, wide: false, text: false };
const everybody = (situation: Situation): readonly string[] => {
  const at = arrange(situation);
  return [at.main, at.signer, ...at.strip, ...at.grid].filter((slot): slot is string => slot !== null).sort();
};

describe("the arrangement of pictures", () => {
  it.each([
    ["a phone", {}],
    ["a desk", { wide: true }],
    ["a phone with a screen shown", { screen: true }],
    ["a desk with a screen shown", { screen: true, wide: true }],
    ["a hearing in text", { text: true }],
    ["a hearing in text, on a desk", { text: true, wide: true }],
  ])("PR9 on %s the signer has a place of his own, outside of the strip", (_where, more) => {
    const at = arrange({ ...base, ...more });
    expect([at.main, at.signer]).toContain("interpreter/1");
    expect(at.strip).not.toContain("interpreter/1");
  });
  it.each([
    ["no signer", { signer: null }],
    ["no signer, on a desk", { signer: null, wide: true }],
    ["a signer", {}],
    ["a signer and a screen", { screen: true }],
    ["the signer speaking", { middle: "interpreter/1" }],
    ["one's own signing", { own: "interpreter/1" }],
    ["a signer who is not here", { signer: "interpreter/2", wide: true }],
  ])("with %s everybody is shown once", (_what, more) => {
    expect(everybody({ ...base, ...more })).toEqual([...ALL].sort());
  });
  it("PR9 he stands beside whoever has the floor, and alone in front when he has it himself", () => {
    expect(arrange(base)).toMatchObject({ main: "party/1", signer: "interpreter/1" });
    expect(arrange({ ...base, middle: "interpreter/1" })).toMatchObject({ main: "interpreter/1", signer: null });
  });
  it("whoever signs himself sees the speaker, and not himself in front", () => {
    expect(arrange({ ...base, own: "interpreter/1" })).toMatchObject({ main: "party/1", signer: null });
  });
  it("a hearing in text without a signer has no pictures at all", () => {
    expect(arrange({ ...base, text: true, signer: null })).toEqual({ screen: false, main: null, signer: null, strip: [], grid: [] });
  });
  it.each([
    [1, 1],
    [4, 4],
    [5, 3],
    [8, 4],
    [15, 5],
  ])("%i people stand in rows of %i", (people, row) => {
    expect(columns(people)).toBe(row);
  });
});
