// What this device sends of itself, in which sizes, and what is left out when the link cannot carry it. **The voice is first
// in line; of the picture the smallest size is the last to go**: it is cut for a link that has 25 kbit/s left beside speech.

/** What the way to the court carries: everything, the smallest picture, or the voice alone. */
export type Uplink = "full" | "thin" | "voice";

interface Layer {
  readonly rid: string;
  readonly scale: number;
  readonly bps: number;
  readonly frames: number;
  /** Half (or a quarter) of the frames can be left out on the way without harm to the rest. */
  readonly mode: string;
}

/** Low to high, as parts of a picture of 640x360. */
export const CAMERA: readonly Layer[] = [
  { rid: "l", scale: 4, bps: 40_000, frames: 7, mode: "L1T2" },
  { rid: "m", scale: 2, bps: 150_000, frames: 15, mode: "L1T3" },
  { rid: "h", scale: 1, bps: 600_000, frames: 20, mode: "L1T3" },
];
const THIN_BPS = 20_000;
const THIN_FRAMES = 4;
/** Letters must stay readable; they move seldom. */
export const SCREEN = { bps: 1_200_000, frames: 5 };

interface Encoding extends RTCRtpEncodingParameters {
  scalabilityMode?: string;
}

export function cameraEncodings(layered: boolean, scalable: boolean): RTCRtpEncodingParameters[] {
  const layers = layered ? CAMERA : CAMERA.slice(-1);
  return layers.map(({ rid, scale, bps, frames, mode }) => {
    const encoding: Encoding = { active: true, maxBitrate: bps, maxFramerate: frames, scaleResolutionDownBy: scale };
    if (layered) encoding.rid = rid;
    if (scalable) encoding.scalabilityMode = mode;
    return encoding;
  });
}

/** Sets what is sent on these encodings. In a full room nobody's picture is large, so nobody sends the largest. */
export function shape(encodings: readonly RTCRtpEncodingParameters[], uplink: Uplink, crowded: boolean): void {
  const layered = encodings.length > 1;
  encodings.forEach((encoding, index) => {
    const layer = layered ? CAMERA[index] : CAMERA[CAMERA.length - 1];
    if (layer === undefined) return;
    const lowest = index === 0;
    const thin = uplink === "thin";
    encoding.active = uplink === "full" ? !(crowded && layered && index === encodings.length - 1) : thin && lowest;
    encoding.maxBitrate = thin ? THIN_BPS : crowded && !layered ? 150_000 : layer.bps;
    encoding.maxFramerate = thin ? THIN_FRAMES : layer.frames;
    encoding.scaleResolutionDownBy = layered ? layer.scale : thin ? 4 : crowded ? 2 : 1;
  });
}
