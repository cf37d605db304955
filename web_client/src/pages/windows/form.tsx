// The form is put to the parties, and the judge decides on it with the findings that the rules ask for (AS1, AS2).
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { language } from "../../i18n/language";
import { windowsWords } from "../../i18n/windows-words";
import type { RoomView } from "../../state/view";
import { SIDES } from "../../state/windows";
import { Sheet } from "../../ui/sheet";
import { perform, under } from "../room/acts";
import type { AtWindows } from "../room/windows";
import { seatOf } from "../../state/view";
import { who } from "../room/wording";

/** Whose consent is asked: of whoever was removed, or whose absence was ruled on, the court asks none. */
export function Answers({ view }: { readonly view: RoomView }): JSX.Element {
  const w = windowsWords();
  return (
    <ul class="stack tight">
      {sidesOf(view).map((seat) => (
        <li key={seat.slot} class="row" data-testid={`agrees-${seat.slot}`} data-agrees={seat.consents.includes("asynchronous") ? "yes" : "no"}>
          <span class="grow">{who(view, seat.slot)}</span>
          <span class={`tag ${seat.consents.includes("asynchronous") ? "good" : "wait"}`}>{seat.consents.includes("asynchronous") ? w.agrees : w.not_yet}</span>
        </li>
      ))}
    </ul>
  );
}

const RULED: ReadonlySet<string> = new Set(["prompted", "warned"]);
function sidesOf(view: RoomView): RoomView["seats"] {
  return view.seats.filter((seat) => {
    const away = view.conduct.away[seat.slot];
    return SIDES.has(seat.role) && seat.state !== "removed" && (away === undefined || RULED.has(away.step));
  });
}

export function FormSheet({ view, slot, close }: AtWindows & { readonly close: () => void }): JSX.Element {
  const w = windowsWords();
  const found = useSignal<readonly string[]>([]);
  const judge = seatOf(view, slot)?.role === "judge";
  const findings = view.program?.findings ?? [];
  const agreed = sidesOf(view).every((seat) => seat.consents.includes("asynchronous"));
  const ready = agreed && found.value.length === findings.length;
  const toggle = (code: string): void => {
    found.value = found.peek().includes(code) ? found.peek().filter((each) => each !== code) : [...found.peek(), code];
  };
  return (
    <Sheet title={w.title} close={close} testid="form-sheet">
      {!view.form.offered ? (
        <>
          <p>{w.offer_text}</p>
          <button type="button" class="button primary wide" data-testid="offer-asynchronous" disabled={under("act.offer_asynchronous")} onClick={() => perform("act.offer_asynchronous")}>
            {w.offer}
          </button>
        </>
      ) : (
        <>
          <p>{w.offered}</p>
          <Answers view={view} />
        </>
      )}
      {view.form.offered && judge && (
        <fieldset class="stack">
          <legend>{w.find_title}</legend>
          {findings.length === 0 && <p>{w.find_none}</p>}
          {findings.map((each) => (
            <label key={each.code} class="check-line">
              <input type="checkbox" data-testid={`finding-${each.code}`} checked={found.value.includes(each.code)} onChange={() => toggle(each.code)} />
              <span>{each[language.value]}</span>
            </label>
          ))}
        </fieldset>
      )}
      {view.form.offered && !judge && <p class="soft">{w.only_judge}</p>}
      {view.form.offered && judge && !ready && <p class="soft small">{w.find_wait}</p>}
      {view.form.offered && judge && (
        <button
          type="button"
          class="button primary wide"
          data-testid="asynchronous-sure"
          disabled={!ready || under("act.asynchronous")}
          onClick={() => {
            perform("act.asynchronous", [findings.map((each) => each.code)]);
            close();
          }}
        >
          {w.find_sure}
        </button>
      )}
      <button type="button" class="button wide" data-testid="form-close" onClick={close}>
        {w.close}
      </button>
    </Sheet>
  );
}
