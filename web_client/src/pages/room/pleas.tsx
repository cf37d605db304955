// What parties ask of the judge in due form, and the judge's answers: each with words that can be changed before they are
// on the record. In a restricted part they go without words (FL6).
import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";

import { conductWords } from "../../i18n/conduct-words";
import type { Argument } from "../../protocol/frames.gen";
import { GROUNDS, MOTIONS, OUTCOMES, type Plea } from "../../state/conduct";
import { isOutside } from "../../state/may";
import { seatOf, type RoomView } from "../../state/view";
import { Confirm } from "../../ui/sheet";
import { under } from "./acts";
import { here } from "./here";
import { who } from "./wording";

const PLEADERS: ReadonlySet<string> = new Set(["plaintiff", "defendant", "third_party", "agent"]);
const MOST = 1_000;

function send(command: string, args: readonly Argument[], text: string): void {
  const said = text.trim();
  void here().sitting.say(said === "" ? { command, args } : { command, args, content: { text: said } });
}

function Words({ id, label, text, restricted }: { readonly id: string; readonly label: string; readonly text: Signal<string>; readonly restricted: boolean }): JSX.Element {
  const w = conductWords();
  if (restricted) return <p class="soft">{w.words_restricted}</p>;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea id={id} data-testid={id} rows={3} maxLength={MOST} value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} />
    </div>
  );
}

/** For parties and agents, under the plus: in plain words. */
export function PleaButtons(): JSX.Element | null {
  const w = conductWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  const asked = useSignal<"objection" | "motion" | null>(null);
  if (view === null || me === null || !PLEADERS.has(seatOf(view, me.slot)?.role ?? "")) return null;
  const still = view.phase !== "open" || isOutside(view, me.slot) || sitting.line.value.kind !== "open";
  return (
    <>
      <button type="button" class="button" data-testid="object" disabled={still} onClick={() => (asked.value = "objection")}>
        {w.object}
      </button>
      <button type="button" class="button" data-testid="move" disabled={still} onClick={() => (asked.value = "motion")}>
        {w.move}
      </button>
      {asked.value !== null && <PleaSheet what={asked.value} restricted={view.restricted !== null} close={() => (asked.value = null)} />}
    </>
  );
}

function PleaSheet({ what, restricted, close }: { readonly what: "objection" | "motion"; readonly restricted: boolean; readonly close: () => void }): JSX.Element {
  const w = conductWords();
  const codes: readonly string[] = what === "motion" ? MOTIONS : GROUNDS;
  const code = useSignal(codes[0] ?? "other");
  const text = useSignal("");
  const send_ = what === "motion" ? w.send_motion : w.send_objection;
  // A motion without words would only be refused: what was chosen is then what is asked for.
  const said = (): string => (restricted ? "" : text.peek().trim() === "" && what === "motion" ? (w.codes[code.peek()] ?? code.peek()) : text.peek());
  return (
    <Confirm title={what === "motion" ? w.move : w.object} sure={send_} not={w.cancel} testid="plea" close={close} act={() => send(what, [code.peek()], said())}>
      <fieldset class="stack">
        <legend>{what === "motion" ? w.what : w.ground}</legend>
        {codes.map((each) => (
          <label key={each} class="check-line">
            <input type="radio" name="plea-code" data-testid={`plea-${each}`} checked={code.value === each} onChange={() => (code.value = each)} />
            <span>{w.codes[each]}</span>
          </label>
        ))}
      </fieldset>
      <Words id="plea-words" label={what === "motion" ? w.motion_words : w.objection_words} text={text} restricted={restricted} />
    </Confirm>
  );
}

/** What waits for the judge, oldest first; for the clerk to see. */
export function PleaList(): JSX.Element | null {
  const w = conductWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const role = sitting.me.value?.role;
  const asked = useSignal<{ readonly plea: Plea; readonly outcome: string } | null>(null);
  if (view === null || (role !== "judge" && role !== "clerk") || (view.phase !== "open" && view.phase !== "in_recess")) return null;
  if (view.conduct.pleas.length === 0) return null;
  const offline = sitting.line.value.kind !== "open";
  return (
    <>
      <ul class="door" data-testid="pleas" aria-label={w.waiting}>
        {view.conduct.pleas.map((plea) => (
          <li key={plea.seq} class="at-door" data-testid={`plea-${plea.seq}`}>
            <span class="grow">
              {w.plea(who(view, plea.slot), plea.what, w.codes[plea.code] ?? plea.code, plea.seq)}
              {plea.reserved && ` · ${w.is_reserved}`}
            </span>
            {role === "judge" &&
              OUTCOMES[plea.what]
                .filter((outcome) => outcome !== "reserved" || !plea.reserved)
                .map((outcome) => (
                  <button key={outcome} type="button" class="button" data-testid={`${outcome}-${plea.seq}`} disabled={offline || under("act.rule")} onClick={() => (asked.value = { plea, outcome })}>
                    {w.rule(w.codes[outcome] ?? outcome)}
                  </button>
                ))}
          </li>
        ))}
      </ul>
      {asked.value !== null && <RuleSheet view={view} {...asked.value} close={() => (asked.value = null)} />}
    </>
  );
}

function RuleSheet({ view, plea, outcome, close }: { readonly view: RoomView; readonly plea: Plea; readonly outcome: string; readonly close: () => void }): JSX.Element {
  const w = conductWords();
  const restricted = view.restricted !== null;
  const text = useSignal(restricted ? "" : (w.suggest_rule[outcome] ?? ""));
  return (
    <Confirm
      title={w.plea(who(view, plea.slot), plea.what, w.codes[plea.code] ?? plea.code, plea.seq)}
      sure={w.rule(w.codes[outcome] ?? outcome)}
      not={w.cancel}
      testid="rule"
      close={close}
      act={() => send("act.rule", [plea.seq, outcome], text.peek())}
    >
      <Words id="rule-words" label={w.words} text={text} restricted={restricted} />
    </Confirm>
  );
}

/** For the judge: an order in words. */
export function OrderSheet({ close }: { readonly close: () => void }): JSX.Element {
  const w = conductWords();
  const text = useSignal("");
  return (
    <Confirm title={w.order} sure={w.send_order} not={w.cancel} testid="order" ready={text.value.trim() !== ""} close={close} act={() => send("act.order", [], text.peek())}>
      <Words id="order-words" label={w.order_words} text={text} restricted={false} />
    </Confirm>
  );
}
