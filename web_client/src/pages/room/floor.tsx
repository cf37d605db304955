// How people speak: the judge's choice, the order of turns, and the time that runs. Everybody sees the time; when it is up
// the court says so, and nothing else happens (FL4).
import { signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { benchWords } from "../../i18n/bench-words";
import { conductWords } from "../../i18n/conduct-words";
import { list } from "../../i18n/times";
import { MODES, untilMs } from "../../state/conduct";
import type { RoomView, Seat } from "../../state/view";
import { announce } from "../../ui/announce";
import { Icon } from "../../ui/icons";
import { Sheet } from "../../ui/sheet";
import { perform, under } from "./acts";
import { here } from "./here";
import { second } from "./session";
import { who } from "./wording";

const LIMITS = [0, 2, 5, 10] as const;

function clockOf(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** The time of whoever has the floor. */
export function TimerPill(): JSX.Element | null {
  const w = conductWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const until = view === null || view.phase !== "open" ? null : untilMs(view.conduct, view.floor);
  const mine = view !== null && view.floor === sitting.me.value?.slot;
  void second.value;
  const left = until === null ? null : until - sitting.courtNow();
  const up = left !== null && left <= 0;
  useEffect(() => {
    if (up) announce(mine ? w.up_you : w.up, mine);
  }, [up, until]);
  if (view === null || left === null) return null;
  return (
    <p class={`own-state ${up ? "wait" : ""}`} role="timer" data-testid="timer" data-up={up ? "yes" : "no"}>
      {who(view, view.floor)} · {up ? (mine ? w.up_you : w.up) : w.left(clockOf(left))}
    </p>
  );
}

/** Minutes for each speech from now on; nought is no limit. */
const limit = signal(0);

export function giveFloor(slot: string): void {
  perform("act.floor", limit.peek() === 0 ? [slot] : [slot, limit.peek() * 60]);
}

/** Whom to give the floor to: raised hands stand first. */
export function GiveSheet({ view, speakers, close }: { readonly view: RoomView; readonly speakers: readonly Seat[]; readonly close: () => void }): JSX.Element {
  const b = benchWords();
  return (
    <Sheet title={b.give_title} close={close} testid="give-sheet">
      {speakers.length === 0 && <p>{b.give_none}</p>}
      <div class="stack tight">
        {speakers.map((seat) => (
          <button
            key={seat.slot}
            type="button"
            class={`button wide ${seat.hand ? "primary" : ""}`}
            data-testid={`give-${seat.slot}`}
            disabled={under("act.floor", seat.slot)}
            onClick={() => {
              giveFloor(seat.slot);
              close();
            }}
          >
            {seat.hand && <Icon name="hand" />}
            {who(view, seat.slot)}
            {seat.hand && <span class="small">· {b.hand}</span>}
          </button>
        ))}
      </div>
      <LimitField />
      <button type="button" class="button wide" data-testid="give-close" onClick={close}>
        {b.close}
      </button>
    </Sheet>
  );
}

function LimitField(): JSX.Element {
  const w = conductWords();
  return (
    <div class="field">
      <label for="floor-limit">{w.limit}</label>
      <select id="floor-limit" data-testid="floor-limit" value={String(limit.value)} onChange={(event) => (limit.value = Number(event.currentTarget.value))}>
        {LIMITS.map((minutes) => (
          <option key={minutes} value={String(minutes)}>
            {minutes === 0 ? w.no_limit : w.minutes(minutes)}
          </option>
        ))}
      </select>
    </div>
  );
}

export function FloorSheet({ view, close }: { readonly view: RoomView; readonly close: () => void }): JSX.Element {
  const w = conductWords();
  const chosen = useSignal<readonly string[]>(view.conduct.turns);
  const seats = view.seats.filter((seat) => seat.role !== "observer" && seat.role !== "courtroom" && seat.role !== "judge" && seat.role !== "clerk");
  return (
    <Sheet title={w.floor} close={close} testid="floor-sheet">
      <fieldset class="stack">
        <legend class="unseen">{w.floor}</legend>
        {MODES.map((mode) => (
          <label key={mode} class="check-line">
            <input
              type="radio"
              name="floor-mode"
              data-testid={`mode-${mode}`}
              checked={view.conduct.mode === mode}
              disabled={under("act.floor_mode")}
              onChange={() => view.conduct.mode !== mode && perform("act.floor_mode", [mode])}
            />
            <span>
              <strong>{w.modes[mode]}</strong> <span class="soft small">{w.mode_hints[mode]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {view.conduct.mode === "turns" && (
        <fieldset class="stack">
          <legend>{w.order_of_turns}</legend>
          <div class="row">
            {seats.map((seat) => (
              <button key={seat.slot} type="button" class="button" data-testid={`turn-${seat.slot}`} onClick={() => (chosen.value = [...chosen.peek(), seat.slot])}>
                {who(view, seat.slot)}
              </button>
            ))}
          </div>
          <p class="soft" role="status" data-testid="turns">
            {list(chosen.value.map((slot, at) => `${at + 1}. ${who(view, slot)}`))}
          </p>
          <div class="row">
            <button type="button" class="button" data-testid="turns-clear" onClick={() => (chosen.value = [])}>
              {w.clear_turns}
            </button>
            <button type="button" class="button primary" data-testid="turns-set" disabled={chosen.value.length === 0 || under("act.turns")} onClick={() => perform("act.turns", [[...chosen.peek()]])}>
              {w.set_turns}
            </button>
          </div>
        </fieldset>
      )}
      <LimitField />
      {view.phase === "open" && view.floor !== null && limit.value > 0 && (
        <button type="button" class="button" data-testid="floor-time" onClick={() => perform("act.floor", [view.floor ?? "", limit.peek() * 60])}>
          {who(view, view.floor)} · {w.minutes(limit.value)}
        </button>
      )}
      <button type="button" class="button wide" data-testid="floor-close" onClick={close}>
        {w.close}
      </button>
    </Sheet>
  );
}
