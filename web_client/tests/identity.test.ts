import { describe, expect, it } from "vitest";

import { bornBy } from "../src/state/identity";

const CARD = "11010519491231002X"; // the example of GB 11643 itself
const TODAY = "2026-01-01";

describe("the number of an identity card", () => {
  it("PE2 tells the date of birth where its check character holds, and any one wrong digit is found", () => {
    expect(bornBy(CARD, TODAY)).toBe("1949-12-31");
    expect(bornBy(CARD.toLowerCase(), TODAY)).toBe("1949-12-31");
    for (let place = 0; place < 17; place += 1)
      for (const digit of "0123456789") if (digit !== CARD[place]) expect(bornBy(CARD.slice(0, place) + digit + CARD.slice(place + 1), TODAY)).toBeNull();
    expect(bornBy(CARD, "1949-12-30"), "he is not born yet").toBeNull();
  });
  it("PE2 refuses a date that is none, whatever the check character", () => {
    for (const born of ["20230230", "18991231", "20231301"]) for (const check of "0123456789X") expect(bornBy(`110105${born}002${check}`, TODAY)).toBeNull();
  });
});
