import { describe, expect, it } from "vitest";

import { legOf, takesLayers, THIN_VOICE, VOICE, withVoice } from "../src/media/answer";
import { judge, LADDER, step, type Ladder, type Reading } from "../src/media/ladder";
import { cameraEncodings, shape } from "../src/media/layers";
import { readPulse, Watch } from "../src/media/pulse";
import { whyUnseen, type Sight } from "../src/state/unseen";

const good: Reading = { lost: 0, trip: 0.1, mayBps: 900_000 };
const thin: Reading = { lost: 0.05, trip: 0.4, mayBps: 50_000 };
const dead: Reading = { lost: 0.6, trip: 2, mayBps: 20_000 };

describe("the ladder of what the way to the court carries", () => {
  let now = 0;
  const walk = (ladder: Ladder, reading: Reading, seconds: number): Ladder => {
    for (let i = 0; i < seconds; i++) ladder = step(ladder, reading, (now += 1_000));
    return ladder;
  };
  it("judges 50 kbit/s as thin and not as voice alone: one small picture goes with the voice", () => {
    expect([good, thin, dead].map(judge)).toEqual(["full", "thin", "voice"]);
    expect(judge({ lost: 0.05, trip: 0.3, mayBps: null })).toBe("full");
  });
  it("goes down within four seconds, a rung at a time", () => {
    expect([walk(LADDER, dead, 4).uplink, walk(LADDER, dead, 12).uplink]).toEqual(["thin", "voice"]);
  });
  it("does not move for one bad moment", () => {
    expect(walk(walk(LADDER, dead, 1), good, 3).uplink).toBe("full");
  });
  it("goes up one rung at a time, and slower than down", () => {
    const down = walk(LADDER, dead, 12);
    expect(walk(down, good, 6).uplink).toBe("voice");
    expect(walk(down, good, 14).uplink).toBe("thin");
    expect(walk(down, good, 26).uplink).toBe("full");
  });
  it("takes one lost packet in a dozen for what it is", () => {
    let ladder = walk(LADDER, thin, 3);
    for (let i = 0; i < 9; i++) ladder = step(ladder, { ...thin, lost: i % 2 === 0 ? 0.12 : 0 }, (now += 1_000));
    expect(ladder.uplink).toBe("full");
  });
  it("tries a rung that the readings cannot promise, and waits twice as long after a try that failed", () => {
    const down = walk(LADDER, thin, 3);
    const tried = walk(down, thin, 9);
    expect([down.uplink, tried.uplink]).toEqual(["thin", "full"]);
    const failed = walk(tried, thin, 9);
    expect([failed.uplink, failed.patience]).toEqual(["thin", 2 * tried.patience]);
  });
});

describe("the heartbeat", () => {
  it("tells a path that died from a room in which nobody speaks", () => {
    const busy = new Watch();
    for (let at = 0; at <= 3_000; at += 1_000) expect(busy.hear(at * 5, at)).toBe(false);
    expect([busy.hear(15_000, 4_000), busy.hear(15_000, 5_000)]).toEqual([false, true]);
    expect(busy.hear(15_400, 6_000)).toBe(false);
    const quiet = new Watch();
    for (let at = 0; at <= 3_000; at += 1_000) expect(quiet.hear(at / 10, at)).toBe(false);
    expect(quiet.hear(300, 9_000)).toBe(false);
  });
  it("reads the counters of Chromium and of Firefox, which has none of the transport", () => {
    const pair = { type: "candidate-pair", nominated: true, bytesReceived: 700, bytesSent: 300, responsesReceived: 2, currentRoundTripTime: 0.2, availableOutgoingBitrate: 60_000 };
    const lost = { type: "remote-inbound-rtp", fractionLost: 0.25, roundTripTime: 0.3 };
    expect(readPulse([pair, lost, { type: "transport", bytesReceived: 1_000, bytesSent: 400 }])).toEqual({ heard: 1_002, receivedBytes: 1_000, sentBytes: 400, lost: 0.25, trip: 0.3, mayBps: 60_000 });
    expect(readPulse([pair])).toMatchObject({ heard: 702, receivedBytes: 700, sentBytes: 300, lost: 0 });
  });
});

describe("an answer, read and applied", () => {
  const sdp = ["v=0", "o=- 77 2 IN IP4 127.0.0.1", "t=0 0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=fingerprint:sha-256 AA:BB", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=simulcast:recv l;m;h", ""].join("\r\n");
  it("names the leg by what changes only with the handshake", () => {
    expect(legOf(sdp)).toBe(legOf(sdp.replace("77 2 IN", "77 3 IN")));
    expect(legOf(sdp)).not.toBe(legOf(sdp.replace("77 2 IN", "78 2 IN")));
    expect(legOf(sdp)).not.toBe(legOf(sdp.replace("AA:BB", "AA:BC")));
    expect([takesLayers(sdp), takesLayers(sdp.replace("a=simulcast", "a=other"))]).toEqual([true, false]);
  });
  it("sets how the voice is coded, as often as it changes, and touches nothing else", () => {
    const once = withVoice(sdp, THIN_VOICE);
    expect(once).toContain("a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1;maxaveragebitrate=16000\r\na=ptime:60\r\n");
    const again = withVoice(once, VOICE);
    expect(again).not.toContain("a=ptime:60");
    expect(again.split("\r\n").filter((line) => line.startsWith("a=fmtp:111"))).toHaveLength(1);
    expect(again.split("m=video")[1]).toBe(sdp.split("m=video")[1]);
  });
});

describe("what is sent of a camera", () => {
  const wide = { width: 960, height: 540 };
  const active = (encodings: readonly RTCRtpEncodingParameters[]): readonly (boolean | undefined)[] => encodings.map((each) => each.active);
  const sides = (encodings: readonly RTCRtpEncodingParameters[], side: number): readonly number[] => encodings.filter((each) => each.active).map((each) => side / (each.scaleResolutionDownBy ?? 1));
  it("is the smallest picture alone on a thin link, cut for what speech leaves over, and nothing below that", () => {
    const layers = cameraEncodings(true, true, wide);
    shape(layers, { uplink: "thin", crowded: false, spare: false, size: wide });
    expect(active(layers)).toEqual([true, false, false]);
    expect(layers[0]?.maxBitrate).toBeLessThanOrEqual(25_000);
    shape(layers, { uplink: "voice", crowded: false, spare: false, size: wide });
    expect(active(layers)).toEqual([false, false, false]);
    shape(layers, { uplink: "full", crowded: false, spare: false, size: wide });
    expect([active(layers), layers[0]?.maxBitrate]).toEqual([[true, true, true], 40_000]);
    shape(layers, { uplink: "full", crowded: false, spare: true, size: wide });
    expect([active(layers), layers.map((each) => each.maxBitrate)]).toEqual([[true, true, true], [20_000, 150_000, 600_000]]);
  });
  it("has the same three sizes whatever the camera gives, held upright or not", () => {
    for (const size of [wide, { width: 540, height: 960 }, { width: 1_280, height: 720 }]) {
      const layers = cameraEncodings(true, false, size);
      shape(layers, { uplink: "full", crowded: false, spare: false, size: size });
      expect(sides(layers, Math.min(size.width, size.height))).toEqual([90, 180, 360]);
    }
  });
  it("is two sizes of a small picture, of which browsers send no third, and the larger is whole", () => {
    const small = { width: 640, height: 360 };
    const layers = cameraEncodings(true, false, small);
    shape(layers, { uplink: "full", crowded: false, spare: false, size: small });
    expect([active(layers), sides(layers, 360), layers[1]?.maxBitrate]).toEqual([[true, true, false], [90, 360], 600_000]);
  });
  it("leaves out the largest in a full room", () => {
    const layers = cameraEncodings(true, false, wide);
    shape(layers, { uplink: "full", crowded: true, spare: false, size: wide });
    expect(sides(layers, 540)).toEqual([90, 180]);
    const single = cameraEncodings(false, false, wide);
    shape(single, { uplink: "full", crowded: true, spare: false, size: wide });
    expect(sides(single, 540)).toEqual([180]);
  });
});

describe("why somebody is not seen", () => {
  const sight: Sight = { cameraUsed: true, flowing: false, once: true, theirUplink: null, theirRung: "video", ownRung: "video", ownUplink: "full", saver: "off" };
  it("is said by whose link it is", () => {
    expect(whyUnseen({ ...sight, theirUplink: "voice", flowing: true })).toBe("theirs");
    expect(whyUnseen({ ...sight, theirRung: "clips" })).toBe("theirs");
    expect(whyUnseen({ ...sight, ownRung: "audio" })).toBe("mine");
    expect(whyUnseen({ ...sight, ownUplink: "thin" })).toBe("mine");
    expect(whyUnseen({ ...sight, saver: "voice" })).toBe("saver");
    expect(whyUnseen(sight)).toBe("stopped");
  });
  it("is nothing to speak of while it moves, has not come yet, or was turned off", () => {
    for (const each of [{ flowing: true }, { once: false }, { cameraUsed: false }]) expect(whyUnseen({ ...sight, ...each })).toBeNull();
    expect(whyUnseen({ ...sight, flowing: true, theirRung: "audio" })).toBeNull();
  });
});
