// The sitting is adjourned, closed, goes on in a courtroom, or was cancelled. One calm page says what happened, when it goes
// on by both clocks, and what is to be done now. What is on the record stays readable for whoever was inside.
import type { JSX } from "preact";

import { endedWords } from "../../i18n/ended-words";
import { courtTime, ownTime } from "../../i18n/times";
import { words } from "../../i18n/words";
import type { End } from "../../state/ended";
import type { RoomView } from "../../state/view";
import { CallCourt, Masthead } from "../../ui/masthead";
import { ForkNotice } from "../room/fork";
import { LeaveButton } from "../room/leave";
import { LineState, PhaseState } from "../room/status";
import { Timeline } from "../room/timeline";
import { onPage } from "../../ui/routes";

/** `inside`: he was in the courtroom, and may read its record. */
export function EndedPage({ view, end, inside }: { readonly view: RoomView; readonly end: End; readonly inside: boolean }): JSX.Element {
  const w = words();
  const e = endedWords();
  const said = e[end];
  const when = end === "adjourned" ? view.scheduledMs : null;
  const own = when === null ? null : ownTime(when);
  return (
    <main class="page ended-page" {...onPage(end)}>
      <Masthead court={view.court} />
      <div class="stack">
        <p class="soft">
          {view.caseNumber} · {inside ? <PhaseState /> : <span data-testid="phase">{w.phases[view.phase]}</span>}
        </p>
        <LineState />
        {inside && <ForkNotice />}
        <h1>{said.title}</h1>
        {when !== null && (
          <p class="next-date" data-testid="next-date">
            {said.lead} <strong class="whole">{courtTime(when)}</strong> {own !== null && <span class="whole">{w.your_time(own)}</span>}
          </p>
        )}
        <div class="card stack">
          <section>
            <h2 class="small soft">{e.happened}</h2>
            <p data-testid="course-notice">{said.happened}</p>
            <p>{e.camera_off}</p>
          </section>
          <section>
            <h2 class="small soft">{e.todo}</h2>
            <ol class="how">
              {said.todo.map((each) => (
                <li key={each}>{each}</li>
              ))}
            </ol>
          </section>
        </div>
        {inside && (
          <section class="stack ended-record" aria-label={e.record}>
            <h2>{e.record}</h2>
            <p class="soft small">{e.record_hint}</p>
            <Timeline search="" />
          </section>
        )}
      </div>
      <footer class="row">
        <CallCourt phone={view.phone} />
        <LeaveButton />
      </footer>
    </main>
  );
}
