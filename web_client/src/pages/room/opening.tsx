// The judge opens while something lacks: what, of whom, and who mends it how; below it his ruling to open nevertheless (PE7).
// What is mended meanwhile stays in its place, marked as done, so that nothing moves under a finger.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";

import { peopleWords } from "../../i18n/people-words";
import { roleName } from "../../i18n/words";
import { missing, type Missing } from "../../state/checked";
import type { RoomView } from "../../state/view";
import { Confirm } from "../../ui/sheet";
import { perform } from "./acts";
import { Mend } from "./checked";
import { who } from "./wording";

const key = (item: Missing): string => `${item.slot} ${item.what}`;

export function OpeningQuestion({ view, close }: { readonly view: RoomView; readonly close: () => void }): JSX.Element {
  const p = peopleWords();
  const reason = useSignal("");
  const shown = useRef<Missing[]>([]);
  const open = missing(view);
  const lacks = new Set(open.map(key));
  const known = new Set(shown.current.map(key));
  shown.current.push(...open.filter((item) => !known.has(key(item))));
  const slots = [...new Set(shown.current.map((item) => item.slot))];
  const done = open.length === 0;
  return (
    <Confirm
      title={p.open_title}
      text={done ? p.open_done : p.open_lacks(open.length)}
      sure={done ? p.open_plain : p.open_sure}
      not={p.open_not}
      testid="open"
      ready={view.phase === "checking_in" && (done || reason.value.trim() !== "")}
      close={close}
      act={() => perform("act.open", [], done ? "" : reason.peek())}
    >
      <ul class="stack lacking" data-testid="open-lacks" data-open={open.length}>
        {slots.map((slot) => (
          <li key={slot} class="stack tight">
            <strong>{slot === "court" ? roleName("court") : who(view, slot)}</strong>
            <ul class="stack tight">
              {shown.current
                .filter((item) => item.slot === slot)
                .map((item) => (
                  <li key={item.what} class="row lack" data-testid={`lack-${item.what}-${slot}`}>
                    <span class="grow">
                      {p.lacks[item.what]}
                      <span class="soft small whose">{p.how[item.what]}</span>
                    </span>
                    {lacks.has(key(item)) ? <Mend item={item} view={view} id="open" /> : <span class="tag good">{p.item_done}</span>}
                  </li>
                ))}
            </ul>
          </li>
        ))}
      </ul>
      <div class="field">
        <label for="open-reason">{p.open_reason}</label>
        <textarea id="open-reason" data-testid="open-reason" rows={2} maxLength={500} required={!done} disabled={done} value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />
      </div>
    </Confirm>
  );
}
