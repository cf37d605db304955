// Instants in words. The record knows milliseconds of UTC; people know two clocks, the court's and their own, and see both
// where they differ.
import { language, tag } from "./language";

let courtZone = "Asia/Shanghai";

/** The clock by which this court sits, as the court names it; one the browser does not know is not taken. */
export function sitBy(zone: string | undefined): void {
  if (zone === undefined) return;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    courtZone = zone;
  } catch {
    // an old browser's list of zones
  }
}

const made = new Map<string, Intl.DateTimeFormat>();

function format(options: Intl.DateTimeFormatOptions, zone?: string): Intl.DateTimeFormat {
  const key = JSON.stringify([tag(), options, zone]);
  let found = made.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat(tag(), { ...options, ...(zone === undefined ? {} : { timeZone: zone }) });
    made.set(key, found);
  }
  return found;
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/** 14:00 on the reader's own clock. */
export function clock(ms: number): string {
  return format(CLOCK).format(ms);
}

/** 14:42:07 on the reader's own clock. */
export function exactClock(ms: number): string {
  return format({ ...CLOCK, second: "2-digit" }).format(ms);
}

export function day(ms: number, zone?: string): string {
  return format({ year: "numeric", month: "long", day: "numeric" }, zone).format(ms);
}

/** 2018年9月10日 14:00, by the court's clock. */
export function courtTime(ms: number, zone: string = courtZone): string {
  return `${day(ms, zone)} ${format(CLOCK, zone).format(ms)}`;
}

/** The same instant on the reader's clock, or null where both clocks agree. */
export function ownTime(ms: number, zone: string = courtZone): string | null {
  const there = format(CLOCK, zone).format(ms);
  const here = clock(ms);
  const sameDay = day(ms, zone) === day(ms);
  if (there === here && sameDay) return null;
  return sameDay ? here : `${format({ month: "long", day: "numeric" }).format(ms)} ${here}`;
}

/** 00:42:10 since then. */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** Hours, minutes and seconds, rounded up as in the transcript, so that no absence is shown as nothing. */
export function parts(ms: number): readonly [number, number, number] {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
}

/** 12″, 3′05″ or 1:03′05″: how long somebody has been gone. */
export function length(ms: number): string {
  const [h, m, s] = parts(ms);
  const two = (n: number): string => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}′${two(s)}″` : m > 0 ? `${m}′${two(s)}″` : `${s}″`;
}

/** The length of a clip, to the nearest second and never nothing, as in the transcript. */
export function clipLength(ms: number): string {
  return length(Math.max(1, Math.round(ms / 1000)) * 1000);
}

export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  if (size < 1024 * 1024) return `${Math.round(size / 1024)} kB`;
  return `${(size / 1024 / 1024).toFixed(1)} MB`;
}

/** "a, b and c" in the language spoken now. */
export function list(parts: readonly string[]): string {
  return language.value === "zh" ? parts.join("、") : parts.join(", ");
}
