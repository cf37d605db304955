// What a screen reader says without being asked: new lines politely, the recess and the floor at once.
import { signal } from "@preact/signals";
import type { JSX } from "preact";

const polite = signal("");
const assertive = signal("");

export function announce(text: string, urgent = false): void {
  const target = urgent ? assertive : polite;
  // The same words twice are still two events: an empty moment makes the reader say them again.
  target.value = "";
  setTimeout(() => (target.value = text), 30);
}

export function Announcer(): JSX.Element {
  return (
    <>
      <div class="unseen" aria-live="polite" data-testid="live-polite">
        {polite.value}
      </div>
      <div class="unseen" role="alert" data-testid="live-assertive">
        {assertive.value}
      </div>
    </>
  );
}
