// What the desk's forms know of dates and kinds of sittings.
export const KINDS = ["hearing", "pretrial", "exchange", "inquiry", "mediation"] as const;
export const DAY_MS = 86_400_000;

/** What a date-time box shows for an instant on this computer's clock. */
export function localValue(ms: number): string {
  const date = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
