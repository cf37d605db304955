// What a party sees of an asynchronous sitting: which window runs, on both clocks, how much time is left, what he has sent,
// and the ways to send it. No camera is asked for until he records (AS4).
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { clock } from "../../i18n/times";
import { windowsWords } from "../../i18n/windows-words";
import { keptBack, running, type StatementKind, type Window_, type Windows } from "../../state/windows";
import { here } from "../room/here";
import { second } from "../room/session";
import type { AtWindows } from "../room/windows";
import { Both, span } from "./clock";
import { Past, Statements, titleOf } from "./made";
import { StatementSheet } from "./statement";

const WAYS: readonly StatementKind[] = ["video", "voice", "image", "text", "none"];

export function OwnWindows({ view, slot }: AtWindows): JSX.Element {
  const w = windowsWords();
  const { sitting } = here();
  const windows = sitting.windows.value;
  const now = running(windows);
  useEffect(() => tellZone(windows, slot), []);
  return (
    <section class="windows stack" aria-labelledby="windows-title" data-testid="windows">
      <h2 id="windows-title">{w.title}</h2>
      <p class="soft">{w.lead}</p>
      {now === null ? (
        <p class="card" data-testid="window-none">
          {w.none_yet}
        </p>
      ) : (
        <div class="card stack" data-testid={`window-${now.number}`}>
          <h3>{titleOf(view, now)}</h3>
          <Terms window={now} />
          {!now.slots.includes(slot) ? <p>{w.not_asked}</p> : now.began && <OwnPart window={now} windows={windows} slot={slot} />}
          {now.mode === "one_by_one" && <Statements view={view} window={now} />}
        </div>
      )}
      <LateOne windows={windows} slot={slot} />
      <Past view={view} windows={windows.all} />
    </section>
  );
}

/** Which zone this phone lives in, so that no close is set that is a trap (AS3); nothing rests on it. */
function tellZone(windows: Windows, slot: string): void {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const { sitting } = here();
  const sent = sitting.outbox.items.peek().some((item) => item.command === "zone");
  if (typeof zone === "string" && zone !== "" && windows.zones[slot] !== zone && !sent && !keptBack(windows)) void sitting.say({ command: "zone", args: [zone] });
}

export function Terms({ window }: { readonly window: Window_ }): JSX.Element {
  const w = windowsWords();
  const { sitting } = here();
  void second.value;
  const now = sitting.courtNow();
  const left = window.closesMs - now;
  return (
    <>
      <p>{w.modes[window.mode]}</p>
      <dl class="facts">
        <dt>{w.opens}</dt>
        <dd>
          <Both ms={window.opensMs} />
        </dd>
        <dt>{w.closes}</dt>
        <dd data-testid="window-closes">
          <Both ms={window.closesMs} />
        </dd>
      </dl>
      <p>
        <strong class={`tag ${left > 0 ? "good" : "bad"}`} data-testid="window-left">
          {!window.began && now < window.opensMs ? w.begins_in(span(window.opensMs - now)) : left > 0 ? w.left(span(left)) : w.time_over}
        </strong>{" "}
        {Object.keys(window.longer).length > 0 && <span class="tag good">{w.more_time}</span>}
      </p>
    </>
  );
}

function OwnPart({ window, windows, slot }: { readonly window: Window_; readonly windows: Windows; readonly slot: string }): JSX.Element {
  const w = windowsWords();
  const { sitting } = here();
  const making = useSignal<StatementKind | null>(null);
  void second.value;
  const mine = window.made[slot];
  const late = sitting.courtNow() >= window.closesMs;
  const sending = sitting.outbox.items.value.some((item) => item.command.startsWith("statement.") && (item.state === "waiting" || item.state === "uploading"));
  const waits = windows.late.some((each) => each.slot === slot && each.number === window.number && each.ruling === null);
  const ways = late ? WAYS.filter((way) => way !== "none") : WAYS;
  return (
    <div class="stack tight">
      {mine !== undefined && (
        <p class="notice good" role="status" data-testid="statement-mine" data-kind={mine.kind ?? ""}>
          {w.yours(w.kinds[mine.kind ?? ""] ?? "", clock(mine.atMs), mine.seq)} {window.mode === "reveal_together" && w.yours_kept}
        </p>
      )}
      {waits ? (
        <p class="notice wait">{w.late_waits}</p>
      ) : (
        <>
          <p>{late ? w.submit_late : mine === undefined ? w.choose : w.replace}</p>
          <div class="ways">
            {ways.map((way) => (
              <button key={way} type="button" class={`button ${way === "video" && mine === undefined ? "primary" : ""}`} data-testid={`make-${way}`} aria-haspopup="dialog" disabled={sending} onClick={() => (making.value = way)}>
                {w.make[way]}
              </button>
            ))}
          </div>
          <p class="soft small">{sending ? w.on_its_way : w.camera_only}</p>
        </>
      )}
      {making.value !== null && <StatementSheet number={window.number} replaces={late ? null : (mine?.seq ?? null)} kind={making.value} late={late} close={() => (making.value = null)} />}
    </div>
  );
}

/** The last window that asked him and in which he said nothing: what he sends now is late, and goes to the judge (AS11). */
function LateOne({ windows, slot }: { readonly windows: Windows; readonly slot: string }): JSX.Element | null {
  const last = [...windows.all].reverse().find((window) => window.end !== null);
  const missed = last !== undefined && running(windows) === null && (last.end === "time" || last.end === "order") && last.silent.includes(slot);
  const adopted = windows.late.some((each) => each.slot === slot && each.number === last?.number && each.ruling !== null);
  if (!missed || adopted) return null;
  return (
    <div class="card stack" data-testid="late-card">
      <h3>{windowsWords().late_make}</h3>
      <OwnPart window={last} windows={windows} slot={slot} />
    </div>
  );
}
