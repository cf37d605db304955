// The sealed record, as anybody who was there may read and check it. The phone itself computes every proof, from the bytes
// it was given to the root the court signed; the court's word is not taken for it.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import { courtTime, exactClock, list, ownTime } from "../../i18n/times";
import { words } from "../../i18n/words";
import { ask } from "../../protocol/api";
import { toHex } from "../../record/bytes";
import { cosigners, type Cosigner } from "../../record/cosign";
import { Enrolled } from "../../record/keys";
import { holds, proveLine, WholeTree, type LineProof } from "../../record/proof";
import { bitsSet } from "../../record/tree";
import { isBench } from "../../state/may";
import type { Entry } from "../../state/sitting";
import { Icon } from "../../ui/icons";
import { Masthead } from "../../ui/masthead";
import { Sheet } from "../../ui/sheet";
import { AttachmentView } from "../room/attachment";
import { attachmentOf, blobSignal } from "../room/blobs";
import { ForkNotice } from "../room/fork";
import { here } from "../room/here";
import { LeaveButton } from "../room/leave";
import { LineState } from "../room/status";
import { isMessage, sentence, who, whoShort, wordsOf } from "../room/wording";
import { onPage } from "../../ui/routes";

type Tally = { readonly done: number; readonly bad: readonly number[]; readonly running: boolean } | null;

export function SealedPage(): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  const entries = sitting.entries.value;
  const verdict = sitting.witness.verdict.value;
  const witnesses = useSignal<readonly Cosigner[]>([]);
  const chosen = useSignal<Entry | null>(null);
  const proof = useSignal<LineProof | "unknown" | null>(null);
  const tally = useSignal<Tally>(null);
  const exporting = useSignal<"no" | "yes" | "failed">("no");

  // The sealed record is shown from its first entry that this person may see: what was not asked for is asked for now.
  useEffect(() => {
    if (!sitting.complete.value && sitting.line.value.kind === "open") void sitting.loadBack(0);
  }, [sitting.complete.value, sitting.line.value.kind]);

  const { size: first, frontier } = sitting.before.value;
  const tree = useMemo(() => {
    const unbroken = entries.every((entry, index) => entry.seq === first + index);
    return unbroken && frontier.length === bitsSet(first) ? new WholeTree(entries.map((entry) => entry.leafHash), first, frontier) : null;
  }, [entries, first, frontier]);
  const enrolled = useMemo(() => new Enrolled(entries.flatMap((entry) => (entry.leaf === null ? [] : [entry.leaf]))), [entries]);
  const checkpoint = verdict.kind === "agrees" ? verdict.checkpoint : null;
  // Who witnessed this head, as the signatures under the court's note show; each is verified here.
  useEffect(() => {
    if (checkpoint === null) return;
    void cosigners(checkpoint.origin, checkpoint.body, checkpoint.signatures, enrolled.last()).then((found) => (witnesses.value = found));
  }, [checkpoint?.note, enrolled]);
  if (view === null || me === null) return null;

  const prove = async (entry: Entry): Promise<LineProof | "unknown"> => {
    if (tree === null || checkpoint === null || entry.seq >= checkpoint.size) return "unknown";
    const commit = entry.leaf === null ? undefined : entry.leaf.commit;
    const device = entry.leaf === null ? null : await enrolled.verdict(entry.leaf, first === 0);
    return proveLine({ seq: entry.seq, leafHash: entry.leafHash, commit, salt: entry.salt, content: entry.content, device }, tree, checkpoint.note, me.vkey, me.origin);
  };
  const open = (entry: Entry): void => {
    chosen.value = entry;
    proof.value = null;
    void prove(entry).then((made) => {
      if (chosen.peek() === entry) proof.value = made;
    });
  };
  const checkAll = async (): Promise<void> => {
    const bad: number[] = [];
    for (const [index, entry] of entries.entries()) {
      const made = await prove(entry);
      if (made === "unknown" || !holds(made)) bad.push(entry.seq);
      if (index % 20 === 0) tally.value = { done: index, bad: [...bad], running: true };
    }
    tally.value = { done: entries.length, bad, running: false };
  };
  const takeExport = async (): Promise<void> => {
    exporting.value = "yes";
    try {
      const response = await ask(`/api/sittings/${me.streamHex}/export`, { method: "POST", token: me.session });
      const url = URL.createObjectURL(await response.blob());
      const link = document.createElement("a");
      link.href = url;
      link.download = `${view.caseNumber || me.streamHex}.zip`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
      exporting.value = "no";
    } catch {
      exporting.value = "failed";
    }
  };
  const counted = tally.value;
  const w = words();
  const own = view.sealed === null ? null : ownTime(view.sealed.tsMs);
  return (
    <main class="page sealed-page" {...onPage("sealed")}>
      <Masthead court={view.court} />
      <div class="stack">
        <p class="soft">{view.caseNumber}</p>
        <h1 class="seal-title">
          <Icon name="seal" />
          <span data-testid="phase" data-phase="sealed">
            {r.sealed_title}
          </span>
        </h1>
        <LineState />
        <ForkNotice />
        <div class="card stack" data-testid="sealed-summary">
          <p>
            <strong>{r.sealed_summary((view.sealed?.seq ?? entries.length - 1) + 1, checkpoint === null ? "" : toHex(checkpoint.root).slice(0, 8))}</strong>
          </p>
          {view.sealed !== null && (
            <p>
              {r.sealed_at(courtTime(view.sealed.tsMs))} {own !== null && <span class="soft whole">{w.your_time(own)}</span>}
            </p>
          )}
          {checkpoint !== null && <p>{r.signed_by(view.court)}</p>}
          {checkpoint !== null && (
            <p data-testid="cosigners" data-count={witnesses.value.length}>
              {witnesses.value.length === 0 ? r.cosigned_none : r.cosigned_by(list(witnesses.value.map(({ slot }) => whoShort(view, slot))))}
            </p>
          )}
          <p class="soft small">{r.sealed_text}</p>
        </div>
        <div class="row">
          <button type="button" class="button primary" data-testid="check-all" disabled={tree === null || checkpoint === null || counted?.running === true} onClick={() => void checkAll()}>
            {r.check_all}
          </button>
          {isBench(me.role) && (
            <button type="button" class="button" data-testid="export" disabled={exporting.value === "yes"} onClick={() => void takeExport()}>
              <Icon name="download" />
              {exporting.value === "yes" ? r.exporting : r.export}
            </button>
          )}
          <LeaveButton />
        </div>
        {exporting.value === "failed" && (
          <p class="notice bad" role="alert">
            {r.export_failed}
          </p>
        )}
        {counted !== null && (
          <p class={`notice ${counted.running ? "" : counted.bad.length === 0 ? "good" : "bad"}`} role="status" data-testid="check-result" data-bad={counted.bad.length} data-done={counted.running ? "no" : "yes"}>
            {counted.running ? r.checking(counted.done, entries.length) : counted.bad.length === 0 ? r.all_hold(entries.length) : r.said(r.some_fail(counted.bad.length), counted.bad.map((seq) => `#${seq}`).join(" "))}
          </p>
        )}
        <ol class="lines">
          {entries.map((entry) => (
            <li key={entry.seq}>
              <button type="button" class="line" data-testid={`entry-${entry.seq}`} data-type={entry.leaf?.type ?? "withheld"} onClick={() => open(entry)}>
                <span class="number">#{entry.seq}</span>
                <time class="soft">{entry.leaf === null ? "" : exactClock(entry.leaf.tsMs)}</time>
                <span class="grow">
                  {entry.leaf !== null && isMessage(entry.leaf.type) ? r.said(whoShort(view, entry.leaf.actor), summary(entry)) : wordsOf(entry) === "" ? sentence(entry, view) : r.said(sentence(entry, view), wordsOf(entry))}
                </span>
              </button>
            </li>
          ))}
        </ol>
      </div>
      {chosen.value !== null && <ProofSheet entry={chosen.value} proof={proof.value} cosigned={witnesses.value} close={() => (chosen.value = null)} />}
    </main>
  );
}

function summary(entry: Entry): string {
  const r = roomWords();
  const text = wordsOf(entry);
  const kinds: Readonly<Record<string, string>> = { "msg.voice": r.voice, "msg.image": r.photo, "msg.video": r.video, "msg.file": r.file };
  const kind = kinds[entry.leaf?.type ?? ""];
  return kind === undefined ? text : text === "" ? `[${kind}]` : `[${kind}] ${text}`;
}

function ProofSheet({ entry, proof, cosigned, close }: { readonly entry: Entry; readonly proof: LineProof | "unknown" | null; readonly cosigned: readonly Cosigner[]; readonly close: () => void }): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const view = sitting.view.value;
  if (view === null) return null;
  const receipt = sitting.witness.receipts.value.get(entry.seq);
  const destroyedBy = sitting.destroyed.value.get(entry.seq) ?? null;
  const attachment = destroyedBy === null ? attachmentOf(entry) : null;
  const file = attachment === null ? null : blobSignal(attachment.commit).value;
  const state = proof === null ? "checking" : proof === "unknown" ? "unknown" : holds(proof) && file?.kind !== "altered" ? "good" : "bad";
  const words: Readonly<Record<string, string>> = {
    match: r.proof_words,
    differ: r.proof_words_bad,
    none: r.proof_words_none,
    withheld: destroyedBy === null ? r.proof_words_withheld : r.destroyed(destroyedBy),
  };
  const devices: Readonly<Record<string, string>> = {
    court: r.proof_device_court,
    holds: entry.leaf === null ? "" : r.proof_device(who(view, entry.leaf.actor)),
    differs: r.proof_device_bad,
    unknown: r.proof_device_unknown,
  };
  return (
    <Sheet title={r.proof_title(entry.seq)} close={close} testid="proof">
      <p>
        {entry.leaf !== null && <time>{exactClock(entry.leaf.tsMs)}</time>} · {sentence(entry, view)}
      </p>
      {destroyedBy === null && wordsOf(entry) !== "" && <blockquote>{wordsOf(entry)}</blockquote>}
      {attachment !== null && <AttachmentView type={entry.leaf?.type ?? ""} attachment={attachment} />}
      <p class={`notice ${state === "good" ? "good" : state === "bad" ? "bad" : "wait"}`} role="status" data-testid="proof-state" data-state={state}>
        <strong>
          {state === "good" ? `✓ ${r.proof_good}` : state === "bad" ? `✗ ${r.proof_bad}` : state === "unknown" ? r.proof_unknown : "…"}
        </strong>
      </p>
      {proof !== null && proof !== "unknown" && (
        <>
          <h3>{r.proof_how}</h3>
          <ol class="how">
            <li>{words[proof.words]}</li>
            {proof.device !== null && (
              <li data-testid="proof-device" data-device={proof.device}>
                {devices[proof.device]}
              </li>
            )}
            {attachment !== null && (
              <li>{file?.kind === "here" && file.checked ? r.proof_file : file?.kind === "altered" ? r.proof_file_bad : r.proof_file_unchecked}</li>
            )}
            <li>{proof.path ? r.proof_path(entry.seq, proof.size, proof.steps) : r.proof_path_bad}</li>
            <li>{proof.signature ? r.proof_signature(view.court) : r.proof_signature_bad}</li>
            {cosigned.length > 0 && <li data-testid="proof-cosigned">{r.proof_cosigned(list(cosigned.map(({ slot }) => whoShort(view, slot))))}</li>}
            {receipt !== undefined && (
              <li data-testid="proof-receipt" data-good={receipt.good ? "yes" : "no"}>
                {receipt.good ? r.proof_receipt(exactClock(receipt.tsMs)) : r.proof_receipt_bad}
              </li>
            )}
          </ol>
          <details>
            <summary>{r.proof_more}</summary>
            <dl class="facts small">
              <dt>{r.proof_leaf}</dt>
              <dd>
                <code>{toHex(entry.leafHash)}</code>
              </dd>
              <dt>{r.proof_key}</dt>
              <dd>
                <code>{proof.signers.join(", ")}</code>
              </dd>
              {entry.leaf?.deviceKeyId != null && (
                <>
                  <dt>{r.proof_device_key}</dt>
                  <dd>
                    <code>{toHex(entry.leaf.deviceKeyId)}</code>
                  </dd>
                </>
              )}
              {receipt !== undefined && (
                <>
                  <dt>{r.proof_receipt_signature}</dt>
                  <dd>
                    <code>{toHex(receipt.attestation.signature)}</code>
                  </dd>
                </>
              )}
              <dt>{r.proof_root}</dt>
              <dd>
                <code>{proof.root === null ? "" : toHex(proof.root)}</code>
              </dd>
            </dl>
          </details>
        </>
      )}
      <button type="button" class="button wide" data-testid="proof-close" onClick={close}>
        {r.close_sheet}
      </button>
    </Sheet>
  );
}
