// A track played in an element, and whether it moves.
import { useSignal, type Signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** So long a picture may stand still and be called moving: one frame a second is a picture, on a thin link. */
const STILL_MS = 2_600;

/** A number that grows with each picture. The time of a live video does not do: it runs on while the picture stands still. */
function framesOf(element: HTMLVideoElement): number {
  const painted = (element as unknown as { mozPaintedFrames?: number }).mozPaintedFrames; // Firefox counts live video only there
  const counted = painted ?? element.getVideoPlaybackQuality?.().totalVideoFrames;
  return counted ?? element.currentTime;
}

interface Shown {
  readonly video: RefObject<HTMLVideoElement | null>;
  readonly flowing: Signal<boolean>;
  /** It has moved before, so that a stop is a stop. */
  readonly once: Signal<boolean>;
  readonly upright: Signal<boolean>;
}

/** Plays a track, and knows whether it moves: a receive slot outlives people, and a frozen face is a lie. */
export function usePicture(track: MediaStreamTrack | null): Shown {
  const video = useRef<HTMLVideoElement>(null);
  const flowing = useSignal(false);
  const once = useSignal(false);
  const upright = useSignal(false);
  useEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    element.srcObject = track === null ? null : new MediaStream([track]);
    flowing.value = once.value = false;
    if (track === null) return undefined;
    void element.play().catch(() => undefined);
    let last = -1;
    let movedAt = -Infinity;
    const look = (): void => {
      const now = framesOf(element);
      if (now !== last && element.videoWidth > 2) movedAt = performance.now();
      last = now;
      flowing.value = performance.now() - movedAt < STILL_MS;
      once.value = once.peek() || flowing.peek();
      upright.value = element.videoHeight > element.videoWidth;
    };
    const timer = setInterval(look, 500);
    element.onresize = look; // the first frame is shown when it is there
    return () => {
      clearInterval(timer);
      element.onresize = null;
    };
  }, [track]);
  return { video, flowing, once, upright };
}
