// In a courtroom, for whoever came from the desk: the other hearings of today with their alarms, always in sight. They open in
// a window of their own, so that nobody leaves this courtroom by looking.
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { boardWords, phaseWords } from "../../i18n/board-words";
import { alarms, byGravity } from "../../state/board";
import { keptDesk } from "../../state/device";
import { rows, seen, watchBoard } from "./watch";

/** So many at once: the most alarming. */
const SHOWN = 5;

export function OtherHearings({ own }: { readonly own: string }): JSX.Element | null {
  const b = boardWords();
  const desk = keptDesk();
  useEffect(() => (desk === null ? undefined : watchBoard()), [desk]);
  const others = byGravity(seen.value?.sittings ?? []).filter((each) => each.stream !== own);
  if (desk === null || others.length === 0) return null;
  return (
    <nav class="others" aria-label={b.elsewhere} data-testid="others">
      <a href="#/console" target="_blank" title={b.elsewhere_open}>
        {b.elsewhere}
      </a>
      <ul>
        {others.slice(0, SHOWN).map((sitting) => {
          const count = alarms(sitting);
          return (
            <li key={sitting.stream} class={`tag ${count > 0 ? "bad" : "good"}`} data-testid={`other-${sitting.stream}`} data-alarms={count}>
              <span class={`dot ${count > 0 ? "half" : "full"}`} aria-hidden="true" />
              {rows.value.get(sitting.caseId)?.case_number ?? ""} {phaseWords(sitting.phase)}
              {count > 0 && ` · ${b.wait(count)}`}
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
