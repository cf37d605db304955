// Private rooms (PR): what the bench opens and ends, what lawyer and client ask for, and the wishes that wait for an answer.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { privateWords } from "../../i18n/private-words";
import { roomWords } from "../../i18n/room-words";
import { list } from "../../i18n/times";
import { person } from "../../i18n/words";
import { isBench } from "../../state/may";
import type { Kind } from "../../state/private";
import { fits, roomsFor } from "../../state/rooms";
import { seatOf, type RoomView, type Seat } from "../../state/view";
import { Icon } from "../../ui/icons";
import { Confirm } from "../../ui/sheet";
import { perform, under } from "./acts";
import { Interpreters } from "./channels";
import { here } from "./here";
import { BackIn } from "./private-banner";
import { who } from "./wording";

interface Props {
  readonly view: RoomView;
  readonly slot: string;
}

/** The countdowns that the bench is offered; the rules take any number of seconds up to 120 (PR5). */
const BACK_S = [0, 30, 120] as const;

/** Wishes for a room that wait for this person: above the pictures, where they are seen. */
export function RoomAsks({ view, slot }: Props): JSX.Element | null {
  const w = privateWords();
  const { asked } = roomsFor(view, slot);
  const bench = isBench(seatOf(view, slot)?.role ?? "");
  if (asked.length === 0) return null;
  return (
    <ul class="door" data-testid="room-asks" aria-label={w.rooms}>
      {asked.map(({ whose, kind, slots }) => (
        <li key={whose} class="at-door">
          <span class="grow">{w.asks(who(view, whose), w.kinds[kind] ?? "", list(slots.map((each) => who(view, each))))}</span>
          <button type="button" class="button primary" data-testid={`room-grant-${whose}`} disabled={under(bench ? "act.room_grant" : "room.ask")} onClick={() => (bench ? perform("act.room_grant", [whose, false]) : perform("room.ask", [kind, slots]))}>
            {bench ? w.grant : w.agree}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** For a party or a lawyer, under the plus. */
export function RoomAskButton(): JSX.Element | null {
  const w = privateWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  const opening = useSignal(false);
  if (view === null || me === null) return null;
  const { asks, free } = roomsFor(view, me.slot);
  if (!asks) return null;
  const asked = view.privately.asks[me.slot] !== undefined;
  return (
    <>
      <button type="button" class="button" data-testid={asked ? "room-asked" : "room-ask"} disabled={asked || sitting.line.value.kind !== "open"} onClick={() => (opening.value = true)}>
        <Icon name="lock" />
        {asked ? w.asked : w.ask_short}
      </button>
      {opening.value && <OpenQuestion kind="counsel" view={view} slot={me.slot} bench={false} free={free} close={() => (opening.value = false)} />}
    </>
  );
}

/** For the bench: the rooms there are, those it may open, and who interprets. */
export function RoomsPanel({ view, slot }: Props): JSX.Element {
  const w = privateWords();
  const opening = useSignal<Kind | null>(null);
  const { opens, free } = roomsFor(view, slot);
  const { rooms } = view.privately;
  const open = { counsel: w.open_counsel, sidebar: w.open_sidebar, deliberation: w.open_deliberation };
  return (
    <div class="stack" data-testid="private-controls">
      <section class="stack" aria-label={w.rooms}>
        <h3>{w.rooms}</h3>
        {rooms.map((room) => (
          <div key={room.number} class="card stack tight" data-testid={`room-${room.number}`}>
            <p>{w.in_room(w.kinds[room.kind] ?? "", list(room.slots.map((each) => who(view, each))))}</p>
            <BackIn endsMs={room.endsMs} />
            <div class="row">
              {BACK_S.map((seconds) => (
                <button key={seconds} type="button" class="button" data-testid={`room-close-${room.number}-${seconds}`} onClick={() => perform("act.room_close", [room.number, seconds])}>
                  {w.end_in(seconds)}
                </button>
              ))}
            </div>
          </div>
        ))}
        {rooms.length === 0 && <p class="soft small">{opens.length === 0 ? w.none_possible : w.open_text}</p>}
        <div class="row">
          {opens.map((kind) => (
            <button key={kind} type="button" class="button" data-testid={`room-open-${kind}`} onClick={() => (opening.value = kind)}>
              {open[kind]}
            </button>
          ))}
        </div>
      </section>
      <Interpreters view={view} />
      {opening.value !== null && <OpenQuestion kind={opening.value} view={view} slot={slot} bench free={free} close={() => (opening.value = null)} />}
    </div>
  );
}

function OpenQuestion({ kind, view, slot, bench, free, close }: Props & { readonly kind: Kind; readonly bench: boolean; readonly free: readonly Seat[]; readonly close: () => void }): JSX.Element {
  const r = roomWords();
  const w = privateWords();
  const own = !bench || kind !== "counsel";
  const chosen = useSignal<readonly string[]>(own ? [slot] : []);
  const taken = useSignal(false);
  const seats = free.filter((seat) => fits(kind, seat.role));
  const go = (): void => {
    const slots = seats.map((seat) => seat.slot).filter((each) => chosen.peek().includes(each));
    if (!bench) perform("room.ask", [kind, slots]);
    else perform("act.room_open", [kind, slots, kind === "sidebar" && taken.peek()]);
  };
  const text = bench ? w.open_text : view.phase === "open" ? w.ask_text_open : w.ask_text_recess;
  return (
    <Confirm title={{ counsel: w.open_counsel, sidebar: w.open_sidebar, deliberation: w.open_deliberation }[kind]} text={text} sure={bench ? w.sure : w.sure_ask} not={r.cancel} testid="room" close={close} act={go}>
      <fieldset class="stack">
        <legend>{w.who}</legend>
        {seats.map((seat) => (
          <label key={seat.slot} class="check-line">
            <input
              type="checkbox"
              data-testid={`room-with-${seat.slot}`}
              checked={chosen.value.includes(seat.slot)}
              disabled={own && seat.slot === slot}
              onChange={(event) => {
                const rest = chosen.peek().filter((each) => each !== seat.slot);
                chosen.value = event.currentTarget.checked ? [...rest, seat.slot] : rest;
              }}
            />
            <span>{person(seat.role, seat.name)}</span>
          </label>
        ))}
      </fieldset>
      {kind === "sidebar" && (
        <label class="check-line">
          <input type="checkbox" data-testid="room-recorded" checked={taken.value} onChange={(event) => (taken.value = event.currentTarget.checked)} />
          <span>{w.take}</span>
        </label>
      )}
    </Confirm>
  );
}
