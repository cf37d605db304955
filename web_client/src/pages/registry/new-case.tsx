// A new case, on one calm page: the case, its sitting, its people. Nothing is sent before it is right, and sending twice
// makes one case.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { registryWords } from "../../i18n/registry-words";
import { words } from "../../i18n/words";
import { random, toHex } from "../../record/bytes";
import { desk, deskFailed, place } from "./desk-state";
import { DAY_MS, KINDS, localValue } from "./times";
import { onPage } from "../../ui/routes";

interface Person {
  readonly key: number;
  readonly role: string;
  readonly name: string;
}

interface Wrong {
  readonly field: string;
  readonly words: string;
}

const ROLES = ["judge", "clerk", "plaintiff", "defendant", "third_party", "agent", "witness", "expert", "interpreter", "mediator", "assistant", "observer", "courtroom"];

export function NewCasePage(): JSX.Element {
  const r = registryWords();
  const w = words();
  const request = useRef(toHex(random(16)));
  const next = useRef(4);
  const number = useSignal("");
  const cause = useSignal("");
  const kind = useSignal("hearing");
  const when = useSignal(localValue(Date.now() + 10 * 60_000));
  const reason = useSignal("");
  const noticeDays = desk.value?.noticeDays ?? 0;
  const short = Date.parse(when.value) - Date.now() < noticeDays * DAY_MS;
  const people = useSignal<readonly Person[]>([
    { key: 0, role: "judge", name: "" },
    { key: 1, role: "clerk", name: "" },
    { key: 2, role: "plaintiff", name: "" },
    { key: 3, role: "defendant", name: "" },
  ]);
  const wrong = useSignal<readonly Wrong[]>([]);
  const state = useSignal<"" | "sending" | "failed">("");
  const summary = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (wrong.value.length > 0) summary.current?.focus();
  }, [wrong.value]);

  const check = (): readonly Wrong[] => {
    const found: Wrong[] = [];
    if (number.value.trim() === "") found.push({ field: "case-number-box", words: r.need_number });
    if (cause.value.trim() === "") found.push({ field: "cause-box", words: r.need_cause });
    if (Number.isNaN(Date.parse(when.value))) found.push({ field: "when-box", words: r.need_when });
    if (short && reason.value.trim() === "") found.push({ field: "reason-box", words: r.need_short_reason });
    if (!people.value.some((person) => person.role === "judge")) found.push({ field: "role-0", words: r.need_judge });
    people.value.forEach((person, index) => {
      if (person.name.trim() === "") found.push({ field: `name-${index}`, words: r.need_name(index + 1) });
    });
    return found;
  };
  const create = async (): Promise<void> => {
    wrong.value = check();
    if (wrong.value.length > 0 || state.value === "sending") return;
    state.value = "sending";
    try {
      const row = await desk.peek()?.create({
        request_id: request.current,
        case_number: number.value.trim(),
        cause: cause.value.trim(),
        seats: people.value.map(({ role, name }) => ({ role, name: name.trim() })),
        sitting: { kind: kind.value, at_ms: Date.parse(when.value) },
        reason: short ? reason.value.trim() : "",
      });
      if (row === undefined) return;
      place.value = { kind: "case", row };
      scrollTo(0, 0);
    } catch (error) {
      deskFailed(error);
      state.value = "failed";
    }
  };
  const change = (index: number, to: Partial<Person>): void => {
    people.value = people.value.map((person, n) => (n === index ? { ...person, ...to } : person));
  };
  const invalid = (field: string): { "aria-invalid"?: "true" } => (wrong.value.some((each) => each.field === field) ? { "aria-invalid": "true" } : {});
  return (
    <form
      class="stack"
      {...onPage("new-case")}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void create();
      }}
    >
      <button type="button" class="button quiet" data-testid="desk-back" onClick={() => history.back()}>
        {r.back}
      </button>
      <h1>{r.new_case}</h1>
      {wrong.value.length > 0 && (
        <div class="notice bad stack" role="alert" tabIndex={-1} ref={summary} data-testid="error-summary">
          <h2>{r.errors_title}</h2>
          <ul>
            {wrong.value.map((each) => (
              <li key={each.field}>
                <a
                  href={`#${each.field}`}
                  onClick={(event) => {
                    event.preventDefault();
                    document.getElementById(each.field)?.focus();
                  }}
                >
                  {each.words}
                </a>
              </li>
            ))}
          </ul>
        </div>
      )}
      {state.value === "failed" && (
        <p class="notice bad" role="alert">
          {r.failed}
        </p>
      )}
      <div class="field">
        <label for="case-number-box">{r.case_number}</label>
        <span class="hint" id="case-number-hint">
          {r.case_number_hint}
        </span>
        <input id="case-number-box" data-testid="new-case-number" aria-describedby="case-number-hint" maxLength={60} value={number.value} {...invalid("case-number-box")} onInput={(event) => (number.value = event.currentTarget.value)} />
      </div>
      <div class="field">
        <label for="cause-box">{r.cause}</label>
        <span class="hint" id="cause-hint">
          {r.cause_hint}
        </span>
        <input id="cause-box" data-testid="new-cause" aria-describedby="cause-hint" maxLength={200} value={cause.value} {...invalid("cause-box")} onInput={(event) => (cause.value = event.currentTarget.value)} />
      </div>
      <div class="pair">
        <div class="field">
          <label for="kind-box">{r.kind}</label>
          <span class="hint">&nbsp;</span>
          <select id="kind-box" data-testid="new-kind" value={kind.value} onChange={(event) => (kind.value = event.currentTarget.value)}>
            {KINDS.map((each) => (
              <option key={each} value={each}>
                {w.kinds[each]}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="when-box">{r.when}</label>
          <span class="hint" id="when-hint">
            {r.when_hint}
          </span>
          <input id="when-box" type="datetime-local" data-testid="new-when" aria-describedby="when-hint" value={when.value} {...invalid("when-box")} onInput={(event) => (when.value = event.currentTarget.value)} />
        </div>
      </div>
      {short && (
        <div class="field">
          <label for="reason-box">{r.short_reason(noticeDays)}</label>
          <span class="hint" id="reason-hint">
            {r.short_reason_hint}
          </span>
          <input id="reason-box" data-testid="new-short-reason" aria-describedby="reason-hint" maxLength={200} value={reason.value} {...invalid("reason-box")} onInput={(event) => (reason.value = event.currentTarget.value)} />
        </div>
      )}
      <fieldset class="stack">
        <legend>{r.people}</legend>
        <p class="soft small">{r.people_hint}</p>
        {people.value.map((person, index) => (
          <div key={person.key} class="person" role="group" aria-label={r.person_n(index + 1)}>
            <div class="field">
              <label for={`role-${index}`}>{r.role}</label>
              <select id={`role-${index}`} data-testid={`new-role-${index}`} value={person.role} {...invalid(`role-${index}`)} onChange={(event) => change(index, { role: event.currentTarget.value })}>
                {ROLES.map((role) => (
                  <option key={role} value={role}>
                    {w.roles[role]}
                  </option>
                ))}
              </select>
            </div>
            <div class="field grow">
              <label for={`name-${index}`}>{r.name}</label>
              <input id={`name-${index}`} data-testid={`new-name-${index}`} autoComplete="off" maxLength={80} value={person.name} {...invalid(`name-${index}`)} onInput={(event) => change(index, { name: event.currentTarget.value })} />
            </div>
            <button type="button" class="button quiet icon-only" aria-label={r.remove_person(index + 1)} disabled={people.value.length < 2} onClick={() => (people.value = people.value.filter((_, n) => n !== index))}>
              ✕
            </button>
          </div>
        ))}
        <button
          type="button"
          class="button"
          data-testid="new-add-person"
          onClick={() => {
            people.value = [...people.value, { key: next.current, role: "witness", name: "" }];
            next.current += 1;
          }}
        >
          {r.add_person}
        </button>
      </fieldset>
      <button type="submit" class="button primary wide" data-testid="case-create" disabled={state.value === "sending"}>
        {state.value === "sending" ? r.creating : r.create}
      </button>
    </form>
  );
}

