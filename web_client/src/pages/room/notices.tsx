// What a person must know about his own link and devices, one calm line at a time, always with what still works and what to
// do; and what the court asks the judge because of somebody's link.
import type { JSX } from "preact";

import { roomWords } from "../../i18n/room-words";
import { camera, cameraOn, microphone, microphoneOn, reopen, type DeviceKind } from "../../media/devices";
import { capture, endScreen, shown } from "../../media/screen";
import { canShareScreen } from "../../media/transceivers";
import { asksOf, isBench } from "../../state/may";
import { seatOf } from "../../state/view";
import { Icon } from "../../ui/icons";
import { perform, under } from "./acts";
import { here } from "./here";
import { measured, uplink } from "./link";
import { who } from "./wording";

/** One line, the gravest: what the link does not carry now, and that words always arrive. */
export function LinkNotice(): JSX.Element | null {
  const r = roomWords();
  const { sitting, peer } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  if (view === null || me === null || (view.phase !== "open" && view.phase !== "checking_in")) return null;
  const rung = seatOf(view, me.slot)?.rung ?? "video";
  const state =
    peer.state.value === "broken" || rung === "clips" ? "clips" : measured.value === "voice" ? "voice" : rung === "audio" ? "audio" : uplink.value !== "full" || rung === "small" ? "small" : null;
  // Saving by one's own wish is no news.
  if (state === null || (state === "small" && measured.value === "full" && rung === "video")) return null;
  return (
    <p class={`line-state ${state === "clips" ? "wait" : ""}`} role="status" data-testid="link-state" data-state={state}>
      {r.link[state]}
    </p>
  );
}

/** Connected, and still the court has nothing of it: what is wrong and what to try. */
export function OwnTrouble(): JSX.Element | null {
  const r = roomWords();
  const { sitting, peer } = here();
  const me = sitting.me.value;
  if (me === null) return null;
  const told = sitting.live.value.get(me.slot)?.trouble ?? [];
  const of = (kind: DeviceKind): string | null => {
    const [state, on, track] = kind === "microphone" ? ([microphone.value, microphoneOn.value, "audio"] as const) : ([camera.value, cameraOn.value, "video"] as const);
    if (!on) return null;
    if (state === "taken") return kind === "microphone" ? r.mic_taken : r.camera_taken;
    // What is not even connected has its own line.
    if (state !== "on" || peer.state.value !== "on" || (kind === "camera" && uplink.value === "voice")) return null;
    const trouble = told.find((each) => each.kind === track);
    if (trouble === undefined) return null;
    return kind === "microphone" ? r.not_heard : (r.not_seen[trouble.what] ?? r.not_seen["silent"] ?? null);
  };
  for (const kind of ["microphone", "camera"] as const) {
    const words = of(kind);
    if (words === null) continue;
    return (
      <div class="own-state wait trouble" role="status" data-testid="own-trouble" data-kind={kind}>
        <span class="grow">{words}</span>
        <button type="button" class="button" data-testid="trouble-again" onClick={() => void reopen(kind)}>
          {kind === "microphone" ? r.mic_again : r.camera_again}
        </button>
      </div>
    );
  }
  return null;
}

/** Shows one's screen; a seat of the bench gives itself the right in the same tap. */
export async function showScreen(): Promise<void> {
  const { sitting } = here();
  const track = await capture();
  const view = sitting.view.peek();
  const me = sitting.me.peek();
  if (track === null || view === null || me === null) return;
  if (view.screen !== me.slot) perform("act.allow_screen", [me.slot]);
}

/** The court has given this seat the screen: here is the button, or what to do on a phone that has none. */
export function ScreenGrant(): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  if (view === null || me === null || view.screen !== me.slot || shown.value !== null) return null;
  return (
    <div class="own-state good trouble" role="status" data-testid="screen-granted">
      <span class="grow">{canShareScreen() ? r.screen_granted : r.screen_impossible}</span>
      {canShareScreen() && (
        <button type="button" class="button primary" data-testid="screen-show" onClick={() => void showScreen()}>
          {r.screen_show}
        </button>
      )}
      <button type="button" class="button" data-testid="screen-not" disabled={under("act.end_screen")} onClick={() => perform("act.end_screen")}>
        {r.screen_not}
      </button>
    </div>
  );
}

/** In the bar of a desk. */
export function ScreenButton(): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const me = sitting.me.value;
  const phase = sitting.view.value?.phase;
  if (me === null || !isBench(me.role) || !canShareScreen() || (phase !== "checking_in" && phase !== "open")) return null;
  const on = shown.value !== null;
  return (
    <button type="button" class="button" data-testid="screen" aria-pressed={on} disabled={sitting.line.value.kind !== "open"} onClick={() => (on ? endScreen() : void showScreen())}>
      <Icon name="screen" />
      <span>{on ? r.screen_end : r.screen_short}</span>
    </button>
  );
}

/** Whether a hearing goes on with somebody who cannot be seen is the judge's ruling, never a machine's (HR22). */
export function Asks(): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const view = sitting.view.value;
  if (view === null || sitting.me.value?.role !== "judge") return null;
  const asked = asksOf(view);
  if (asked.length === 0) return null;
  const offline = sitting.line.value.kind !== "open";
  return (
    <ul class="door" data-testid="asks">
      {asked.map((seat) => (
        <li key={seat.slot} class="at-door">
          <span class="grow">{r.asks(who(view, seat.slot), seat.rung === "clips")}</span>
          <button type="button" class="button primary" data-testid={`go-on-${seat.slot}`} disabled={offline || under("act.go_on", seat.slot)} onClick={() => perform("act.go_on", [seat.slot])}>
            {r.acts["act.go_on"]}
          </button>
        </li>
      ))}
    </ul>
  );
}
