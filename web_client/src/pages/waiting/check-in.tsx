// What is asked of a person at the court's door: the rules of the court, and his consent, one thing per page and in plain
// words. Whatever he does not answer here the clerk asks him; nothing is presumed (ODR 4).
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { tag } from "../../i18n/language";
import { peopleWords, textShown } from "../../i18n/people-words";
import { roomWords } from "../../i18n/room-words";
import { toAsk, UNKNOWN, type Asked, type Standing } from "../../state/checked";
import type { Draft } from "../../state/outbox";
import type { RoomView } from "../../state/view";
import { Confirm } from "../../ui/sheet";
import { here } from "../room/here";

function answer(asked: Asked, version: string, text: string): Draft {
  const content = { text };
  return asked === "rules" ? { command: "rules.accept", args: [version], content } : { command: "consent", args: [asked, version, tag()], content };
}

/** `own`: what the court knows of him: as it is told to whoever waits, or of his seat in the room. */
export function CheckIn({ view, own }: { readonly view: RoomView; readonly own: Standing }): JSX.Element | null {
  const p = peopleWords();
  const { sitting, visit } = here();
  const { role } = visit.info;
  const passed = useSignal<readonly Asked[]>([]);
  const all = toAsk(role, UNKNOWN, view.texts, view.form.offered);
  const open = toAsk(role, own, view.texts, view.form.offered);
  const now = open.find((asked) => !passed.value.includes(asked));
  if (all.length === 0) return null;
  const sending = sitting.outbox.items.value.some((item) => item.state === "waiting" && (item.command === "consent" || item.command === "rules.accept"));
  if (now === undefined) {
    return (
      <section class="card stack" data-testid="check-in-done">
        {open.length === 0 && <p role="status">{p.all_answered}</p>}
        <Given own={own} />
      </section>
    );
  }
  const { version, text } = textShown(view.texts, now);
  return (
    <section class="card stack" aria-labelledby="check-in-title" data-testid={`check-in-${now}`}>
      <p class="soft small">{p.step(all.indexOf(now) + 1, all.length)}</p>
      <h2 id="check-in-title">{p.asked[now]}</h2>
      <p data-testid="check-in-text">{text}</p>
      <button type="button" class="button primary wide" data-testid="check-in-yes" disabled={sending} onClick={() => void sitting.say(answer(now, version, text))}>
        {sending ? roomWords().sending : p.yes[now]}
      </button>
      <button type="button" class="button quiet" data-testid="check-in-later" disabled={sending} onClick={() => (passed.value = [...passed.peek(), now])}>
        {p.later}
      </button>
    </section>
  );
}

/** What he has consented to, each with the way back (ODR 5). */
function Given({ own }: { readonly own: Standing }): JSX.Element | null {
  const p = peopleWords();
  const { sitting } = here();
  const asking = useSignal<string | null>(null);
  const reason = useSignal("");
  const form = asking.value;
  if (own.consents.length === 0) return null;
  return (
    <>
      <h2 class="small soft">{p.given}</h2>
      {own.consents.map((each) => (
        <p key={each} class="row">
          <span class="grow">{p.you_consent(p.forms[each] ?? each)}</span>
          <button type="button" class="button quiet" data-testid={`withdraw-${each}`} aria-label={p.withdraw(p.forms[each] ?? each)} onClick={() => (asking.value = each)}>
            {p.take_back}
          </button>
        </p>
      ))}
      {form !== null && (
        <Confirm
          title={p.withdraw_title}
          text={p.withdraw_text}
          sure={p.withdraw_sure}
          not={p.keep}
          testid="withdraw"
          close={() => (asking.value = null)}
          act={() => {
            const why = reason.peek().trim();
            void sitting.say({ command: "consent.withdraw", args: [form], ...(why === "" ? {} : { content: { reason: why } }) });
          }}
        >
          <div class="field">
            <label for="withdraw-reason">{p.reason}</label>
            <input id="withdraw-reason" maxLength={200} autoComplete="off" value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />
          </div>
        </Confirm>
      )}
    </>
  );
}
