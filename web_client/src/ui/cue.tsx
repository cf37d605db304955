// What the court does to a person now, so that it is noticed without hearing and without looking: large words over the page
// and, where the phone can, a buzz. The screen reader is told by `announce`; this is for eyes and hands.
import { signal } from "@preact/signals";
import type { JSX } from "preact";

import { announce } from "./announce";

export type CueKind = "floor" | "recess" | "resumed" | "called" | "muted";

/** How it feels in the hand, in milliseconds of buzz and pause: each of its own kind. */
const BUZZ: Readonly<Record<CueKind, readonly number[]>> = {
  floor: [200, 100, 200],
  recess: [600],
  resumed: [200, 100, 600],
  called: [200, 100, 200, 100, 200],
  muted: [100],
};
/** Long enough to look up and read it; what it says stays in the page for as long as it is so. */
const SHOWN_MS = 6_000;

const shown = signal<{ readonly kind: CueKind; readonly words: string } | null>(null);
let ends: ReturnType<typeof setTimeout> | undefined;

export function cue(kind: CueKind, words: string): void {
  announce(words, true);
  // Not every browser has it, and none without a tap before.
  navigator.vibrate?.([...BUZZ[kind]]);
  shown.value = { kind, words };
  clearTimeout(ends);
  ends = setTimeout(() => (shown.value = null), SHOWN_MS);
}

/** Over the page, where nothing is pressed: it takes no room and no tap. */
export function CueBanner(): JSX.Element | null {
  const now = shown.value;
  if (now === null) return null;
  return (
    <div class={`cue ${now.kind}`} aria-hidden="true" data-testid="cue" data-kind={now.kind}>
      {now.words}
    </div>
  );
}
