// The door: what this link opens, when, and as whom. Nothing is asked of the device until Enter is tapped; that tap also
// unlocks sound, which browsers allow only after one.
import type { JSX } from "preact";

import { courtTime, ownTime } from "../../i18n/times";
import { bothTimes, person, words } from "../../i18n/words";
import { keepLink } from "../../state/device";
import { page, type Visit } from "../../state/page";
import { CallCourt, Masthead } from "../../ui/masthead";
import { OwnBrowser } from "../../ui/own-browser";
import { onPage } from "../../ui/routes";

/** Where nothing flows there is nothing to test: no camera is asked for until somebody records a statement (AS4). */
function goIn(visit: Visit): void {
  const { ticket, info } = visit;
  if (info.media_slots > 0) {
    page.value = { kind: "test", visit };
    return;
  }
  keepLink({ door: "j", ticket, entered: true, info });
  page.value = { kind: "sitting", visit };
}

export function EntryPage({ visit, waiting }: { readonly visit: Visit; readonly waiting: number }): JSX.Element {
  const w = words();
  const { info } = visit;
  const own = info.scheduled_ms === null ? null : ownTime(info.scheduled_ms);
  return (
    <main class="page" {...onPage("entry")}>
      <Masthead court={info.court} />
      <div class="stack">
        <h1>{w.kinds[info.kind] ?? w.product}</h1>
        <dl class="facts card">
          <dt>{w.case_number}</dt>
          <dd data-testid="case-number">{info.case_number}</dd>
          <dt>{w.cause}</dt>
          <dd>{info.cause}</dd>
          {info.scheduled_ms !== null && (
            <>
              <dt>{w.time}</dt>
              <dd>
                <time dateTime={new Date(info.scheduled_ms).toISOString()}>{courtTime(info.scheduled_ms)}</time>{" "}
                {own !== null && <span class="soft whole">{w.your_time(own)}</span>}
              </dd>
            </>
          )}
          <dt>{w.you_are}</dt>
          <dd>
            <strong data-testid="role">{person(info.role, info.name)}</strong>
          </dd>
          <dt>{w.need}</dt>
          <dd>{info.role === "judge" || info.role === "clerk" ? w.need_desk : w.need_text}</dd>
        </dl>
        <OwnBrowser ticket={visit.ticket} />
        {waiting > 0 && <p class="notice wait">{w.kept_lines(waiting)}</p>}
      </div>
      <footer class="stack">
        <button type="button" class="button primary wide" data-testid="enter" onClick={() => goIn(visit)}>
          {w.enter}
        </button>
        <p class="soft small">{w.enter_hint}</p>
        {info.expires_ms !== null && <p class="soft small">{w.valid_until(bothTimes(info.expires_ms))}</p>}
        <CallCourt phone={info.phone} />
      </footer>
    </main>
  );
}
