// The sittings of a case, another one, and another date (NO2, NO9). Everybody is told by itself; where that is later than the
// rules want, the court says why.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { noticesWords } from "../../i18n/notices-words";
import { registryWords } from "../../i18n/registry-words";
import { courtTime } from "../../i18n/times";
import { bothTimes, words } from "../../i18n/words";
import type { CaseRow, CaseSitting } from "../../protocol/desk";
import { Confirm } from "../../ui/sheet";
import { DAY_MS, KINDS, localValue } from "./times";

/** A sitting that has not been opened is moved by the desk; what has begun is adjourned by the judge. */
const MOVABLE: ReadonlySet<string> = new Set(["scheduled", "checking_in"]);

export interface NewDate {
  readonly sitting: CaseSitting | null;
  readonly kind: string;
  readonly atMs: number;
  readonly reason: string;
}

export function Dates({ row, set }: { readonly row: CaseRow; readonly set: (date: NewDate) => void }): JSX.Element {
  const w = noticesWords();
  const all = words();
  const asked = useSignal<CaseSitting | "another" | null>(null);
  const which = asked.value;
  return (
    <section class="stack" aria-label={w.dates} data-testid="dates">
      <h2>{w.dates}</h2>
      <ul class="stack">
        {row.sittings.map((sitting) => (
          <li key={sitting.stream_id} class="row" data-testid={`sitting-${sitting.stream_id}`}>
            <span class="grow">
              {all.kinds[sitting.kind] ?? sitting.kind} · {bothTimes(sitting.at_ms)} · {all.phases[sitting.phase] ?? sitting.phase}
            </span>
            {MOVABLE.has(sitting.phase) && (
              <button type="button" class="button" data-testid="sitting-move" aria-label={`${w.move} ${courtTime(sitting.at_ms)}`} onClick={() => (asked.value = sitting)}>
                {w.move}
              </button>
            )}
          </li>
        ))}
      </ul>
      <button type="button" class="button" data-testid="sitting-another" onClick={() => (asked.value = "another")}>
        {w.schedule}
      </button>
      {which !== null && <DateSheet row={row} sitting={which === "another" ? null : which} set={set} close={() => (asked.value = null)} />}
    </section>
  );
}

function DateSheet({ row, sitting, set, close }: { readonly row: CaseRow; readonly sitting: CaseSitting | null; readonly set: (date: NewDate) => void; readonly close: () => void }): JSX.Element {
  const w = noticesWords();
  const r = registryWords();
  const days = row.notice_days ?? 0;
  const kind = useSignal(sitting?.kind ?? "hearing");
  const when = useSignal(localValue(sitting?.at_ms ?? Date.now() + (days + 1) * DAY_MS));
  const reason = useSignal("");
  const atMs = Date.parse(when.value);
  const past = !(atMs > Date.now());
  const same = sitting !== null && localValue(sitting.at_ms) === when.value;
  const short = !past && atMs - Date.now() < days * DAY_MS;
  const ready = !past && !same && (!short || reason.value.trim() !== "");
  return (
    <Confirm title={sitting === null ? w.schedule : w.move_title} sure={sitting === null ? w.schedule_sure : w.move_sure} not={w.not} ready={ready} testid="date" close={close} act={() => set({ sitting, kind: kind.peek(), atMs, reason: short ? reason.peek().trim() : "" })}>
      {sitting === null && (
        <div class="field">
          <label for="date-kind">{w.kind}</label>
          <select id="date-kind" data-testid="date-kind" value={kind.value} onChange={(event) => (kind.value = event.currentTarget.value)}>
            {KINDS.map((each) => (
              <option key={each} value={each}>
                {words().kinds[each]}
              </option>
            ))}
          </select>
        </div>
      )}
      <div class="field">
        <label for="date-when">{w.when}</label>
        <input id="date-when" type="datetime-local" data-testid="date-when" value={when.value} aria-describedby="date-court" onInput={(event) => (when.value = event.currentTarget.value)} />
        <span class="hint" id="date-court" role="status">
          {past ? w.past : same ? w.same : w.at_court(courtTime(atMs))}
        </span>
      </div>
      {short && (
        <div class="field">
          <label for="date-reason">{r.short_reason(days)}</label>
          <span class="hint" id="date-reason-hint">
            {r.short_reason_hint}
          </span>
          <input id="date-reason" data-testid="date-reason" aria-describedby="date-reason-hint" maxLength={200} autoComplete="off" value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />
        </div>
      )}
    </Confirm>
  );
}
