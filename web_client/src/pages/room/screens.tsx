// A shared screen: another's, to be read, and one's own, which is not shown to oneself.
import type { JSX } from "preact";

import { roomWords } from "../../i18n/room-words";
import { person } from "../../i18n/words";
import { endScreen } from "../../media/screen";
import type { ReceiveSlot } from "../../media/transceivers";
import type { Seat } from "../../state/view";
import { Icon } from "../../ui/icons";
import { usePicture } from "./use-picture";

export function Screen({ seat, receive }: { readonly seat: Seat; readonly receive: ReceiveSlot }): JSX.Element {
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
export function OwnScreen(): JSX.Element {
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
