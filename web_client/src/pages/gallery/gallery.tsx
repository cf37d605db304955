// The public's page (SPEC PU): which hearings are open, the rule that whoever watches accepts, and the hearing. Nobody logs
// in here, and nothing here names anybody; what is not shown is said why, and comes back by itself.
import "../../styles/gallery.css";

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { galleryWords } from "../../i18n/gallery-words";
import { language } from "../../i18n/language";
import { courtTime, length, ownTime, sitBy } from "../../i18n/times";
import { words } from "../../i18n/words";
import { Problem } from "../../protocol/api";
import { learnCourt } from "../../state/page";
import { CallCourt, Masthead } from "../../ui/masthead";
import { wide } from "../../ui/wide";
import { Hearing as Sounding, Wall } from "./wall";
import { about, listed, overOf, Watching, type About, type Hearing, type Listed, type Over, type Status } from "./watching";
import { onPage } from "../../ui/routes";

const REFRESH_MS = 10_000;

/** `at.hearing` is nil for the list of what is open today. */
export function GalleryPage({ at }: { readonly at: { readonly hearing: string | null } }): JSX.Element {
  return at.hearing === null ? <HearingList /> : <OneHearing key={at.hearing} hearing={at.hearing} />;
}

function learn(told: { readonly court: string; readonly phone: string; readonly time_zone: string }): void {
  learnCourt({ ...told });
  sitBy(told.time_zone);
}

function whyOf(error: unknown): Over {
  return error instanceof Problem ? overOf(error.code) : "unreachable";
}

function HearingList(): JSX.Element {
  const w = galleryWords();
  const found = useSignal<Listed | null>(null);
  const failed = useSignal(false);
  useEffect(() => {
    const load = (): void =>
      void listed().then(
        (told) => {
          learn(told);
          found.value = told;
          failed.value = false;
        },
        () => (failed.value = true),
      );
    load();
    const timer = setInterval(load, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const told = found.value;
  return (
    <main class="page" {...onPage("open-hearings")}>
      <Masthead court={told?.court ?? ""} />
      <div class="stack">
        <h1>{w.list_title}</h1>
        <p>{w.list_lead}</p>
        {failed.value && (
          <p class="notice bad" role="alert">
            {w.over.unreachable}
          </p>
        )}
        {told === null ? !failed.value && <p role="status">{words().loading}</p> : told.hearings.length === 0 && <p data-testid="no-open-hearings">{w.list_none}</p>}
        <ul class="stack">
          {(told?.hearings ?? []).map((each) => (
            <li key={each.id} class="card stack tight">
              <h2>{each.title}</h2>
              <Heading hearing={each} />
              <a class="button primary wide" href={`#/p/${each.id}`} data-testid={`watch-${each.id}`} aria-label={`${w.watch} ${each.title}`}>
                {w.watch}
              </a>
            </li>
          ))}
        </ul>
      </div>
      <footer class="row">{told !== null && <CallCourt phone={told.phone} />}</footer>
    </main>
  );
}

/** Kind and date, and where it stands. */
function Heading({ hearing, brief = false }: { readonly hearing: Hearing; readonly brief?: boolean }): JSX.Element {
  const w = galleryWords();
  const own = ownTime(hearing.scheduled_ms);
  const ground = hearing.ground?.[language.value];
  return (
    <p class="soft">
      {words().kinds[hearing.kind] ?? ""} · <span class="whole">{courtTime(hearing.scheduled_ms)}</span> {own !== null && <span class="whole">{words().your_time(own)}</span>} ·{" "}
      <strong data-testid="gallery-status" data-status={hearing.status}>
        {w.status[hearing.status]}
      </strong>
      {ground !== undefined && !brief && <span> · {w.ground(ground)}</span>}
    </p>
  );
}

function OneHearing({ hearing }: { readonly hearing: string }): JSX.Element {
  const w = galleryWords();
  const facts = useSignal<About | null>(null);
  const why = useSignal<Over | null>(null);
  const watching = useSignal<Watching | null>(null);
  const entering = useSignal(false);
  const left = useSignal(false);
  const load = (): void => {
    why.value = null;
    about(hearing).then(
      (told) => {
        learn(told);
        facts.value = told;
      },
      (error: unknown) => (why.value = whyOf(error)),
    );
  };
  const watch = (its: Watching): void => {
    watching.value = its;
    left.value = false;
    its.start();
  };
  useEffect(() => {
    load();
    const before = Watching.kept(hearing, wide.peek());
    if (before !== null) watch(before);
    return () => watching.peek()?.stop();
  }, []);
  const enter = (): void => {
    const version = facts.peek()?.text.version;
    if (version === undefined) return;
    entering.value = true;
    why.value = null;
    Watching.enter(hearing, version, wide.peek())
      .then(watch, (error: unknown) => (why.value = whyOf(error)))
      .finally(() => (entering.value = false));
  };
  const its = watching.value;
  const over = its?.over.value ?? null;
  const away = over ?? why.value;
  if (its !== null && over === null && !left.value) {
    return (
      <Watched
        watching={its}
        leave={() => {
          its.stop();
          left.value = true;
        }}
      />
    );
  }
  const told = facts.value;
  const final = away === "not_found" || away === "kept_out" || away === "withdrawn" || away === "ended" || away === "old_browser";
  return (
    <main class="page" {...onPage("gallery")}>
      <Masthead court={told?.court ?? ""} />
      <div class="stack">
        <h1>{told?.hearing.title ?? w.title}</h1>
        {told !== null && !final && <Heading hearing={told.hearing} />}
        {left.value && <p role="status">{w.left}</p>}
        {away !== null && (
          <p class="notice bad" role="alert" data-testid="gallery-over" data-code={away}>
            {w.over[away]}
          </p>
        )}
        {told === null && away === null && <p role="status">{words().loading}</p>}
        {told !== null && !final && (
          <section class="card stack" aria-label={w.rule}>
            <h2>{w.rule}</h2>
            <p class="as-written" data-testid="gallery-rule">
              {told.text[language.value]}
            </p>
            <p class="soft small">{w.anonymous}</p>
          </section>
        )}
      </div>
      <footer class="stack">
        {told !== null && !final ? (
          <button type="button" class="button primary wide" data-testid="gallery-enter" disabled={entering.value} onClick={enter}>
            {entering.value ? w.entering : w.accept}
          </button>
        ) : (
          away === "unreachable" && (
            <button type="button" class="button primary wide" data-testid="gallery-retry" onClick={load}>
              {w.retry}
            </button>
          )
        )}
        <a class="button wide" href="#/p">
          {w.back}
        </a>
        {told !== null && <CallCourt phone={told.phone} />}
      </footer>
    </main>
  );
}

/** In these the gallery may still be shown something: what was public before, where it is late (AU11). */
const MAY_SHOW: ReadonlySet<Status> = new Set(["open", "recess", "suspended", "adjourned", "ended"]);

function Watched({ watching, leave }: { readonly watching: Watching; readonly leave: () => void }): JSX.Element {
  const w = galleryWords();
  const silent = useSignal(false);
  const second = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (second.value = Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const told = watching.told.value;
  if (told === null) {
    return (
      <main class="page" {...onPage("gallery")}>
        <Masthead court="" />
        <p role="status">{w.entering}</p>
      </main>
    );
  }
  const { hearing } = told;
  const rest = hearing.status !== "open" && hearing.delay_s > 0 && MAY_SHOW.has(hearing.status) && told.shown.length > 0;
  const shows = hearing.status === "open" || rest;
  const stage = hearing.stage?.[language.value];
  return (
    <main class="page watching" {...onPage("watching")} data-status={hearing.status}>
      <Masthead court={hearing.court} />
      <div class="stack tight">
        <h1>{hearing.title}</h1>
        <Heading hearing={hearing} brief />
        <p class="soft small" data-testid="gallery-facts">
          {[stage === undefined ? "" : w.stage(stage), w.your_number(told.number), w.viewers(told.viewers.now), hearing.delay_s > 0 ? w.late(length(1000 * hearing.delay_s)) : ""].filter((each) => each !== "").join(" · ")}
        </p>
      </div>
      {!watching.connected.value && (
        <p class="notice wait" role="status" data-testid="gallery-reconnecting">
          {w.reconnecting}
        </p>
      )}
      {!shows && (
        <div class="notice stack" role="status" data-testid="gallery-said">
          <p>
            <strong>{w.status[hearing.status]}</strong>
            {hearing.ground !== null && ` · ${w.ground(hearing.ground[language.value])}`}
          </p>
          <p>{w.said[hearing.status]}</p>
        </div>
      )}
      {rest && (
        <p class="small" role="status">
          {w.rest}
        </p>
      )}
      {shows && <Wall watching={watching} told={told} now={second.value + watching.skewMs} />}
      <footer class="row">
        <Sounding slots={watching.slots.value} silent={silent} />
        <button type="button" class="button" data-testid="gallery-leave" onClick={leave}>
          {w.leave}
        </button>
      </footer>
    </main>
  );
}
