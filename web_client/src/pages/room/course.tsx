// Where the sitting stands and where the judge takes it (SPEC ST): the stage, always seen and picked by the judge; the
// notice of a suspension or an end; and the acts that are rare and stand apart: suspend, adjourn, convert, cancel.
import { signal, useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { courseWords } from "../../i18n/course-words";
import { language } from "../../i18n/language";
import { roomWords } from "../../i18n/room-words";
import { courtTime, ownTime } from "../../i18n/times";
import type { Rare } from "../../state/acts";
import { wayTo } from "../../state/course";
import { isBench } from "../../state/may";
import type { RoomView } from "../../state/view";
import { Confirm, Sheet } from "../../ui/sheet";
import { perform } from "./acts";
import { called } from "./course-wording";
import { here } from "./here";

const asked = signal<Rare | "stages" | null>(null);
export function askCourse(act: Rare): void {
  asked.value = act;
}

export function askStages(): void {
  asked.value = "stages";
}

/** In the header. The judge's is a button that opens the picker; everybody else reads it. */
export function StageState({ brief = false }: { readonly brief?: boolean }): JSX.Element | null {
  const w = courseWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  if (view === null || me === null || view.program === null || view.course.stage === null) return null;
  const name = called(view.program.stages, view.course.stage);
  const picks = me.role === "judge" && view.phase === "open";
  if (!picks) {
    return (
      <span class="stage-state" data-testid="stage-now" data-stage={view.course.stage}>
        {brief ? name : w.stage_now(name)}
      </span>
    );
  }
  return (
    <button type="button" class="button quiet stage-state" data-testid="stage-now" data-stage={view.course.stage} aria-haspopup="dialog" onClick={askStages}>
      {brief ? name : w.stage_now(name)} <span aria-hidden="true">▾</span>
    </button>
  );
}

/** As long as it holds: that the court is suspended, until when it is adjourned, or how it ended. */
export function CourseNotice(): JSX.Element | null {
  const w = courseWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  if (view === null || me === null) return null;
  const told = notice(view, me.role === "judge");
  if (told !== null) {
    return (
      <p class="course-notice" role="status" data-testid="course-notice">
        {told}
      </p>
    );
  }
  const before = view.phase === "scheduled" || view.phase === "checking_in";
  if (!before || view.openedMs !== null || !isBench(me.role) || view.program?.shortNotice !== true) return null;
  return (
    <p class="soft small" data-testid="short-notice">
      {w.short_notice(view.program.noticeDays)}
    </p>
  );
}

function notice(view: RoomView, judge: boolean): string | null {
  const w = courseWords();
  if (view.phase === "technical_suspension") return judge ? w.suspended_bench : w.suspended;
  if (view.phase === "adjourned" && view.scheduledMs !== null) return w.adjourned(courtTime(view.scheduledMs), ownTime(view.scheduledMs));
  return view.course.ending === null ? null : w[view.course.ending];
}

/** The one question that may be open; mounted once in the room. */
export function CourseQuestion(): JSX.Element | null {
  const w = courseWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const question = asked.value;
  const reason = useSignal("");
  const when = useSignal("");
  const ground = useSignal("");
  useEffect(() => {
    reason.value = when.value = "";
    ground.value = view?.program?.grounds[0]?.code ?? "";
  }, [question]);
  if (question === null || view === null) return null;
  const close = (): void => {
    asked.value = null;
  };
  switch (question) {
    case "stages":
      return <Stages view={view} reason={reason} close={close} />;
    case "act.suspend":
      return (
        <Confirm not={w.not} title={w.suspend} text={w.suspend_text} sure={w.suspend} testid="suspend" close={close} act={() => perform("act.suspend", [], reason.peek())}>
          <Why reason={reason} />
        </Confirm>
      );
    case "act.adjourn": {
      const ms = new Date(when.value).getTime();
      const known = Number.isFinite(ms);
      const past = known && ms <= sitting.courtNow();
      return (
        <Confirm not={w.not} title={w.adjourn} text={w.adjourn_text} sure={w.adjourn} testid="adjourn" ready={known && !past} close={close} act={() => perform("act.adjourn", [ms], reason.peek())}>
          <div class="field">
            <label for="adjourn-when">{w.adjourn_date}</label>
            <input id="adjourn-when" type="datetime-local" data-testid="adjourn-when" aria-describedby="adjourn-clock" value={when.value} onInput={(event) => (when.value = event.currentTarget.value)} />
            <p id="adjourn-clock" class="soft small" role="status" data-testid="adjourn-clock">
              {past || !known ? w.adjourn_past : w.adjourn_court(courtTime(ms))}
            </p>
          </div>
          <Why reason={reason} />
        </Confirm>
      );
    }
    case "act.convert":
      return (
        <Confirm not={w.not} title={w.convert} text={w.convert_text} sure={w.convert} danger testid="convert" close={close} act={() => perform("act.convert", [ground.peek()], reason.peek())}>
          <fieldset class="stack">
            <legend>{w.convert_ground}</legend>
            {view.program?.grounds.map((each) => (
              <label key={each.code} class="check-line">
                <input type="radio" name="ground" data-testid={`ground-${each.code}`} checked={ground.value === each.code} onChange={() => (ground.value = each.code)} />
                <span>{each[language.value]}</span>
              </label>
            ))}
          </fieldset>
          <Why reason={reason} />
        </Confirm>
      );
    case "act.cancel":
      return (
        <Confirm not={w.not} title={w.cancel} text={w.cancel_text} sure={w.cancel} danger testid="cancel" ready={reason.value.trim() !== ""} close={close} act={() => perform("act.cancel", [], reason.peek())}>
          <Why reason={reason} />
        </Confirm>
      );
  }
}

function Why({ reason }: { readonly reason: Signal<string> }): JSX.Element {
  const w = courseWords();
  return (
    <div class="field">
      <label for="course-reason">{w.reason}</label>
      <input id="course-reason" data-testid="course-reason" maxLength={200} autoComplete="off" value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />
    </div>
  );
}

/** All stages in their order: one tap enters the next; what lies further says why not; back needs a reason. */
function Stages({ view, reason, close }: { readonly view: RoomView; readonly reason: Signal<string>; readonly close: () => void }): JSX.Element {
  const w = courseWords();
  const back = useSignal<string | null>(null);
  const { program, course } = view;
  const go = (code: string, why = ""): void => {
    perform("act.stage", [code], why);
    close();
  };
  return (
    <Sheet title={w.stage_choose} close={close} testid="stages-sheet">
      {back.value === null && (
        <ol class="stack stages">
          {program?.stages.map((stage) => {
            const way = wayTo(program, course, stage.code);
            const name = stage[language.value];
            const note = way === "here" ? w.stage_here : way === null ? w.stage_not_yet : course.held.includes(stage.code) ? w.stage_held : "";
            return (
              <li key={stage.code}>
                <button
                  type="button"
                  class={`button wide ${way === "here" ? "primary" : ""}`}
                  data-testid={`stage-${stage.code}`}
                  aria-current={way === "here" ? "step" : undefined}
                  disabled={way === "here" || way === null}
                  onClick={() => (way === "back" ? (back.value = stage.code) : go(stage.code))}
                >
                  {name} {note !== "" && <span class="small">· {note}</span>}
                </button>
              </li>
            );
          })}
        </ol>
      )}
      {back.value !== null && (
        <div class="stack">
          <p>{w.stage_back_why}</p>
          <Why reason={reason} />
          <button type="button" class="button primary wide" data-testid="stage-back" disabled={reason.value.trim() === ""} onClick={() => go(back.peek() ?? "", reason.peek())}>
            {w.stage_back(called(program?.stages ?? [], back.value))}
          </button>
        </div>
      )}
      <button type="button" class="button wide" data-testid="stages-close" onClick={close}>
        {roomWords().cancel}
      </button>
    </Sheet>
  );
}
