// Inside a messaging app there is often a browser without a camera. The way out is one tap: the link, to be pasted in the
// phone's own browser. Shown before anybody has gone in, while the link belongs to no device yet.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";

import { words } from "../i18n/words";

/** Nothing here can be seen or heard from: no camera to ask for, or no way to send what it shows. */
export function cannotMeet(): boolean {
  return typeof navigator.mediaDevices?.getUserMedia !== "function" || typeof RTCPeerConnection === "undefined";
}

export function OwnBrowser({ ticket }: { readonly ticket: string }): JSX.Element | null {
  const w = words();
  const copied = useSignal(false);
  const box = useRef<HTMLInputElement>(null);
  if (!cannotMeet()) return null;
  const link = `${location.origin}${location.pathname}#/j/${ticket}`;
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(link);
    } catch {
      // The clipboard of old web views: what is selected in a box.
      box.current?.select();
      if (!document.execCommand("copy")) return;
    }
    copied.value = true;
  };
  return (
    <div class="notice wait stack" data-testid="own-browser">
      <h2>{w.own_browser_title}</h2>
      <p>{w.own_browser}</p>
      <input ref={box} readOnly aria-label={w.copy_link} data-testid="own-browser-link" value={link} onFocus={(event) => event.currentTarget.select()} />
      <button type="button" class="button wide" data-testid="copy-link" onClick={() => void copy()}>
        {w.copy_link}
      </button>
      <p role="status">{copied.value && w.link_copied}</p>
    </div>
  );
}
