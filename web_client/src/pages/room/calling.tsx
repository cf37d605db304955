// Calling somebody who should be here and is not, and what became of it, in words (NO4-NO7). The court rings by every way
// there is; whether he was reached is seen by what he does.
import type { JSX } from "preact";

import { conductWords } from "../../i18n/conduct-words";
import { clock, list } from "../../i18n/times";
import { APART_MS, standingOf, type Call } from "../../state/calling";
import type { RoomView, Seat } from "../../state/view";
import { perform, under } from "./acts";
import { here } from "./here";
import { second } from "./session";
import { who } from "./wording";

const LIVE: ReadonlySet<string> = new Set(["checking_in", "open", "in_recess", "technical_suspension"]);
const UNCALLED: ReadonlySet<string> = new Set(["observer", "courtroom"]);
const TONE = { came: "good", opened: "good", unreachable: "bad", unanswered: "bad", told: "wait", calling: "wait" } as const;
/** The court calls nobody more often than this in one sitting (NO5). */
const MOST = 20;

/** What became of a call, in one sentence. */
export function callWords(call: Call): string {
  const w = conductWords().call;
  const ways = Object.entries(call.outcomes).map(([channel, outcome]) => (channel === "none" ? (w.outcomes["no_address"] ?? "") : w.way(w.channels[channel] ?? channel, w.outcomes[outcome] ?? outcome)));
  return w.stands[standingOf(call)](clock(call.atMs), list(ways));
}

/** Expected, not connected, neither sent out nor released. */
function isMissing(seat: Seat): boolean {
  return !seat.connected && seat.state !== "removed" && seat.stand !== "excluded" && !UNCALLED.has(seat.role);
}

export function CallPerson({ seat, view, at }: { readonly seat: Seat; readonly view: RoomView; readonly at: "people" | "console" }): JSX.Element | null {
  const w = conductWords().call;
  const { sitting } = here();
  const call = view.calls[seat.slot];
  if (!LIVE.has(view.phase) || !isMissing(seat)) return null;
  void second.value;
  const early = call !== undefined && sitting.courtNow() - call.atMs < APART_MS;
  const spent = call !== undefined && call.times >= MOST;
  const idle = sitting.line.value.kind !== "open" || under("act.call_person", seat.slot);
  const standing = call === undefined ? null : standingOf(call);
  return (
    <div class="seat-acts calling" role="group" aria-label={w.call_who(who(view, seat.slot))}>
      <button type="button" class="button" data-testid={`${at === "console" ? "console-" : ""}call-${seat.slot}`} disabled={idle || early || spent} onClick={() => perform("act.call_person", [seat.slot])}>
        {call === undefined ? w.call : w.again}
      </button>
      {call !== undefined && standing !== null && (
        <span class={`tag ${TONE[standing]}`} role="status" data-testid={`${at === "console" ? "console-" : ""}called-${seat.slot}`} data-standing={standing}>
          <span class={`dot ${TONE[standing] === "good" ? "full" : "half"}`} aria-hidden="true" />
          {callWords(call)}
          {early ? ` ${w.wait_a_minute}` : spent ? ` ${w.often_enough}` : ""}
        </span>
      )}
    </div>
  );
}
