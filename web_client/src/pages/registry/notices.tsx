// What became of every notice to one person (NO3), the newest first. A channel says what it can know, and no more.
import type { JSX } from "preact";

import { noticesWords } from "../../i18n/notices-words";
import { bothTimes } from "../../i18n/words";
import type { NoticeRow } from "../../protocol/desk";

const FAILED: ReadonlySet<string> = new Set(["refused", "gone", "expired", "no_address"]);

function state(notice: NoticeRow): string {
  const w = noticesWords();
  const said = w.states[notice.state] ?? notice.state;
  const code = notice.code === "" ? "" : ` (${notice.code})`;
  const tried = notice.state === "queued" && notice.attempts > 0 ? `, ${w.retry(notice.attempts)}` : "";
  return notice.opened_ms === null ? `${said}${code}${tried}` : w.opened(bothTimes(notice.opened_ms));
}

function tone(notice: NoticeRow): "good" | "bad" | "wait" | "" {
  if (notice.opened_ms !== null) return "good";
  return FAILED.has(notice.state) ? "bad" : notice.state === "queued" ? "wait" : "";
}

export function NoticeList({ slot, notices }: { readonly slot: string; readonly notices: readonly NoticeRow[] }): JSX.Element | null {
  const w = noticesWords();
  const his = notices.filter((notice) => notice.slot === slot);
  if (his.length === 0) return null;
  const failing = his.some((notice) => tone(notice) === "bad");
  return (
    <details data-testid={`notices-${slot}`} open={failing}>
      <summary>{w.told(his.length)}</summary>
      <ul class="stack">
        {his.map((notice) => (
          <li key={`${notice.sitting}${notice.occasion}${notice.ref}${notice.channel}`} class="row small" data-occasion={notice.occasion} data-state={notice.opened_ms === null ? notice.state : "opened"}>
            <span class="grow">
              {w.occasions[notice.occasion] ?? notice.occasion}
              {notice.occasion !== "call" && ` ${bothTimes(notice.ref)}`}
              {notice.channel !== "none" && ` · ${w.channels[notice.channel] ?? notice.channel}`}
            </span>
            <span class={`tag ${tone(notice)}`}>{state(notice)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
