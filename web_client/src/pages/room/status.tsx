// The two things always visible: which case and where the sitting stands; and, when it is so, that the line is down.
import type { JSX } from "preact";

import { roomWords } from "../../i18n/room-words";
import { elapsed } from "../../i18n/times";
import { words } from "../../i18n/words";
import { here } from "./here";
import { second } from "./session";

/** 庭审中 00:42:10 ● 录制中 */
export function PhaseState(): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const view = sitting.view.value;
  if (view === null) return null;
  void second.value;
  const since = view.phase === "in_recess" || view.phase === "technical_suspension" ? view.recessSinceMs : view.phase === "open" ? view.openedMs : null;
  return (
    <span class="phase">
      <strong data-testid="phase" data-phase={view.phase}>
        {words().phases[view.phase]}
      </strong>
      {since !== null && <time>{elapsed(sitting.courtNow() - since)}</time>}
      {view.phase !== "sealed" && view.recording && (
        <span class="tag bad recording" data-testid="recording">
          <span class="dot full" aria-hidden="true" />
          {r.recording}
        </span>
      )}
    </span>
  );
}

/** Shown only when the line is down: reconnecting, and how many wait. While it is up, each line says its own state. */
export function LineState(): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const kind = sitting.line.value.kind;
  const waiting = sitting.waiting.value;
  if (kind === "open") return null;
  return (
    <p class="line-state wait" role="status" data-testid="line-state" data-line={kind}>
      {r.reconnecting(waiting)}
    </p>
  );
}
