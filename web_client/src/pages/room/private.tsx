// Private rooms and interpretation (PR). Whoever is in a private room sees at the top of his page, for as long as he is
// there, with whom he is, that the court does not hear him, and whether anything is recorded; and when he will be back.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { privateWords } from "../../i18n/private-words";
import { roomWords } from "../../i18n/room-words";
import { list } from "../../i18n/times";
import { person } from "../../i18n/words";
import { isBench } from "../../state/may";
import { deliberates, roomOf, type Kind } from "../../state/private";
import { seatOf, type RoomView, type Seat } from "../../state/view";
import { announce } from "../../ui/announce";
import { Icon } from "../../ui/icons";
import { Confirm } from "../../ui/sheet";
import { perform, under } from "./acts";
import { here } from "./here";
import { second } from "./session";
import { who } from "./wording";

interface Props {
  readonly view: RoomView;
  readonly slot: string;
}

/** The countdowns that the bench is offered; the rules take any number of seconds up to 120 (PR5). */
const BACK_S = [0, 30, 120] as const;
/** Languages an interpreter's channel can be named for here; the rules take any tag (PR7). */
const LANGUAGES = ["en", "zh", "yue", "ug", "bo", "mn", "kk", "ko", "ja", "fr", "ru", "es", "ar"] as const;
const PARTIES: readonly string[] = ["plaintiff", "defendant", "third_party"];

function fits(kind: Kind, role: string): boolean {
  if (kind === "counsel") return PARTIES.includes(role) || role === "agent" || role === "interpreter";
  if (kind === "deliberation") return role === "judge" || role === "assistant";
  return role !== "observer" && role !== "courtroom";
}

/** Is it a room of its kind (PR1)? */
function isWhole(kind: Kind, seats: readonly Seat[]): boolean {
  const has = (test: (role: string) => boolean): boolean => seats.some((seat) => test(seat.role));
  if (seats.length < 2) return false;
  if (kind === "counsel") return has((role) => PARTIES.includes(role)) && has((role) => role === "agent");
  return has((role) => role === "judge") && (kind === "deliberation" || has((role) => !isBench(role)));
}

function BackIn({ endsMs }: { readonly endsMs: number | null }): JSX.Element | null {
  const w = privateWords();
  void second.value;
  if (endsMs === null) return null;
  return (
    <strong class="tag wait" data-testid="back-in">
      {w.back_in(Math.max(0, Math.ceil((endsMs - here().sitting.courtNow()) / 1_000)))}
    </strong>
  );
}

/** Where this person is, if it is not the courtroom; and, for those who wait in it, that the bench deliberates. */
export function PrivateBanner({ view, slot }: Props): JSX.Element | null {
  const w = privateWords();
  const room = roomOf(view.privately, slot);
  const others = room === null ? "" : list(room.slots.filter((each) => each !== slot).map((each) => who(view, each)));
  const said = room === null ? null : `${w.you_are_in(w.kinds[room.kind] ?? "", others)}. ${room.recorded ? w.recorded : w.not_heard}`;
  const before = useRef<string | null>(null);
  useEffect(() => {
    if (said !== null && said !== before.current) announce(said, true);
    before.current = said;
  }, [said]);
  if (room === null) {
    if (!deliberates(view.privately)) return null;
    return (
      <p class="private-banner outside" role="status" data-testid="deliberating">
        <Icon name="lock" />
        <span>{w.deliberating}</span>
      </p>
    );
  }
  return (
    <section class="private-banner" aria-label={w.rooms} data-testid="private-room" data-kind={room.kind}>
      <Icon name="lock" />
      <div class="grow">
        <strong>{w.you_are_in(w.kinds[room.kind] ?? "", others)}</strong>
        <p>{room.recorded ? w.recorded : w.not_heard}</p>
      </div>
      <BackIn endsMs={room.endsMs} />
      <button type="button" class="button" data-testid="room-leave" disabled={under("room.leave")} onClick={() => perform("room.leave")}>
        {w.leave}
      </button>
    </section>
  );
}

/** What the bench opens and ends, and what lawyer and client ask for. */
export function PrivateControls({ view, slot }: Props): JSX.Element | null {
  const w = privateWords();
  const opening = useSignal<Kind | null>(null);
  const shown = useSignal(false);
  const me = seatOf(view, slot);
  if (me === null || me.state !== "admitted" || (view.phase !== "open" && view.phase !== "in_recess")) return null;
  const bench = isBench(me.role);
  const { rooms, asks } = view.privately;
  const inside = roomOf(view.privately, slot) !== null;
  const free = view.seats.filter((seat) => seat.state === "admitted" && roomOf(view.privately, seat.slot) === null);
  const may = (kind: Kind): boolean => isWhole(kind, free.filter((seat) => fits(kind, seat.role))) && (kind !== "sidebar" || view.phase === "open");
  const asker = me.role === "agent" || PARTIES.includes(me.role);
  const offered: readonly Kind[] = !bench ? [] : me.role === "judge" ? ["counsel", "sidebar", "deliberation"] : ["counsel"];
  const asked = Object.entries(asks).filter(([whose, ask]) => (bench ? view.phase === "open" || ask.kind === "sidebar" : whose !== slot && ask.slots.includes(slot) && view.phase === "in_recess"));
  const open = { counsel: w.open_counsel, sidebar: w.open_sidebar, deliberation: w.open_deliberation };
  const kinds = offered.filter(may);
  const canAsk = asker && !inside && may("counsel");
  const interpreters = bench ? view.seats.filter((seat) => seat.role === "interpreter") : [];
  if (kinds.length === 0 && !canAsk && asked.length === 0 && (!bench || rooms.length === 0) && interpreters.length === 0) return null;
  return (
    <details class="private-controls" data-testid="private-controls" open={shown.value || asked.length > 0} onToggle={(event) => (shown.value = event.currentTarget.open)}>
      <summary>{w.rooms}</summary>
      {asked.map(([whose, ask]) => (
        <p key={whose} class="row">
          <span class="grow">{w.asks(who(view, whose), w.kinds[ask.kind] ?? "", list(ask.slots.map((each) => who(view, each))))}</span>
          <button type="button" class="button primary" data-testid={`room-grant-${whose}`} disabled={under(bench ? "act.room_grant" : "room.ask")} onClick={() => (bench ? perform("act.room_grant", [whose, false]) : perform("room.ask", [ask.kind, ask.slots]))}>
            {bench ? w.grant : w.agree}
          </button>
        </p>
      ))}
      {bench &&
        rooms.map((room) => (
          <p key={room.number} class="row" data-testid={`room-${room.number}`}>
            <span class="grow">{w.in_room(w.kinds[room.kind] ?? "", list(room.slots.map((each) => who(view, each))))}</span>
            <BackIn endsMs={room.endsMs} />
            {BACK_S.map((seconds) => (
              <button key={seconds} type="button" class="button" data-testid={`room-close-${room.number}-${seconds}`} onClick={() => perform("act.room_close", [room.number, seconds])}>
                {w.end_in(seconds)}
              </button>
            ))}
          </p>
        ))}
      <p class="row">
        {kinds.map((kind) => (
          <button key={kind} type="button" class="button" data-testid={`room-open-${kind}`} onClick={() => (opening.value = kind)}>
            {open[kind]}
          </button>
        ))}
        {canAsk &&
          (asks[slot] === undefined ? (
            <button type="button" class="button" data-testid="room-ask" onClick={() => (opening.value = "counsel")}>
              {w.ask_counsel}
            </button>
          ) : (
            <span class="soft" data-testid="room-asked">
              {w.asked}
            </span>
          ))}
      </p>
      {interpreters.length > 0 && (
        <div class="choices">
          {interpreters.map((seat) => (
            <InterpreterCard key={seat.slot} view={view} seat={seat} />
          ))}
          <Choice id="signer" label={w.signer} value={view.privately.signer ?? ""} options={[["", w.signer_none], ...interpreters.map((seat): [string, string] => [seat.slot, person(seat.role, seat.name)])]} choose={(value) => perform("act.pin", [value === "" ? null : value])} />
        </div>
      )}
      {opening.value !== null && <OpenQuestion kind={opening.value} view={view} slot={slot} bench={bench} free={free} close={() => (opening.value = null)} />}
    </details>
  );
}

function OpenQuestion({ kind, view, slot, bench, free, close }: Props & { readonly kind: Kind; readonly bench: boolean; readonly free: readonly Seat[]; readonly close: () => void }): JSX.Element {
  const r = roomWords();
  const w = privateWords();
  const own = !bench || kind !== "counsel";
  const chosen = useSignal<readonly string[]>(own ? [slot] : []);
  const taken = useSignal(false);
  const seats = free.filter((seat) => fits(kind, seat.role));
  const go = (): void => {
    const slots = seats.map((seat) => seat.slot).filter((each) => chosen.peek().includes(each));
    if (!bench) perform("room.ask", [kind, slots]);
    else perform("act.room_open", [kind, slots, kind === "sidebar" && taken.peek()]);
  };
  const text = bench ? w.open_text : view.phase === "open" ? w.ask_text_open : w.ask_text_recess;
  return (
    <Confirm title={{ counsel: w.open_counsel, sidebar: w.open_sidebar, deliberation: w.open_deliberation }[kind]} text={text} sure={bench ? w.sure : w.sure_ask} not={r.cancel} testid="room" close={close} act={go}>
      <fieldset class="stack">
        <legend>{w.who}</legend>
        {seats.map((seat) => (
          <label key={seat.slot} class="check-line">
            <input
              type="checkbox"
              data-testid={`room-with-${seat.slot}`}
              checked={chosen.value.includes(seat.slot)}
              disabled={own && seat.slot === slot}
              onChange={(event) => {
                const rest = chosen.peek().filter((each) => each !== seat.slot);
                chosen.value = event.currentTarget.checked ? [...rest, seat.slot] : rest;
              }}
            />
            <span>{person(seat.role, seat.name)}</span>
          </label>
        ))}
      </fieldset>
      {kind === "sidebar" && (
        <label class="check-line">
          <input type="checkbox" data-testid="room-recorded" checked={taken.value} onChange={(event) => (taken.value = event.currentTarget.checked)} />
          <span>{w.take}</span>
        </label>
      )}
    </Confirm>
  );
}

/** For the bench: the channel of an interpreter, and with whom he comes and goes. */
function InterpreterCard({ view, seat }: { readonly view: RoomView; readonly seat: Seat }): JSX.Element {
  const w = privateWords();
  const name = person(seat.role, seat.name);
  const guided = view.seats.filter((each) => !isBench(each.role) && each.role !== "interpreter" && each.role !== "observer" && each.role !== "courtroom");
  const nil = (value: string): string | null => (value === "" ? null : value);
  return (
    <>
      <Choice id={`channel-${seat.slot}`} label={w.interpret_into(name)} value={view.privately.voices[seat.slot] ?? ""} options={[["", w.no_channel], ...LANGUAGES.map((tag): [string, string] => [tag, w.language(tag)])]} choose={(value) => perform("act.channel", [seat.slot, nil(value)])} />
      <Choice id={`link-${seat.slot}`} label={w.comes_with(name)} value={view.privately.links[seat.slot] ?? ""} options={[["", w.nobody], ...guided.map((each): [string, string] => [each.slot, person(each.role, each.name)])]} choose={(value) => perform("act.link", [seat.slot, nil(value)])} />
    </>
  );
}

/** Whoever listens chooses his language on his own phone; shown while somebody interprets. */
export function ChannelChooser({ view, slot }: Props): JSX.Element | null {
  const w = privateWords();
  const { voices, tuned } = view.privately;
  const languages = [...new Set(Object.values(voices))];
  if (languages.length === 0 || voices[slot] !== undefined || roomOf(view.privately, slot) !== null) return null;
  return (
    <div class="channel-bar">
      <Choice id="channel" label={w.channel} value={tuned[slot] ?? ""} options={[["", w.channel_none], ...languages.map((tag): [string, string] => [tag, w.channel_of(w.language(tag))])]} choose={(value) => perform("channel", [value === "" ? null : value])} />
    </div>
  );
}

function Choice({ id, label, value, options, choose }: { readonly id: string; readonly label: string; readonly value: string; readonly options: readonly (readonly [string, string])[]; readonly choose: (value: string) => void }): JSX.Element {
  const offline = here().sitting.line.value.kind !== "open";
  return (
    <div class="field choice">
      <label for={`choice-${id}`}>{label}</label>
      <select id={`choice-${id}`} data-testid={id} value={value} disabled={offline} onChange={(event) => choose(event.currentTarget.value)}>
        {options.map(([each, words]) => (
          <option key={each} value={each}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}
