// The two things always visible: which case, and where the sitting stands. On a desk the stage too; on a phone that stands
// over the pictures (`EmblemBand`), so that the head is two lines.
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";

import { roomWords } from "../../i18n/room-words";
import type { RoomView } from "../../state/view";
import { Icon } from "../../ui/icons";
import { StageState } from "./course";
import { LeaveButton } from "./leave";
import { PhaseState } from "./status";

interface Props {
  readonly view: RoomView;
  readonly desk: boolean;
  readonly search: Signal<string | null>;
  readonly openPeople: () => void;
  /** How many things wait for the bench; told on the button that leads to them. */
  readonly waiting: number;
}

export function Header({ view, desk, search, openPeople, waiting }: Props): JSX.Element {
  const r = roomWords();
  return (
    <header class="status">
      {desk && <img src="/emblem.svg" alt={r.emblem} width={32} height={32} />}
      <h1 class="case">{view.caseNumber}</h1>
      <PhaseState />
      {desk && <StageState />}
      <span class="grow" />
      {desk ? (
        <>
          <button type="button" class="button quiet icon-only" data-testid="search" aria-label={r.search} aria-pressed={search.value !== null} onClick={() => (search.value = search.value === null ? "" : null)}>
            <Icon name="search" />
          </button>
          <LeaveButton />
        </>
      ) : (
        <button type="button" class="button quiet icon-only" data-testid="people-open" aria-label={waiting > 0 ? r.people_waiting(waiting) : r.people} onClick={openPeople}>
          <Icon name="people" />
          {waiting > 0 && (
            <span class="count" aria-hidden="true">
              {waiting}
            </span>
          )}
        </button>
      )}
    </header>
  );
}

/** The emblem over the pictures, as it hangs over a bench (ODR 24), with the court's name; on a phone also the stage. */
export function EmblemBand({ view, desk }: { readonly view: RoomView; readonly desk: boolean }): JSX.Element {
  const r = roomWords();
  return (
    <div class="emblem-band" data-testid="emblem-band">
      <img src="/emblem.svg" alt={desk ? "" : r.emblem} width={24} height={24} />
      <strong>{view.court}</strong>
      {!desk && <StageState brief />}
    </div>
  );
}
