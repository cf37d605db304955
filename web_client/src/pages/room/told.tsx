// What the court has done to this person, in words and aloud, as long as it holds.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import { list } from "../../i18n/times";
import { words } from "../../i18n/words";
import { isOutside } from "../../state/may";
import { seatOf, type RoomView } from "../../state/view";
import { announce } from "../../ui/announce";
import { cue } from "../../ui/cue";
import { Icon } from "../../ui/icons";
import { who } from "./wording";

export function OwnState({ view, slot }: { readonly view: RoomView; readonly slot: string }): JSX.Element | null {
  const r = roomWords();
  const seat = seatOf(view, slot);
  if (seat === null) return null;
  const floor = view.phase === "open" && view.floor === slot;
  const muted = seat.muted && (view.phase === "checking_in" || view.phase === "open");
  if (!floor && !muted) return null;
  return (
    <p class={`own-state ${floor ? "good" : "wait"}`} data-testid="own-state">
      {muted ? r.bench_muted_you : r.floor_yours}
    </p>
  );
}

/** A quiet bar for as long as a part is restricted: who may read it, or that this person may not. */
export function Restricted({ view, slot }: { readonly view: RoomView; readonly slot: string }): JSX.Element | null {
  const r = roomWords();
  if (view.restricted === null) return null;
  const outside = isOutside(view, slot);
  const inside = view.restricted.slots.map((each) => who(view, each));
  return (
    <p class="restricted-bar" role="status" data-testid="restricted" data-outside={outside ? "yes" : "no"}>
      <Icon name="lock" />
      <span>{outside ? r.restricted_out : r.restricted_in(list(inside))}</span>
    </p>
  );
}

/** The recess and the floor are told at once, to ear, eye and hand; who else speaks, politely. */
export function useAnnouncements(view: RoomView | null, slot: string | null): void {
  const r = roomWords();
  const was = useRef<RoomView | null>(null);
  useEffect(() => {
    const before = was.current;
    was.current = view;
    if (view === null || before === null || slot === null) return;
    if (before.phase !== view.phase) {
      if (view.phase === "in_recess") cue("recess", r.recess);
      else if (view.phase === "open" && before.phase === "in_recess") cue("resumed", r.resumed);
      else announce(words().phases[view.phase] ?? "", true);
    }
    if (before.floor !== view.floor && view.floor === slot) cue("floor", r.floor_yours);
    else if (before.floor !== view.floor && view.floor !== null) announce(r.floor_of(who(view, view.floor)));
    const mine = seatOf(view, slot);
    const mineBefore = seatOf(before, slot);
    if (mine !== null && mineBefore !== null && mine.muted !== mineBefore.muted) cue("muted", mine.muted ? r.bench_muted_you : r.bench_unmuted_you);
  }, [view]);
}
