// The pictures: who is seen, how large, and in words why somebody is not.
import { useSignal, type Signal } from "@preact/signals";
import type { JSX, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import { length } from "../../i18n/times";
import { person } from "../../i18n/words";
import { camera, cameraOn, microphoneOn, pictureHeld, stream } from "../../media/devices";
import { saver } from "../../media/saver";
import { endScreen, shown } from "../../media/screen";
import type { ReceiveSlot } from "../../media/transceivers";
import { roomOf, together } from "../../state/private";
import { whyUnseen } from "../../state/unseen";
import { seatOf, type RoomView, type Seat } from "../../state/view";
import { Icon } from "../../ui/icons";
import { here } from "./here";
import { measured } from "./link";
import { second } from "./session";
import { centre, speaking } from "./speaking";

/** What follows a seat in the name of the slot on which its screen arrives. */
const SCREEN_SLOT = "/screen";

export function Stage({ wide }: { readonly wide: boolean }): JSX.Element | null {
  const r = roomWords();
  const { sitting, peer } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  if (view === null || me === null) return null;
  const live = isLive(view, me.slot);
  const present = view.seats.filter((seat) => together(view.privately, seat.slot, me.slot) && seat.state === "admitted" && seat.role !== "observer" && (seat.connected || seat.sinceMs !== null));
  const found = centre(view, me.slot) ?? me.slot;
  const other = present.find((seat) => seat.slot !== me.slot)?.slot ?? me.slot;
  const middle = together(view.privately, found, me.slot) ? found : other;
  const slotOf = (source: string): ReceiveSlot | undefined => {
    for (const [index, whose] of peer.seats.value) if (whose === source) return peer.receive.value.find((slot) => slot.index === index);
    return undefined;
  };
  const tile = (seat: Seat, large: boolean): JSX.Element => (
    <Tile key={seat.slot} seat={seat} own={seat.slot === me.slot} receive={slotOf(seat.slot)} large={large} live={live} />
  );
  const main = seatOf(view, middle);
  const shower = roomOf(view.privately, me.slot) === null ? seatOf(view, view.screen) : null;
  const screenSlot = shower === null ? undefined : slotOf(`${shower.slot}${SCREEN_SLOT}`);
  // A screen is there to be read: it takes the large place, and the faces stand in the strip.
  const screen =
    !live || shower === null ? null : shower.slot === me.slot ? (
      shown.value !== null && <OwnScreen />
    ) : (
      screenSlot !== undefined && <Screen seat={shower} receive={screenSlot} />
    );
  const columnsNow = columns(present.length);
  return (
    <section class={`stage ${wide ? "wide" : ""}`} aria-label={r.stage} data-testid="stage">
      {screen !== null && screen !== false ? (
        <>
          <div class="main screen">{screen}</div>
          <div class="strip">{present.map((seat) => tile(seat, false))}</div>
        </>
      ) : wide ? (
        <div class="grid" data-columns={columnsNow} data-rows={Math.ceil(present.length / Math.max(1, columnsNow))}>
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
function isLive(view: RoomView, slot: string): boolean {
  return roomOf(view.privately, slot) !== null || view.phase === "checking_in" || view.phase === "open";
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
  const me = sitting.me.value;
  // What cannot connect at all has its own line, with what works instead.
  if (state !== "connecting" || view === null || me === null || !isLive(view, me.slot)) return null;
  return (
    <p class="media-state" role="status" data-testid="media-state">
      {r.media_down}
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
    <figure class={`tile ${large ? "large" : ""} ${voice ? "voice" : ""}`} data-testid={`tile-${seat.slot}`} data-seen={seen ? "yes" : "no"} data-paused={paused ? why : undefined}>
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
            {person(seat.role, seat.name)}
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

/** So long a picture may stand still and be called moving: one frame a second is a picture, on a thin link. */
const STILL_MS = 2_600;

/** A number that grows with each picture. The time of a live video does not do: it runs on while the picture stands still. */
function framesOf(element: HTMLVideoElement): number {
  const painted = (element as unknown as { mozPaintedFrames?: number }).mozPaintedFrames; // Firefox counts live video only there
  const counted = painted ?? element.getVideoPlaybackQuality?.().totalVideoFrames;
  return counted ?? element.currentTime;
}

interface Shown {
  readonly video: RefObject<HTMLVideoElement | null>;
  readonly flowing: Signal<boolean>;
  /** It has moved before, so that a stop is a stop. */
  readonly once: Signal<boolean>;
  readonly upright: Signal<boolean>;
}

/** Plays a track, and knows whether it moves: a receive slot outlives people, and a frozen face is a lie. */
function usePicture(track: MediaStreamTrack | null): Shown {
  const video = useRef<HTMLVideoElement>(null);
  const flowing = useSignal(false);
  const once = useSignal(false);
  const upright = useSignal(false);
  useEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    element.srcObject = track === null ? null : new MediaStream([track]);
    flowing.value = once.value = false;
    if (track === null) return undefined;
    void element.play().catch(() => undefined);
    let last = -1;
    let movedAt = -Infinity;
    const look = (): void => {
      const now = framesOf(element);
      if (now !== last && element.videoWidth > 2) movedAt = performance.now();
      last = now;
      flowing.value = performance.now() - movedAt < STILL_MS;
      once.value = once.peek() || flowing.peek();
      upright.value = element.videoHeight > element.videoWidth;
    };
    const timer = setInterval(look, 500);
    element.onresize = look; // the first frame is shown when it is there
    return () => {
      clearInterval(timer);
      element.onresize = null;
    };
  }, [track]);
  return { video, flowing, once, upright };
}

function Screen({ seat, receive }: { readonly seat: Seat; readonly receive: ReceiveSlot }): JSX.Element {
  const r = roomWords();
  const { video, flowing } = usePicture(receive.video);
  return (
    <figure class="tile large shared" data-testid={`screen-${seat.slot}`} data-seen={flowing.value ? "yes" : "no"}>
      <video ref={video} muted playsInline autoPlay aria-label={r.screen_of(person(seat.role, seat.name))} />
      <figcaption>
        <span class="plate">
          <Icon name="screen" />
          <span class="who">{r.screen_of(person(seat.role, seat.name))}</span>
        </span>
      </figcaption>
    </figure>
  );
}

/** One's own screen is not shown to oneself: it would show itself without end. */
function OwnScreen(): JSX.Element {
  const r = roomWords();
  return (
    <div class="own-screen" role="status" data-testid="own-screen">
      <Icon name="screen" />
      <p>{r.screen_yours}</p>
      <button type="button" class="button danger" data-testid="screen-end" onClick={endScreen}>
        {r.screen_end}
      </button>
    </div>
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
