// What was said and done, in the order of the record, and below it what is on its way there. **The page never jumps**: who
// is at the bottom stays at the bottom; who reads above is left where he is and told how many lines are new.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import { clock } from "../../i18n/times";
import type { Item } from "../../state/outbox";
import type { Entry } from "../../state/sitting";
import type { RoomView } from "../../state/view";
import type { KeptReceipt } from "../../state/witness";
import { announce } from "../../ui/announce";
import { Icon } from "../../ui/icons";
import { AttachmentView } from "./attachment";
import { attachmentOf, describe, keepOwn } from "./blobs";
import { here } from "./here";
import { isMessage, isQuiet, refusalWords, sentence, whoShort, wordsOf } from "./wording";

const SHOWN = 150;
const NEAR = 60;

export function Timeline({ search }: { readonly search: string }): JSX.Element {
  const r = roomWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  const box = useRef<HTMLDivElement>(null);
  const atBottom = useRef(true);
  const size = useRef({ client: 0, scroll: 0 });
  const fresh = useSignal(0);
  const limit = useSignal(SHOWN);
  const seen = useRef(-1);

  const readable = sitting.entries.value.filter((entry) => !isQuiet(entry));
  const needle = search.trim().toLowerCase();
  const found =
    needle === "" || view === null
      ? readable
      : readable.filter((entry) => `${sentence(entry, view)} ${wordsOf(entry)} #${entry.seq}`.toLowerCase().includes(needle));
  const shown = found.slice(-limit.value);
  const items = needle === "" ? sitting.outbox.items.value.filter((item) => isMessage(item.command) || item.state === "refused") : [];
  const last = readable[readable.length - 1]?.seq ?? -1;

  const measure = (element: HTMLElement): void => {
    size.current = { client: element.clientHeight, scroll: element.scrollHeight };
  };
  const toBottom = (): void => {
    const element = box.current;
    if (element === null) return;
    element.scrollTop = element.scrollHeight;
    measure(element);
    fresh.value = 0;
  };

  useLayoutEffect(() => {
    const news = readable.filter((entry) => entry.seq > seen.current);
    const first = seen.current < 0;
    seen.current = Math.max(seen.current, last);
    if (atBottom.current) toBottom();
    else if (news.length > 0) {
      fresh.value += news.length;
      limit.value += news.length; // no line above the reader goes away while he reads
    }
    if (first || view === null || me === null) return;
    for (const entry of news.slice(-3)) {
      if (entry.leaf === null || entry.leaf.actor === me.slot || !isMessage(entry.leaf.type)) continue;
      announce(r.said(whoShort(view, entry.leaf.actor), wordsOf(entry) || sentence(entry, view)));
    }
  }, [last, items.length]);

  useEffect(() => {
    const element = box.current;
    if (element === null || typeof ResizeObserver === "undefined") return undefined;
    // The keyboard opens, a picture arrives: who was at the bottom stays there.
    const watch = new ResizeObserver(() => {
      if (atBottom.current) toBottom();
      else measure(element);
    });
    watch.observe(element);
    for (const child of element.children) watch.observe(child);
    return () => watch.disconnect();
  }, []);

  if (view === null || me === null) return <div class="timeline" />;
  const receipts = sitting.witness.receipts.value;
  const destroyed = sitting.destroyed.value;
  const preparing = sitting.outbox.preparing.value;
  const more = found.length > shown.length || !sitting.complete.value;
  const earlier = async (): Promise<void> => {
    const element = box.current;
    const height = element?.scrollHeight ?? 0;
    atBottom.current = false;
    if (found.length > shown.length) limit.value += SHOWN;
    else await sitting.loadBack(Math.max(0, sitting.from.peek() - SHOWN));
    limit.value += SHOWN;
    requestAnimationFrame(() => {
      if (element !== null) element.scrollTop += element.scrollHeight - height;
    });
  };
  return (
    <div class="timeline-frame">
      <div
        class="timeline"
        ref={box}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={r.record_of}
        data-testid="timeline"
        onScroll={(event) => {
          const element = event.currentTarget;
          const { client, scroll } = size.current;
          // The browser itself scrolls when the layout changes; only a hand that scrolls says where to stay.
          if (atBottom.current && (element.clientHeight !== client || element.scrollHeight !== scroll)) {
            toBottom();
            return;
          }
          atBottom.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
          if (atBottom.current && fresh.value > 0) fresh.value = 0;
        }}
      >
        <ol>
          {more && needle === "" && (
            <li class="act">
              <button type="button" class="button quiet" data-testid="earlier" disabled={sitting.loadingHistory.value} onClick={() => void earlier()}>
                {r.earlier}
              </button>
            </li>
          )}
          {!more && needle === "" && readable.length > 0 && <li class="act soft">{r.beginning}</li>}
          {!more && readable.length === 0 && items.length === 0 && <li class="act soft">{r.empty}</li>}
          {needle !== "" && found.length === 0 && <li class="act soft">{r.search_none}</li>}
          {shown.map((entry) => (
            <Line key={entry.seq} entry={entry} view={view} mine={entry.leaf?.actor === me.slot} proven={proofOf(receipts.get(entry.seq))} destroyedBy={destroyed.get(entry.seq) ?? null} />
          ))}
          {preparing !== null && (
            <li class="say mine pending" data-testid="preparing">
              <p class="by">
                <span class="tag wait">
                  <Ring share={preparing} />
                  {r.preparing(Math.round(preparing * 100))}
                </span>
              </p>
            </li>
          )}
          {items.map((item) => (
            <Pending key={`p${item.id}`} item={item} />
          ))}
        </ol>
      </div>
      {fresh.value > 0 && (
        <button type="button" class="button primary pill" data-testid="new-lines" onClick={toBottom}>
          <Icon name="down" />
          {r.new_lines(fresh.value)}
        </button>
      )}
    </div>
  );
}

/** Whether the court is bound by a receipt whose signature was checked here; "none" where none was kept. */
type Proven = "yes" | "bad" | "none";

function proofOf(receipt: KeptReceipt | undefined): Proven {
  return receipt === undefined ? "none" : receipt.good ? "yes" : "bad";
}

interface LineProps {
  readonly entry: Entry;
  readonly view: RoomView;
  readonly mine: boolean;
  readonly proven: Proven;
  readonly destroyedBy: number | null;
}

/** The view changes with every act; a line changes only with its entry, its receipt, or when a name becomes known. */
function Line({ entry, view, mine, proven, destroyedBy }: LineProps): JSX.Element {
  return useMemo(() => <LineBody entry={entry} view={view} mine={mine} proven={proven} destroyedBy={destroyedBy} />, [entry, mine, proven, destroyedBy, view.seats.length]);
}

function LineBody({ entry, view, mine, proven, destroyedBy }: LineProps): JSX.Element {
  const r = roomWords();
  const leaf = entry.leaf;
  if (leaf === null || !isMessage(leaf.type)) {
    const reason = wordsOf(entry);
    return (
      <li class={`act ${leaf?.type === "seal" ? "sealed" : ""}`} data-testid={`entry-${entry.seq}`} data-type={leaf?.type ?? "withheld"}>
        {leaf !== null && <time class="soft">{clock(leaf.tsMs)}</time>} <span class="number">#{entry.seq}</span> {reason === "" ? sentence(entry, view) : r.said(sentence(entry, view), reason)}
      </li>
    );
  }
  // What was destroyed by order is gone here too, though this page may have held it for longer.
  const attachment = destroyedBy === null ? attachmentOf(entry) : null;
  const text = destroyedBy === null ? wordsOf(entry) : "";
  return (
    <li class={`say ${mine ? "mine" : ""}`} data-testid={`entry-${entry.seq}`} data-type={leaf.type} data-mine={mine ? "yes" : "no"}>
      <p class="by">
        <strong>{mine ? r.you : whoShort(view, leaf.actor)}</strong> <time>{clock(leaf.tsMs)}</time>{" "}
        {mine ? <OnRecord seq={entry.seq} proven={proven} /> : <span class="number">#{entry.seq}</span>}
      </p>
      <div class="bubble">
        {attachment !== null && <AttachmentView type={leaf.type} attachment={attachment} />}
        {text !== "" && <p class="text">{text}</p>}
        {destroyedBy !== null && (
          <p class="soft" data-testid="destroyed">
            {r.destroyed(destroyedBy)}
          </p>
        )}
        {destroyedBy === null && attachment === null && text === "" && <p class="soft">{r.not_readable}</p>}
      </div>
    </li>
  );
}

function OnRecord({ seq, proven }: { readonly seq: number; readonly proven: Proven }): JSX.Element {
  const r = roomWords();
  return (
    <span class={`number ${proven === "bad" ? "tag bad" : ""}`} data-testid="on-record" data-proven={proven} title={proven === "yes" ? r.receipt_good : undefined}>
      {proven === "bad" ? r.receipt_bad(seq) : r.on_record(seq)}
      {proven === "yes" && (
        <>
          <span aria-hidden="true"> ✓</span>
          <span class="unseen">{r.receipt_good}</span>
        </>
      )}
    </span>
  );
}

function Pending({ item }: { readonly item: Item }): JSX.Element {
  const r = roomWords();
  const { sitting } = here();
  const online = sitting.line.value.kind === "open";
  let words: Entry["words"] = null;
  if (item.content !== null) {
    try {
      words = JSON.parse(new TextDecoder().decode(item.content)) as Entry["words"];
    } catch {
      words = null;
    }
  }
  const text = typeof words?.["text"] === "string" ? words["text"] : "";
  if (item.parcel !== null) keepOwn(item);
  const share = sitting.outbox.progress.value.get(item.id);
  const state =
    item.state === "refused"
      ? r.refused(refusalWords(item.refusal?.code ?? ""))
      : item.state === "recorded"
        ? r.on_record(item.seq ?? 0)
        : !online
          ? r.not_yet
          : item.state === "uploading" && share !== undefined
            ? r.uploading(Math.round(share * 100))
            : r.sending;
  const act = !isMessage(item.command);
  return (
    <li class={`say mine pending ${item.state}`} data-testid={`pending-${item.id}`} data-state={item.state}>
      <p class="by">
        <strong>{r.you}</strong>{" "}
        <span class={`tag ${item.state === "refused" ? "bad" : item.state === "recorded" ? "" : "wait"}`} data-testid="pending-state">
          {item.state !== "refused" && item.state !== "recorded" && <Ring share={item.state === "uploading" ? (share ?? 0) : null} />}
          {state}
        </span>
      </p>
      <div class="bubble">
        {act && <p>{r.acts[item.command] ?? item.command}</p>}
        {item.parcel !== null && <AttachmentView type={item.command} attachment={describe(item.parcel.commit, words)} />}
        {text !== "" && <p class="text">{text}</p>}
      </div>
      {item.refusal?.signed === false && (
        <p class="tag bad" data-testid="refusal-unsigned">
          {r.refusal_unsigned}
        </p>
      )}
      {(item.state === "refused" || (item.dseq === null && !online)) && (
        <button type="button" class="button quiet small" data-testid="dismiss" onClick={() => void sitting.outbox.discard(item.id)}>
          {item.state === "refused" ? r.dismiss : r.withdraw}
        </button>
      )}
    </li>
  );
}

function Ring({ share }: { readonly share: number | null }): JSX.Element {
  const around = 2 * Math.PI * 7;
  return (
    <svg class={`ring ${share === null ? "turning" : ""}`} viewBox="0 0 18 18" aria-hidden="true">
      <circle cx="9" cy="9" r="7" class="track" />
      <circle cx="9" cy="9" r="7" stroke-dasharray={`${around * (share ?? 0.3)} ${around}`} transform="rotate(-90 9 9)" />
    </svg>
  );
}
