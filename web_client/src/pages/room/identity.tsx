// Who somebody is, looked at again by judge or clerk (PE1): how they looked, the number of his card checked on this device
// alone, and what they found. Only how and what go on the record.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { peopleWords } from "../../i18n/people-words";
import { bornBy } from "../../state/identity";
import { Sheet } from "../../ui/sheet";
import { perform } from "./acts";
import { here } from "./here";
import { who } from "./wording";

const METHODS = ["document", "video", "question", "known"] as const;
type Method = (typeof METHODS)[number];
const LENGTH = 18;

export function IdentitySheet({ slot, close }: { readonly slot: string; readonly close: () => void }): JSX.Element | null {
  const p = peopleWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const method = useSignal<Method>("document");
  const number = useSignal("");
  if (view === null) return null;
  const typed = number.value.replace(/\s/g, "");
  const born = bornBy(typed, new Date(sitting.courtNow()).toISOString().slice(0, 10));
  const wrong = typed.length >= LENGTH && born === null;
  const offline = sitting.line.value.kind !== "open";
  const found = (outcome: "passed" | "failed"): void => {
    perform("act.verify", [slot, method.peek(), outcome]);
    close();
  };
  return (
    <Sheet title={p.look_title(who(view, slot))} close={close} testid="identity-sheet">
      <fieldset class="stack tight">
        <legend>{p.look_how}</legend>
        {METHODS.map((each) => (
          <label key={each} class="check-line">
            <input type="radio" name="method" data-testid={`method-${each}`} checked={method.value === each} onChange={() => (method.value = each)} />
            <span>{p.look[each]}</span>
          </label>
        ))}
      </fieldset>
      <div class="field">
        <label for="card-number">{p.card}</label>
        <span class="hint" id="card-hint">{p.card_hint}</span>
        <input id="card-number" data-testid="card-number" aria-describedby="card-hint card-state" maxLength={24} autoComplete="off" spellcheck={false} value={number.value} onInput={(event) => (number.value = event.currentTarget.value)} />
        <span id="card-state" class={wrong ? "wrong" : "hint"} role="status" data-testid="card-state" data-state={born !== null ? "holds" : wrong ? "wrong" : "none"}>
          {born !== null ? p.card_holds(born) : wrong ? p.card_wrong : "\u00a0"}
        </span>
      </div>
      <div class="row confirm">
        <button type="button" class="button grow" data-testid="identity-failed" disabled={offline} onClick={() => found("failed")}>
          {p.doubt}
        </button>
        <button type="button" class="button grow primary" data-testid="identity-passed" disabled={offline || wrong} onClick={() => found("passed")}>
          {p.look_passed}
        </button>
      </div>
      <button type="button" class="button quiet" data-testid="identity-close" onClick={close}>
        {p.own_close}
      </button>
    </Sheet>
  );
}
