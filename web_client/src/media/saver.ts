// How much the person wants to spend on pictures. Kept on the device; a phone told to save data saves here from the start.
import { signal } from "@preact/signals";

export type Saver = "off" | "small" | "voice";
export const SAVERS: readonly Saver[] = ["off", "small", "voice"];

const KEPT = "palm.saver";

function kept(): Saver {
  let text: string | null = null;
  try {
    text = localStorage.getItem(KEPT);
  } catch {
    // a private window begins anew each time
  }
  const found = SAVERS.find((each) => each === text);
  const saving = (navigator as unknown as { connection?: { saveData?: boolean } }).connection?.saveData === true;
  return found ?? (saving ? "small" : "off");
}

export const saver = signal<Saver>(kept());

export function save(how: Saver): void {
  saver.value = how;
  try {
    localStorage.setItem(KEPT, how);
  } catch {
    // for as long as this page lives
  }
}
