// The waiting room. The person knows three things: the court knows he is here, he is neither heard nor seen, and what
// happens next. Nothing of the hearing reaches this page.
import type { JSX } from "preact";

import { roomWords } from "../../i18n/room-words";
import { courtTime, ownTime } from "../../i18n/times";
import { person, words } from "../../i18n/words";
import type { RoomView } from "../../state/view";
import { CallCourt, Masthead } from "../../ui/masthead";
import { LeaveButton } from "../room/leave";
import { LineState } from "../room/status";

export function WaitingPage({ view, slot }: { readonly view: RoomView; readonly slot: string }): JSX.Element {
  const w = words();
  const r = roomWords();
  const own = view.scheduledMs === null ? null : ownTime(view.scheduledMs);
  return (
    <main class="page" data-testid="page-waiting">
      <Masthead court={view.court} />
      <div class="stack">
        <p class="soft">
          {view.caseNumber} · <span data-testid="phase">{words().phases[view.phase]}</span>
        </p>
        <h1>{r.waiting_title}</h1>
        <div class="notice stack" role="status">
          <p>
            <strong>{r.waiting_lead}</strong>
          </p>
          <p>{r.waiting_private}</p>
          <p>{view.phase === "scheduled" ? r.waiting_early : r.waiting_soon}</p>
        </div>
        <LineState />
        {view.scheduledMs !== null && (
          <p>
            <span class="soft">{w.time} </span>
            {courtTime(view.scheduledMs)}{" "}
            {own !== null && <span class="soft whole">{w.your_time(own)}</span>}
          </p>
        )}
        {view.seats.length > 0 && (
          <section class="card stack">
            <h2 class="small soft">{r.waiting_people}</h2>
            <ul class="stack">
              {view.seats.map((seat) => (
                <li key={seat.slot} class="row">
                  <span class={`dot ${seat.connected ? "full" : ""}`} aria-hidden="true" />
                  <span class="grow">
                    {person(seat.role, seat.name)}
                    {seat.slot === slot && r.is_you}
                  </span>
                  <span class="soft small">{r.state[seat.state]}</span>
                </li>
              ))}
            </ul>
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
