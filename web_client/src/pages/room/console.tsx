// The clerk's console: one list of everybody, the gravest first, with what is wrong and since when, when he was last seen,
// what comes next, and words for the record that one tap puts there. It decides nothing.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { boardWords } from "../../i18n/board-words";
import { conductWords } from "../../i18n/conduct-words";
import { roomWords } from "../../i18n/room-words";
import { clock, length } from "../../i18n/times";
import { consoleOf, type Reading } from "../../state/console";
import { mayWrite } from "../../state/may";
import { seatOf, type RoomView } from "../../state/view";
import { Confirm } from "../../ui/sheet";
import { CallPerson } from "./calling";
import { here } from "./here";
import { second } from "./session";
import { who } from "./wording";

/** Words for the record about this reading; null where nothing need be said. */
function wording(view: RoomView, reading: Reading, now: number): string | null {
  const w = conductWords();
  const r = roomWords();
  const { person, alarm, next, sinceMs } = reading;
  const name = who(view, person.slot);
  if (alarm === "away") return next === "prompt" || next === "warn" ? (w.suggest_away[next]?.(name) ?? null) : sinceMs === null ? null : w.console.said_now(name, r.dropped(length(now - sinceMs)));
  if (alarm === "no_picture") return w.console.said_now(name, r.rungs[person.rung]);
  if (alarm === "silent" && sinceMs !== null) return w.console.said_now(name, r.silent(length(now - sinceMs)));
  if (alarm === "unseen" && sinceMs !== null) return w.console.said_now(name, r.unseen(length(now - sinceMs)));
  return null;
}

export function ConsolePanel({ view, slot }: { readonly view: RoomView; readonly slot: string }): JSX.Element {
  const w = conductWords();
  const { sitting } = here();
  void second.value;
  const now = sitting.courtNow();
  const readings = consoleOf(view, sitting.live.value, slot);
  const wrong = readings.filter((reading) => reading.alarm !== null);
  return (
    <section class="console" aria-label={w.console.title} data-testid="console">
      <p class={`tag ${wrong.length === 0 ? "good" : "wait"}`} role="status">
        <span class={`dot ${wrong.length === 0 ? "full" : "half"}`} aria-hidden="true" />
        {wrong.length === 0 ? w.console.all_well : w.console.some_wait(wrong.length)}
      </p>
      <ul>
        {readings.map((reading) => (
          <ConsoleLine key={reading.person.slot} view={view} slot={slot} reading={reading} now={now} />
        ))}
      </ul>
    </section>
  );
}

function ConsoleLine({ view, slot, reading, now }: { readonly view: RoomView; readonly slot: string; readonly reading: Reading; readonly now: number }): JSX.Element {
  const w = conductWords();
  const r = roomWords();
  const asked = useSignal<string | null>(null);
  const { person, alarm, next, sinceMs } = reading;
  const since = sinceMs === null ? "" : length(Math.max(0, now - sinceMs));
  const rows: (readonly [string, string])[] = [];
  if (!person.connected && person.sinceMs !== null) rows.push([w.console.since, clock(person.sinceMs)]);
  if (person.connected && person.rung !== "video") rows.push([w.console.link, r.rungs[person.rung]]);
  if (next !== null) rows.push([w.console.next, boardWords().next[next]]);
  const words = wording(view, reading, now);
  const seat = seatOf(view, person.slot);
  return (
    <li class="console-line" data-testid={`console-${person.slot}`} data-alarm={alarm ?? "none"}>
      <div class="row">
        <span class={`tag ${alarm === null ? "good" : alarm === "away" ? "bad" : "wait"}`}>
          <span class={`dot ${alarm === null ? "full" : "half"}`} aria-hidden="true" />
        </span>
        <strong class="grow">{who(view, person.slot)}</strong>
        <span class={`tag ${alarm === null ? "" : alarm === "away" ? "bad" : "wait"}`}>{alarm === null ? r.state[person.state] : boardWords().alarms[alarm](since)}</span>
      </div>
      {rows.length > 0 && (
        <dl class="small">
          {rows.map(([label, said]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{said}</dd>
            </div>
          ))}
        </dl>
      )}
      {seat !== null && <CallPerson seat={seat} view={view} at="console" />}
      {words !== null && (
        <button type="button" class="button small" data-testid={`console-note-${person.slot}`} disabled={mayWrite(view, slot) !== null} onClick={() => (asked.value = words)}>
          {w.console.note}
        </button>
      )}
      {asked.value !== null && <NoteSheet words={asked.value} title={who(view, person.slot)} close={() => (asked.value = null)} />}
    </li>
  );
}

function NoteSheet({ words, title, close }: { readonly words: string; readonly title: string; readonly close: () => void }): JSX.Element {
  const w = conductWords();
  const text = useSignal(words);
  return (
    <Confirm title={`${title} · ${w.console.wording}`} sure={w.console.note_sure} not={w.cancel} testid="note" ready={text.value.trim() !== ""} close={close} act={() => void here().sitting.say({ command: "msg.text", content: { text: text.peek().trim() } })}>
      <div class="field">
        <label for="note-words">{w.words}</label>
        <textarea id="note-words" data-testid="note-words" rows={4} maxLength={1_000} value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} />
      </div>
    </Confirm>
  );
}
