// What a program needs that sends a courtroom's own camera (WHIP), or shows a hearing on a screen that only watches (WHEP):
// where it connects, and the secret of the link, which stands behind `/#/j/` and is shown once like the link itself.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { registryWords } from "../../i18n/registry-words";
import type { CaseSeat, FreshLink } from "../../protocol/desk";
import { Icon } from "../../ui/icons";

const LINK = /\/#\/j\/([A-Za-z0-9_-]+)$/;

/** For the seat of a courtroom's camera, and of an observer, whose link may be a screen's; nothing for people. */
export function Programs({ seat, fresh }: { readonly seat: CaseSeat; readonly fresh: FreshLink }): JSX.Element | null {
  const p = registryWords().programs;
  const camera = seat.role === "courtroom";
  const secret = LINK.exec(fresh.url)?.[1];
  if ((!camera && seat.role !== "observer") || secret === undefined) return null;
  const address = `${location.origin}/api/${camera ? "whip" : "whep"}`;
  const shell = `ffmpeg … -c:v libx264 -profile:v baseline -bf 0 -g 30 -c:a libopus -whip_flags dtls_active -f whip -authorization ${secret} ${address}`;
  return (
    <details class="stack" open={camera} data-testid={`programs-${seat.slot}`}>
      <summary>{camera ? p.camera : p.screen}</summary>
      <p class="small">{camera ? p.camera_text : p.screen_text}</p>
      <Value id={`address-${seat.slot}`} label={p.address} value={address} />
      <Value id={`secret-${seat.slot}`} label={p.secret} value={secret} />
      {camera && (
        <>
          <p class="small">{p.obs}</p>
          <Value id={`shell-${seat.slot}`} label={p.shell} value={shell} />
        </>
      )}
      <p class="soft small">{p.waits}</p>
    </details>
  );
}

function Value({ id, label, value }: { readonly id: string; readonly label: string; readonly value: string }): JSX.Element {
  const r = registryWords();
  const copied = useSignal(false);
  const copy = (): void => void navigator.clipboard?.writeText(value).then(() => (copied.value = true), () => undefined);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="row">
        <input id={id} class="grow" data-testid={id} readOnly value={value} onFocus={(event) => event.currentTarget.select()} />
        <button type="button" class="button" data-testid={`copy-${id}`} aria-label={`${r.programs.copy} ${label}`} onClick={copy}>
          <Icon name="copy" />
          {copied.value ? r.copied : r.programs.copy}
        </button>
      </div>
    </div>
  );
}
