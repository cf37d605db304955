// What a browser tells of its own battery and kind of network, for the court alone: if the phone drops out, the record says
// with what (AB1). Most browsers tell nothing, and then nothing is said.
import type { Sitting } from "../../state/sitting";

interface Battery extends EventTarget {
  readonly level: number;
}
interface Network extends EventTarget {
  readonly type?: string;
  readonly effectiveType?: string;
}
interface Telling {
  readonly connection?: Network;
  getBattery?(): Promise<Battery>;
}

/** At and below this a phone may be about to end by itself. */
const LOW_PERCENT = 20;
const SLOW: ReadonlySet<string> = new Set(["slow-2g", "2g"]);

/** No percentage and no carrier: whoever may read the record reads this too, and the law asks only what gave out. */
export function batteryCode(level: number | null): "low" | "enough" | null {
  return level === null ? null : Math.round(level * 100) <= LOW_PERCENT ? "low" : "enough";
}

export function networkCode(type: string | undefined, effective: string | undefined): "none" | "mobile" | "fixed" | "slow" | null {
  if (type === "none") return "none";
  if (type === "cellular") return "mobile";
  if (type === "wifi" || type === "ethernet") return "fixed";
  return effective !== undefined && SLOW.has(effective) ? "slow" : null;
}

export function watchVitals(sitting: Sitting): () => void {
  const telling = navigator as unknown as Telling;
  const { connection } = telling;
  let battery: Battery | null = null;
  let told = "";
  let stopped = false;
  const tell = (): void => {
    const level = batteryCode(battery === null ? null : battery.level);
    const network = networkCode(connection?.type, connection?.effectiveType);
    if (level === null && network === null) return;
    const now = `${level}/${network}`;
    if (now !== told && sitting.mention("device", { battery: level, network })) told = now;
  };
  // A new line knows nothing of what the one before was told.
  const line = sitting.line.subscribe((value) => {
    if (value.kind !== "open") told = "";
  });
  const view = sitting.view.subscribe(() => tell());
  connection?.addEventListener("change", tell);
  void telling
    .getBattery?.()
    .then((found) => {
      if (stopped) return;
      battery = found;
      battery.addEventListener("levelchange", tell);
      tell();
    })
    .catch(() => undefined);
  return () => {
    stopped = true;
    line();
    view();
    connection?.removeEventListener("change", tell);
    battery?.removeEventListener("levelchange", tell);
  };
}
