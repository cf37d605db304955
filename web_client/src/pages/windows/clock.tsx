// Every date stands on both clocks: the court's, which counts, and the reader's.
import type { JSX } from "preact";

import { courtTime, ownTime } from "../../i18n/times";
import { windowsWords } from "../../i18n/windows-words";

export function Both({ ms }: { readonly ms: number }): JSX.Element {
  const w = windowsWords();
  const own = ownTime(ms);
  return (
    <>
      <time dateTime={new Date(ms).toISOString()}>{courtTime(ms)}</time> <span class="soft small">{w.court_clock}</span>
      {own !== null && (
        <span class="own-clock">
          {own} <span class="soft small">{w.your_clock}</span>
        </span>
      )}
    </>
  );
}

/** How much time is left, in words that do not tick every second. */
export function span(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  return windowsWords().hms(Math.floor(minutes / 1_440), Math.floor(minutes / 60) % 24, minutes % 60);
}

/** What a date-time box holds, as an instant; null where it holds none. */
export function instantOf(box: string): number | null {
  const ms = new Date(box).getTime();
  return box === "" || !Number.isFinite(ms) ? null : ms;
}

/** What a date-time box shows for an instant on this computer's clock. */
export function boxOf(ms: number): string {
  const date = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
