// Hold to talk. Slide away and release to cancel; with a keyboard, Space or Enter starts and stops.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import { length } from "../../i18n/times";
import { canRecord, record, type Recording } from "../../media/clip";
import { stream } from "../../media/devices";
import { here } from "./here";

const SHORTEST_MS = 600;
const LONGEST_MS = 120_000;
const AWAY_PX = 70;

export function VoiceHold({ obstacle }: { readonly obstacle: string | null }): JSX.Element {
  const r = roomWords();
  const { sitting } = here();
  const recording = useRef<Recording | null>(null);
  const held = useSignal<"no" | "yes" | "away">("no");
  const tooShort = useSignal(false);
  const now = useSignal(0);
  const startY = useRef(0);
  const releasedEarly = useRef(false);

  useEffect(() => {
    const timer = setInterval(() => {
      const at = recording.current;
      if (at === null) return;
      now.value = performance.now() - at.startedMs;
      if (now.value > LONGEST_MS) void finish(true);
    }, 200);
    return () => {
      clearInterval(timer);
      recording.current?.cancel();
    };
  }, []);

  const begin = async (): Promise<void> => {
    if (recording.current !== null || obstacle !== null || !canRecord()) return;
    tooShort.value = false;
    held.value = "yes";
    now.value = 0;
    releasedEarly.current = false;
    // A copy of the track: the clip hears you even while the room's microphone is off.
    let track = stream.peek()?.getAudioTracks()[0]?.clone();
    if (track !== undefined) track.enabled = true;
    else {
      try {
        track = (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks()[0];
      } catch {
        held.value = "no";
        return;
      }
    }
    if (track === undefined) return;
    if (releasedEarly.current) {
      track.stop();
      return;
    }
    recording.current = record("audio", [track], true);
  };
  const finish = async (keep: boolean): Promise<void> => {
    const at = recording.current;
    recording.current = null;
    releasedEarly.current = true;
    held.value = "no";
    if (at === null) return;
    if (!keep) {
      at.cancel();
      return;
    }
    const clip = await at.stop();
    if (clip.durationMs < SHORTEST_MS) {
      tooShort.value = true;
      return;
    }
    void sitting.say({ command: "msg.voice", content: { mime: clip.mime, name: "", duration_ms: clip.durationMs }, file: clip.data });
  };
  return (
    <button
      type="button"
      class={`button grow hold ${held.value}`}
      data-testid="voice-hold"
      disabled={obstacle !== null || !canRecord()}
      aria-label={held.value === "no" ? r.voice_start : r.voice_stop}
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        startY.current = event.clientY;
        void begin();
      }}
      onPointerMove={(event) => {
        if (held.value === "no") return;
        held.value = Math.abs(event.clientY - startY.current) > AWAY_PX ? "away" : "yes";
      }}
      onPointerUp={() => void finish(held.value === "yes")}
      onPointerCancel={() => void finish(false)}
      onContextMenu={(event) => event.preventDefault()}
      onKeyDown={(event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        if (event.repeat) return;
        void (recording.current === null ? begin() : finish(true));
      }}
    >
      {obstacle ??
        (held.value === "no"
          ? tooShort.value
            ? r.too_short
            : r.hold_voice
          : `${length(now.value)} ${held.value === "away" ? r.cancel_voice : r.release_voice}`)}
    </button>
  );
}
