// A photo or a filmed clip is looked at before it is sent: what is on the record cannot be taken back.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import { bytes, clipLength } from "../../i18n/times";
import { record, type Clip, type Recording } from "../../media/clip";
import { shrink, sizeOf, type Picture } from "../../media/picture";
import { Sheet } from "../../ui/sheet";
import { here } from "./here";

export function PhotoSheet({ file, close }: { readonly file: File; readonly close: () => void }): JSX.Element {
  const r = roomWords();
  const { sitting } = here();
  const small = useSignal<Picture | "failed" | null>(null);
  const caption = useSignal("");
  const preview = useSignal("");
  useEffect(() => {
    const url = URL.createObjectURL(file);
    preview.value = url;
    shrink(file).then(
      (picture) => (small.value = picture),
      () => (small.value = "failed"),
    );
    return () => URL.revokeObjectURL(url);
  }, [file]);

  const words = (): { text?: string } => (caption.value.trim() === "" ? {} : { text: caption.value.trim() });
  const sendSmall = (): void => {
    const picture = small.value;
    if (picture === null || picture === "failed") return;
    const { width, height, data } = picture;
    void sitting.say({ command: "msg.image", content: { mime: "image/jpeg", name: file.name, width, height, ...words() }, file: data });
    close();
  };
  const sendOriginal = async (): Promise<void> => {
    const size = await sizeOf(file).catch(() => null);
    const mime = file.type || "application/octet-stream";
    void sitting.say({ command: size === null ? "msg.file" : "msg.image", content: { mime, name: file.name, ...(size ?? {}), ...words() }, file });
    close();
  };
  return (
    <Sheet title={r.photo_title} close={close} testid="photo-sheet">
      {small.value !== "failed" && preview.value !== "" && <img class="preview" src={preview.value} alt={file.name} />}
      <div class="field">
        <label for="caption">{r.caption}</label>
        <input id="caption" data-testid="caption" maxLength={500} value={caption.value} onInput={(event) => (caption.value = event.currentTarget.value)} />
      </div>
      <button type="button" class="button primary wide" data-testid="photo-send" disabled={small.value === null || small.value === "failed"} onClick={sendSmall}>
        {r.photo_small}
        {small.value !== null && small.value !== "failed" && ` · ${bytes(small.value.data.size)}`}
      </button>
      <button type="button" class="button wide" data-testid="photo-original" onClick={() => void sendOriginal()}>
        {r.photo_original} · {bytes(file.size)}
      </button>
      <button type="button" class="button quiet wide" data-testid="photo-cancel" onClick={close}>
        {r.cancel}
      </button>
    </Sheet>
  );
}

const LONGEST_MS = 180_000;

export function VideoSheet({ close }: { readonly close: () => void }): JSX.Element {
  const r = roomWords();
  const { sitting } = here();
  const view = useRef<HTMLVideoElement>(null);
  const source = useSignal<MediaStream | null>(null);
  const recording = useSignal<Recording | null>(null);
  const clip = useSignal<Clip | null>(null);
  const url = useSignal("");
  const lasted = useSignal(0);
  const failed = useSignal(false);

  useEffect(() => {
    let here = true;
    let opened: MediaStream | null = null;
    // The back camera where there is one: a filmed clip shows things, the room shows faces.
    navigator.mediaDevices.getUserMedia({ audio: true, video: { facingMode: { ideal: "environment" }, width: { ideal: 640 } } }).then(
      (stream) => {
        opened = stream;
        if (here) source.value = stream;
        else for (const track of stream.getTracks()) track.stop();
      },
      () => (failed.value = true),
    );
    const timer = setInterval(() => {
      const at = recording.peek();
      if (at === null) return;
      lasted.value = performance.now() - at.startedMs;
      if (lasted.value > LONGEST_MS) void stop();
    }, 250);
    return () => {
      here = false;
      clearInterval(timer);
      recording.peek()?.cancel();
      for (const track of opened?.getTracks() ?? []) track.stop();
      if (url.peek() !== "") URL.revokeObjectURL(url.peek());
    };
  }, []);

  useEffect(() => {
    const element = view.current;
    if (element === null) return;
    element.srcObject = clip.value === null ? source.value : null;
    if (clip.value === null && source.value !== null) void element.play().catch(() => undefined);
  }, [source.value, clip.value]);

  const start = (): void => {
    if (source.value === null) return;
    recording.value = record("video", source.value.getTracks(), false);
  };
  const stop = async (): Promise<void> => {
    const at = recording.peek();
    if (at === null) return;
    recording.value = null;
    const made = await at.stop();
    url.value = URL.createObjectURL(made.data);
    clip.value = made;
  };
  const send = (): void => {
    const made = clip.value;
    if (made === null) return;
    void sitting.say({ command: "msg.video", content: { mime: made.mime, name: "", duration_ms: made.durationMs }, file: made.data });
    close();
  };
  return (
    <Sheet title={r.video_title} close={close} testid="video-sheet">
      {failed.value ? (
        <p class="notice wait">{r.camera_off}</p>
      ) : (
        <video class="preview" ref={view} muted={clip.value === null} playsInline controls={clip.value !== null} {...(clip.value === null ? {} : { src: url.value })} />
      )}
      {recording.value !== null && (
        <p class="tag bad">
          <span class="dot full" aria-hidden="true" /> {clipLength(lasted.value)}
        </p>
      )}
      {clip.value === null ? (
        recording.value === null ? (
          <button type="button" class="button primary wide" data-testid="video-record" disabled={source.value === null} onClick={start}>
            {r.video_record}
          </button>
        ) : (
          <button type="button" class="button danger wide" data-testid="video-stop" onClick={() => void stop()}>
            {r.video_stop}
          </button>
        )
      ) : (
        <>
          <button type="button" class="button primary wide" data-testid="video-send" onClick={send}>
            {r.video_send} · {bytes(clip.value.data.size)}
          </button>
          <button type="button" class="button wide" data-testid="video-again" onClick={() => (clip.value = null)}>
            {r.again}
          </button>
        </>
      )}
      <button type="button" class="button quiet wide" data-testid="video-cancel" onClick={close}>
        {r.cancel}
      </button>
    </Sheet>
  );
}
