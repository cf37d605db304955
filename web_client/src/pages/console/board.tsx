// Several hearings side by side (R14): of each where it stands, who cannot be heard, seen or reached and since when, and what
// waits. The most alarming stands first. From here the clerk goes into a courtroom, and takes the others' alarms along.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { boardWords, phaseWords } from "../../i18n/board-words";
import { clock, elapsed, length } from "../../i18n/times";
import { bothTimes, person, words } from "../../i18n/words";
import type { CaseRow } from "../../protocol/desk";
import { alarms, byGravity, type BoardSitting } from "../../state/board";
import type { Reading } from "../../state/console";
import { benchLink } from "../../state/device";
import { Confirm } from "../../ui/sheet";
import { deskOf, rows, seen, watchBoard } from "./watch";
import { onPage } from "../../ui/routes";

export function BoardPage({ back }: { readonly back: () => void }): JSX.Element {
  const b = boardWords();
  const tick = useSignal(0);
  useEffect(watchBoard, []);
  useEffect(() => {
    const timer = setInterval(() => (tick.value += 1), 1_000);
    return () => clearInterval(timer);
  }, []);
  void tick.value;
  const now = seen.value;
  return (
    <section class="board stack" {...onPage("board")} aria-busy={now === null}>
      <div class="row">
        <h1 class="grow">{b.title}</h1>
        <button type="button" class="button" data-testid="board-back" onClick={back}>
          {b.back}
        </button>
      </div>
      <p class="soft" role="status">
        {now === null ? b.loading : now.failing ? "" : b.lead}
      </p>
      {now?.failing === true && (
        <p class="notice wait" role="alert" data-testid="board-failing">
          {b.failing} {b.as_of(clock(now.atMs))}
        </p>
      )}
      {now !== null && !now.failing && now.sittings.length === 0 && <p class="notice">{b.none}</p>}
      <ul class="board-cards">
        {byGravity(now?.sittings ?? []).map((sitting) => (
          <Card key={sitting.stream} sitting={sitting} row={rows.value.get(sitting.caseId) ?? null} now={Date.now() + (now?.skewMs ?? 0)} />
        ))}
      </ul>
    </section>
  );
}

function nameOf(row: CaseRow | null, reading: Reading): string {
  const { slot, role } = reading.person;
  return person(role, row?.seats.find((seat) => seat.slot === slot)?.name ?? "");
}

function Card({ sitting, row, now }: { readonly sitting: BoardSitting; readonly row: CaseRow | null; readonly now: number }): JSX.Element {
  const b = boardWords();
  const count = alarms(sitting);
  const since = sitting.phase === "in_recess" || sitting.phase === "technical_suspension" ? sitting.recessSinceMs : sitting.phase === "open" ? sitting.openedMs : null;
  const waits = [sitting.pleas > 0 ? b.pleas(sitting.pleas) : "", sitting.roomAsks > 0 ? b.room_asks(sitting.roomAsks) : "", sitting.lacks > 0 ? b.lacks(sitting.lacks) : ""].filter((each) => each !== "");
  return (
    <li class={`card stack tight ${count > 0 ? "alarmed" : ""}`} data-testid={`board-${sitting.stream}`} data-phase={sitting.phase} data-alarms={count}>
      <h2>{row?.case_number ?? sitting.stream.slice(0, 8)}</h2>
      <p class="soft small">
        {row?.cause} · {words().kinds[sitting.kind] ?? sitting.kind} · {sitting.atMs === null ? "" : bothTimes(sitting.atMs)}
      </p>
      <p class="row">
        <strong>{sitting.ending === null ? phaseWords(sitting.phase) : (words().phases[sitting.phase] ?? "")}</strong>
        {since !== null && <time>{elapsed(now - since)}</time>}
        {sitting.recording && (
          <span class="tag bad">
            <span class="dot full" aria-hidden="true" />
            {b.recording}
          </span>
        )}
        <span class="grow" />
        <span class={`tag ${count > 0 ? "bad" : "good"}`} role="status">
          <span class={`dot ${count > 0 ? "half" : "full"}`} aria-hidden="true" />
          {sitting.phase === "halted" ? b.halted : count > 0 ? b.wait(count) : b.well}
        </span>
      </p>
      {waits.length > 0 && <p class="tag wait">{waits.join(" · ")}</p>}
      <ul class="board-people">
        {sitting.people.map((reading) => (
          <Line key={reading.person.slot} name={nameOf(row, reading)} reading={reading} now={now} />
        ))}
      </ul>
      {sitting.phase !== "halted" && row !== null && <Enter sitting={sitting} row={row} />}
    </li>
  );
}

function Line({ name, reading, now }: { readonly name: string; readonly reading: Reading; readonly now: number }): JSX.Element {
  const b = boardWords();
  const { alarm, sinceMs, next, person: who } = reading;
  const tone = alarm === null ? "good" : alarm === "away" ? "bad" : "wait";
  return (
    <li class="row small" data-testid={`board-seat-${who.slot}`} data-alarm={alarm ?? "none"}>
      <span class={`tag ${who.connected || alarm !== null ? tone : ""}`}>
        <span class={`dot ${alarm === null ? (who.connected ? "full" : "") : "half"}`} aria-hidden="true" />
      </span>
      <span class="grow">
        {name}
        {next !== null && <span class="soft"> · {b.next[next]}</span>}
      </span>
      {alarm !== null && <span class={`tag ${tone}`}>{b.alarms[alarm](sinceMs === null ? "" : length(Math.max(0, now - sinceMs)))}</span>}
      {alarm === "away" && sinceMs !== null && <span class="soft">{b.since(clock(sinceMs))}</span>}
    </li>
  );
}

/** Into that courtroom in this window: by the link this browser has, or by a new one, which is asked first. */
function Enter({ sitting, row }: { readonly sitting: BoardSitting; readonly row: CaseRow }): JSX.Element {
  const b = boardWords();
  const asked = useSignal(false);
  const busy = useSignal(false);
  const failed = useSignal(false);
  const clerk = row.seats.find((seat) => seat.role === "clerk");
  if (clerk === undefined) return <p class="soft small">{b.no_clerk}</p>;
  const go = (ticket: string): void => void (location.hash = `#/j/${ticket}`);
  const enter = async (): Promise<void> => {
    const kept = await benchLink(sitting.stream);
    if (kept === null) asked.value = true;
    else go(kept);
  };
  const issue = async (): Promise<void> => {
    busy.value = true;
    failed.value = false;
    try {
      const link = await (await deskOf())?.issue(row, clerk.slot);
      if (link !== undefined) go(link.url.slice(link.url.lastIndexOf("/") + 1));
    } catch {
      failed.value = true;
    } finally {
      busy.value = false;
    }
  };
  return (
    <>
      <button type="button" class="button" data-testid={`board-enter-${sitting.stream}`} aria-busy={busy.value} disabled={busy.value} onClick={() => void enter()}>
        {busy.value ? b.loading : b.enter}
      </button>
      {failed.value && (
        <p class="notice bad" role="alert">
          {b.failing}
        </p>
      )}
      {asked.value && <Confirm title={`${b.enter_title} · ${row.case_number}`} text={b.enter_text} sure={b.enter_sure} not={b.cancel} testid="board-enter" close={() => (asked.value = false)} act={() => void issue()} />}
    </>
  );
}
