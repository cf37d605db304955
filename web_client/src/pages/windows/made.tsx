// The statements of windows that have ended, or are open at once: everybody's, in the order of the record.
import type { JSX } from "preact";

import { clock, list } from "../../i18n/times";
import { windowsWords } from "../../i18n/windows-words";
import type { RoomView } from "../../state/view";
import type { Window_ } from "../../state/windows";
import { AttachmentView } from "../room/attachment";
import { attachmentOf } from "../room/blobs";
import { called } from "../room/course-wording";
import { here } from "../room/here";
import { who, wordsOf } from "../room/wording";

export function titleOf(view: RoomView, window: Window_): string {
  const stage = window.stage === null || view.program === null ? "" : called(view.program.stages, window.stage);
  return windowsWords().number(window.number, stage);
}

export function Statements({ view, window }: { readonly view: RoomView; readonly window: Window_ }): JSX.Element | null {
  const w = windowsWords();
  const entries = here().sitting.entries.value;
  const made = Object.entries(window.made).sort(([, a], [, b]) => a.seq - b.seq);
  return (
    <div class="stack tight" data-testid={`statements-${window.number}`}>
      {made.map(([slot, each]) => {
        const entry = entries.find((one) => one.seq === each.seq);
        const attachment = entry === undefined ? null : attachmentOf(entry);
        const text = entry === undefined ? "" : wordsOf(entry);
        return (
          <div key={each.seq} class="stack tight" data-testid={`statement-${each.seq}`} data-slot={slot}>
            <p>
              <strong>{who(view, slot)}</strong> <span class="soft small">{w.kinds[each.kind ?? ""] ?? ""}</span> <time class="soft small">{clock(each.atMs)}</time> <span class="number">#{each.seq}</span>
            </p>
            {attachment !== null && entry?.leaf != null && <AttachmentView type={entry.leaf.type} attachment={attachment} />}
            {text !== "" && <p class="text">{text}</p>}
          </div>
        );
      })}
      {window.end !== null && window.end !== "cancelled" && <p class="soft">{window.silent.length === 0 ? w.all_acted : w.silent(list(window.silent.map((slot) => who(view, slot))))}</p>}
    </div>
  );
}

/** Windows that are over, the newest first; each opens where it is tapped. */
export function Past({ view, windows }: { readonly view: RoomView; readonly windows: readonly Window_[] }): JSX.Element | null {
  const w = windowsWords();
  const past = windows.filter((window) => window.end !== null).reverse();
  return (
    <>
      {past.map((window, index) => (
        <details key={window.number} class="card" open={index === 0} data-testid={`window-past-${window.number}`}>
          <summary>
            {w.of_window(titleOf(view, window))} <span class="soft small">{w.ended[window.end ?? ""] ?? ""}</span>
          </summary>
          <Statements view={view} window={window} />
        </details>
      ))}
    </>
  );
}
