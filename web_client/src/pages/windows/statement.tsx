// A statement is made here and looked at before it is sent: it is one act, and final unless another takes its place in time.
// The camera is opened by the tap that records, and closed when the recording stops.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { bytes, clipLength } from "../../i18n/times";
import { windowsWords } from "../../i18n/windows-words";
import { record, type Clip, type Recording } from "../../media/clip";
import { shrink, type Picture } from "../../media/picture";
import type { StatementKind } from "../../state/windows";
import { Sheet } from "../../ui/sheet";
import { here } from "../room/here";

interface Props {
  readonly number: number;
  /** The entry that it takes the place of. */
  readonly replaces: number | null;
  readonly kind: StatementKind;
  readonly late: boolean;
  readonly close: () => void;
}

const LONGEST_MS = 600_000;
const MAX_TEXT = 5_000;

export function StatementSheet({ number, replaces, kind, late, close }: Props): JSX.Element {
  const w = windowsWords();
  const text = useSignal("");
  const clip = useSignal<Clip | null>(null);
  const picture = useSignal<Picture | null>(null);
  const args = [number, replaces];
  const words = text.value.trim();
  const ready = kind === "none" || (kind === "text" ? words !== "" : kind === "image" ? picture.value !== null : clip.value !== null);
  const send = (): void => {
    const { sitting } = here();
    const said = words === "" ? {} : { text: words };
    if (kind === "none") void sitting.say({ command: "statement.none", args });
    else if (kind === "text") void sitting.say({ command: "statement.text", args, content: { text: words } });
    else if (kind === "image" && picture.value !== null) {
      const { data, width, height } = picture.value;
      void sitting.say({ command: "statement.image", args, content: { mime: "image/jpeg", name: "", width, height, ...said }, file: data });
    } else if (clip.value !== null) {
      const { data, mime, durationMs } = clip.value;
      void sitting.say({ command: `statement.${kind}`, args, content: { mime, name: "", duration_ms: durationMs, ...said }, file: data });
    }
    close();
  };
  return (
    <Sheet title={w.make_title[kind] ?? ""} close={close} testid="statement-sheet">
      {kind === "none" && <p>{w.none_text}</p>}
      {(kind === "video" || kind === "voice") && <Recorder kind={kind} clip={clip.value} made={(one) => (clip.value = one)} />}
      {kind === "image" && <Chooser picture={picture.value} chosen={(one) => (picture.value = one)} />}
      {kind !== "none" && (
        <div class="field">
          <label for="statement-text">{kind === "text" ? w.text_label : w.caption}</label>
          <textarea id="statement-text" data-testid="statement-text" rows={kind === "text" ? 8 : 2} maxLength={kind === "text" ? MAX_TEXT : 500} value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} />
        </div>
      )}
      <p class={late ? "notice wait" : "soft small"}>{late ? w.submit_late : w.submit_final}</p>
      <button type="button" class="button primary wide" data-testid="statement-send" disabled={!ready} onClick={send}>
        {w.submit}
        {clip.value !== null && ` · ${bytes(clip.value.data.size)}`}
      </button>
      <button type="button" class="button quiet wide" data-testid="statement-cancel" onClick={close}>
        {w.cancel}
      </button>
    </Sheet>
  );
}

function Chooser({ picture, chosen }: { readonly picture: Picture | null; readonly chosen: (picture: Picture) => void }): JSX.Element {
  const w = windowsWords();
  const input = useRef<HTMLInputElement>(null);
  const url = useSignal("");
  const failed = useSignal(false);
  useEffect(() => {
    if (picture === null) return undefined;
    const made = URL.createObjectURL(picture.data);
    url.value = made;
    return () => URL.revokeObjectURL(made);
  }, [picture]);
  const take = (file: File | undefined): void => {
    if (file === undefined) return;
    failed.value = false;
    shrink(file).then(chosen, () => (failed.value = true));
  };
  return (
    <>
      {picture !== null && url.value !== "" && <img class="preview" src={url.value} alt={w.kinds["image"] ?? ""} />}
      {failed.value && (
        <p class="notice bad" role="alert">
          {w.no_device}
        </p>
      )}
      <button type="button" class="button wide" onClick={() => input.current?.click()}>
        {w.choose_file}
      </button>
      <input ref={input} type="file" accept="image/*" hidden data-testid="statement-file" onChange={(event) => take(event.currentTarget.files?.[0])} />
    </>
  );
}

function Recorder({ kind, clip, made }: { readonly kind: "video" | "voice"; readonly clip: Clip | null; readonly made: (clip: Clip | null) => void }): JSX.Element {
  const w = windowsWords();
  const screen = useRef<HTMLVideoElement>(null);
  const recording = useSignal<Recording | null>(null);
  const source = useSignal<MediaStream | null>(null);
  const lasted = useSignal(0);
  const failed = useSignal(false);
  const url = useSignal("");
  const gone = useRef(false);

  useEffect(() => {
    const timer = setInterval(() => {
      const at = recording.peek();
      if (at === null) return;
      lasted.value = performance.now() - at.startedMs;
      if (lasted.value > LONGEST_MS) void stop();
    }, 250);
    return () => {
      gone.current = true;
      clearInterval(timer);
      recording.peek()?.cancel();
      if (url.peek() !== "") URL.revokeObjectURL(url.peek());
    };
  }, []);
  useEffect(() => {
    const element = screen.current;
    if (element === null) return;
    element.srcObject = source.value;
    if (source.value !== null) void element.play().catch(() => undefined);
  }, [source.value]);

  const start = async (): Promise<void> => {
    failed.value = false;
    made(null);
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, ...(kind === "video" ? { video: { facingMode: "user", width: { ideal: 640 } } } : {}) });
      const begun = record(kind === "video" ? "video" : "audio", stream.getTracks(), true);
      if (gone.current) {
        begun.cancel();
        return;
      }
      lasted.value = 0;
      source.value = stream;
      recording.value = begun;
    } catch {
      failed.value = true;
    }
  };
  const stop = async (): Promise<void> => {
    const at = recording.peek();
    if (at === null) return;
    recording.value = null;
    const done = await at.stop();
    source.value = null;
    if (url.peek() !== "") URL.revokeObjectURL(url.peek());
    url.value = URL.createObjectURL(done.data);
    made(done);
  };
  const live = recording.value !== null;
  return (
    <>
      {failed.value && (
        <p class="notice bad" role="alert">
          {w.no_device}
        </p>
      )}
      {kind === "video" && live && <video class="preview" ref={screen} muted playsInline />}
      {clip !== null && kind === "video" && <video class="preview" src={url.value} controls playsInline data-testid="statement-preview" />}
      {clip !== null && kind === "voice" && <audio src={url.value} controls data-testid="statement-preview" />}
      {live && (
        <p class="tag bad" role="status">
          <span class="dot full" aria-hidden="true" /> {clipLength(lasted.value)}
        </p>
      )}
      {live ? (
        <button type="button" class="button danger wide" data-testid="record-stop" onClick={() => void stop()}>
          {w.stop}
        </button>
      ) : (
        <button type="button" class={`button wide ${clip === null ? "primary" : ""}`} data-testid="record-start" onClick={() => void start()}>
          {clip === null ? w.start : w.again}
        </button>
      )}
    </>
  );
}
