// What the bench sees and does: who has acted and when, never what, before all is opened (AS8); the judge's windows, more time,
// an early end, rulings on what came late, and the way back to a hearing with everybody present.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

import { courtTime, clock } from "../../i18n/times";
import { windowsWords } from "../../i18n/windows-words";
import { seatOf, type RoomView } from "../../state/view";
import { keptBack, running, type Late, type Window_, type Windows } from "../../state/windows";
import { Confirm } from "../../ui/sheet";
import { perform } from "../room/acts";
import { here } from "../room/here";
import type { AtWindows } from "../room/windows";
import { who } from "../room/wording";
import { Answers } from "./form";
import { Past, Statements, titleOf } from "./made";
import { Terms } from "./own";
import { ExtendSheet, RuleSheet, SetSheet } from "./sheets";

const SITTING: ReadonlySet<string> = new Set(["open", "in_recess", "technical_suspension"]);
const NOT_SITTING: ReadonlySet<string> = new Set(["scheduled", "checking_in", "in_recess", "technical_suspension"]);

type Open = "set" | "extend" | "cancel" | "close" | "synchronous" | null;

export function BenchWindows({ view, slot }: AtWindows): JSX.Element {
  const w = windowsWords();
  const { sitting } = here();
  const windows = sitting.windows.value;
  const now = running(windows);
  const judge = seatOf(view, slot)?.role === "judge";
  const open = useSignal<Open>(null);
  const ruling = useSignal<Late | null>(null);
  const reason = useSignal("");
  const shut = (): void => {
    open.value = null;
    reason.value = "";
  };
  const number = now?.number ?? 0;
  return (
    <section class="windows stack" aria-labelledby="windows-title" data-testid="windows">
      <h2 id="windows-title">{w.title}</h2>
      <p class="soft">{w.lead_bench}</p>
      {now !== null ? (
        <Running view={view} windows={windows} window={now} judge={judge} ask={(what) => (open.value = what)} />
      ) : (
        <div class="card stack">
          <p data-testid="window-none">{w.none_yet_bench}</p>
          <Answers view={view} />
          {judge && (
            <div class="row">
              <button type="button" class="button primary" data-testid="window-set" aria-haspopup="dialog" disabled={!SITTING.has(view.phase)} onClick={() => (open.value = "set")}>
                {w.set}
              </button>
              {NOT_SITTING.has(view.phase) && (
                <button type="button" class="button" data-testid="synchronous" aria-haspopup="dialog" onClick={() => (open.value = "synchronous")}>
                  {w.synchronous}
                </button>
              )}
            </div>
          )}
        </div>
      )}
      <LateList view={view} windows={windows} judge={judge} rule={(late) => (ruling.value = late)} />
      <Past view={view} windows={windows.all} />
      {open.value === "set" && <SetSheet view={view} windows={windows} close={shut} />}
      {open.value === "extend" && now !== null && <ExtendSheet view={view} window={now} close={shut} />}
      {open.value === "cancel" && <Confirm title={w.cancel_window} sure={w.cancel_window} not={w.cancel} testid="window-cancel" close={shut} act={() => perform("act.window_cancel", [number])} />}
      {open.value === "close" && <Confirm title={w.close_window} sure={w.close_window} not={w.cancel} testid="window-end" close={shut} act={() => perform("act.window_close", [number])} />}
      {open.value === "synchronous" && (
        <Confirm title={w.synchronous} text={w.synchronous_text} sure={w.synchronous} not={w.cancel} testid="synchronous" ready={reason.value.trim() !== ""} close={shut} act={() => perform("act.synchronous", [], reason.peek())}>
          <div class="field">
            <label for="synchronous-why">{w.words_needed}</label>
            <input id="synchronous-why" data-testid="synchronous-why" maxLength={200} value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />
          </div>
        </Confirm>
      )}
      {ruling.value !== null && <RuleSheet view={view} late={ruling.value} held={keptBack(windows)} close={() => (ruling.value = null)} />}
    </section>
  );
}

interface RunningProps {
  readonly view: RoomView;
  readonly windows: Windows;
  readonly window: Window_;
  readonly judge: boolean;
  readonly ask: (what: Open) => void;
}

function Running({ view, windows, window, judge, ask }: RunningProps): JSX.Element {
  const w = windowsWords();
  const { sitting } = here();
  const closes = (slot: string): number => Math.max(window.closesMs, window.longer[slot] ?? 0);
  const mayEnd = window.slots.every((slot) => window.made[slot] !== undefined || seatOf(view, slot)?.state === "removed" || closes(slot) <= sitting.courtNow());
  return (
    <div class="card stack" data-testid={`window-${window.number}`}>
      <h3>{titleOf(view, window)}</h3>
      <Terms window={{ ...window, longer: {} }} />
      <ul class="stack tight">
        {window.slots.map((slot) => {
          const made = window.made[slot];
          const zone = windows.zones[slot];
          const at = closes(slot);
          return (
            <li key={slot} class="row" data-testid={`acted-${slot}`} data-acted={made === undefined ? "no" : "yes"}>
              <span class="grow">
                {who(view, slot)}
                <span class="soft small whose">
                  {w.until(zone === undefined ? `${courtTime(at)} · ${w.zone_unknown}` : `${courtTime(at, zone)} ${zone}`)}
                </span>
              </span>
              <span class={`tag ${made === undefined ? "wait" : "good"}`}>{made === undefined ? w.not_acted : w.acted(clock(made.atMs))}</span>
            </li>
          );
        })}
      </ul>
      {window.mode === "one_by_one" && <Statements view={view} window={window} />}
      {judge && (
        <div class="row">
          <button type="button" class="button" data-testid="window-extend" aria-haspopup="dialog" onClick={() => ask("extend")}>
            {w.extend}
          </button>
          {window.began ? (
            <button type="button" class="button" data-testid="window-end" aria-haspopup="dialog" disabled={!mayEnd} onClick={() => ask("close")}>
              {w.close_window}
            </button>
          ) : (
            <button type="button" class="button" data-testid="window-cancel" aria-haspopup="dialog" onClick={() => ask("cancel")}>
              {w.cancel_window}
            </button>
          )}
        </div>
      )}
      {judge && window.began && !mayEnd && <p class="soft small">{w.close_not_yet}</p>}
    </div>
  );
}

function LateList({ view, windows, judge, rule }: { readonly view: RoomView; readonly windows: Windows; readonly judge: boolean; readonly rule: (late: Late) => void }): JSX.Element | null {
  const w = windowsWords();
  const waits = windows.late.filter((late) => late.ruling === null);
  if (waits.length === 0) return null;
  return (
    <div class="card stack" data-testid="late-list">
      <h3>{w.late_title}</h3>
      {waits.map((late) => (
        <p key={late.seq} class="row">
          <span class="grow">
            {w.late_of(who(view, late.slot), w.kinds[late.kind ?? ""] ?? "", clock(late.atMs))} <span class="number">#{late.seq}</span>
          </span>
          {judge && (
            <button type="button" class="button" data-testid={`rule-late-${late.slot}`} aria-haspopup="dialog" onClick={() => rule(late)}>
              {w.rule}
            </button>
          )}
        </p>
      ))}
    </div>
  );
}
