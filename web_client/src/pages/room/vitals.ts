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

const TYPES: ReadonlySet<string> = new Set(["wifi", "cellular", "ethernet", "other", "none"]);
/** A percent at a time is a signal too many: tens are evidence enough until it runs low. */
const STEP = 10;
const LOW = 20;

export function watchVitals(sitting: Sitting): () => void {
  const telling = navigator as unknown as Telling;
  const { connection } = telling;
  let battery: Battery | null = null;
  let told = "";
  let stopped = false;
  const tell = (): void => {
    const percent = battery === null ? null : Math.round(battery.level * 100);
    const level = percent === null || percent <= LOW ? percent : Math.floor(percent / STEP) * STEP;
    const type = connection?.type;
    const network = type !== undefined && TYPES.has(type) ? type : (connection?.effectiveType ?? null);
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
