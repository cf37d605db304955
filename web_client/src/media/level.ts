// How loud a microphone is, as a number a person can see move: the root mean square of the last moment, on a scale on
// which speech is about a half. Measured on the device; nothing leaves it.

export interface Meter {
  /** 0 to 1, now. */
  read(): number;
  stop(): void;
}

let context: AudioContext | null = null;

/** Call it inside a tap: browsers start audio only then. */
export function unlockAudio(): void {
  const Maker = window.AudioContext ?? (window as unknown as { webkitAudioContext?: typeof AudioContext }).webkitAudioContext;
  if (Maker === undefined) return;
  context ??= new Maker();
  if (context.state === "suspended") void context.resume().catch(() => undefined);
}

export function meter(stream: MediaStream): Meter | null {
  unlockAudio();
  if (context === null || stream.getAudioTracks().length === 0) return null;
  const source = context.createMediaStreamSource(stream);
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  source.connect(analyser);
  const samples = new Uint8Array(analyser.fftSize);
  return {
    read() {
      analyser.getByteTimeDomainData(samples);
      let sum = 0;
      for (const sample of samples) sum += ((sample - 128) / 128) ** 2;
      return Math.min(1, Math.sqrt(sum / samples.length) * 5);
    },
    stop() {
      source.disconnect();
      analyser.disconnect();
    },
  };
}
