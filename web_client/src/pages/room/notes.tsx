// What judges and clerk note to one another (SPEC BN). It looks like nothing else in the room, and says above the words who
// can see them: nobody must wonder whether a party reads along.
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { benchWords } from "../../i18n/bench-words";
import { clock } from "../../i18n/times";
import type { Item } from "../../state/outbox";
import type { Entry, Sitting } from "../../state/sitting";
import type { RoomView } from "../../state/view";
import { announce } from "../../ui/announce";
import { Icon } from "../../ui/icons";
import { here } from "./here";
import { who, whoShort, wordsOf } from "./wording";

const NOTE = "bench.note";
const MAX_NOTE = 1_000;
/** What is being written stays where it is while another tab is looked at. */
const draft = signal("");
/** The last note that was on the page. */
const read = signal(-1);

function notesOf(sitting: Sitting): readonly Entry[] {
  return sitting.entries.value.filter((entry) => entry.leaf?.type === NOTE);
}

/** The words of a note that is on its way. */
function textOf(item: Item): string {
  return item.content === null ? "" : String((JSON.parse(new TextDecoder().decode(item.content)) as { readonly text?: unknown }).text ?? "");
}

/** How many notes of others have come since the sheet was last looked at. */
export function unreadNotes(): number {
  const { sitting } = here();
  return notesOf(sitting).filter((entry) => entry.seq > read.value && entry.leaf?.actor !== sitting.me.value?.slot).length;
}

export function NotesPanel({ view }: { readonly view: RoomView }): JSX.Element {
  const w = benchWords().notes;
  const { sitting } = here();
  const notes = notesOf(sitting);
  const pending = sitting.outbox.items.value.filter((item) => item.command === NOTE);
  const last = notes[notes.length - 1]?.seq ?? -1;
  const online = sitting.line.value.kind === "open";
  useEffect(() => {
    read.value = Math.max(read.peek(), last);
  }, [last]);
  const send = (): void => {
    const text = draft.peek().trim();
    if (text === "") return;
    draft.value = "";
    void sitting.say({ command: NOTE, args: [], content: { text } });
  };
  return (
    <section class="stack bench-notes" aria-label={w.title} data-testid="notes">
      <p class="only-bench" data-testid="notes-only">
        <Icon name="lock" />
        <strong>{w.only}</strong>
      </p>
      <p class="soft small">{w.about}</p>
      {notes.length === 0 && pending.length === 0 && <p class="soft">{w.none}</p>}
      <ol class="stack tight">
        {notes.map((entry) => (
          <li key={entry.seq} data-testid={`note-${entry.seq}`}>
            <p class="small soft">
              {who(view, entry.leaf?.actor ?? "")} · <time>{clock(entry.leaf?.tsMs ?? 0)}</time> · #{entry.seq}
            </p>
            <p class="as-said">{wordsOf(entry)}</p>
          </li>
        ))}
        {pending
          .filter((item) => item.state !== "recorded" || !notes.some((entry) => entry.seq === item.seq))
          .map((item) => (
            <li key={item.id} data-testid="note-pending">
              <p class="as-said">{textOf(item)}</p>
              <p class="small soft" role="status">
                {item.state === "refused" ? w.refused : online ? w.sending : w.waits}
              </p>
            </li>
          ))}
      </ol>
      {view.phase === "sealed" ? (
        <p class="soft">{w.sealed}</p>
      ) : (
        <form
          class="stack tight"
          onSubmit={(event) => {
            event.preventDefault();
            send();
          }}
        >
          <div class="field">
            <label for="note-text">{w.write}</label>
            <textarea id="note-text" data-testid="note-text" rows={3} maxLength={MAX_NOTE} value={draft.value} onInput={(event) => (draft.value = event.currentTarget.value)} />
          </div>
          <button type="submit" class="button wide" data-testid="note-send" disabled={draft.value.trim() === ""}>
            <Icon name="lock" />
            {w.send}
          </button>
        </form>
      )}
    </section>
  );
}

/** A note that comes is told to the ear, whatever tab is open; its words are not, for a courtroom may have loudspeakers. */
export function useNotes(view: RoomView | null, bench: boolean): void {
  const { sitting } = here();
  const last = bench ? notesOf(sitting)[notesOf(sitting).length - 1] : undefined;
  useEffect(() => {
    if (last === undefined || view === null || last.seq <= read.peek() || last.leaf?.actor === sitting.me.peek()?.slot) return;
    announce(benchWords().notes.came(whoShort(view, last.leaf?.actor ?? "")));
  }, [last?.seq]);
}
