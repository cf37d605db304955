import { describe, expect, it } from "vitest";

import { compactOffer } from "../src/media/offer";

const section = (mid: number, kind: string): string =>
  [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF 96`,
    "c=IN IP4 0.0.0.0",
    "a=rtcp:9 IN IP4 0.0.0.0",
    "a=candidate:1 1 udp 1 127.0.0.1 5000 typ host",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuvwx",
    "a=fingerprint:sha-256 00:11",
    "a=setup:actpass",
    `a=mid:${mid}`,
    "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
    "a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "a=recvonly",
    "a=rtcp-mux",
    "a=rtpmap:96 VP8/90000",
    "a=rtcp-fb:96 goog-remb",
    "a=rtcp-fb:96 transport-cc",
    "a=rtcp-fb:96 nack pli",
  ].join("\r\n");

describe("an offer as it travels", () => {
  const made = compactOffer(["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1 2", section(0, "audio"), section(1, "video"), section(2, "video"), ""].join("\r\n"));
  const count = (part: string): number => made.split("\r\n").filter((line) => line.startsWith(part)).length;

  it("says the transport once and each section's own things each time", () => {
    expect([count("a=ice-ufrag"), count("a=ice-pwd"), count("a=fingerprint"), count("a=setup")]).toEqual([1, 1, 1, 1]);
    expect([count("m="), count("a=mid"), count("a=rtcp-mux"), count("a=rtpmap"), count("a=recvonly")]).toEqual([3, 3, 3, 3, 3]);
  });
  it("names only extensions and feedback that the court uses", () => {
    expect(count("a=extmap:1 ")).toBe(3);
    expect(count("a=extmap:4 ")).toBe(3);
    expect(count("a=rtcp-fb:96 goog-remb")).toBe(3);
    expect(count("a=rtcp-fb:96 transport-cc")).toBe(3);
    expect(count("a=candidate")).toBe(0);
  });
  it("keeps the layers of a camera, and the header extensions by which the court tells them apart", () => {
    const rid = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
    const layers = ["a=rid:l send", "a=rid:m send", "a=rid:h send", "a=simulcast:send l;m;h", `a=extmap:10 ${rid}`, "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"];
    const sent = compactOffer(["v=0", "t=0 0", section(0, "audio"), section(1, "video"), ...layers, ""].join("\r\n")).split("\r\n");
    for (const line of layers) expect(sent).toContain(line);
  });
  it("offers Firefox's bundled lines as lines that are there, and no feedback for what is not", () => {
    const firefox = section(1, "video").replace("m=video 9 ", "m=video 0 ").replace("a=recvonly", "a=bundle-only\r\na=recvonly\r\na=rtcp-fb:121 nack");
    const sent = compactOffer(["v=0", "t=0 0", section(0, "audio"), firefox, ""].join("\r\n"));
    expect(sent).toContain("m=video 9 UDP/TLS/RTP/SAVPF 96");
    expect(sent).not.toMatch(/bundle-only|rtcp-fb:121/);
  });
  it("still ends as an SDP does", () => {
    expect(made.endsWith("\r\n")).toBe(true);
  });
});
