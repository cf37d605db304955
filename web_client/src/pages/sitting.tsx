// One sitting from this phone: connecting, waiting at the door, in the room, looking at the sealed record, or out of it.
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { roomWords } from "../i18n/room-words";
import { words } from "../i18n/words";
import { unlockAudio } from "../media/level";
import { courtName, failureOf, learnCourt, phone, type Page } from "../state/page";
import { endFor } from "../state/ended";
import { keepLink } from "../state/device";
import { Announcer } from "../ui/announce";
import { CallCourt, Masthead } from "../ui/masthead";
import { EndedPage } from "./ended/ended";
import { FailedPage } from "./failed/failed";
import { LeaveQuestion, left } from "./room/leave";
import { Room } from "./room/room";
import { court, enter } from "./room/session";
import { SealedPage } from "./sealed/sealed";
import { WaitingPage } from "./waiting/waiting";
import { onPage } from "../ui/routes";

export function SittingPage({ at }: { readonly at: Extract<Page, { kind: "sitting" }> }): JSX.Element {
  const { visit } = at;
  useEffect(() => {
    left.value = false;
    if (court.peek()?.visit.streamKey !== visit.streamKey) void enter(visit);
  }, [visit.streamKey]);
  if (left.value) return <LeftPage again={() => goBack(at)} />;
  const here = court.value;
  if (here === null) return <Connecting name={visit.info.court} />;
  return (
    <>
      <Inside at={at} />
      <LeaveQuestion />
      <Announcer />
    </>
  );
}

function goBack(at: Extract<Page, { kind: "sitting" }>): void {
  left.value = false;
  unlockAudio();
  keepLink({ door: "j", ticket: at.visit.ticket, entered: true, info: at.visit.info });
  void enter(at.visit);
}

function Inside({ at }: { readonly at: Extract<Page, { kind: "sitting" }> }): JSX.Element {
  const here = court.value;
  if (here === null) return <Connecting name="" />;
  const { sitting } = here;
  const line = sitting.line.value;
  const view = sitting.view.value;
  const lobby = sitting.lobby.value;
  if (view !== null || lobby !== null) learnCourt({ ...(view ?? lobby) });
  if (line.kind === "ended") {
    const why = failureOf(line.detail, line.code);
    return <FailedPage why={why} inside={{ waiting: sitting.waiting.value }} again={why === "removed" || why === "expired" || why === "revoked" ? undefined : () => goBack(at)} />;
  }
  const end = view !== null ? endFor(view, sitting.me.value?.role ?? null) : lobby !== null ? endFor(lobby, null) : null;
  const ending = view ?? lobby;
  if (end !== null && ending !== null) return <EndedPage view={ending} end={end} inside={view !== null} />;
  if (lobby !== null) return <WaitingPage view={lobby} slot={at.visit.info.slot} stand={sitting.held.value} />;
  if (view === null) {
    return line.kind === "waiting" && line.attempt > 3 ? (
      <FailedPage why="unreachable" inside={{ waiting: sitting.waiting.value }} again={() => sitting.wake()} />
    ) : (
      <Connecting name={at.visit.info.court} />
    );
  }
  return view.phase === "sealed" ? <SealedPage /> : <Room />;
}

function Connecting({ name }: { readonly name: string }): JSX.Element {
  return (
    <main class="page" aria-busy="true" {...onPage("connecting")}>
      <Masthead court={name} />
      <p role="status">{words().loading}</p>
    </main>
  );
}

function LeftPage({ again }: { readonly again: () => void }): JSX.Element {
  const r = roomWords();
  return (
    <main class="page" {...onPage("left")}>
      <Masthead court={courtName.value} />
      <div class="stack">
        <h1>{r.left_title}</h1>
        <p>{r.left_text}</p>
      </div>
      <footer class="stack">
        <button type="button" class="button primary wide" data-testid="come-back" onClick={again}>
          {r.come_back}
        </button>
        <CallCourt phone={phone.value} />
      </footer>
    </main>
  );
}
