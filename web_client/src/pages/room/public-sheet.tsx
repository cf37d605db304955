// What judge and clerk do about the public (SPEC PU). One sheet says where it stands; each act that shows the hearing to
// strangers, or takes it from them, is asked for by its name, and the dark that may be needed at once takes one tap.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { opennessWords } from "../../i18n/openness-words";
import { watches } from "../../state/openness";
import { seatOf, type RoomView } from "../../state/view";
import { Icon } from "../../ui/icons";
import { Confirm, Sheet } from "../../ui/sheet";
import { perform, question, under } from "./acts";
import { here } from "./here";
import { PublicState } from "./public";
import { CloseQuestion, LiftQuestion, OpenQuestion } from "./public-questions";

type Step = "open" | "end" | "close" | "lift";

/** For judge and clerk. The clerk opens and ends (PU1); everything else is the judge's. */
export function PublicSheet({ view, close }: { readonly view: RoomView; readonly close: () => void }): JSX.Element {
  const w = opennessWords();
  const { sitting } = here();
  const step = useSignal<Step | null>(null);
  const { openness } = view;
  const back = (): void => void (step.value = null);
  const judge = seatOf(view, sitting.me.value?.slot ?? "")?.role === "judge";
  const online = sitting.line.value.kind === "open";
  const closed = openness.closing !== null;
  if (step.value === "open") return <OpenQuestion view={view} close={back} />;
  if (step.value === "close") return <CloseQuestion view={view} close={back} />;
  if (step.value === "lift") return <LiftQuestion view={view} close={back} />;
  if (step.value === "end") return <Confirm title={w.end} text={w.end_text} sure={w.end} not={w.not} testid="public-end" close={back} act={() => perform("act.end_public")} />;
  const act = (name: Step | "act.hold_gallery" | "act.show_gallery" | "delay", label: string, shown: boolean, danger = false): JSX.Element | null =>
    !shown ? null : (
      <button
        type="button"
        class={`button wide ${danger ? "danger" : ""}`}
        data-testid={`public-${name.replace("act.", "").replace("_gallery", "")}`}
        disabled={!online || (name.startsWith("act.") && under(name))}
        onClick={() => {
          if (name === "delay") {
            close();
            question.value = { act: "act.gallery_delay" };
          } else if (name === "act.hold_gallery" || name === "act.show_gallery") perform(name);
          else step.value = name;
        }}
      >
        {label}
      </button>
    );
  return (
    <Sheet title={w.title} close={close} testid="public-sheet">
      <PublicState view={view} />
      {!openness.mayBePublic && !openness.public && <p class="soft small">{w.never}</p>}
      {openness.public && !closed && <Address hearing={view.hearing} />}
      <div class="stack tight">
        {act("open", w.open, !openness.public && openness.mayBePublic && !closed)}
        {openness.public && judge && !openness.held && <p class="soft small">{w.hold_text}</p>}
        {act("act.hold_gallery", w.hold, judge && openness.public && !openness.held)}
        {act("act.show_gallery", w.show, judge && openness.held)}
        {act("delay", w.delay, judge && (openness.public || view.seats.some((seat) => watches(seat))))}
        {act("lift", w.lift, judge && closed)}
      </div>
      <div class="stack tight set-apart">
        {act("close", w.close, judge && !closed && openness.grounds.length > 0, true)}
        {act("end", w.end, openness.public, true)}
      </div>
      <button type="button" class="button wide" data-testid="public-close-sheet" onClick={close}>
        {w.not}
      </button>
    </Sheet>
  );
}

/** The public address, to be read out, copied or shown. It opens nothing but the gallery. */
function Address({ hearing }: { readonly hearing: string }): JSX.Element | null {
  const w = opennessWords();
  const copied = useSignal(false);
  const qr = useSignal(false);
  if (hearing === "") return null;
  const url = `${location.origin}/#/p/${hearing}`;
  const copy = (): void => void navigator.clipboard?.writeText(url).then(() => (copied.value = true), () => undefined);
  return (
    <div class="field">
      <label for="public-link">{w.link}</label>
      <input id="public-link" data-testid="public-link" readOnly value={url} onFocus={(event) => event.currentTarget.select()} />
      <div class="row">
        <button type="button" class="button" data-testid="public-copy" onClick={copy}>
          <Icon name="copy" />
          {copied.value ? w.copied : w.copy}
        </button>
        <button type="button" class="button" data-testid="public-qr" aria-expanded={qr.value} onClick={() => (qr.value = !qr.peek())}>
          {w.qr}
        </button>
      </div>
      {qr.value && <img class="qr" src={`/api/public/hearings/${hearing}/qr`} alt={w.qr_alt} width={200} height={200} />}
    </div>
  );
}
