// Who is speaking: read from the sound that arrives, so it needs no word from the court and cannot lag behind it. The big
// picture changes only when somebody else has spoken for a moment: a cough does not turn the room.
import { signal } from "@preact/signals";

import type { RoomView } from "../../state/view";
import type { Court } from "./session";

export const speaking = signal<ReadonlySet<string>>(new Set());
/** The one whose picture is large by voice. */
export const loudest = signal<string | null>(null);

const LOUD = 0.02;
const TURN_MS = 1_200;
/** A level older than this is no voice: when the stream stops, browsers repeat the last one for seconds. */
const STALE_MS = 700;

/** Watches until the result is called. */
export function watchSpeaking(court: Court): () => void {
  let candidate: string | null = null;
  let since = 0;
  const heard = new Map<number, { readonly stamp: number; readonly at: number }>();
  const timer = setInterval(() => {
    const seats = court.peer.seats.peek();
    const now = new Set<string>();
    let best: string | null = null;
    let most = LOUD;
    for (const slot of court.peer.receive.peek()) {
      const seat = seats.get(slot.index);
      if (seat === undefined) continue;
      const source = slot.audioReceiver.getSynchronizationSources?.()[0];
      const level = source?.audioLevel ?? 0;
      if (source === undefined || level <= LOUD) continue;
      if (heard.get(slot.index)?.stamp !== source.timestamp) heard.set(slot.index, { stamp: source.timestamp, at: performance.now() });
      if (performance.now() - (heard.get(slot.index)?.at ?? 0) > STALE_MS) continue;
      now.add(seat);
      if (level > most) {
        most = level;
        best = seat;
      }
    }
    const was = speaking.peek();
    if (was.size !== now.size || [...now].some((seat) => !was.has(seat))) speaking.value = now;
    if (best === null || best === loudest.peek()) {
      candidate = null;
    } else if (best !== candidate) {
      candidate = best;
      since = performance.now();
    } else if (performance.now() - since > TURN_MS || loudest.peek() === null) {
      loudest.value = best;
    }
  }, 300);
  return () => clearInterval(timer);
}

/** Whose picture is large: the floor, else the voice, else the bench. Never one's own unless alone. */
export function centre(view: RoomView, me: string): string | null {
  const there = (slot: string | null): slot is string =>
    slot !== null && slot !== me && view.seats.some((seat) => seat.slot === slot && seat.connected && seat.state === "admitted");
  if (there(view.floor)) return view.floor;
  const live = view.phase === "checking_in" || view.phase === "open";
  if (live && there(loudest.value)) return loudest.value;
  const others = view.seats.filter((seat) => there(seat.slot));
  return (others.find((seat) => seat.role === "judge") ?? others[0])?.slot ?? null;
}
