// This device's camera and microphone: one stream, opened once at the self-test and kept until the person leaves. Turning
// a track off is `enabled = false` and nothing else, so turning it on again needs no permission and no negotiation.
import { signal } from "@preact/signals";

export type DeviceState = "opening" | "on" | "none" | "denied";

export interface Choice {
  readonly id: string;
  readonly label: string;
}

const AUDIO: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
/** 360p at 20 frames is what a phone's radio and twelve other phones can carry; faces stay readable. */
const VIDEO: MediaTrackConstraints = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 20, max: 24 }, facingMode: "user" };

export const stream = signal<MediaStream | null>(null);
export const camera = signal<DeviceState>("opening");
export const microphone = signal<DeviceState>("opening");
/** What the person wants; what the court allows is in the view. */
export const cameraOn = signal(true);
export const microphoneOn = signal(true);
/** The link is too thin for a picture: one's own is held back until it is better. */
export const pictureHeld = signal(false);
export const cameras = signal<readonly Choice[]>([]);
export const microphones = signal<readonly Choice[]>([]);

const chosen: { camera?: string; microphone?: string } = {};

function stateOf(error: unknown): DeviceState {
  const name = error instanceof DOMException ? error.name : "";
  return name === "NotAllowedError" || name === "SecurityError" ? "denied" : "none";
}

async function get(constraints: MediaStreamConstraints): Promise<MediaStream | DeviceState> {
  if (navigator.mediaDevices?.getUserMedia === undefined) return "none";
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    return stateOf(error);
  }
}

function want(base: MediaTrackConstraints, id: string | undefined): MediaTrackConstraints {
  return id === undefined ? base : { ...base, facingMode: undefined as never, deviceId: { exact: id } };
}

let opening: Promise<void> | null = null;

/** Opens both, or the one there is. Asked for together first, so that a phone asks its owner once. */
export function openDevices(): Promise<void> {
  opening ??= openNow().finally(() => (opening = null));
  return opening;
}

async function openNow(): Promise<void> {
  camera.value = "opening";
  microphone.value = "opening";
  close();
  const audio = want(AUDIO, chosen.microphone);
  const video = want(VIDEO, chosen.camera);
  const both = await get({ audio, video });
  const tracks: MediaStreamTrack[] = [];
  if (both instanceof MediaStream) {
    tracks.push(...both.getTracks());
    camera.value = microphone.value = "on";
  } else {
    const sound = await get({ audio });
    const picture = await get({ video });
    microphone.value = sound instanceof MediaStream ? "on" : sound;
    camera.value = picture instanceof MediaStream ? "on" : picture;
    for (const each of [sound, picture]) if (each instanceof MediaStream) tracks.push(...each.getTracks());
  }
  for (const track of tracks) {
    // Unplugged or taken by a telephone call: said, not hidden.
    track.onended = () => {
      (track.kind === "audio" ? microphone : camera).value = "none";
    };
  }
  stream.value = tracks.length === 0 ? null : new MediaStream(tracks);
  apply();
  await listDevices();
}

async function listDevices(): Promise<void> {
  try {
    const all = await navigator.mediaDevices.enumerateDevices();
    const of = (kind: MediaDeviceKind): Choice[] =>
      all.filter((device) => device.kind === kind && device.deviceId !== "").map((device, n) => ({ id: device.deviceId, label: device.label || String(n + 1) }));
    cameras.value = of("videoinput");
    microphones.value = of("audioinput");
  } catch {
    // a browser that lists nothing still has its default
  }
}

export function choose(kind: "camera" | "microphone", id: string): Promise<void> {
  chosen[kind] = id;
  return openDevices();
}

/** Puts the wishes on the tracks. */
export function apply(): void {
  for (const track of stream.value?.getAudioTracks() ?? []) track.enabled = microphoneOn.value;
  for (const track of stream.value?.getVideoTracks() ?? []) track.enabled = cameraOn.value && !pictureHeld.value;
}

export function close(): void {
  for (const track of stream.value?.getTracks() ?? []) {
    track.onended = null;
    track.stop();
  }
  stream.value = null;
}
