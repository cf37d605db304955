// Who is in the room, who cannot be heard or seen and since when; for the bench, what can be done about each.
import type { JSX } from "preact";

import { privateWords } from "../../i18n/private-words";
import { roomWords } from "../../i18n/room-words";
import { length } from "../../i18n/times";
import { person } from "../../i18n/words";
import { isBench } from "../../state/may";
import { roomOf, together } from "../../state/private";
import type { Live } from "../../state/sitting";
import type { Seat } from "../../state/view";
import { Icon } from "../../ui/icons";
import { AwaySteps } from "./absence";
import { CallPerson } from "./calling";
import { askRemove, perform, under } from "./acts";
import { Standings } from "./checked";
import { here } from "./here";
import { PublicState } from "./public";
import { second } from "./session";
import { speaking } from "./speaking";
import { TestimonyCard } from "./testimony";

interface Condition {
  readonly shape: "full" | "half" | "";
  readonly tone: "good" | "wait" | "bad" | "";
  readonly words: string;
}

/** One shape and one sentence for how somebody is right now. */
function condition(seat: Seat, live: Live | undefined, now: number): Condition {
  const r = roomWords();
  const since = (at: number | null | undefined): string => (at === null || at === undefined ? "" : length(now - at));
  if (seat.state === "admitted" && !seat.connected) {
    return seat.sinceMs === null ? { shape: "", tone: "", words: r.state["absent"] ?? "" } : { shape: "half", tone: "bad", words: r.dropped(since(seat.sinceMs)) };
  }
  if (seat.state !== "admitted") {
    return { shape: seat.connected ? "full" : "", tone: seat.state === "waiting" ? "wait" : "", words: r.state[seat.state] ?? "" };
  }
  if (seat.muted) return { shape: "full", tone: "wait", words: r.court_muted };
  if (live?.quiet === true) return { shape: "half", tone: "wait", words: r.unsteady };
  if (live?.microphone !== false && live?.silentMs != null) return { shape: "half", tone: "wait", words: r.silent(since(live.silentMs)) };
  const trouble = live?.trouble.find((each) => (each.kind === "video" ? live.camera !== false : each.kind === "audio" && live.microphone !== false));
  if (trouble !== undefined) return { shape: "half", tone: "wait", words: r.troubles[`${trouble.kind}.${trouble.what}`]?.(since(trouble.sinceMs)) ?? r.unsteady };
  if (seat.rung !== "video") return { shape: "half", tone: "wait", words: r.rungs[seat.rung] };
  if (live?.camera !== false && live?.unseenMs != null) return { shape: "half", tone: "wait", words: r.unseen(since(live.unseenMs)) };
  if (live?.microphone === false) return { shape: "full", tone: "wait", words: r.mic_off };
  if (live?.camera === false) return { shape: "full", tone: "wait", words: r.camera_off };
  return { shape: "full", tone: "good", words: r.state["admitted"] ?? "" };
}

export function People(): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  if (view === null || me === null) return null;
  void second.value;
  const now = sitting.courtNow();
  const bench = isBench(me.role);
  const order = (seat: Seat): number => (seat.state === "waiting" && seat.connected ? 0 : seat.hand ? 1 : 2);
  const seats = bench ? [...view.seats].sort((a, b) => order(a) - order(b)) : view.seats;
  return (
    <section class="people" aria-label={r.people} data-testid="people">
      <h2>{r.people}</h2>
      <PublicState view={view} />
      <ul>
        {seats.map((seat) => {
          const live = sitting.live.value.get(seat.slot);
          const away = !together(view.privately, seat.slot, me.slot);
          const room = away ? roomOf(view.privately, seat.slot) : null;
          const at: Condition = away && seat.connected ? { shape: "half", tone: "wait", words: room === null ? privateWords().in_court : privateWords().elsewhere } : condition(seat, live, now);
          return (
            <li key={seat.slot} data-testid={`seat-${seat.slot}`} data-state={seat.state} data-connected={seat.connected ? "yes" : "no"}>
              <div class="row">
                <span class={`tag ${at.tone}`}>
                  <span class={`dot ${at.shape}`} aria-hidden="true" />
                </span>
                <span class="grow">
                  <strong>{person(seat.role, seat.name)}</strong>
                  {seat.slot === me.slot && r.is_you}
                  {view.floor === seat.slot && <span class="tag good">{r.has_floor}</span>}
                  {view.phase !== "in_recess" && together(view.privately, seat.slot, me.slot) && speaking.value.has(seat.slot) && <span class="tag good" aria-hidden="true">▮▮</span>}
                </span>
                {seat.hand && (
                  <span class="tag wait" data-testid={`hand-${seat.slot}`}>
                    <Icon name="hand" />
                    {r.hand_up}
                  </span>
                )}
                <span class={`tag ${at.tone}`}>{at.words}</span>
              </div>
              {bench && seat.slot !== me.slot && <CallPerson seat={seat} view={view} at="people" />}
              <AwaySteps seat={seat} view={view} />
              {bench && <TestimonyCard view={view} seat={seat} judge={me.role === "judge"} />}
              {bench && <Standings seat={seat} />}
              {bench && seat.slot !== me.slot && !away && !isBench(seat.role) && <SeatActs seat={seat} judge={me.role === "judge"} floor={view.floor === seat.slot} />}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function SeatActs({ seat, judge, floor }: { readonly seat: Seat; readonly judge: boolean; readonly floor: boolean }): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const live = view?.phase === "checking_in" || view?.phase === "open" || view?.phase === "in_recess";
  if (!live) return null;
  const offline = sitting.line.value.kind !== "open";
  const button = (id: string, command: string, label: string, primary = false): JSX.Element => (
    <button type="button" class={`button ${primary ? "primary" : ""}`} data-testid={`${id}-${seat.slot}`} disabled={offline || under(command, seat.slot)} onClick={() => perform(command, [seat.slot])}>
      {label}
    </button>
  );
  const screen = (on: boolean): JSX.Element => {
    const act = on ? "act.end_screen" : "act.allow_screen";
    return (
      <button
        type="button"
        class="button icon-only"
        data-testid={`${on ? "end" : "allow"}-screen-${seat.slot}`}
        aria-label={r.acts[act]}
        title={r.acts[act]}
        disabled={offline || under(act)}
        onClick={() => perform(act, on ? [] : [seat.slot])}
      >
        <Icon name={on ? "screen-off" : "screen"} />
      </button>
    );
  };
  if (seat.state !== "admitted") {
    // Whoever was never here cannot be admitted; whoever was asked to leave can be let in again.
    const called = view?.phase === "open" && seat.stand !== null && seat.state === "waiting"; // by his card (WI)
    const may = ((seat.state === "waiting" && seat.connected) || seat.state === "removed") && !(called && view.seats.some((each) => each.called));
    return may ? <div class="seat-acts">{button("admit", "act.admit", r.acts["act.admit"] ?? "", seat.state === "waiting" && !called)}</div> : null;
  }
  return (
    <div class="seat-acts" role="group" aria-label={r.acts_of(person(seat.role, seat.name))}>
      {judge && seat.role !== "observer" && seat.stand !== "observing" && view?.phase === "open" && !floor && view.conduct.mode !== "turns" && button("floor", "act.floor", r.acts["act.floor"] ?? "", seat.hand)}
      {seat.role !== "observer" &&
        seat.role !== "courtroom" &&
        view?.phase !== "in_recess" &&
        screen(view?.screen === seat.slot)}
      {seat.muted ? button("unmute", "act.unmute", r.acts["act.unmute"] ?? "") : button("mute", "act.mute", r.acts["act.mute"] ?? "")}
      <button type="button" class="button danger apart" data-testid={`remove-${seat.slot}`} disabled={offline} onClick={() => askRemove(seat.slot)}>
        {r.acts["act.remove"]}
      </button>
    </div>
  );
}
