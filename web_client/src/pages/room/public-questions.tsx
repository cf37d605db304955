// What is asked before the hearing is shown to strangers or taken from them (PU1, PU5, PU6): the title under which it is
// published, the ground on which the public is excluded, and why what was ordered to the end is lifted all the same.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { opennessWords } from "../../i18n/openness-words";
import { language } from "../../i18n/language";
import { person } from "../../i18n/words";
import { applies, watches } from "../../state/openness";
import type { RoomView } from "../../state/view";
import { Confirm } from "../../ui/sheet";
import { perform } from "./acts";
import { here } from "./here";

interface Props {
  readonly view: RoomView;
  readonly close: () => void;
}

const MAX_TITLE = 120;
const MAX_REASON = 200;

/** The cause is offered as the title: it names nobody, and the bench reads it before anybody else does. */
export function OpenQuestion({ view, close }: Props): JSX.Element {
  const w = opennessWords();
  const title = useSignal(view.cause);
  const go = (): void => void here().sitting.say({ command: "act.open_to_public", args: [], content: { title: title.peek().trim() } });
  return (
    <Confirm title={w.open} text={w.open_text} sure={w.open_sure} not={w.not} ready={title.value.trim() !== ""} testid="public-open" close={close} act={go}>
      {view.phase !== "open" && <p class="soft small">{w.open_when}</p>}
      <div class="field">
        <label for="public-title">{w.open_title}</label>
        <p class="hint" id="public-title-hint">
          {w.open_hint}
        </p>
        <input id="public-title" data-testid="public-title" aria-describedby="public-title-hint" maxLength={MAX_TITLE} autoComplete="off" value={title.value} onInput={(event) => (title.value = event.currentTarget.value)} />
      </div>
    </Confirm>
  );
}

export function CloseQuestion({ view, close }: Props): JSX.Element {
  const w = opennessWords();
  const ground = useSignal("");
  const applicant = useSignal("");
  const until = useSignal<"order" | "end">("order");
  const stay = useSignal<readonly string[]>([]);
  const reason = useSignal("");
  const chosen = view.openness.grounds.find((each) => each.code === ground.value);
  const mustAsk = chosen?.asked === true;
  const observers = view.seats.filter(watches);
  const go = (): void => {
    const slots = observers.map((seat) => seat.slot).filter((slot) => stay.peek().includes(slot));
    perform("act.close_to_public", [ground.peek(), applicant.peek() === "" ? null : applicant.peek(), until.peek(), slots], reason.peek());
  };
  return (
    <Confirm title={w.close_title} text={w.close_text} sure={w.close_sure} not={w.not} danger ready={chosen !== undefined && (!mustAsk || applicant.value !== "")} testid="public-close" close={close} act={go}>
      <div class="field">
        <label for="public-ground">{w.ground}</label>
        <select id="public-ground" data-testid="public-ground" value={ground.value} onChange={(event) => (ground.value = event.currentTarget.value)}>
          <option value="" disabled>
            {w.choose}
          </option>
          {view.openness.grounds.map((each) => (
            <option key={each.code} value={each.code}>
              {each[language.value]}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="public-applicant">{w.applicant}</label>
        <select id="public-applicant" data-testid="public-applicant" aria-describedby={mustAsk ? "public-must-ask" : undefined} value={applicant.value} onChange={(event) => (applicant.value = event.currentTarget.value)}>
          <option value="">{mustAsk ? w.choose : w.own_motion}</option>
          {view.seats.filter(applies).map((seat) => (
            <option key={seat.slot} value={seat.slot}>
              {person(seat.role, seat.name)}
            </option>
          ))}
        </select>
        {mustAsk && (
          <p class="hint" id="public-must-ask">
            {w.must_ask}
          </p>
        )}
      </div>
      <fieldset class="stack tight">
        <legend>{w.until}</legend>
        {(["order", "end"] as const).map((each) => (
          <label key={each} class="check-line">
            <input type="radio" name="public-until" data-testid={`public-until-${each}`} checked={until.value === each} onChange={() => (until.value = each)} />
            <span>{each === "order" ? w.until_order : w.until_end}</span>
          </label>
        ))}
      </fieldset>
      {observers.length > 0 && (
        <fieldset class="stack tight">
          <legend>{w.who_stays}</legend>
          {observers.map((seat) => (
            <label key={seat.slot} class="check-line">
              <input
                type="checkbox"
                data-testid={`public-stay-${seat.slot}`}
                checked={stay.value.includes(seat.slot)}
                onChange={(event) => {
                  const rest = stay.peek().filter((slot) => slot !== seat.slot);
                  stay.value = event.currentTarget.checked ? [...rest, seat.slot] : rest;
                }}
              />
              <span>{person(seat.role, seat.name)}</span>
            </label>
          ))}
        </fieldset>
      )}
      <Reason value={reason.value} change={(value) => (reason.value = value)} />
    </Confirm>
  );
}

export function LiftQuestion({ view, close }: Props): JSX.Element {
  const w = opennessWords();
  const reason = useSignal("");
  const needed = view.openness.closing?.until === "end";
  return (
    <Confirm title={w.lift} text={w.lift_text} sure={w.lift} not={w.not} ready={!needed || reason.value.trim() !== ""} testid="public-lift" close={close} act={() => perform("act.lift_closing", [], reason.peek())}>
      {needed && <p>{w.lift_why}</p>}
      <Reason value={reason.value} change={(value) => (reason.value = value)} />
    </Confirm>
  );
}

function Reason({ value, change }: { readonly value: string; readonly change: (value: string) => void }): JSX.Element {
  return (
    <div class="field">
      <label for="public-reason">{opennessWords().reason}</label>
      <input id="public-reason" data-testid="public-reason" maxLength={MAX_REASON} autoComplete="off" value={value} onInput={(event) => change(event.currentTarget.value)} />
    </div>
  );
}
