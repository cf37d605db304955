// Captions under the speaker. The strip keeps its height, so that nothing below it moves when a line comes.
import type { JSX } from "preact";

import { accessWords } from "../../i18n/access-words";
import { captions, LINES, writer } from "../../state/captions";
import { captionsNow, inText } from "../../ui/access";
import { here } from "./here";
import { whoShort } from "./wording";

export function CaptionStrip({ typing }: { readonly typing: readonly string[] }): JSX.Element | null {
  const w = accessWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  const how = captionsNow.value;
  // In a hearing in text the record itself is large, and a second copy of its last lines would only take its room.
  if (view === null || me === null || how === "off" || inText.value) return null;
  if (view.phase !== "checking_in" && view.phase !== "open") return null;
  const writes = writer(typing, view.floor);
  // One line of the two is whoever is writing, so that a deaf person sees that an answer is on its way.
  const lines = captions(sitting.entries.value, view.floor, writes === null ? LINES : LINES - 1);
  return (
    <section class={`captions ${how}`} aria-label={w.captions} data-testid="captions">
      {lines.length === 0 && writes === null && <p class="soft">{w.captions_empty}</p>}
      {lines.map((line) => (
        <p key={line.seq} class={line.floor ? "floor" : ""}>
          <strong>{line.slot === me.slot ? w.you : whoShort(view, line.slot)}</strong> {line.text}
        </p>
      ))}
      {writes !== null && (
        <p class="soft">
          <strong>{whoShort(view, writes)}</strong> {w.writes}
        </p>
      )}
    </section>
  );
}
