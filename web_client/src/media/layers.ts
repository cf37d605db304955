// What this device sends of itself, in which sizes, and what is left out when the link cannot carry it. **The voice is first
// in line; of the picture the smallest size is the last to go**: it is cut for a link that has 25 kbit/s left beside speech.

/** What the way to the court carries: everything, the smallest picture, or the voice alone. */
export type Uplink = "full" | "thin" | "voice";

interface Layer {
  readonly rid: string;
  /** The shorter side of the picture in pixels. */
  readonly side: number;
  readonly bps: number;
  readonly frames: number;
  /** Half (or a quarter) of the frames can be left out on the way without harm to the rest. */
  readonly mode: string;
}

/** What is asked of the camera. Chromium sends three sizes of a picture only from 960x540 on; of a smaller one it sends two. */
export const CAPTURE = { width: 960, height: 540 };
const THREE_SIZES = CAPTURE.width * CAPTURE.height;

/** Low to high: 160x90, 320x180, 640x360. */
export const CAMERA: readonly Layer[] = [
  { rid: "l", side: 90, bps: 40_000, frames: 7, mode: "L1T2" },
  { rid: "m", side: 180, bps: 150_000, frames: 15, mode: "L1T3" },
  { rid: "h", side: 360, bps: 600_000, frames: 20, mode: "L1T3" },
];
const THIN_BPS = 20_000;
const THIN_FRAMES = 4;
/** Letters must stay readable; they move seldom. */
export const SCREEN = { bps: 1_200_000, frames: 5 };

interface Encoding extends RTCRtpEncodingParameters {
  scalabilityMode?: string;
}

/** What the camera gives, in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

const scaleTo = (side: number, { width, height }: Size): number => Math.max(1, Math.min(width, height) / side);

export function sizeOf(track: MediaStreamTrack | null): Size {
  const { width, height } = track?.getSettings() ?? {};
  return width === undefined || height === undefined || width * height === 0 ? CAPTURE : { width, height };
}

export function cameraEncodings(layered: boolean, scalable: boolean, size: Size): RTCRtpEncodingParameters[] {
  const layers = layered ? CAMERA : CAMERA.slice(-1);
  return layers.map(({ rid, side, bps, frames, mode }) => {
    const encoding: Encoding = { active: true, maxBitrate: bps, maxFramerate: frames, scaleResolutionDownBy: scaleTo(side, size) };
    if (layered) encoding.rid = rid;
    if (scalable) encoding.scalabilityMode = mode;
    return encoding;
  });
}

export interface Shape {
  readonly uplink: Uplink;
  /** In a full room nobody's picture is large, so nobody sends the largest. */
  readonly crowded: boolean;
  /** Somebody's link is thin: the smallest picture must fit beside a voice. */
  readonly spare: boolean;
  readonly size: Size;
}

/** Sets what is sent on these encodings. */
export function shape(encodings: readonly RTCRtpEncodingParameters[], { uplink, crowded, spare, size }: Shape): void {
  const thin = uplink === "thin";
  const small = size.width * size.height < THREE_SIZES;
  // Which size each encoding carries: of a small picture the middle place has the largest, since the last would never be sent.
  const [low, middle, high] = CAMERA as readonly [Layer, Layer, Layer];
  const places = encodings.length === 1 ? [thin ? low : crowded ? middle : high] : small ? [low, crowded ? middle : high] : crowded ? [low, middle] : [low, middle, high];
  encodings.forEach((encoding, index) => {
    const layer = places[index];
    encoding.active = layer !== undefined && (uplink === "full" || (thin && index === 0));
    if (layer === undefined) return;
    const least = layer === low && (thin || spare);
    encoding.maxBitrate = least ? THIN_BPS : layer.bps;
    encoding.maxFramerate = least ? THIN_FRAMES : layer.frames;
    encoding.scaleResolutionDownBy = scaleTo(layer.side, size);
  });
}
