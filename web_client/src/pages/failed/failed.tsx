// Every failure in one shape: what happened, what was kept, what to do now, and the court's number.
import type { JSX } from "preact";

import { words } from "../../i18n/words";
import { courtName, phone, type Failure } from "../../state/page";
import { CallCourt, Masthead } from "../../ui/masthead";
import { onPage } from "../../ui/routes";

interface Props {
  readonly why: Failure;
  /** The person was inside: what was said there is on the record, and this much waits on the device. */
  readonly inside?: { readonly waiting: number };
  /** What a tap on the one button does; absent where nothing on this page can help. */
  readonly again?: (() => void) | undefined;
}

const BEFORE: ReadonlySet<Failure> = new Set(["expired", "revoked", "used", "unknown", "no_link", "old_browser"]);

/** `waiting` is undefined for whoever was not inside; a link that is somebody else's opened nothing either way. */
function kept(why: Failure, waiting: number | undefined): string {
  const w = words();
  if (waiting !== undefined && waiting > 0) return w.kept_waiting(waiting);
  return why === "used" || (waiting === undefined && BEFORE.has(why)) ? w.kept_none : w.kept_record;
}

export function FailedPage({ why, inside, again }: Props): JSX.Element {
  const w = words();
  const said = w.failed[why];
  return (
    <main class="page" {...onPage("failed")}>
      <Masthead court={courtName.value} />
      <div class="stack" role="alert" data-testid={`failed-${why}`}>
        <h1>{said.title}</h1>
        <div class="card stack">
          <div>
            <h2 class="small soft">{w.what_happened}</h2>
            <p>{said.happened}</p>
          </div>
          <div>
            <h2 class="small soft">{w.what_kept}</h2>
            <p>{kept(why, inside?.waiting)}</p>
          </div>
          <div>
            <h2 class="small soft">{w.what_next}</h2>
            <p>{said.next}</p>
          </div>
        </div>
      </div>
      <footer class="stack">
        {again !== undefined && (
          <button type="button" class="button primary wide" data-testid="try-again" onClick={again}>
            {why === "replaced" ? w.use_here : w.try_again}
          </button>
        )}
        {why === "no_link" && (
          <a class="button wide" data-testid="open-hearings" href="#/p">
            {w.open_hearings}
          </a>
        )}
        <CallCourt phone={phone.value} />
      </footer>
    </main>
  );
}
