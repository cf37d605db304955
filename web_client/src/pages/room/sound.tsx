// Sound is played by elements of its own, always mounted, so that no change of layout ever cuts a word.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import { canChooseSpeaker, speaker } from "../../media/devices";
import { unlockAudio } from "../../media/level";
import type { ReceiveSlot } from "../../media/transceivers";
import { roomOf } from "../../state/private";
import { here } from "./here";

/** How loud the court is below its interpreter: heard, and in nobody's way. */
const BELOW = 0.2;

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
  const { sitting, peer } = here();
  const its = sitting.view.value?.privately;
  const source = peer.seats.value.get(slot.index);
  // Whoever listens to an interpreter hears the court on, softly; in a private room no channel counts (PR3).
  const own = sitting.me.value?.slot ?? "";
  const language = its === undefined || roomOf(its, own) !== null ? undefined : its.tuned[own];
  const softly = language !== undefined && (source === undefined || its?.voices[source] !== language);
  useEffect(() => {
    if (audio.current !== null) audio.current.volume = softly ? BELOW : 1;
  }, [softly, slot.audio]);
  const where = speaker.value;
  useEffect(() => {
    const element = audio.current as (HTMLAudioElement & { setSinkId?(id: string): Promise<void> }) | null;
    // A headset that is gone by now: the system's own choice sounds on.
    if (canChooseSpeaker()) element?.setSinkId?.(where).catch(() => (speaker.value = ""));
  }, [where]);
  return <audio ref={audio} autoPlay data-slot={slot.index} />;
}
