// What a person does with a thumb: speak, show, write, send a picture, raise a hand. What cannot be done now says why
// instead of doing nothing.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import { bytes } from "../../i18n/times";
import { apply, camera, cameraOn, microphone, microphoneOn } from "../../media/devices";
import { maySpeak, mayWrite, isBench } from "../../state/may";
import { seatOf } from "../../state/view";
import { keptBack } from "../../state/windows";
import { Icon } from "../../ui/icons";
import { BenchKeys } from "./act-bar";
import { here } from "./here";
import { ScreenButton } from "./notices";
import { PleaButtons } from "./pleas";
import { RoomAskButton } from "./rooms-panel";
import { PhotoSheet, VideoSheet } from "./pictures";
import { VoiceHold } from "./voice";

const MOST = 200 * 1024 * 1024;
const TYPING_EVERY_MS = 3_000;

export function Composer({ wide }: { readonly wide: boolean }): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  const text = useSignal("");
  const byVoice = useSignal(false);
  const open = useSignal(false);
  const photo = useSignal<File | null>(null);
  const filming = useSignal(false);
  const problem = useSignal("");
  const area = useRef<HTMLTextAreaElement>(null);
  const photoInput = useRef<HTMLInputElement>(null);
  const fileInput = useRef<HTMLInputElement>(null);
  const lastTyping = useRef(0);

  useEffect(() => {
    const element = area.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight + 4, 144)}px`;
  }, [text.value, byVoice.value]);

  if (view === null || me === null) return null;
  const seat = seatOf(view, me.slot);
  const write = mayWrite(view, me.slot);
  const speak = maySpeak(view, me.slot);
  const held = keptBack(sitting.windows.value); // AS8
  const canWrite = write === null && !held;
  const obstacle = held ? r.refusals["window_runs"] : write === null ? null : r[write];

  const send = (): void => {
    const said = text.value.trim();
    if (said === "" || !canWrite) return;
    text.value = "";
    lastTyping.current = 0;
    void sitting.say({ command: "msg.text", content: { text: said } });
    area.current?.focus();
  };
  const typing = (): void => {
    const now = performance.now();
    if (now - lastTyping.current < TYPING_EVERY_MS) return;
    lastTyping.current = now;
    sitting.mention("typing", true);
  };
  const take = (file: File | undefined, how: (file: File) => void): void => {
    problem.value = "";
    if (file === undefined) return;
    if (file.size > MOST) problem.value = r.too_large(bytes(MOST));
    else how(file);
  };
  const sendFile = (file: File): void => {
    open.value = false;
    const mime = file.type || "application/octet-stream";
    const command = mime.startsWith("video/") ? "msg.video" : mime.startsWith("audio/") ? "msg.voice" : "msg.file";
    void sitting.say({ command, content: { mime, name: file.name }, file });
  };
  const more = (
    <div class={`more ${wide ? "inline" : ""}`}>
      <button type="button" class="button" data-testid="photo" disabled={!canWrite} onClick={() => photoInput.current?.click()}>
        <Icon name="photo" />
        {r.photo}
      </button>
      <button type="button" class="button" data-testid="video" disabled={speak !== null || held} onClick={() => (filming.value = true)}>
        <Icon name="video" />
        {r.video}
      </button>
      <button type="button" class="button" data-testid="file" disabled={!canWrite} onClick={() => fileInput.current?.click()}>
        <Icon name="file" />
        {r.file}
      </button>
      <PleaButtons />
      <RoomAskButton />
    </div>
  );
  return (
    <section class="composer" data-testid="composer">
      {/* The recess has been announced aloud already; here it is read, once, where one would have written. */}
      {obstacle !== null && (
        <p class={`obstacle ${write === "recess" ? "wait" : ""}`} role={write === "recess" ? undefined : "status"} data-testid="obstacle">
          {obstacle}
        </p>
      )}
      {problem.value !== "" && (
        <p class="notice bad" role="alert">
          {problem.value}
        </p>
      )}
      <div class="write">
        <button
          type="button"
          class="button icon-only"
          data-testid="voice"
          aria-pressed={byVoice.value}
          aria-label={byVoice.value ? r.text_short : r.voice}
          disabled={!canWrite}
          onClick={() => {
            byVoice.value = !byVoice.value;
            open.value = false;
          }}
        >
          <Icon name={byVoice.value ? "text" : "mic"} />
        </button>
        {byVoice.value ? (
          <VoiceHold obstacle={speak === null ? null : speak === write ? r.hold_voice : r[speak]} />
        ) : (
          <textarea
            ref={area}
            rows={1}
            data-testid="composer-text"
            aria-label={r.text_label}
            placeholder={r.text_hint}
            maxLength={5000}
            disabled={!canWrite}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
              typing();
            }}
            onFocus={() => (open.value = false)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
                event.preventDefault();
                send();
              }
            }}
          />
        )}
        {!wide && text.value.trim() === "" && (
          <button type="button" class="button icon-only" data-testid="attach" aria-expanded={open.value} aria-label={r.more_short} disabled={!canWrite} onClick={() => (open.value = !open.value)}>
            <Icon name="plus" />
          </button>
        )}
        {(wide || text.value.trim() !== "") && (
          <button type="button" class="button primary" data-testid="composer-send" disabled={!canWrite || text.value.trim() === ""} onClick={send}>
            {r.send}
          </button>
        )}
      </div>
      {!wide && open.value && more}
      {/* Always in the page: the phone's chooser may come back long after the panel has closed. */}
      <input
        ref={photoInput}
        type="file"
        accept="image/*"
        hidden
        data-testid="photo-input"
        onChange={(event) => {
          take(event.currentTarget.files?.[0], (file) => (photo.value = file));
          event.currentTarget.value = "";
        }}
      />
      <input
        ref={fileInput}
        type="file"
        hidden
        data-testid="file-input"
        onChange={(event) => {
          take(event.currentTarget.files?.[0], sendFile);
          event.currentTarget.value = "";
        }}
      />
      {photo.value !== null && (
        <PhotoSheet
          file={photo.value}
          close={() => {
            photo.value = null;
            open.value = false;
          }}
        />
      )}
      {filming.value && (
        <VideoSheet
          close={() => {
            filming.value = false;
            open.value = false;
          }}
        />
      )}
      {seat !== null && <Bar hand={seat.hand} muted={seat.muted} observer={seat.role === "observer"} bench={isBench(seat.role)} open={view.phase === "open"} more={wide ? more : null} />}
    </section>
  );
}

interface BarProps {
  readonly hand: boolean;
  readonly muted: boolean;
  readonly observer: boolean;
  readonly bench: boolean;
  readonly open: boolean;
  readonly more: JSX.Element | null;
}

/** Microphone, camera, hand. The court's mute is told in words; one's own is a switch. */
function Bar({ hand, muted, observer, bench, open, more }: BarProps): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const phase = sitting.view.value?.phase;
  if (observer || phase === "adjourned" || phase === "closed" || phase === "sealed") return null;
  const hasMic = microphone.value === "on";
  const hasCamera = camera.value === "on";
  const micLive = microphoneOn.value && hasMic;
  // The name that a screen reader says begins with the words that are seen (WCAG 2.5.3).
  const micWords = muted ? r.court_muted : micLive ? r.mic_short : r.mic_off;
  const cameraWords = cameraOn.value && hasCamera ? r.camera_short : r.camera_off;
  // Nothing flows in an asynchronous sitting (AS4): there is neither microphone nor camera to switch.
  if (sitting.view.value?.form.asynchronous === true) {
    return (
      <div class="bar">
        {more === null && <BenchKeys />}
        {more}
      </div>
    );
  }
  return (
    <div class="bar">
      <button
        type="button"
        class="button"
        data-testid="microphone"
        aria-pressed={!micLive}
        aria-label={`${micWords} (${micLive ? r.mic_off_act : r.mic_on_act})`}
        disabled={!hasMic}
        onClick={() => {
          microphoneOn.value = !microphoneOn.value;
          apply();
        }}
      >
        <Icon name={micLive && !muted ? "mic" : "mic-off"} />
        <span>{micWords}</span>
      </button>
      <button
        type="button"
        class="button"
        data-testid="camera"
        aria-pressed={!(cameraOn.value && hasCamera)}
        aria-label={`${cameraWords} (${cameraOn.value ? r.camera_off_act : r.camera_on_act})`}
        disabled={!hasCamera}
        onClick={() => {
          cameraOn.value = !cameraOn.value;
          apply();
        }}
      >
        <Icon name={cameraOn.value && hasCamera ? "camera" : "camera-off"} />
        <span>{cameraWords}</span>
      </button>
      {!bench && (
        <button
          type="button"
          class="button"
          data-testid="hand"
          aria-pressed={hand}
          disabled={!open || sitting.line.value.kind !== "open"}
          onClick={() => void sitting.say({ command: "hand", args: [!hand] })}
        >
          <Icon name="hand" />
          <span>{hand ? r.hand_down_short : r.hand_short}</span>
        </button>
      )}
      {more === null ? <BenchKeys /> : <ScreenButton />}
      {more}
    </div>
  );
}
