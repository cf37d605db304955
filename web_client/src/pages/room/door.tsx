// For a judge or clerk with a phone: who stands at the door, and one tap.
import type { JSX } from "preact";

import { roomWords } from "../../i18n/room-words";
import { witnessWords } from "../../i18n/witness-words";
import { person } from "../../i18n/words";
import { isBench } from "../../state/may";
import type { RoomView, Seat } from "../../state/view";
import { perform, under } from "./acts";
import { here } from "./here";

export function Door({ view }: { readonly view: RoomView }): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const me = sitting.me.value;
  if (me === null || !isBench(me.role) || view.phase === "scheduled" || view.phase === "closed") return null;
  // Whoever has testified and is out waits for nothing (WI8).
  const waiting = view.seats.filter((seat) => seat.state === "waiting" && seat.connected && seat.stand !== "excluded");
  const w = witnessWords();
  const call = (seat: Seat): boolean => seat.stand === "waiting" && view.phase === "open";
  const calls = view.seats.some((seat) => seat.called);
  if (waiting.length === 0) return null;
  return (
    <ul class="door">
      {waiting.map((seat) => (
        <li key={seat.slot} class="at-door">
          <span class="grow">
            {person(seat.role, seat.name)} · {r.state["waiting"]}
          </span>
          {call(seat) && (
            <button type="button" class="button primary" data-testid={`door-call-${seat.slot}`} disabled={under("act.call", seat.slot)} onClick={() => perform("act.call", [seat.slot])}>
              {seat.role === "expert" ? w.call_expert : w.call}
            </button>
          )}
          {!(call(seat) && calls) && (
            <button type="button" class={`button ${call(seat) ? "" : "primary"}`} data-testid={`door-admit-${seat.slot}`} disabled={under("act.admit", seat.slot)} onClick={() => perform("act.admit", [seat.slot])}>
              {r.acts["act.admit"]}
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
