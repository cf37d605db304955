// Testimony (WI): for the bench, what comes next with each witness; for the witness, his undertaking, to be signed by one
// deliberate tap and read aloud in large print. What is signed is what stands on the screen, word for word.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { accessWords } from "../../i18n/access-words";
import { language } from "../../i18n/language";
import { roomWords } from "../../i18n/room-words";
import { witnessWords } from "../../i18n/witness-words";
import { person } from "../../i18n/words";
import type { Argument } from "../../protocol/frames.gen";
import { testifies } from "../../state/testimony";
import { seatOf, type RoomView, type Seat } from "../../state/view";
import { inText } from "../../ui/access";
import { Confirm } from "../../ui/sheet";
import { perform, under } from "./acts";
import { here } from "./here";
import { who } from "./wording";

function Act({ id, command, args, label, primary }: { readonly id: string; readonly command: string; readonly args: readonly Argument[]; readonly label: string; readonly primary?: boolean }): JSX.Element {
  const offline = here().sitting.line.value.kind !== "open";
  const slot = typeof args[0] === "string" ? args[0] : undefined;
  return (
    <button type="button" class={`button ${primary === true ? "primary" : ""}`} data-testid={id} disabled={offline || under(command, slot)} onClick={() => perform(command, args)}>
      {label}
    </button>
  );
}

/** The witness's card on the bench: how far he has come, and the next steps. */
export function TestimonyCard({ view, seat, judge }: { readonly view: RoomView; readonly seat: Seat; readonly judge: boolean }): JSX.Element | null {
  const w = witnessWords();
  const { slot, stand } = seat;
  if (stand === null || (view.phase !== "open" && view.phase !== "in_recess")) return null;
  const open = view.phase === "open";
  const there = seat.connected;
  const examiners = view.seats.filter((each) => each.state === "admitted" && each.connected && !testifies(each.role) && each.role !== "observer" && each.role !== "courtroom" && each.role !== "clerk");
  const others = view.seats.filter((each) => each.slot !== slot && each.role === "witness" && each.sworn && each.connected && each.state !== "removed");
  const inRoom = stand !== "waiting" && stand !== "observing" && stand !== "excluded";
  const act = (name: string, command: string, label: string, more: readonly Argument[] = [], primary = false): JSX.Element => (
    <Act key={name} id={`${name}-${slot}`} command={command} args={[slot, ...more]} label={label} primary={primary} />
  );
  return (
    <div class="testimony" data-testid={`testimony-${slot}`} data-stand={stand}>
      <p class="small soft">{seat.examiner === null ? w.stands[stand] : w.stand_examined(who(view, seat.examiner))}</p>
      <div class="seat-acts">
        {open && there && stand === "waiting" && act("call", "act.call", seat.role === "expert" ? w.call_expert : w.call, [], true)}
        {open && there && stand === "signed" && act("begin-reading", "act.undertaking_begin", w.begin_reading, [], true)}
        {open && there && stand === "reading" && act("end-reading", "act.undertaking_end", w.end_reading, [], true)}
        {judge && open && there && (stand === "observing" || stand === "excluded" || stand === "refused") && act("recall", "act.recall", w.recall)}
        {judge && open && stand === "testifying" && seat.examiner === null && examiners.map((each) => act(`examine-${each.slot}`, "act.examine", w.examine_by(person(each.role, each.name)), [each.slot]))}
        {judge && open && seat.examiner !== null && act("examine-end", "act.examine", w.examine_end, [null])}
        {judge && open && stand === "testifying" && view.confrontation === null && seat.role === "witness" && others.map((each) => <Act key={each.slot} id={`confront-${slot}-${each.slot}`} command="act.confront" args={[[slot, each.slot]]} label={w.confront_with(person(each.role, each.name))} />)}
        {judge && view.confrontation?.slots.includes(slot) === true && <Act id={`confront-end-${slot}`} command="act.confront_end" args={[]} label={w.confront_end} />}
        {judge && inRoom && act("release-observe", "act.release", w.release_observe, ["may_observe"])}
        {judge && inRoom && act("release-out", "act.release", w.release_out, ["excluded"])}
        {(stand === "called" || stand === "signed" || stand === "reading") && act("note-refusal", "act.undertaking_refused", w.note_refusal)}
      </div>
    </div>
  );
}

/** Whether this person has an undertaking before him: to sign, or to read aloud. */
export function swears(view: RoomView, slot: string): boolean {
  const stand = seatOf(view, slot)?.stand;
  // A bench whose client knows no undertaking admits and asks: nothing is put before the witness then.
  return view.undertaking !== null && ((stand === "called" && seatOf(view, slot)?.called === true) || stand === "signed" || stand === "reading");
}

/** Somebody signs for him: his hands, or his interpreter's voice, are his reading aloud. */
function isSigned(view: RoomView, slot: string): boolean {
  const { signer, links } = view.privately;
  return signer !== null && (links[signer] === slot || links[signer] === undefined);
}

/** What the one who testifies is to do now. */
export function OwnTestimony({ view, slot }: { readonly view: RoomView; readonly slot: string }): JSX.Element | null {
  const w = witnessWords();
  const refusing = useSignal(false);
  const seat = seatOf(view, slot);
  const words = view.undertaking;
  if (seat === null || seat.stand === null || seat.state !== "admitted") return null;
  const { stand } = seat;
  if (stand === "observing" || stand === "refused" || stand === "testifying") {
    const said = stand === "observing" ? w.observing_own : stand === "refused" ? w.refused_own : w.sworn_own;
    return seat.called || stand !== "testifying" ? (
      <p class={`own-state ${stand === "testifying" ? "good" : "wait"}`} role="status" data-testid="own-testimony" data-stand={stand}>
        {said}
      </p>
    ) : null;
  }
  const text = words?.texts[language.value] ?? words?.texts["zh"] ?? "";
  if (words === null || text === "" || !swears(view, slot)) return null;
  const spoken = words.texts[language.value] === undefined ? "zh" : language.value;
  const open = here().sitting.line.value.kind === "open";
  return (
    <section key={stand} class="undertaking stack" aria-labelledby="undertaking-title" data-testid="own-testimony" data-stand={stand}>
      <h2 id="undertaking-title">{stand === "called" ? w.called_title : stand === "signed" ? w.signed_title : w.reading_title}</h2>
      {stand !== "reading" && <p>{stand === "called" ? w.called_lead : w.signed_lead}</p>}
      <blockquote lang={spoken} class={stand === "called" ? "" : "aloud"} data-testid="undertaking-text" tabIndex={0}>
        {text}
      </blockquote>
      {stand !== "called" && (inText.value || isSigned(view, slot)) && <p data-testid="sign-aloud">{accessWords().sign_aloud}</p>}
      {stand === "called" && (
        <div class="row press">
          <button
            type="button"
            class="button primary grow"
            data-testid="undertaking-sign"
            disabled={!open || under("undertaking.sign")}
            onClick={() => void here().sitting.say({ command: "undertaking.sign", args: [words.version, spoken], content: { text } })}
          >
            {w.sign}
          </button>
          <button type="button" class="button quiet" data-testid="undertaking-refuse" disabled={!open} onClick={() => (refusing.value = true)}>
            {w.refuse}
          </button>
        </div>
      )}
      {refusing.value && (
        <Confirm title={w.refuse_title} text={w.refuse_text} sure={w.refuse_sure} not={roomWords().cancel} danger testid="refuse" close={() => (refusing.value = false)} act={() => perform("undertaking.refuse")} />
      )}
    </section>
  );
}
