// How people speak: the judge's choice, the order of turns, and the time that runs. Everybody sees the time; when it is up
// the court says so, and nothing else happens (FL4).
import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { conductWords } from "../../i18n/conduct-words";
import { list } from "../../i18n/times";
import { MODES, untilMs } from "../../state/conduct";
import type { RoomView } from "../../state/view";
import { announce } from "../../ui/announce";
import { Sheet } from "../../ui/sheet";
import { perform, under } from "./acts";
import { here } from "./here";
import { second } from "./session";
import { who } from "./wording";

const LIMITS = [0, 2, 5, 10] as const;

/** The next in the order who is here; the court decides, this only names him on the button. */
function nextUp(view: RoomView): string | null {
  return view.conduct.turns.find((slot) => view.seats.some((seat) => seat.slot === slot && seat.state === "admitted" && seat.connected)) ?? null;
}

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

/** For the judge, beside his other acts: who is next, and how people speak. */
export function FloorActs(): JSX.Element | null {
  const w = conductWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const asked = useSignal(false);
  const limit = useSignal(0);
  if (view === null || sitting.me.value?.role !== "judge") return null;
  if (view.phase !== "checking_in" && view.phase !== "open" && view.phase !== "in_recess") return null;
  const offline = sitting.line.value.kind !== "open";
  const next = view.conduct.mode === "turns" && view.phase === "open" ? nextUp(view) : null;
  return (
    <>
      {next !== null && (
        <button
          type="button"
          class="button primary"
          data-testid="next-turn"
          disabled={offline || under("act.floor", next)}
          onClick={() => perform("act.floor", limit.peek() === 0 ? [next] : [next, limit.peek() * 60])}
        >
          {w.next(who(view, next))}
        </button>
      )}
      <button type="button" class="button" data-testid="floor-mode" disabled={offline} onClick={() => (asked.value = true)}>
        {w.modes[view.conduct.mode]}
      </button>
      {asked.value && <FloorSheet view={view} limit={limit} close={() => (asked.value = false)} />}
    </>
  );
}

function FloorSheet({ view, limit, close }: { readonly view: RoomView; readonly limit: Signal<number>; readonly close: () => void }): JSX.Element {
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
