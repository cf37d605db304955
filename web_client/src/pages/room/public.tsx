// Whether the public watches (SPEC PU): what everybody in the room reads of it as long as it holds. A court that is closed
// says so, and on which ground; what the bench does about it is in a sheet of its own (public-sheet.tsx).
import type { JSX } from "preact";

import { opennessWords } from "../../i18n/openness-words";
import { roomWords } from "../../i18n/room-words";
import { list, parts } from "../../i18n/times";
import { isBench } from "../../state/may";
import { goesOn, unheard } from "../../state/openness";
import { seatOf, type RoomView } from "../../state/view";
import { Icon } from "../../ui/icons";
import { perform, sheet, under } from "./acts";
import { called } from "./course-wording";
import { here } from "./here";
import { who } from "./wording";

/** Above the pictures, for everybody: open and watched by how many, dark, or closed and on which ground. */
export function PublicBar({ view, slot }: { readonly view: RoomView; readonly slot: string }): JSX.Element | null {
  const w = opennessWords();
  const { openness } = view;
  const bench = isBench(seatOf(view, slot)?.role ?? "");
  if (!goesOn(view.phase) || (openness.closing === null && !openness.public)) return null;
  return (
    <p class={`restricted-bar public-bar ${openness.closing === null ? "" : "closed"}`} role="status" data-testid="public-bar" data-openness={stateOf(view)}>
      <Icon name={openness.closing === null ? (openness.held ? "pause" : "people") : "lock"} />
      <span class="grow">{barWords(view)}</span>
      {bench && (
        <button type="button" class="button quiet" data-testid="public-open" aria-haspopup="dialog" onClick={() => (sheet.value = "public")}>
          {w.button}
        </button>
      )}
    </p>
  );
}

function stateOf({ openness }: RoomView): "closed" | "held" | "public" | "private" {
  return openness.closing !== null ? "closed" : !openness.public ? "private" : openness.held ? "held" : "public";
}

function barWords(view: RoomView): string {
  const w = opennessWords();
  const { openness } = view;
  if (openness.closing === null) return openness.held ? w.bar_held : w.bar_public(here().sitting.watchers.value.now);
  const ground = called(openness.grounds, openness.closing.ground);
  return openness.stay.length === 0 ? w.bar_closed(ground) : w.bar_closed_stay(ground, list(openness.stay.map((each) => who(view, each))));
}

/** For the judge while somebody is still to be heard and could be watching like anybody (PU8). */
export function Unheard({ view, slot }: { readonly view: RoomView; readonly slot: string }): JSX.Element | null {
  const w = opennessWords();
  const away = unheard(view);
  const told = view.openness.public && !view.openness.held && view.openness.closing === null && goesOn(view.phase);
  if (!told || away.length === 0 || seatOf(view, slot)?.role !== "judge") return null;
  return (
    <div class="door" role="status" data-testid="public-unheard">
      <div class="at-door">
        <span class="grow small">{w.unheard(list(away.map((seat) => who(view, seat.slot))))}</span>
        <button type="button" class="button" data-testid="public-hold-now" disabled={under("act.hold_gallery")} onClick={() => perform("act.hold_gallery")}>
          {w.hold_now}
        </button>
      </div>
    </div>
  );
}

/** Where it stands, in sentences; also at the head of the list of people. */
export function PublicState({ view }: { readonly view: RoomView }): JSX.Element {
  const w = opennessWords();
  const { openness } = view;
  const { now, most } = here().sitting.watchers.value;
  return (
    <div class="small" data-testid="public-state">
      {openness.closing !== null ? (
        <p>
          <strong>{w.now_closed(called(openness.grounds, openness.closing.ground))}</strong>
          {openness.closing.until === "end" ? w.until_end : w.until_order}
        </p>
      ) : (
        <p>{!openness.public ? w.now_private : w.now_public(now)}</p>
      )}
      {openness.public && most > 0 && <p class="soft">{w.now_most(most)}</p>}
      {openness.held && openness.public && <p>{w.now_held}</p>}
      {openness.delayS > 0 && <p>{w.now_late(roomWords().hms(...parts(1000 * openness.delayS)))}</p>}
    </div>
  );
}
