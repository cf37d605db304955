// Why somebody's picture is not to be seen, so that it can be said instead of showing a frozen face. Pure.
import type { Uplink } from "../media/layers";
import type { Saver } from "../media/saver";
import type { Rung } from "./view";

export type Unseen = "theirs" | "mine" | "saver" | "stopped";

export interface Sight {
  readonly cameraUsed: boolean;
  readonly flowing: boolean;
  /** It moved before. */
  readonly once: boolean;
  /** What the other's phone says its way to the court carries; null where it said nothing. */
  readonly theirUplink: string | null;
  readonly theirRung: Rung;
  readonly ownRung: Rung;
  readonly ownUplink: Uplink;
  readonly saver: Saver;
}

const unseen = (rung: Rung): boolean => rung === "audio" || rung === "clips";

/** Null where it is seen, where it was never due, or where it is only on its way. */
export function whyUnseen(sight: Sight): Unseen | null {
  if (!sight.cameraUsed) return null;
  // Black frames of a picture that gave way move as well: the word of its sender counts.
  if (sight.theirUplink === "voice") return "theirs";
  if (sight.flowing) return null;
  if (sight.saver === "voice") return "saver";
  if (unseen(sight.ownRung)) return "mine";
  if (unseen(sight.theirRung)) return "theirs";
  if (!sight.once) return null;
  return sight.ownRung === "small" || sight.ownUplink !== "full" ? "mine" : "stopped";
}
