// AB1: what a phone tells of itself is as coarse as the question of the law: did the device or the network give out?
import { expect, test } from "vitest";

import { batteryCode, networkCode } from "../src/pages/room/vitals";

test.each([
  [null, null],
  [0, "low"],
  [0.2, "low"],
  [0.21, "enough"],
  [1, "enough"],
])("AB1: a battery of %s is told as %s", (level, code) => {
  expect(batteryCode(level)).toBe(code);
});

test.each([
  ["wifi", undefined, "fixed"],
  ["ethernet", "4g", "fixed"],
  ["cellular", "4g", "mobile"],
  ["none", undefined, "none"],
  ["bluetooth", "4g", null],
  [undefined, "2g", "slow"],
  [undefined, "4g", null],
  [undefined, undefined, null],
])("AB1: a network %s, as fast as %s, is told as %s", (type, effective, code) => {
  expect(networkCode(type, effective)).toBe(code);
});
