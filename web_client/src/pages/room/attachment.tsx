// A picture, a clip or a file in a line. Pictures come by themselves, since they are small; sound, video and files when
// asked for, since a thin link has better things to carry.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import { bytes, clipLength } from "../../i18n/times";
import { Icon } from "../../ui/icons";
import { Sheet } from "../../ui/sheet";
import { blobSignal, fetchBlob, type Attachment } from "./blobs";
import { here } from "./here";

const BY_ITSELF = 600_000;

export function AttachmentView({ type: said, attachment }: { readonly type: string; readonly attachment: Attachment }): JSX.Element {
  const type = said.replace("statement.", "msg.");
  const r = roomWords();
  const state = blobSignal(attachment.commit).value;
  const { sitting } = here();
  const open = useSignal(false);
  const fetchIt = async (): Promise<void> => {
    const me = sitting.me.peek();
    if (me !== null) await fetchBlob(me.streamHex, me.session, attachment);
  };
  const picture = type === "msg.image";
  useEffect(() => {
    if (picture && (attachment.size ?? 0) <= BY_ITSELF && state.kind === "not_yet") void fetchIt();
  }, [attachment, sitting.me.value]);

  if (state.kind === "altered") return <p class="tag bad">{r.blob_altered}</p>;
  if (state.kind === "failed") {
    return (
      <button type="button" class="button" onClick={() => void fetchIt()}>
        {r.blob_failed}
      </button>
    );
  }
  if (picture) {
    const ratio = attachment.width !== null && attachment.height !== null ? attachment.width / attachment.height : 4 / 3;
    return state.kind === "here" ? (
      <>
        <button type="button" class="picture" aria-label={r.open_picture} onClick={() => (open.value = true)}>
          <img src={state.url} alt={attachment.name || r.photo} style={{ aspectRatio: String(ratio) }} />
        </button>
        {open.value && (
          <Sheet title={attachment.name || r.photo} testid="picture-sheet" close={() => (open.value = false)}>
            <img src={state.url} alt={attachment.name || r.photo} />
            <button type="button" class="button wide" onClick={() => (open.value = false)}>
              {r.close_sheet}
            </button>
          </Sheet>
        )}
      </>
    ) : (
      <button type="button" class="picture empty" style={{ aspectRatio: String(ratio) }} onClick={() => void fetchIt()}>
        {state.kind === "fetching" ? r.loading_blob : `${r.photo} ${attachment.size === null ? "" : bytes(attachment.size)}`}
      </button>
    );
  }
  if (type === "msg.voice") return <Voice attachment={attachment} fetchIt={fetchIt} />;
  if (type === "msg.video" && state.kind === "here") {
    return <video class="clip" src={state.url} controls playsInline aria-label={r.video} />;
  }
  const label = type === "msg.video" ? `${r.video} ${attachment.durationMs === null ? "" : clipLength(attachment.durationMs)}` : attachment.name || r.file;
  if (state.kind === "here") {
    return (
      <a class="button file" href={state.url} download={attachment.name || "file"}>
        <Icon name="download" />
        <span>{label}</span>
      </a>
    );
  }
  return (
    <button type="button" class="button file" onClick={() => void fetchIt()}>
      <Icon name={type === "msg.video" ? "play" : "file"} />
      <span>
        {label} <span class="soft small">{state.kind === "fetching" ? r.loading_blob : attachment.size === null ? "" : bytes(attachment.size)}</span>
      </span>
    </button>
  );
}

function Voice({ attachment, fetchIt }: { readonly attachment: Attachment; readonly fetchIt: () => Promise<void> }): JSX.Element {
  const r = roomWords();
  const audio = useRef<HTMLAudioElement>(null);
  const playing = useSignal(false);
  const state = blobSignal(attachment.commit).value;
  const toggle = async (): Promise<void> => {
    await fetchIt();
    const now = blobSignal(attachment.commit).peek();
    const element = audio.current;
    if (element === null || now.kind !== "here") return;
    if (element.src !== now.url) element.src = now.url;
    if (element.paused) await element.play().catch(() => undefined);
    else element.pause();
  };
  return (
    <button type="button" class={`button voice ${playing.value ? "on" : ""}`} aria-pressed={playing.value} onClick={() => void toggle()}>
      <Icon name={playing.value ? "stop" : "play"} />
      <span>
        {r.voice} {attachment.durationMs === null ? "" : clipLength(attachment.durationMs)}
        {state.kind === "fetching" && ` ${r.loading_blob}`}
      </span>
      <audio ref={audio} onPlay={() => (playing.value = true)} onPause={() => (playing.value = false)} onEnded={() => (playing.value = false)} />
    </button>
  );
}
