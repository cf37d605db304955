// Whoever is in a private room sees at the top of his page, for as long as he is there, with whom he is, that the court does
// not hear him, and whether anything is recorded; and when he will be back (PR).
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { privateWords } from "../../i18n/private-words";
import { list } from "../../i18n/times";
import { deliberates, roomOf } from "../../state/private";
import type { RoomView } from "../../state/view";
import { announce } from "../../ui/announce";
import { Icon } from "../../ui/icons";
import { perform, under } from "./acts";
import { here } from "./here";
import { second } from "./session";
import { who } from "./wording";

interface Props {
  readonly view: RoomView;
  readonly slot: string;
}

export function BackIn({ endsMs }: { readonly endsMs: number | null }): JSX.Element | null {
  const w = privateWords();
  void second.value;
  if (endsMs === null) return null;
  return (
    <strong class="tag wait" data-testid="back-in">
      {w.back_in(Math.max(0, Math.ceil((endsMs - here().sitting.courtNow()) / 1_000)))}
    </strong>
  );
}

/** Where this person is, if it is not the courtroom; and, for those who wait in it, that the bench deliberates. */
export function PrivateBanner({ view, slot }: Props): JSX.Element | null {
  const w = privateWords();
  const room = roomOf(view.privately, slot);
  const others = room === null ? "" : list(room.slots.filter((each) => each !== slot).map((each) => who(view, each)));
  const said = room === null ? null : `${w.you_are_in(w.kinds[room.kind] ?? "", others)}. ${room.recorded ? w.recorded : w.not_heard}`;
  const before = useRef<string | null>(null);
  useEffect(() => {
    if (said !== null && said !== before.current) announce(said, true);
    before.current = said;
  }, [said]);
  if (room === null) {
    if (!deliberates(view.privately)) return null;
    return (
      <p class="private-banner outside" role="status" data-testid="deliberating">
        <Icon name="lock" />
        <span>{w.deliberating}</span>
      </p>
    );
  }
  return (
    <section class="private-banner" aria-label={w.rooms} data-testid="private-room" data-kind={room.kind}>
      <Icon name="lock" />
      <div class="grow">
        <strong>{w.you_are_in(w.kinds[room.kind] ?? "", others)}</strong>
        <p>{room.recorded ? w.recorded : w.not_heard}</p>
      </div>
      <BackIn endsMs={room.endsMs} />
      <button type="button" class="button" data-testid="room-leave" disabled={under("room.leave")} onClick={() => perform("room.leave")}>
        {w.leave}
      </button>
    </section>
  );
}
