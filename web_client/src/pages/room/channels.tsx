// Interpreters (PR7-PR9): for the bench, into which language each speaks, with whom he comes, and who is the signer; for
// everybody who listens, which of them he hears.
import type { JSX } from "preact";

import { privateWords } from "../../i18n/private-words";
import { person } from "../../i18n/words";
import { isBench } from "../../state/may";
import { roomOf } from "../../state/private";
import type { RoomView, Seat } from "../../state/view";
import { Icon } from "../../ui/icons";
import { perform } from "./acts";
import { here } from "./here";

/** Languages an interpreter's channel can be named for here; the rules take any tag (PR7). */
const LANGUAGES = ["en", "zh", "yue", "ug", "bo", "mn", "kk", "ko", "ja", "fr", "ru", "es", "ar"] as const;

/** For the bench: all interpreters, and whose picture everybody keeps. */
export function Interpreters({ view }: { readonly view: RoomView }): JSX.Element | null {
  const w = privateWords();
  const interpreters = view.seats.filter((seat) => seat.role === "interpreter");
  if (interpreters.length === 0) return null;
  return (
    <section class="stack" aria-label={w.interpretation}>
      <h3>{w.interpretation}</h3>
      <Choice id="signer" label={w.signer} value={view.privately.signer ?? ""} options={[["", w.signer_none], ...interpreters.map((seat): [string, string] => [seat.slot, person(seat.role, seat.name)])]} choose={(value) => perform("act.pin", [value === "" ? null : value])} />
      {interpreters.map((seat) => (
        <InterpreterCard key={seat.slot} view={view} seat={seat} />
      ))}
    </section>
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

/** Whoever listens chooses his language on his own phone, and always reads which he hears; an interpreter reads into which
 *  he speaks. Shown while somebody interprets. */
export function ChannelBar({ view, slot }: { readonly view: RoomView; readonly slot: string }): JSX.Element | null {
  const w = privateWords();
  const { voices, tuned } = view.privately;
  const languages = [...new Set(Object.values(voices))];
  if (languages.length === 0 || roomOf(view.privately, slot) !== null) return null;
  const into = voices[slot];
  if (into !== undefined) {
    return (
      <p class="channel-bar" role="status" data-testid="channel-own">
        <Icon name="mic" />
        {w.you_interpret(w.language(into))}
      </p>
    );
  }
  return (
    <div class="channel-bar" data-hears={tuned[slot] ?? "court"}>
      <Icon name="ear" />
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
