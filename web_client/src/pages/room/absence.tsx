// Who is away: the judge's next step with suggested words, and for whoever comes back what was said meanwhile. No step is
// ever taken by a machine (AB3).
import { signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { conductWords } from "../../i18n/conduct-words";
import { clock } from "../../i18n/times";
import { nextStep } from "../../state/conduct";
import type { RoomView, Seat } from "../../state/view";
import { Confirm } from "../../ui/sheet";
import { perform, under } from "./acts";
import { here } from "./here";
import { who } from "./wording";

const EXPECTED_NOT: ReadonlySet<string> = new Set(["judge", "clerk", "observer", "courtroom"]);

/** Away in the sense of the ladder: expected, not connected, not sent out (AB2). */
export function isAway(seat: Seat): boolean {
  return !seat.connected && seat.state !== "removed" && !EXPECTED_NOT.has(seat.role);
}

/** The rulings that can be true of somebody: who was let in can have left, who never was can have refused to come. */
function rulings(seat: Seat): readonly string[] {
  return ["excused", seat.state === "admitted" ? "left_court" : "refused"];
}

export function AwaySteps({ seat, view }: { readonly seat: Seat; readonly view: RoomView }): JSX.Element | null {
  const w = conductWords();
  const { sitting } = here();
  const asked = useSignal<{ readonly command: string; readonly words: string } | null>(null);
  const live = view.phase === "checking_in" || view.phase === "open" || view.phase === "in_recess";
  if (!live || sitting.me.value?.role !== "judge" || !isAway(seat)) return null;
  const step = nextStep(view.conduct.away[seat.slot]);
  if (step === null) return null;
  const offline = sitting.line.value.kind !== "open";
  const button = (command: string, words: string, label: string): JSX.Element => (
    <button key={words} type="button" class="button" data-testid={`${words}-${seat.slot}`} disabled={offline || under(command, seat.slot)} onClick={() => (asked.value = { command, words })}>
      {label}
    </button>
  );
  return (
    <div class="seat-acts" role="group" aria-label={w.away}>
      {step === "rule" ? rulings(seat).map((each) => button("act.rule_absent", each, w.rulings[each] ?? each)) : button(`act.${step}_absent`, step, w.steps[step])}
      {asked.value !== null && <StepSheet view={view} slot={seat.slot} {...asked.value} close={() => (asked.value = null)} />}
    </div>
  );
}

interface StepProps {
  readonly view: RoomView;
  readonly slot: string;
  readonly command: string;
  readonly words: string;
  readonly close: () => void;
}

function StepSheet({ view, slot, command, words, close }: StepProps): JSX.Element {
  const w = conductWords();
  const text = useSignal(w.suggest_away[words]?.(who(view, slot)) ?? "");
  const label = w.rulings[words] ?? (words === "prompt" || words === "warn" ? w.steps[words] : words);
  return (
    <Confirm title={`${who(view, slot)} · ${label}`} sure={label} not={w.cancel} testid="away" close={close} act={() => perform(command, command === "act.rule_absent" ? [slot, words] : [slot], text.peek())}>
      <div class="field">
        <label for="away-words">{w.words}</label>
        <textarea id="away-words" data-testid="away-words" rows={4} maxLength={1_000} value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} />
      </div>
    </Confirm>
  );
}

/** The last one that was read, by the time it was said: a reload does not bring it back, a new one does. */
const read = signal(0);

/** For whoever came back, also to the door: what was said while he was away (AB4). */
export function Missed({ view, slot }: { readonly view: RoomView; readonly slot: string }): JSX.Element | null {
  const w = conductWords();
  const away = view.conduct.away[slot];
  if (away === undefined || !away.back || away.atMs <= read.value) return null;
  const words = w.missed[away.step]?.(clock(away.atMs));
  if (words === undefined) return null;
  return (
    <div class="own-state wait trouble" role="status" data-testid="missed" data-step={away.step}>
      <span class="grow">{words}</span>
      <button type="button" class="button" data-testid="missed-read" onClick={() => (read.value = away.atMs)}>
        {w.understood}
      </button>
    </div>
  );
}
