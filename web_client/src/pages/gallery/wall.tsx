// The pictures of whoever watches. Whoever has the floor, or the shared screen, is large; over each picture stand the
// viewer's number and the time, large enough to be read in a photograph of the screen, so that a film tells who made it.
import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { galleryWords } from "../../i18n/gallery-words";
import { language } from "../../i18n/language";
import { exactClock } from "../../i18n/times";
import type { ReceiveSlot } from "../../media/transceivers";
import { Icon } from "../../ui/icons";
import { usePicture } from "../room/use-picture";
import type { Place, Told, Watching } from "./watching";

/** The wall, and the sound of everybody on it. */
export function Wall({ watching, told, now }: { readonly watching: Watching; readonly told: Told; readonly now: number }): JSX.Element {
  const w = galleryWords();
  const slots = watching.slots.value;
  const places = told.shown.filter((each) => slots[each.place] !== undefined);
  const large = places.find((each) => each.screen) ?? places.find((each) => each.floor) ?? places[0];
  const ordered = large === undefined ? [] : [large, ...places.filter((each) => each !== large)];
  const mark = `${w.number(told.number)} · ${exactClock(now)}`;
  return (
    <div class="wall" data-testid="wall" data-many={ordered.length}>
      {ordered.map((place) => (
        <Picture key={place.place} place={place} slot={slots[place.place] as ReceiveSlot} large={place === large} mark={mark} />
      ))}
      {ordered.length === 0 && <p class="unshown">{slots.length === 0 ? w.waiting : w.nothing_seen}</p>}
    </div>
  );
}

interface PictureProps {
  readonly place: Place;
  readonly slot: ReceiveSlot;
  readonly large: boolean;
  readonly mark: string;
}

const MARKS = { large: 6, small: 2 } as const;

function Picture({ place, slot, large, mark }: PictureProps): JSX.Element {
  const w = galleryWords();
  const { video, flowing } = usePicture(slot.video);
  const role = place.role[language.value];
  return (
    <figure class={`seen-place ${large ? "large" : ""} ${place.screen ? "screen" : ""}`} data-testid={`place-${place.place}`} data-seen={flowing.value ? "yes" : "no"}>
      <video ref={video} muted playsInline autoPlay class={flowing.value ? "" : "dark"} aria-label={place.screen ? w.screen : role} />
      {!flowing.value && <span class="unshown">{large ? w.waiting : ""}</span>}
      <span class="marks" aria-hidden="true" data-testid={large ? "watermark" : undefined}>
        {Array.from({ length: large ? MARKS.large : MARKS.small }, (_, index) => (
          <span key={index}>{mark}</span>
        ))}
      </span>
      <figcaption>
        <strong>{role}</strong>
        {place.screen && ` · ${w.screen}`}
        {place.floor && !place.screen && ` · ${w.speaks}`}
      </figcaption>
    </figure>
  );
}

/** All sound, in elements that no layout ever moves; a browser may want a tap before it sounds. */
export function Hearing({ slots, silent }: { readonly slots: readonly ReceiveSlot[]; readonly silent: Signal<boolean> }): JSX.Element {
  const w = galleryWords();
  const box = useRef<HTMLDivElement>(null);
  const blocked = useSignal(false);
  const play = (): void => {
    const elements = box.current === null ? [] : [...box.current.querySelectorAll("audio")];
    Promise.all(elements.map((element) => element.play())).then(
      () => (blocked.value = false),
      (error: unknown) => (blocked.value = error instanceof DOMException && error.name === "NotAllowedError"),
    );
  };
  useEffect(() => {
    if (slots.length > 0) play();
  }, [slots]);
  const quiet = silent.value || blocked.value;
  return (
    <>
      <div ref={box} hidden>
        {slots.map((slot) => (
          <Sound key={slot.audio.id} slot={slot} muted={silent.value} />
        ))}
      </div>
      <button
        type="button"
        class={`button ${quiet ? "primary" : ""}`}
        data-testid="gallery-sound"
        onClick={() => {
          silent.value = !quiet;
          play();
        }}
      >
        <Icon name={quiet ? "ear" : "mic-off"} />
        {quiet ? w.hear : w.mute}
      </button>
    </>
  );
}

function Sound({ slot, muted }: { readonly slot: ReceiveSlot; readonly muted: boolean }): JSX.Element {
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    if (audio.current !== null) audio.current.srcObject = new MediaStream([slot.audio]);
  }, [slot.audio]);
  return <audio ref={audio} autoPlay muted={muted} />;
}
