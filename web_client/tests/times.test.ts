import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("navigator", { language: "zh-CN" });
const { clipLength, courtTime, length, parts, sitBy } = await import("../src/i18n/times");

describe("times in words", () => {
  it("rounds an absence up and a clip to the nearest second, as the transcript does", () => {
    expect([length(0), length(1), length(16_400), length(59_001), length(3_723_000)]).toEqual(["0″", "1″", "17″", "1′00″", "1:02′03″"]);
    expect(parts(16_600)).toEqual([0, 0, 17]);
    expect([clipLength(200), clipLength(16_400), clipLength(16_600)]).toEqual(["1″", "16″", "17″"]);
  });

  it("takes the court's clock from the court, and not one the browser does not know", () => {
    sitBy("Africa/Lusaka");
    sitBy("Nowhere/At all");
    sitBy(undefined);
    expect(courtTime(Date.UTC(2018, 8, 10, 6))).toMatch(/0?8:00$/);
    sitBy("Asia/Shanghai");
    expect(courtTime(Date.UTC(2018, 8, 10, 6))).toMatch(/14:00$/);
  });
});
