import { describe, expect, it } from "vitest";

import { failureOf } from "../src/state/page";

describe("a failure", () => {
  it("has the page that says what happened", () => {
    expect(failureOf("expired", 401)).toBe("expired");
    expect(failureOf("revoked", 4410)).toBe("revoked");
    expect(failureOf("used_elsewhere", 4401)).toBe("used");
    expect(failureOf("unknown_link", 401)).toBe("unknown");
    expect(failureOf("removed", 4403)).toBe("removed");
    expect(failureOf("entered_again", 4409)).toBe("replaced");
    expect(failureOf("a field is missing", 4400)).toBe("broken");
    expect(failureOf("unreachable")).toBe("unreachable");
    expect(failureOf("unavailable", 503)).toBe("unreachable");
  });
});
