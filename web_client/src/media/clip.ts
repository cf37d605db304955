// A voice or video clip, recorded on the phone and sent as a file: it needs no steady network. The container is whatever
// this browser can write; what it is stands in the message's content.

const AUDIO_TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const VIDEO_TYPES = ["video/webm;codecs=vp8,opus", "video/mp4", "video/webm"];

export interface Clip {
  readonly data: Blob;
  readonly mime: string;
  readonly durationMs: number;
}

export interface Recording {
  readonly startedMs: number;
  /** Ends it and gives the clip. */
  stop(): Promise<Clip>;
  /** Ends it and forgets it. */
  cancel(): void;
}

export function canRecord(): boolean {
  return typeof MediaRecorder !== "undefined";
}

/** Throws when this browser cannot record this kind. `tracks` are stopped at the end only when they are `owned`. */
export function record(kind: "audio" | "video", tracks: readonly MediaStreamTrack[], owned: boolean): Recording {
  const types = kind === "audio" ? AUDIO_TYPES : VIDEO_TYPES;
  const mimeType = types.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(new MediaStream([...tracks]), {
    ...(mimeType === undefined ? {} : { mimeType }),
    audioBitsPerSecond: 32_000,
    ...(kind === "video" ? { videoBitsPerSecond: 600_000 } : {}),
  });
  const parts: Blob[] = [];
  recorder.ondataavailable = (event) => {
    if (event.data.size > 0) parts.push(event.data);
  };
  const startedMs = performance.now();
  recorder.start(1_000);
  const release = (): void => {
    if (owned) for (const track of tracks) track.stop();
  };
  return {
    startedMs,
    stop: () =>
      new Promise<Clip>((resolve) => {
        const durationMs = Math.round(performance.now() - startedMs);
        recorder.onstop = () => {
          release();
          const mime = recorder.mimeType || mimeType || (kind === "audio" ? "audio/webm" : "video/webm");
          resolve({ data: new Blob(parts, { type: mime }), mime, durationMs });
        };
        if (recorder.state === "inactive") recorder.onstop(new Event("stop"));
        else recorder.stop();
      }),
    cancel: () => {
      recorder.onstop = null;
      if (recorder.state !== "inactive") recorder.stop();
      release();
    },
  };
}
