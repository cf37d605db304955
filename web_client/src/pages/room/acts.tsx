// What judge and clerk do to the sitting. Frequent acts are one tap; what cannot be undone stands apart and is named
// before it happens. An act goes the same way as a word: it is "sending" until it is on the record.
import { signal, useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import type { Argument } from "../../protocol/frames.gen";
import type { RoomView } from "../../state/view";
import { isBench, nextActs, sealWaitsFor } from "../../state/may";
import { person } from "../../i18n/words";
import { list, parts } from "../../i18n/times";
import { Icon } from "../../ui/icons";
import { Confirm } from "../../ui/sheet";
import { CourseActs } from "./course";
import { FloorActs } from "./floor";
import { here } from "./here";
import { OrderButton } from "./pleas";
import { who } from "./wording";

type Asked = { readonly act: "act.recess" | "act.close" | "act.propose_seal" | "act.seal" | "act.restrict" | "act.gallery_delay" } | { readonly act: "act.remove"; readonly slot: string };
const asked = signal<Asked | null>(null);

const ID: Readonly<Record<string, string>> = {
  "act.check_in": "act-check-in",
  "act.open": "act-open",
  "act.recess": "act-recess",
  "act.resume": "act-resume",
  "act.close": "act-close",
  "act.propose_seal": "act-propose-seal",
  "act.seal": "act-seal",
  "act.mute_all": "act-mute-all",
  "act.unmute_all": "act-unmute-all",
};

/** Asks the court for an act. A reason, where one was given, goes on the record with it. */
export function perform(command: string, args: readonly Argument[] = [], reason = ""): void {
  const given = reason.trim();
  void here().sitting.say(given === "" ? { command, args } : { command, args, content: { reason: given } });
}

export function askRemove(slot: string): void {
  asked.value = { act: "act.remove", slot };
}

/** True while this very act is on its way: a second tap would only be refused. */
export function under(command: string, arg?: string): boolean {
  return here().sitting.outbox.items.value.some(
    (item) => item.command === command && (item.state === "waiting" || item.state === "recorded") && (arg === undefined || item.args[0] === arg),
  );
}

export function Acts(): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  if (view === null || me === null || !isBench(me.role)) return null;
  const acts = nextActs(view, me.slot);
  const online = sitting.line.value.kind === "open";
  const live = view.phase === "checking_in" || view.phase === "open" || view.phase === "in_recess";
  const anyMuted = view.seats.some((seat) => seat.muted);
  const sealing = acts.includes("act.propose_seal") || acts.includes("act.seal");
  const waitsFor = sealWaitsFor(view);
  if (acts.length === 0 && !live && waitsFor.length === 0) return null;
  return (
    <div class="acts" role="toolbar" aria-label={r.sitting_acts}>
      {acts
        .filter((act) => act !== "act.close")
        .flatMap((act) => [
          <button
            key={act}
            type="button"
            class={`button ${act === "act.seal" || act === "act.propose_seal" ? "danger" : act === "act.recess" ? "" : "primary"}`}
            data-testid={ID[act]}
            disabled={!online || under(act) || (act === "act.seal" && view.recording)}
            onClick={() => (act === "act.seal" || act === "act.propose_seal" ? (asked.value = { act }) : perform(act))}
          >
            {r.acts[act]}
          </button>,
          // One tap adjourns; whoever wants to say why takes the button beside it.
          act === "act.recess" && (
            <button key="why" type="button" class="button icon-only" data-testid="act-recess-reason" aria-label={r.act_with_reason} title={r.act_with_reason} disabled={!online || under(act)} onClick={() => (asked.value = { act })}>
              <Icon name="text" />
            </button>
          ),
        ])}
      {sealing && view.recording && <span class="soft small" role="status">{r.refusals["recording_unsettled"]}</span>}
      {view.phase === "closed" && (
        <span class="soft small grow" role="status" data-testid="seal-missing">
          {view.proposal === null ? acts.includes("act.propose_seal") && r.seal_needs_two : r.seal_proposed(who(view, view.proposal.slot), list(waitsFor.map((seat) => person(seat.role, seat.name))))}
        </span>
      )}
      {me.role === "judge" && live && (
        <button
          type="button"
          class="button"
          data-testid={view.restricted === null ? "act-restrict" : "act-unrestrict"}
          disabled={!online || under("act.restrict") || under("act.unrestrict")}
          onClick={() => (view.restricted === null ? (asked.value = { act: "act.restrict" }) : perform("act.unrestrict"))}
        >
          {r.acts[view.restricted === null ? "act.restrict" : "act.unrestrict"]}
        </button>
      )}
      {me.role === "judge" && live && view.seats.some((seat) => seat.role === "observer") && (
        <button type="button" class="button" data-testid="act-gallery" disabled={!online || under("act.gallery_delay")} onClick={() => (asked.value = { act: "act.gallery_delay" })}>
          {r.acts["act.gallery_delay"]}
        </button>
      )}
      {live && (
        <button
          type="button"
          class="button"
          data-testid={anyMuted ? "act-unmute-all" : "act-mute-all"}
          disabled={!online}
          onClick={() => perform(anyMuted ? "act.unmute_all" : "act.mute_all")}
        >
          {r.acts[anyMuted ? "act.unmute_all" : "act.mute_all"]}
        </button>
      )}
      <FloorActs />
      <OrderButton />
      {me.role === "judge" && view.floor !== null && (
        <button type="button" class="button" data-testid="floor-end" disabled={!online} onClick={() => perform("act.floor", [null])}>
          {r.floor_end}
        </button>
      )}
      <CourseActs />
      {acts.includes("act.close") && (
        <button type="button" class="button danger apart" data-testid="act-close" disabled={!online || under("act.close")} onClick={() => (asked.value = { act: "act.close" })}>
          {r.acts["act.close"]}
        </button>
      )}
    </div>
  );
}

/** The one question that may be open; mounted once in the room. */
export function ActQuestion(): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const question = asked.value;
  const reason = useSignal("");
  useEffect(() => {
    reason.value = "";
  }, [question]);
  if (question === null || view === null) return null;
  const close = (): void => {
    asked.value = null;
  };
  const last = sitting.entries.value[sitting.entries.value.length - 1];
  const why = (
    <div class="field">
      <label for="reason">{r.reason}</label>
      <input id="reason" data-focus={question.act === "act.recess" ? "" : undefined} data-testid="reason" maxLength={200} autoComplete="off" value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />
    </div>
  );
  switch (question.act) {
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
      const { slot } = question;
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
