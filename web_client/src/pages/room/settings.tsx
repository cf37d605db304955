// Sound, picture and what they cost: which devices are used, how much has been used, and how to use less.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { accessWords } from "../../i18n/access-words";
import { roomWords } from "../../i18n/room-words";
import { bytes } from "../../i18n/times";
import { cameras, canChooseSpeaker, choose, inUse, microphones, speaker, speakers, stream, type Choice } from "../../media/devices";
import { save, saver, SAVERS } from "../../media/saver";
import { CAPTIONS, captionsNow, chooseCaptions, chooseText, inText } from "../../ui/access";
import { Icon } from "../../ui/icons";
import { Sheet } from "../../ui/sheet";
import { here } from "./here";

export function SettingsButton({ open }: { readonly open: () => void }): JSX.Element {
  return (
    <button type="button" class="button quiet" data-testid="settings" onClick={open}>
      <Icon name="gear" />
      {roomWords().settings}
    </button>
  );
}

export function SettingsSheet({ close }: { readonly close: () => void }): JSX.Element {
  const r = roomWords();
  const { peer } = here();
  const failed = useSignal(false);
  void stream.value; // another device is another list's choice
  // Browsers list the system's own choice among the others, or not at all; here it is the first line.
  const outputs = [{ id: "", label: r.speaker_system }, ...speakers.value.filter((each) => each.id !== "default")];
  const { received, sent } = peer.used.value;
  const pick = (kind: "camera" | "microphone") => (id: string) => void choose(kind, id).then((on) => (failed.value = !on));
  return (
    <Sheet title={r.settings} close={close} testid="settings-sheet">
      <Chooser name="microphone" label={r.choose_microphone} choices={microphones.value} now={inUse("microphone")} pick={pick("microphone")} />
      {canChooseSpeaker() && <Chooser name="speaker" label={r.choose_speaker} choices={outputs} now={speaker.value} pick={(id) => (speaker.value = id)} />}
      <Chooser name="camera" label={r.choose_camera} choices={cameras.value} now={inUse("camera")} pick={pick("camera")} />
      {failed.value && (
        <p class="notice wait" role="alert">
          {r.choose_failed}
        </p>
      )}
      <AccessChoices />
      <fieldset class="stack">
        <legend>{r.saver_title}</legend>
        {SAVERS.map((each) => (
          <label key={each} class="check-line">
            <input type="radio" name="saver" data-testid={`saver-${each}`} checked={saver.value === each} onChange={() => save(each)} />
            <span>{r.savers[each]}</span>
          </label>
        ))}
      </fieldset>
      <p class="soft" data-testid="data-used">
        {r.data_used(bytes(received + sent), bytes(received), bytes(sent))}
      </p>
      <button type="button" class="button wide" data-testid="settings-close" onClick={close}>
        {r.close_sheet}
      </button>
    </Sheet>
  );
}

/** Captions under the speaker, and the hearing in text. */
function AccessChoices(): JSX.Element {
  const w = accessWords();
  return (
    <>
      <fieldset class="stack">
        <legend>{w.captions}</legend>
        <p class="soft small">{w.captions_hint}</p>
        {CAPTIONS.map((each) => (
          <label key={each} class="check-line">
            <input type="radio" name="captions" data-testid={`captions-${each}`} checked={captionsNow.value === each} onChange={() => chooseCaptions(each)} />
            <span>{w.captions_choices[each]}</span>
          </label>
        ))}
      </fieldset>
      <label class="check-line">
        <input type="checkbox" data-testid="text-first" checked={inText.value} onChange={(event) => chooseText(event.currentTarget.checked)} />
        <span>
          <strong>{w.text}</strong> <span class="soft small">{w.text_hint}</span>
        </span>
      </label>
    </>
  );
}

interface ChooserProps {
  readonly name: string;
  readonly label: string;
  readonly choices: readonly Choice[];
  readonly now: string;
  readonly pick: (id: string) => void;
}

function Chooser({ name, label, choices, now, pick }: ChooserProps): JSX.Element | null {
  if (choices.length < 2) return null;
  return (
    <div class="field">
      <label for={`use-${name}`}>{label}</label>
      <select id={`use-${name}`} data-testid={`use-${name}`} value={now} onChange={(event) => pick(event.currentTarget.value)}>
        {choices.map((choice) => (
          <option key={choice.id} value={choice.id}>
            {choice.label}
          </option>
        ))}
      </select>
    </div>
  );
}
