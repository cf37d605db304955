// This device's camera, microphone and loudspeaker. Opened once at the self-test and kept until the person leaves; turning a
// track off is `enabled = false` and nothing else, so turning it on again needs no permission and no negotiation. What a
// telephone call, a locked screen or a lost headset takes away is fetched again by itself, and said as long as it is away.
import { signal } from "@preact/signals";

import { CAPTURE } from "./layers";

/** `taken`: there, allowed, and in somebody else's hands just now. */
export type DeviceState = "opening" | "on" | "none" | "denied" | "taken";
export type DeviceKind = "camera" | "microphone";

export interface Choice {
  readonly id: string;
  readonly label: string;
}

const AUDIO: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
/** 20 frames are what a phone's radio and twelve other phones can carry; faces stay readable. */
const VIDEO: MediaTrackConstraints = { width: { ideal: CAPTURE.width }, height: { ideal: CAPTURE.height }, frameRate: { ideal: 20, max: 24 }, facingMode: "user" };
/** A device that was taken is asked for again so often, while the page is looked at. */
const AGAIN_MS = 4_000;
/** A track that the system holds back for longer than this is opened anew once the page is looked at again. */
const HELD_BACK_MS = 1_500;

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
export const speakers = signal<readonly Choice[]>([]);
/** The chosen loudspeaker; empty for the system's own choice. */
export const speaker = signal("");

const chosen: Partial<Record<DeviceKind, string>> = {};
const stateOf: Readonly<Record<DeviceKind, typeof camera>> = { camera, microphone };
const kindOf = (track: MediaStreamTrack): DeviceKind => (track.kind === "audio" ? "microphone" : "camera");
const tracksOf = (kind: DeviceKind): readonly MediaStreamTrack[] => stream.peek()?.getTracks().filter((track) => kindOf(track) === kind) ?? [];

/** Where there is no way to a camera at all: an old browser, or one inside another app. */
export function canOpen(): boolean {
  return typeof navigator.mediaDevices?.getUserMedia === "function";
}

function refused(error: unknown): DeviceState {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  return name === "NotReadableError" || name === "AbortError" ? "taken" : "none";
}

async function get(constraints: MediaStreamConstraints): Promise<MediaStream | DeviceState> {
  if (!canOpen()) return "none";
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    return refused(error);
  }
}

function want(kind: DeviceKind): MediaTrackConstraints {
  const base = kind === "camera" ? VIDEO : AUDIO;
  const id = chosen[kind];
  if (id === undefined) return base;
  const { facingMode: _, ...rest } = base;
  return { ...rest, deviceId: { exact: id } };
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
  const both = await get({ audio: want("microphone"), video: want("camera") });
  if (both instanceof MediaStream) {
    adopt(both.getTracks());
  } else {
    const found: MediaStreamTrack[] = [];
    for (const kind of ["microphone", "camera"] as const) {
      const one = await get(kind === "camera" ? { video: want(kind) } : { audio: want(kind) });
      if (one instanceof MediaStream) found.push(...one.getTracks());
      else stateOf[kind].value = one;
    }
    adopt(found);
  }
  await listDevices();
}

/** These tracks take the place of those of their kind. */
function adopt(tracks: readonly MediaStreamTrack[]): void {
  const kinds = new Set(tracks.map(kindOf));
  const kept: MediaStreamTrack[] = [];
  for (const track of stream.peek()?.getTracks() ?? []) {
    if (kinds.has(kindOf(track))) release(track);
    else kept.push(track);
  }
  for (const track of tracks) mind(track);
  const all = [...kept, ...tracks];
  stream.value = all.length === 0 ? null : new MediaStream(all);
  for (const kind of kinds) stateOf[kind].value = "on";
  apply();
}

function release(track: MediaStreamTrack): void {
  track.onended = track.onmute = track.onunmute = null;
  track.stop();
}

/** A headset that goes, a call that comes in: said, not hidden, and put right as soon as it can be. */
function mind(track: MediaStreamTrack): void {
  const kind = kindOf(track);
  track.onended = () => void lost(kind);
  track.onmute = () => {
    stateOf[kind].value = "taken";
    setTimeout(() => {
      if (track.muted && track.readyState === "live" && document.visibilityState === "visible") void lost(kind);
    }, HELD_BACK_MS);
  };
  track.onunmute = () => {
    stateOf[kind].value = "on";
  };
}

let again: ReturnType<typeof setTimeout> | undefined;

async function lost(kind: DeviceKind): Promise<void> {
  delete chosen[kind]; // what was chosen is what is gone; the system's own choice is there
  stateOf[kind].value = "taken";
  if (!(await reopen(kind)) && stream.peek() !== null) {
    clearTimeout(again);
    again = setTimeout(() => void recoverDevices(), AGAIN_MS);
  }
}

const reopening = new Map<DeviceKind, Promise<boolean>>();

/** Opens one of the two anew; the other is not touched. True when it is on. */
export function reopen(kind: DeviceKind): Promise<boolean> {
  const running = reopening.get(kind);
  if (running !== undefined) return running;
  const done = reopenNow(kind).finally(() => reopening.delete(kind));
  reopening.set(kind, done);
  return done;
}

async function reopenNow(kind: DeviceKind): Promise<boolean> {
  // Many phones open one camera at a time: the front one is let go before the back one is asked for.
  if (kind === "camera") for (const track of tracksOf(kind)) release(track);
  const one = await get(kind === "camera" ? { video: want(kind) } : { audio: want(kind) });
  if (one instanceof MediaStream) adopt(one.getTracks());
  else stateOf[kind].value = one;
  await listDevices();
  return one instanceof MediaStream;
}

/** The page is looked at again, or a device came or went: whatever is missing or held back is opened anew. */
export async function recoverDevices(): Promise<void> {
  if (stream.peek() === null && camera.peek() !== "taken" && microphone.peek() !== "taken") return;
  for (const kind of ["microphone", "camera"] as const) {
    const state = stateOf[kind].peek();
    const dead = tracksOf(kind).some((track) => track.readyState === "ended" || track.muted);
    if (dead || state === "taken" || (state === "none" && (kind === "camera" ? cameras : microphones).peek().length > 0)) await reopen(kind);
  }
}

async function listDevices(): Promise<void> {
  try {
    const all = await navigator.mediaDevices.enumerateDevices();
    const of = (kind: MediaDeviceKind): Choice[] =>
      all.filter((device) => device.kind === kind && device.deviceId !== "").map((device, n) => ({ id: device.deviceId, label: device.label || String(n + 1) }));
    cameras.value = of("videoinput");
    microphones.value = of("audioinput");
    speakers.value = of("audiooutput");
    if (!speakers.value.some((each) => each.id === speaker.peek())) speaker.value = "";
  } catch {
    // a browser that lists nothing still has its default
  }
}

/** Watches headsets and cameras come and go, until the result is called. */
export function watchDevices(): () => void {
  const devices = navigator.mediaDevices;
  if (devices?.addEventListener === undefined) return () => undefined;
  const changed = (): void => void listDevices().then(recoverDevices);
  devices.addEventListener("devicechange", changed);
  return () => devices.removeEventListener("devicechange", changed);
}

export function choose(kind: DeviceKind, id: string): Promise<boolean> {
  chosen[kind] = id;
  return reopen(kind);
}

/** What is used of this kind now, for a list to show. */
export function inUse(kind: DeviceKind): string {
  return tracksOf(kind)[0]?.getSettings().deviceId ?? "";
}

export function canChooseSpeaker(): boolean {
  return "setSinkId" in HTMLMediaElement.prototype;
}

/** Puts the wishes on the tracks. */
export function apply(): void {
  for (const track of tracksOf("microphone")) track.enabled = microphoneOn.peek();
  for (const track of tracksOf("camera")) track.enabled = cameraOn.peek() && !pictureHeld.peek();
}

export function close(): void {
  clearTimeout(again);
  for (const track of stream.peek()?.getTracks() ?? []) release(track);
  stream.value = null;
}
