// The judge's questions about a window: its terms, more time, and the ruling on what came late. Dates are typed by his own
// clock, and shown by the court's and by that of everybody who is asked (AS3).
import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";

import { language } from "../../i18n/language";
import { courtTime } from "../../i18n/times";
import { windowsWords } from "../../i18n/windows-words";
import { isAsked } from "../../state/checked";
import { wayTo } from "../../state/course";
import type { RoomView } from "../../state/view";
import { REASONS, RULINGS, type Late, type Mode, type Reason, type Ruling, type Window_, type Windows } from "../../state/windows";
import { Confirm } from "../../ui/sheet";
import { perform } from "../room/acts";
import { here } from "../room/here";
import { who } from "../room/wording";
import { boxOf, instantOf } from "./clock";

const SHORTEST_MS = 10 * 60_000;
const LONGEST_MS = 184 * 86_400_000;
const USUAL_MS = 3 * 86_400_000;

function Zones({ view, slots, zones, ms }: { readonly view: RoomView; readonly slots: readonly string[]; readonly zones: Windows["zones"]; readonly ms: number | null }): JSX.Element | null {
  const w = windowsWords();
  if (ms === null) return null;
  return (
    <ul class="soft small" aria-label={w.zones} data-testid="zones">
      <li>
        {courtTime(ms)} {w.court_clock}
      </li>
      {slots.map((slot) => {
        const zone = zones[slot];
        return <li key={slot}>{w.zone_of(who(view, slot), zone === undefined ? w.zone_unknown : `${courtTime(ms, zone)} (${zone})`)}</li>;
      })}
    </ul>
  );
}

export function SetSheet({ view, windows, close }: { readonly view: RoomView; readonly windows: Windows; readonly close: () => void }): JSX.Element {
  const w = windowsWords();
  const { sitting } = here();
  const able = view.seats.filter((seat) => isAsked(seat.role) && seat.state !== "removed");
  const { program, course } = view;
  const stages = program?.stages.filter((stage) => wayTo(program, course, stage.code) === "here" || wayTo(program, course, stage.code) === "forward") ?? [];
  const stage = useSignal(course.stage ?? stages[0]?.code ?? "");
  const mode = useSignal<Mode>("reveal_together");
  const opens = useSignal("");
  const closes = useSignal(boxOf(Date.now() + USUAL_MS));
  const slots = useSignal<readonly string[]>(able.map((seat) => seat.slot));
  const end = instantOf(closes.value);
  const begin = Math.max(instantOf(opens.value) ?? 0, sitting.courtNow());
  const sane = end !== null && end - begin >= SHORTEST_MS && end - begin <= LONGEST_MS;
  const act = (): void => {
    if (end === null) return;
    perform("act.window", [windows.all.length + 1, stages.length === 0 ? null : stage.peek(), mode.peek(), instantOf(opens.peek()) ?? Math.floor(sitting.courtNow()), end, [...slots.peek()]]);
  };
  const toggle = (slot: string): void => {
    slots.value = slots.peek().includes(slot) ? slots.peek().filter((each) => each !== slot) : [...slots.peek(), slot];
  };
  return (
    <Confirm title={w.set_title} sure={w.set} not={w.cancel} testid="window-set" ready={sane && slots.value.length > 0} close={close} act={act}>
      {stages.length > 0 && (
        <div class="field">
          <label for="window-stage">{w.stage}</label>
          <select id="window-stage" data-testid="window-stage" value={stage.value} onChange={(event) => (stage.value = event.currentTarget.value)}>
            {stages.map((each) => (
              <option key={each.code} value={each.code}>
                {each[language.value]}
              </option>
            ))}
          </select>
        </div>
      )}
      <fieldset class="stack tight">
        <legend>{w.mode}</legend>
        {(["reveal_together", "one_by_one"] as const).map((each) => (
          <label key={each} class="check-line">
            <input type="radio" name="window-mode" data-testid={`mode-${each}`} checked={mode.value === each} onChange={() => (mode.value = each)} />
            <span>{w.mode_names[each]}</span>
          </label>
        ))}
      </fieldset>
      <Instant id="window-opens" label={w.opens_box} value={opens} />
      <Instant id="window-closes" label={w.closes_box} value={closes} />
      {!sane && (
        <p class="notice wait" role="status">
          {w.too_short}
        </p>
      )}
      <Zones view={view} slots={slots.value} zones={windows.zones} ms={end} />
      <fieldset class="stack tight">
        <legend>{w.who}</legend>
        {able.map((seat) => (
          <label key={seat.slot} class="check-line">
            <input type="checkbox" data-testid={`asks-${seat.slot}`} checked={slots.value.includes(seat.slot)} onChange={() => toggle(seat.slot)} />
            <span>{who(view, seat.slot)}</span>
          </label>
        ))}
      </fieldset>
    </Confirm>
  );
}

function Instant({ id, label, value }: { readonly id: string; readonly label: string; readonly value: Signal<string> }): JSX.Element {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} type="datetime-local" data-testid={id} value={value.value} onInput={(event) => (value.value = event.currentTarget.value)} />
    </div>
  );
}

function Why({ reason, words }: { readonly reason: Signal<Reason>; readonly words: Signal<string> }): JSX.Element {
  const w = windowsWords();
  return (
    <>
      <div class="field">
        <label for="window-reason">{w.reason}</label>
        <select id="window-reason" data-testid="window-reason" value={reason.value} onChange={(event) => (reason.value = REASONS.find((each) => each === event.currentTarget.value) ?? "other")}>
          {REASONS.map((each) => (
            <option key={each} value={each}>
              {w.reasons[each]}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="window-words">{w.words}</label>
        <input id="window-words" data-testid="window-words" maxLength={200} autoComplete="off" value={words.value} onInput={(event) => (words.value = event.currentTarget.value)} />
      </div>
    </>
  );
}

export function ExtendSheet({ view, window, close }: { readonly view: RoomView; readonly window: Window_; readonly close: () => void }): JSX.Element {
  const w = windowsWords();
  const { sitting } = here();
  const slot = useSignal("");
  const before = slot.value === "" ? window.closesMs : Math.max(window.closesMs, window.longer[slot.value] ?? 0);
  const until = useSignal(boxOf(window.closesMs + 86_400_000));
  const reason = useSignal<Reason>("network");
  const words = useSignal("");
  const ms = instantOf(until.value);
  const later = ms !== null && ms > Math.max(before, sitting.courtNow());
  return (
    <Confirm title={w.extend_title} sure={w.extend} not={w.cancel} testid="extend" ready={later} close={close} act={() => perform("act.window_extend", [window.number, slot.peek() === "" ? null : slot.peek(), ms ?? 0, reason.peek()], words.peek())}>
      <div class="field">
        <label for="extend-who">{w.who}</label>
        <select id="extend-who" data-testid="extend-who" value={slot.value} onChange={(event) => (slot.value = event.currentTarget.value)}>
          <option value="">{w.extend_all}</option>
          {window.slots.map((each) => (
            <option key={each} value={each}>
              {who(view, each)}
            </option>
          ))}
        </select>
      </div>
      <Instant id="extend-until" label={w.extend_when} value={until} />
      {!later && <p class="notice wait">{w.extend_later}</p>}
      <Zones view={view} slots={slot.value === "" ? window.slots : [slot.value]} zones={sitting.windows.value.zones} ms={ms} />
      <Why reason={reason} words={words} />
    </Confirm>
  );
}

export function RuleSheet({ view, late, held, close }: { readonly view: RoomView; readonly late: Late; readonly held: boolean; readonly close: () => void }): JSX.Element {
  const w = windowsWords();
  const ruling = useSignal<Ruling | null>(null);
  const reason = useSignal<Reason>("network");
  const words = useSignal("");
  return (
    <Confirm title={`${w.late_title} · ${who(view, late.slot)}`} sure={w.rule} not={w.cancel} testid="rule-late" ready={ruling.value !== null} close={close} act={() => perform("act.rule_late", [late.seq, ruling.peek(), reason.peek()], words.peek())}>
      <fieldset class="stack tight">
        <legend>{w.rule}</legend>
        {RULINGS.map((each) => (
          <label key={each} class="check-line">
            <input type="radio" name="ruling" data-testid={`ruling-${each}`} disabled={held && each !== "not_adopted"} checked={ruling.value === each} onChange={() => (ruling.value = each)} />
            <span>{w.rulings[each]}</span>
          </label>
        ))}
      </fieldset>
      {held && <p class="soft small">{w.late_after}</p>}
      <Why reason={reason} words={words} />
    </Confirm>
  );
}
