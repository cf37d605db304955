// The pictures. Sound is played by elements of its own, always mounted, so that no change of layout ever cuts a word.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import { length } from "../../i18n/times";
import { person } from "../../i18n/words";
import { camera, cameraOn, microphoneOn, pictureHeld, stream } from "../../media/devices";
import { unlockAudio } from "../../media/level";
import type { ReceiveSlot } from "../../media/peer";
import { seatOf, type RoomView, type Seat } from "../../state/view";
import { Icon } from "../../ui/icons";
import { here } from "./here";
import { second } from "./session";
import { centre, speaking } from "./speaking";

export function Stage({ wide }: { readonly wide: boolean }): JSX.Element | null {
  const r = roomWords();
  const { sitting, peer } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  if (view === null || me === null) return null;
  const live = isLive(view);
  const present = view.seats.filter((seat) => seat.state === "admitted" && seat.role !== "observer" && (seat.connected || seat.sinceMs !== null));
  const middle = centre(view, me.slot) ?? me.slot;
  const slotOf = (seat: string): ReceiveSlot | undefined => {
    for (const [index, who] of peer.seats.value) if (who === seat) return peer.receive.value.find((slot) => slot.index === index);
    return undefined;
  };
  const tile = (seat: Seat, large: boolean): JSX.Element => (
    <Tile key={seat.slot} seat={seat} own={seat.slot === me.slot} receive={slotOf(seat.slot)} large={large} live={live} />
  );
  const main = seatOf(view, middle);
  return (
    <section class={`stage ${wide ? "wide" : ""}`} aria-label={r.stage} data-testid="stage">
      {wide ? (
        <div class="grid" data-columns={columns(present.length)} data-rows={Math.ceil(present.length / Math.max(1, columns(present.length)))}>
          {present.map((seat) => tile(seat, true))}
        </div>
      ) : (
        <>
          {main !== null && <div class="main">{tile(main, true)}</div>}
          <div class="strip">{present.filter((seat) => seat.slot !== middle).map((seat) => tile(seat, false))}</div>
        </>
      )}
      <MediaState />
    </section>
  );
}

/** Pictures and sound go round only then; at any other time a tile is a name plate. */
function isLive(view: RoomView): boolean {
  return view.phase === "checking_in" || view.phase === "open";
}

/** Few people stand in one row; more in two or three of equal length. */
function columns(people: number): number {
  return people <= 4 ? people : people <= 6 ? 3 : people <= 8 ? 4 : 5;
}

function MediaState(): JSX.Element | null {
  const r = roomWords();
  const { sitting, peer } = here();
  const state = peer.state.value;
  const view = sitting.view.value;
  if (state === "on" || state === "idle" || view === null || !isLive(view)) return null;
  return (
    <p class="media-state" role="status" data-testid="media-state">
      {state === "broken" ? r.media_gone : r.media_down}
    </p>
  );
}

interface TileProps {
  readonly seat: Seat;
  readonly own: boolean;
  readonly receive: ReceiveSlot | undefined;
  readonly large: boolean;
  readonly live: boolean;
}

function Tile({ seat, own, receive, large, live }: TileProps): JSX.Element {
  const r = roomWords();
  const { sitting } = here();
  const said = sitting.live.value.get(seat.slot);
  const video = useRef<HTMLVideoElement>(null);
  const flowing = useSignal(false);
  const upright = useSignal(false);
  const track = own ? (stream.value?.getVideoTracks()[0] ?? null) : (receive?.video ?? null);
  const media = useMemo(() => (track === null ? null : new MediaStream([track])), [track]);

  useEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    element.srcObject = media;
    flowing.value = false;
    if (media === null) return undefined;
    void element.play().catch(() => undefined);
    // A receive slot outlives people: only moving time means that somebody is seen.
    let last = -1;
    const timer = setInterval(() => {
      flowing.value = element.currentTime !== last && element.videoWidth > 2;
      last = element.currentTime;
      upright.value = element.videoHeight > element.videoWidth;
    }, 700);
    return () => clearInterval(timer);
  }, [media]);

  const cameraUsed = own ? cameraOn.value && camera.value === "on" : said?.camera !== false;
  // A picture that gave way to the voice arrives as black frames: the name says more.
  const held = own ? pictureHeld.value : said?.quality === "voice";
  const seen = live && !held && seat.connected && cameraUsed && (own ? media !== null : flowing.value);
  const micUsed = own ? microphoneOn.value : said?.microphone !== false;
  const voice = live && seat.connected && speaking.value.has(seat.slot);
  return (
    <figure class={`tile ${large ? "large" : ""} ${voice ? "voice" : ""}`} data-testid={`tile-${seat.slot}`} data-seen={seen ? "yes" : "no"}>
      <video ref={video} muted playsInline autoPlay class={`${seen ? "" : "dark"} ${own ? "mirror" : ""} ${upright.value ? "upright" : ""}`} aria-label={person(seat.role, seat.name)} />
      {!seen && (
        <span class="unlit" aria-hidden="true">
          {initial(seat.name)}
        </span>
      )}
      <figcaption>
        <span class="plate">
          {seat.hand && <Icon name="hand" />}
          {live && (seat.muted || !micUsed) && seat.connected && <Icon name="mic-off" />}
          <span class="who">
            {person(seat.role, seat.name)}
            {own && r.is_you}
          </span>
        </span>
        {!seat.connected && <Gone sinceMs={seat.sinceMs} />}
        {live && large && seat.connected && seat.muted && <span class="gone">{r.court_muted}</span>}
        {live && large && seat.connected && !seat.muted && !micUsed && <span class="gone">{r.mic_off}</span>}
        {live && large && seat.connected && (held || !cameraUsed) && <span class="gone">{cameraUsed ? r.voice_only : r.camera_off}</span>}
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

/** Everybody's sound, whatever is on the screen; and the tap that a reloaded page needs before it may sound. */
export function Sound(): JSX.Element {
  const r = roomWords();
  const { peer } = here();
  const blocked = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  const slots = peer.receive.value;
  const play = (): void => {
    unlockAudio();
    const elements = box.current === null ? [] : [...box.current.querySelectorAll("audio")];
    Promise.all(elements.map((element) => element.play())).then(
      () => (blocked.value = false),
      (error: unknown) => {
        if (error instanceof DOMException && error.name === "NotAllowedError") blocked.value = true;
      },
    );
  };
  useEffect(() => {
    if (slots.length > 0) play();
  }, [slots]);
  return (
    <>
      <div ref={box} hidden>
        {slots.map((slot) => (
          <SlotSound key={slot.audio.id} slot={slot} />
        ))}
      </div>
      {blocked.value && (
        <button type="button" class="button primary wide" data-testid="unlock-sound" onClick={play}>
          {r.tap_to_hear}
        </button>
      )}
    </>
  );
}

function SlotSound({ slot }: { readonly slot: ReceiveSlot }): JSX.Element {
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    if (audio.current !== null) audio.current.srcObject = new MediaStream([slot.audio]);
  }, [slot.audio]);
  return <audio ref={audio} autoPlay data-slot={slot.index} />;
}
