// The clerk's and judge's keyboard. Single letters act only when no box has the focus, and every one is in the list under ?.
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";

import { roomWords } from "../../i18n/room-words";
import { isBench } from "../../state/may";
import { Sheet } from "../../ui/sheet";
import { perform } from "./acts";
import { here } from "./here";
import { centre } from "./speaking";

export function Keys({ search }: { readonly search: () => void }): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const shown = useSignal(false);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement | null;
      if (event.ctrlKey || event.metaKey || event.altKey || target?.closest("input, textarea, select, dialog") != null) return;
      const view = sitting.view.peek();
      const me = sitting.me.peek();
      if (view === null || me === null) return;
      const done = (): void => event.preventDefault();
      if (event.key === "?") {
        shown.value = true;
        done();
      } else if (event.key === "/") {
        search();
        done();
      } else if (event.key === "c") {
        document.querySelector<HTMLTextAreaElement>("[data-testid=composer-text]")?.focus();
        done();
      } else if (event.key === "n" && me.role === "judge" && view.phase === "open") {
        const next = view.seats.find((seat) => seat.hand && seat.slot !== view.floor);
        if (next !== undefined) perform("act.floor", [next.slot]);
        done();
      } else if (event.key === "m" && isBench(me.role)) {
        const slot = centre(view, me.slot);
        const seat = view.seats.find((each) => each.slot === slot);
        if (seat !== undefined && !isBench(seat.role)) perform(seat.muted ? "act.unmute" : "act.mute", [seat.slot]);
        done();
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  if (!shown.value) return null;
  return (
    <Sheet title={r.keys_title} close={() => (shown.value = false)} testid="keys">
      <dl class="facts">
        {r.keys.map(([key, what]) => (
          <>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
      <button type="button" class="button wide" onClick={() => (shown.value = false)}>
        {r.close_sheet}
      </button>
    </Sheet>
  );
}
