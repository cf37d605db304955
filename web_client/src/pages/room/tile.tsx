// One person's picture with his seat's name plate: the role first, whole at any size (ODR 24); and in words why somebody is
// not seen.
import type { JSX } from "preact";

import { accessWords } from "../../i18n/access-words";
import { roomWords } from "../../i18n/room-words";
import { length } from "../../i18n/times";
import { person, roleName } from "../../i18n/words";
import { camera, cameraOn, microphoneOn, pictureHeld, stream } from "../../media/devices";
import { saver } from "../../media/saver";
import type { ReceiveSlot } from "../../media/transceivers";
import { whyUnseen } from "../../state/unseen";
import { seatOf, type Seat } from "../../state/view";
import { Icon } from "../../ui/icons";
import { here } from "./here";
import { measured } from "./link";
import { second } from "./session";
import { speaking } from "./speaking";
import { usePicture } from "./use-picture";

interface TileProps {
  readonly seat: Seat;
  readonly own: boolean;
  readonly receive: ReceiveSlot | undefined;
  readonly large: boolean;
  /** He signs for everybody: his plate says so. */
  readonly signs?: boolean;
  readonly live: boolean;
}

export function Tile({ seat, own, receive, large, signs, live }: TileProps): JSX.Element {
  const r = roomWords();
  const { sitting } = here();
  const said = sitting.live.value.get(seat.slot);
  const track = own ? (stream.value?.getVideoTracks()[0] ?? null) : (receive?.video ?? null);
  const { video, flowing, once, upright } = usePicture(track);
  const view = sitting.view.value;
  const mine = view === null ? null : seatOf(view, sitting.me.value?.slot ?? null);
  const cameraUsed = own ? cameraOn.value && camera.value === "on" : said?.camera !== false;
  const why = own
    ? pictureHeld.value && cameraUsed
      ? saver.value === "voice"
        ? "saver"
        : "mine"
      : null
    : whyUnseen({ cameraUsed, flowing: flowing.value, once: once.value, theirUplink: said?.quality ?? null, theirRung: seat.rung, ownRung: mine?.rung ?? "video", ownUplink: measured.value, saver: saver.value });
  const seen = live && why === null && seat.connected && cameraUsed && (own ? track !== null : flowing.value);
  const micUsed = own ? microphoneOn.value : said?.microphone !== false;
  const voice = live && seat.connected && speaking.value.has(seat.slot);
  const paused = live && seat.connected && cameraUsed && why !== null;
  return (
    <figure class={`tile ${large ? "large" : ""} ${voice ? "voice" : ""} ${signs === true ? "signs" : ""}`} data-testid={`tile-${seat.slot}`} data-seen={seen ? "yes" : "no"} data-paused={paused ? why : undefined}>
      <video ref={video} muted playsInline autoPlay class={`${seen ? "" : "dark"} ${own ? "mirror" : ""} ${upright.value ? "upright" : ""}`} aria-label={person(seat.role, seat.name)} />
      {paused && large ? (
        <p class="paused">{r.paused[why]}</p>
      ) : (
        !seen && (
          <span class="unlit" aria-hidden="true">
            {initial(seat.name)}
          </span>
        )
      )}
      <figcaption>
        <span class="plate">
          {seat.hand && <Icon name="hand" />}
          {live && (seat.muted || !micUsed) && seat.connected && <Icon name="mic-off" />}
          {paused && !large && (
            <>
              <Icon name="pause" />
              <span class="unseen">{r.paused[why]}</span>
            </>
          )}
          <span class="who">
            <strong>{roleName(seat.role)}</strong>
            {signs === true && <span class="signing"> · {accessWords().signer}</span>} {seat.name}
            {own && r.is_you}
          </span>
        </span>
        {!seat.connected && <Gone sinceMs={seat.sinceMs} />}
        {live && large && seat.connected && seat.muted && <span class="gone">{r.court_muted}</span>}
        {live && large && seat.connected && !seat.muted && !micUsed && <span class="gone">{r.mic_off}</span>}
        {live && large && seat.connected && !cameraUsed && <span class="gone">{r.camera_off}</span>}
      </figcaption>
    </figure>
  );
}

function Gone({ sinceMs }: { readonly sinceMs: number | null }): JSX.Element {
  const { sitting } = here();
  void second.value;
  return <span class="gone">{roomWords().dropped(sinceMs === null ? "" : length(sitting.courtNow() - sinceMs))}</span>;
}

function initial(name: string): string {
  return Array.from(name.trim())[0] ?? "·";
}
