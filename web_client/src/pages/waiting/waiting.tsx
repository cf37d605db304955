// The waiting room. The person knows three things: the court knows he is here, he is neither heard nor seen, and what
// happens next. Nothing of the hearing reaches this page.
import type { JSX } from "preact";

import { opennessWords } from "../../i18n/openness-words";
import { roomWords } from "../../i18n/room-words";
import { witnessWords } from "../../i18n/witness-words";
import { courtTime, ownTime } from "../../i18n/times";
import { person, words } from "../../i18n/words";
import type { Stand } from "../../state/testimony";
import type { RoomView } from "../../state/view";
import { CallCourt, Masthead } from "../../ui/masthead";
import { Missed } from "../room/absence";
import { LeaveButton } from "../room/leave";
import { here } from "../room/here";
import { CheckIn } from "./check-in";
import { RingCard } from "./ring-card";
import { LineState } from "../room/status";
import { onPage } from "../../ui/routes";

export function WaitingPage({ view, slot, stand }: { readonly view: RoomView; readonly slot: string; readonly stand: Stand | null }): JSX.Element {
  const w = words();
  const r = roomWords();
  const own = view.scheduledMs === null ? null : ownTime(view.scheduledMs);
  return (
    <main class="page" {...onPage("waiting")}>
      <Masthead court={view.court} />
      <div class="stack">
        <p class="soft">
          {view.caseNumber} · <span data-testid="phase">{words().phases[view.phase]}</span>
        </p>
        <Missed view={view} slot={slot} />
        <Lead view={view} stand={stand} />
        {stand !== "excluded" && <CheckIn view={view} own={view.own} />}
        {stand !== "excluded" && <RingCard visit={here().visit} />}
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

/** Whoever is to testify is told why nothing reaches him; whoever has testified, that it is over. */
function Lead({ view, stand }: { readonly view: RoomView; readonly stand: Stand | null }): JSX.Element {
  const r = roomWords();
  const w = witnessWords();
  if (stand !== null) {
    const over = stand === "excluded";
    return (
      <>
        <h1>{over ? w.released_title : w.held_title}</h1>
        <div class={`notice stack ${over ? "good" : ""}`} role="status" data-testid={over ? "released" : "held"}>
          <p>
            <strong>{over ? w.released_lead : w.held_lead}</strong>
          </p>
          <p>{over ? w.released_next : w.held_private}</p>
          {!over && <p>{w.held_alone}</p>}
          {!over && <p>{view.phase === "scheduled" ? r.waiting_early : r.waiting_soon}</p>}
        </div>
      </>
    );
  }
  return (
    <>
      <h1>{r.waiting_title}</h1>
      {view.excluded && (
        <p class="notice" role="status" data-testid="waiting-excluded">
          <strong>{opennessWords().waiting}</strong>
        </p>
      )}
      <div class="notice stack" role="status">
        <p>
          <strong>{r.waiting_lead}</strong>
        </p>
        <p>{r.waiting_private}</p>
        <p>{view.phase === "scheduled" ? r.waiting_early : r.waiting_soon}</p>
      </div>
    </>
  );
}
