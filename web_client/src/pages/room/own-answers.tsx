// Whoever was let in before he had answered at the door answers here: the court does not open without it (PE6).
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { peopleWords } from "../../i18n/people-words";
import { toAsk } from "../../state/checked";
import { seatOf, type RoomView } from "../../state/view";
import { Sheet } from "../../ui/sheet";
import { CheckIn } from "../waiting/check-in";

export function OwnAnswers({ view, slot }: { readonly view: RoomView; readonly slot: string }): JSX.Element | null {
  const p = peopleWords();
  const answering = useSignal(false);
  const seat = seatOf(view, slot);
  if (seat === null || (view.phase !== "checking_in" && !view.form.offered)) return null;
  const open = toAsk(seat.role, seat, view.texts, view.form.offered).filter((asked) => asked === "asynchronous" || (asked !== "recording" && view.phase === "checking_in"));
  const close = (): void => void (answering.value = false);
  return (
    <>
      {open.length > 0 && (
        <div class="notice wait row" data-testid="own-asked">
          <span class="grow">{p.own_asked(open.length)}</span>
          <button type="button" class="button" data-testid="own-answer" aria-haspopup="dialog" onClick={() => (answering.value = true)}>
            {p.own_answer}
          </button>
        </div>
      )}
      {answering.value && (
        <Sheet title={p.own_title} close={close} testid="own-answers">
          <CheckIn view={view} own={seat} />
          <button type="button" class="button wide" data-testid="own-close" onClick={close}>
            {p.own_close}
          </button>
        </Sheet>
      )}
    </>
  );
}
