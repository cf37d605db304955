// A summons on paper: whom, when by both clocks, how to come (code and address), what to bring, what the court's rules say of
// staying away. It is made in the moment its link is made, for the link is nowhere afterwards.
import "../../styles/summons.css";

import type { JSX } from "preact";

import { language } from "../../i18n/language";
import { noticesWords } from "../../i18n/notices-words";
import { courtTime } from "../../i18n/times";
import { person, words } from "../../i18n/words";
import type { CaseDetail, CaseSeat, FreshLink } from "../../protocol/desk";
import { page } from "../../state/page";
import { Icon } from "../../ui/icons";
import { Qr } from "./qr";
import { onPage } from "../../ui/routes";

const OVER: ReadonlySet<string> = new Set(["closed", "sealed", "halted"]);

export function Summons({ row, seat, link, close }: { readonly row: CaseDetail; readonly seat: CaseSeat; readonly link: FreshLink; readonly close: () => void }): JSX.Element {
  const w = noticesWords().summons;
  const at = page.value;
  const info = at.kind === "desk" ? at.info : null;
  const next = [...row.sittings].filter((sitting) => !OVER.has(sitting.phase)).sort((a, b) => a.at_ms - b.at_ms)[0];
  const zone = seat.contact?.zone ?? "";
  const own = next === undefined || zone === "" || zone === info?.time_zone ? null : inZone(next.at_ms, zone);
  const says = row.summons;
  const consequence = says?.consequences[seat.role]?.[language.value];
  return (
    <div class="stack" {...onPage("summons")}>
      <div class="row no-print">
        <button type="button" class="button quiet" data-testid="summons-back" onClick={close}>
          {w.back}
        </button>
        <span class="grow" />
        <button type="button" class="button primary" data-testid="summons-print" onClick={() => print()}>
          <Icon name="file" />
          {w.do_print}
        </button>
      </div>
      <article class="summons stack">
        <header class="row">
          <img src="/emblem.svg" alt="" width={48} height={48} />
          <strong>{info?.court ?? ""}</strong>
        </header>
        <h1>{w.title}</h1>
        <p>{w.to(person(seat.role, seat.name))}</p>
        <p>{next === undefined ? w.no_date : w.lead(words().kinds[next.kind] ?? next.kind)}</p>
        <dl>
          <dt>{w.case_number}</dt>
          <dd>{row.case_number}</dd>
          <dt>{w.cause}</dt>
          <dd>{row.cause}</dd>
          {next !== undefined && (
            <>
              <dt>{w.time}</dt>
              <dd>
                <strong data-testid="summons-time">{w.court_time(courtTime(next.at_ms))}</strong>
                {own !== null && <div data-testid="summons-own-time">{w.your_time(own, zone)}</div>}
              </dd>
            </>
          )}
        </dl>
        <h2>{w.how}</h2>
        <div class="entrance">
          <Qr svg={link.qr_svg} alt={w.qr} />
          <div class="stack">
            <p>{w.how_text}</p>
            <p class="address" data-testid="summons-link">
              {link.url}
            </p>
            <p>
              <strong>{w.yours}</strong>
            </p>
          </div>
        </div>
        {says !== null && (
          <>
            <h2>{w.bring}</h2>
            <p data-testid="summons-bring">{says.bring[language.value]}</p>
          </>
        )}
        {consequence !== undefined && (
          <>
            <h2>{w.consequences}</h2>
            <p data-testid="summons-consequence">{consequence}</p>
          </>
        )}
        <p>{w.questions(info?.phone ?? "")}</p>
        <p class="soft small">
          {info?.court ?? ""} · {w.issued(courtTime(Date.now()))}
        </p>
      </article>
    </div>
  );
}

/** The instant by that clock; null where this browser does not know it. */
function inZone(ms: number, zone: string): string | null {
  try {
    return courtTime(ms, zone);
  } catch {
    return null;
  }
}
