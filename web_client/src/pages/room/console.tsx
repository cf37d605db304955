// The clerk's console, first version: for each person what cannot be heard or seen now and since when, what to do next, and
// words for the record. A reading of the same signals as everything else; it decides nothing.
import type { JSX } from "preact";

import { conductWords } from "../../i18n/conduct-words";
import { roomWords } from "../../i18n/room-words";
import { clock, length } from "../../i18n/times";
import { nextStep } from "../../state/conduct";
import { asksOf } from "../../state/may";
import type { Live } from "../../state/sitting";
import type { RoomView, Seat } from "../../state/view";
import { isAway } from "./absence";
import { who } from "./wording";

interface Reading {
  readonly next: string | null;
  readonly wording: string | null;
}

/** What to do next about somebody, the gravest first. */
function reading(view: RoomView, seat: Seat, live: Live | undefined, now: number): Reading {
  const w = conductWords();
  const r = roomWords();
  const name = who(view, seat.slot);
  if (seat.state === "waiting" && seat.connected) return { next: w.console.admit, wording: null };
  if (isAway(seat)) {
    const step = nextStep(view.conduct.away[seat.slot]);
    const said = step === "prompt" || step === "warn" ? w.suggest_away[step]?.(name) : undefined;
    return { next: step === null ? null : w.console.wait_judge(w.steps[step]), wording: said ?? null };
  }
  if (asksOf(view).some((each) => each.slot === seat.slot)) return { next: w.console.ask_picture, wording: w.console.said_now(name, r.rungs[seat.rung]) };
  if (live?.silentMs != null && live.microphone !== false) return { next: w.console.ask_sound, wording: w.console.said_now(name, r.silent(length(now - live.silentMs))) };
  return { next: null, wording: null };
}

export function ConsoleLine({ view, seat, live, now }: { readonly view: RoomView; readonly seat: Seat; readonly live: Live | undefined; readonly now: number }): JSX.Element | null {
  const w = conductWords();
  const r = roomWords();
  const at = reading(view, seat, live, now);
  const rows: (readonly [string, string])[] = [];
  if (!seat.connected && seat.sinceMs !== null) rows.push([w.console.since, clock(seat.sinceMs)]);
  if (seat.connected && seat.rung !== "video") rows.push([w.console.link, r.rungs[seat.rung]]);
  if (seat.connected && live?.silentMs != null) rows.push([w.console.quiet, length(now - live.silentMs)]);
  if (at.next !== null) rows.push([w.console.next, at.next]);
  if (at.wording !== null) rows.push([w.console.wording, at.wording]);
  if (rows.length === 0) return null;
  return (
    <dl class="console-line small" data-testid={`console-${seat.slot}`}>
      {rows.map(([label, words]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{words}</dd>
        </div>
      ))}
    </dl>
  );
}
