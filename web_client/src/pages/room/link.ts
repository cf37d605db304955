// The link of this phone, once a second: does anything arrive, what does the way to the court carry, and what follows from it
// for what is sent. The others are told in a word, so that a picture that stops is explained before anybody asks.
import { computed, effect, signal } from "@preact/signals";

import { apply, pictureHeld } from "../../media/devices";
import { LADDER, step } from "../../media/ladder";
import type { Uplink } from "../../media/layers";
import type { Peer } from "../../media/peer";
import { saver } from "../../media/saver";
import type { Sitting } from "../../state/sitting";

const BEAT_MS = 1_000;
/** Below this the voice's packets take what the picture needs; with room to spare above it, they need not be long. */
const NARROW_BPS = 280_000;
const WIDE_BPS = 400_000;

/** What the way to the court carried at the last look. */
export const measured = signal<Uplink>("full");
/** What is sent: no more than it carries, and no more than the person wants to spend. */
export const uplink = computed<Uplink>(() => {
  if (measured.value === "voice" || saver.value === "voice") return "voice";
  return measured.value === "thin" || saver.value === "small" ? "thin" : "full";
});

export function watchLink(peer: Peer, sitting: Sitting): () => void {
  let ladder = LADDER;
  const narrow = signal(false);
  const timer = setInterval(() => {
    const now = performance.now();
    peer.beat(now).then(
      (pulse) => {
        if (pulse === null) return;
        ladder = step(ladder, pulse, now);
        measured.value = ladder.uplink;
        if (pulse.mayBps !== null) narrow.value = pulse.mayBps < (narrow.peek() ? WIDE_BPS : NARROW_BPS);
      },
      () => undefined, // a connection that is just being replaced has no counters
    );
  }, BEAT_MS);
  const held = effect(() => {
    pictureHeld.value = uplink.value === "voice";
    apply();
    void peer.setUplink(uplink.value);
  });
  // A voice of 20 ms a packet takes 60 kbit/s, with all that is around it; where anybody's link is thin, everybody spares it.
  const thinRoom = computed(() => {
    const seats = sitting.view.value?.seats ?? [];
    const live = sitting.live.value;
    return seats.some((seat) => seat.connected && seat.state === "admitted" && (seat.rung !== "video" || (live.get(seat.slot)?.quality ?? "full") !== "full"));
  });
  const spared = effect(() => void peer.setSpare(narrow.value || uplink.value !== "full" || thinRoom.value));
  // After each welcome the court knows nothing of this: it is told again.
  const told = effect(() => {
    if (sitting.me.value === null) return;
    sitting.mention("quality", measured.value);
    sitting.mention("link", measured.value === "full" ? "good" : "thin");
    sitting.mention("saver", saver.value);
  });
  const broken = computed(() => peer.state.value === "broken");
  const clips = effect(() => {
    if (sitting.me.value !== null) sitting.mention("clips", broken.value);
  });
  return () => {
    clearInterval(timer);
    for (const undo of [held, spared, told, clips]) undo();
    measured.value = "full";
    pictureHeld.value = false;
    apply();
  };
}
