// "May the court call you when it is your turn?", asked where somebody waits, and only where his browser can be called. Said no,
// it is not asked again in this tab.
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { ringWords } from "../../i18n/ring-words";
import type { Visit } from "../../state/page";
import { canRing, ring, ringNoMore, ringsStill, type Answer } from "./ring";

const state = signal<"ask" | "asking" | "no" | Answer>("ask");

export function RingCard({ visit }: { readonly visit: Visit }): JSX.Element | null {
  const w = ringWords();
  const able = canRing(visit);
  useEffect(() => {
    if (able && state.peek() === "ask") void ringsStill(visit).then((answer) => (state.value = answer ?? state.peek()));
  }, [able, visit.streamKey]);
  const now = state.value;
  if (!able || now === "no" || (now === "ask" && Notification.permission === "denied")) return null;
  if (now === "on") {
    return (
      <section class="card row" data-testid="ring-on">
        <span class="grow" role="status">
          {w.on}
        </span>
        <button type="button" class="button quiet" data-testid="ring-off" onClick={() => void ringNoMore(visit).then(() => (state.value = "no"), () => undefined)}>
          {w.off}
        </button>
      </section>
    );
  }
  if (now === "denied" || now === "failed") {
    return (
      <p class="notice wait" role="status" data-testid={`ring-${now}`}>
        {w[now]}
      </p>
    );
  }
  const tap = (): void => {
    state.value = "asking";
    void ring(visit).then((answer) => (state.value = answer));
  };
  return (
    <section class="card stack" aria-labelledby="ring-title" data-testid="ring">
      <h2 id="ring-title">{w.title}</h2>
      <p>{w.text}</p>
      <div class="row">
        <button type="button" class="button grow" data-testid="ring-yes" disabled={now === "asking"} onClick={tap}>
          {now === "asking" ? w.asking : w.yes}
        </button>
        <button type="button" class="button quiet" data-testid="ring-no" disabled={now === "asking"} onClick={() => (state.value = "no")}>
          {w.no}
        </button>
      </div>
    </section>
  );
}
