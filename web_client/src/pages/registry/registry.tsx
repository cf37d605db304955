// The clerk's desk: cases, their people, and the links by which people enter. A form asks for little, keeps what was typed
// when something is wrong, and says what at the top.
import "../../styles/registry.css";
import "../../styles/board.css";

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { boardWords } from "../../i18n/board-words";
import { registryWords } from "../../i18n/registry-words";
import { bothTimes, words } from "../../i18n/words";
import { Desk, type CaseRow } from "../../protocol/desk";
import { identityOf, keepDesk, outboxStore } from "../../state/device";
import type { Page } from "../../state/page";
import { CallCourt, Masthead } from "../../ui/masthead";
import { BoardPage } from "../console/board";
import { CasePage } from "./case";
import { desk, deskFailed, go, place } from "./desk-state";
import { NewCasePage } from "./new-case";
import { onPage } from "../../ui/routes";

export function RegistryPage({ at }: { readonly at: Extract<Page, { kind: "desk" }> }): JSX.Element {
  const r = registryWords();
  useEffect(() => {
    let here = true;
    keepDesk(at.ticket);
    void identityOf("registry").then((identity) => {
      if (here) desk.value = new Desk(at.ticket, { ...identity, nextDseq: () => outboxStore.nextDseq("registry", 0), now: () => Date.now() });
    });
    const back = (): void => {
      place.value = { kind: "cases" };
    };
    addEventListener("popstate", back);
    return () => {
      here = false;
      removeEventListener("popstate", back);
    };
  }, [at.ticket]);
  const now = place.value;
  return (
    <main class={`page desk-page ${now.kind === "board" ? "on-board" : ""}`} {...onPage("registry")}>
      <Masthead court={at.info.court} />
      {desk.value === null ? (
        <p role="status">{words().loading}</p>
      ) : now.kind === "cases" ? (
        <CasesPage />
      ) : now.kind === "board" ? (
        <BoardPage back={() => (place.value = { kind: "cases" })} />
      ) : now.kind === "new" ? (
        <NewCasePage />
      ) : (
        <CasePage key={now.row.id} row={now.row} />
      )}
      <footer class="row">
        <span class="soft grow">{r.title}</span>
        <CallCourt phone={at.info.phone} />
      </footer>
    </main>
  );
}

function CasesPage(): JSX.Element {
  const r = registryWords();
  const rows = useSignal<readonly CaseRow[] | "failed" | null>(null);
  const load = (): void => {
    desk
      .peek()
      ?.cases()
      .then(
        (found) => (rows.value = found),
        (error: unknown) => {
          deskFailed(error);
          rows.value = "failed";
        },
      );
  };
  useEffect(load, []);
  const found = rows.value;
  return (
    <div class="stack" {...onPage("cases")}>
      <div class="row">
        <h1 class="grow">{r.cases}</h1>
        <button type="button" class="button" data-testid="board-open" onClick={() => go({ kind: "board" })}>
          {boardWords().open_board}
        </button>
        <button type="button" class="button" data-testid="reload" onClick={load}>
          {r.reload}
        </button>
        <button type="button" class="button primary" data-testid="case-new" onClick={() => go({ kind: "new" })}>
          {r.new_case}
        </button>
      </div>
      {found === null && <p role="status">{words().loading}</p>}
      {found === "failed" && (
        <p class="notice bad" role="alert">
          {r.failed}
        </p>
      )}
      {Array.isArray(found) && found.length === 0 && <p class="notice">{r.no_cases}</p>}
      <ul class="stack">
        {(Array.isArray(found) ? (found as readonly CaseRow[]) : []).map((row) => (
          <li key={row.id}>
            <button type="button" class="case-row card" data-testid={`case-${row.id}`} onClick={() => go({ kind: "case", row })}>
              <strong>{row.case_number}</strong>
              <span>{row.cause}</span>
              <Sittings row={row} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

export function Sittings({ row }: { readonly row: CaseRow }): JSX.Element {
  const w = words();
  return (
    <>
      {row.sittings.map((sitting) => (
        <span key={sitting.stream_id} class="soft">
          {w.kinds[sitting.kind] ?? sitting.kind} · {bothTimes(sitting.at_ms)} · {w.phases[sitting.phase] ?? sitting.phase}
        </span>
      ))}
    </>
  );
}
