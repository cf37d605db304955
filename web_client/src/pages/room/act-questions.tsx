// The questions before acts of the bench that cannot be undone, or that need a choice. Each names the act; none says "OK".
import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import { parts } from "../../i18n/times";
import { person } from "../../i18n/words";
import { isBench } from "../../state/may";
import type { RoomView } from "../../state/view";
import { Confirm } from "../../ui/sheet";
import { perform, question } from "./acts";
import { here } from "./here";
import { OpeningQuestion } from "./opening";
import { who } from "./wording";

/** The one question that may be open; mounted once in the room. */
export function ActQuestion(): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const asked = question.value;
  const reason = useSignal("");
  useEffect(() => {
    reason.value = "";
  }, [asked]);
  if (asked === null || view === null) return null;
  const close = (): void => {
    question.value = null;
  };
  const last = sitting.entries.value[sitting.entries.value.length - 1];
  const why = (
    <div class="field">
      <label for="reason">{r.reason}</label>
      <input id="reason" data-focus={asked.act === "act.recess" ? "" : undefined} data-testid="reason" maxLength={200} autoComplete="off" value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />
    </div>
  );
  switch (asked.act) {
    case "act.open":
      return <OpeningQuestion view={view} close={close} />;
    case "act.recess":
      return (
        <Confirm title={r.act_recess_title} sure={r.acts["act.recess"] ?? ""} not={r.cancel} testid="recess" close={close} act={() => perform("act.recess", [], reason.peek())}>
          {why}
        </Confirm>
      );
    case "act.close":
      return (
        <Confirm title={r.act_close_title} text={r.act_close_text(view.caseNumber)} sure={r.act_close_sure} not={r.cancel} danger testid="close" close={close} act={() => perform("act.close")} />
      );
    case "act.propose_seal":
      return (
        <Confirm title={r.act_propose_title} text={r.act_propose_text(view.caseNumber)} sure={r.act_propose_sure} not={r.cancel} testid="propose-seal" close={close} act={() => perform("act.propose_seal", [], reason.peek())}>
          {why}
        </Confirm>
      );
    case "act.restrict":
      return <RestrictQuestion view={view} reason={reason} close={close} />;
    case "act.gallery_delay":
      return <GalleryQuestion close={close} />;
    case "act.seal":
      return (
        <Confirm
          title={r.act_seal_title}
          text={r.act_seal_text((last?.seq ?? 0) + 3, view.caseNumber)}
          sure={r.act_seal_sure}
          not={r.cancel}
          danger
          testid="seal"
          close={close}
          act={() => perform("act.seal", [], reason.peek())}
        >
          {why}
        </Confirm>
      );
    case "act.remove": {
      const { slot } = asked;
      return (
        <Confirm
          title={r.act_remove_title(who(view, slot))}
          text={r.act_remove_text}
          sure={r.act_remove_sure}
          not={r.cancel}
          danger
          testid="remove"
          close={close}
          act={() => perform("act.remove", [slot], reason.peek())}
        >
          {why}
        </Confirm>
      );
    }
  }
}

/** Live, or late by one of a few lengths; the rules take any number of seconds up to half an hour (AU11). */
const DELAYS = [0, 10, 60, 300, 1800] as const;

function GalleryQuestion({ close }: { readonly close: () => void }): JSX.Element {
  const r = roomWords();
  const seconds = useSignal<number>(60);
  return (
    <Confirm title={r.act_gallery_title} text={r.act_gallery_text} sure={r.act_gallery_sure} not={r.cancel} testid="gallery" close={close} act={() => perform("act.gallery_delay", [seconds.peek()])}>
      <div class="field">
        <label for="gallery-delay">{r.act_gallery_title}</label>
        <select id="gallery-delay" data-testid="gallery-delay" value={String(seconds.value)} onChange={(event) => (seconds.value = Number(event.currentTarget.value))}>
          {DELAYS.map((each) => (
            <option key={each} value={String(each)}>
              {each === 0 ? r.act_gallery_live : r.hms(...parts(1000 * each))}
            </option>
          ))}
        </select>
      </div>
    </Confirm>
  );
}

/** Who may stay is named by the judge, one by one; nobody is chosen for him. */
function RestrictQuestion({ view, reason, close }: { readonly view: RoomView; readonly reason: Signal<string>; readonly close: () => void }): JSX.Element {
  const r = roomWords();
  const chosen = useSignal<readonly string[]>([]);
  const seats = view.seats.filter((seat) => !isBench(seat.role));
  return (
    <Confirm title={r.act_restrict_title} text={r.act_restrict_text} sure={r.act_restrict_sure} not={r.cancel} testid="restrict" close={close} act={() => perform("act.restrict", [seats.map((seat) => seat.slot).filter((slot) => chosen.peek().includes(slot))], reason.peek())}>
      <fieldset class="stack">
        <legend>{r.act_restrict_who}</legend>
        {seats.map((seat) => (
          <label key={seat.slot} class="check-line">
            <input
              type="checkbox"
              data-testid={`restrict-${seat.slot}`}
              checked={chosen.value.includes(seat.slot)}
              onChange={(event) => {
                const rest = chosen.peek().filter((slot) => slot !== seat.slot);
                chosen.value = event.currentTarget.checked ? [...rest, seat.slot] : rest;
              }}
            />
            <span>{person(seat.role, seat.name)}</span>
          </label>
        ))}
      </fieldset>
      <div class="field">
        <label for="restrict-reason">{r.reason}</label>
        <input id="restrict-reason" data-testid="restrict-reason" maxLength={200} autoComplete="off" value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />
      </div>
    </Confirm>
  );
}
