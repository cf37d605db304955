// Showing a screen: letters before motion. It ends where the person ends it, be it here or in the browser's own bar.
import { signal } from "@preact/signals";

import { SCREEN } from "./layers";

/** The screen that is being captured; null when none is. */
export const shown = signal<MediaStreamTrack | null>(null);

/** Asks which screen; null where the person thought better of it. Must be called inside a tap. */
export async function capture(): Promise<MediaStreamTrack | null> {
  const video = { frameRate: { max: SCREEN.frames }, width: { max: 1_920 }, height: { max: 1_200 } };
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getDisplayMedia({ video, audio: false });
  } catch {
    return null;
  }
  const track = stream.getVideoTracks()[0] ?? null;
  if (track === null) return null;
  track.contentHint = "detail";
  track.onended = endScreen;
  shown.value = track;
  return track;
}

export function endScreen(): void {
  const track = shown.peek();
  if (track === null) return;
  track.onended = null;
  track.stop();
  shown.value = null;
}
