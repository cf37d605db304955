// Before the court opens: what is missing, of whom, and one tap to mend each; and at each person what the court knows of him.
// While anything lacks the court opens by the judge's ruling alone (PE7; opening.tsx).
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { tag } from "../../i18n/language";
import { peopleWords, textShown } from "../../i18n/people-words";
import { roleName } from "../../i18n/words";
import { isChecked, missing, type Missing, type Texts } from "../../state/checked";
import { isBench } from "../../state/may";
import type { RoomView, Seat } from "../../state/view";
import { perform, under } from "./acts";
import { here } from "./here";
import { IdentitySheet } from "./identity";
import { who } from "./wording";

function mend(item: Missing, texts: Texts): void {
  if (item.what === "bars") perform("act.bars", [[]]);
  else if (item.what === "identity") perform("act.verify", [item.slot, "document", "passed"]);
  else if (item.what === "consent") perform("act.note_consent", [item.slot, "online_hearing", textShown(texts, "online_hearing").version, tag()]);
}

const ACT: Readonly<Record<Missing["what"], string | null>> = { bars: "act.bars", identity: "act.verify", consent: "act.note_consent", rules: null, recorder: null, here: null };

/** The act of the bench that mends it, by one tap; nothing where it is somebody else's to mend. */
export function Mend({ item, view, id }: { readonly item: Missing; readonly view: RoomView; readonly id: string }): JSX.Element | null {
  const act = ACT[item.what];
  if (act === null || item.what === "rules" || item.what === "recorder" || item.what === "here" || (item.what === "consent" && view.form.asynchronous)) return null;
  const offline = here().sitting.line.value.kind !== "open";
  return (
    <button type="button" class="button" data-testid={`${id}-${item.what}-${item.slot}`} disabled={offline || under(act, item.slot === "court" ? undefined : item.slot)} onClick={() => mend(item, view.texts)}>
      {peopleWords().mend[item.what]}
    </button>
  );
}

/** For the bench while people check in. Closed at first: the people are what the bench looks at. */
export function Checklist(): JSX.Element | null {
  const p = peopleWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  if (view === null || me === null || !isBench(me.role) || view.phase !== "checking_in") return null;
  const open = missing(view);
  return (
    <details class={`checklist notice ${open.length === 0 ? "good" : "wait"}`} data-testid="checklist" data-open={open.length}>
      <summary>{p.before(open.length)}</summary>
      <ul class="stack">
        {open.map((item) => (
          <li key={`${item.slot} ${item.what}`} class="row">
            <span class="grow">
              <strong>{item.slot === "court" ? roleName("court") : who(view, item.slot)}</strong> {p.lacks[item.what]}
            </span>
            <Mend item={item} view={view} id="mend" />
          </li>
        ))}
      </ul>
      {open.length > 0 && <p class="soft small">{p.before_hint}</p>}
    </details>
  );
}

/** What the court knows of this person, for the bench: until it opens, and of whoever comes later. */
export function Standings({ seat }: { readonly seat: Seat }): JSX.Element | null {
  const p = peopleWords();
  const { sitting } = here();
  const looking = useSignal(false);
  const view = sitting.view.value;
  if (view === null || (view.phase !== "checking_in" && seat.state !== "waiting") || view.phase === "closed" || view.phase === "sealed" || !isChecked(seat.role) || !seat.connected) return null;
  const offline = sitting.line.value.kind !== "open" || under("act.verify", seat.slot);
  const lacks = new Set(missing(view).flatMap((item) => (item.slot === seat.slot ? [item.what] : [])));
  return (
    <div class="row standing" data-testid={`standing-${seat.slot}`}>
      <span class={`tag ${seat.identity === "passed" ? "good" : seat.identity === "failed" ? "bad" : "wait"}`}>{p.identity[seat.identity ?? "none"]}</span>
      {lacks.has("consent") && <span class="tag wait">{p.consent.no}</span>}
      {seat.consents.includes("online_hearing") && <span class="tag good">{p.consent.yes}</span>}
      <span class={`tag ${seat.rules === null ? "wait" : "good"}`}>{seat.rules === null ? p.rules.no : p.rules.yes}</span>
      {seat.identity !== "passed" && (
        <button type="button" class="button" data-testid={`verify-${seat.slot}`} disabled={offline} onClick={() => perform("act.verify", [seat.slot, "document", "passed"])}>
          {p.mend.identity}
        </button>
      )}
      {seat.identity !== "passed" && (
        <button type="button" class="button" data-testid={`look-${seat.slot}`} aria-haspopup="dialog" disabled={offline} onClick={() => (looking.value = true)}>
          {p.look_otherwise}
        </button>
      )}
      {looking.value && <IdentitySheet slot={seat.slot} close={() => (looking.value = false)} />}
    </div>
  );
}
