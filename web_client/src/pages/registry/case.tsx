// One case: who takes part, and each person's link. A link's secret is shown in the moment it is made and never again;
// making another ends the one before.
import { useSignal } from "@preact/signals";
import type { ComponentType, JSX } from "preact";
import { useEffect } from "preact/hooks";

import { noticesWords } from "../../i18n/notices-words";
import { registryWords } from "../../i18n/registry-words";
import { bothTimes, person, words } from "../../i18n/words";
import { Problem } from "../../protocol/api";
import { BadReceipt, type CaseDetail, type CaseRow, type CaseSeat, type FreshLink, type NewContact, type NoticeRow } from "../../protocol/desk";
import { Icon } from "../../ui/icons";
import { Confirm } from "../../ui/sheet";
import { ContactPart } from "./contact";
import { Dates, type NewDate } from "./dates";
import { desk, deskFailed } from "./desk-state";
import { NoticeList } from "./notices";
import { Programs } from "./programs";
import { Qr } from "./qr";
import { onPage } from "../../ui/routes";

const REFRESH_MS = 5_000;
/** The bench is not summoned, and nobody waits for who only looks on. */
const UNSUMMONED: ReadonlySet<string> = new Set(["judge", "clerk", "observer", "courtroom"]);

export function CasePage({ row }: { readonly row: CaseRow }): JSX.Element {
  const r = registryWords();
  const w = words();
  const n = noticesWords();
  const now = useSignal<CaseDetail>({ notices: [], push: [], summons: null, ...row });
  const failed = useSignal("");
  const done = useSignal(false);
  const printing = useSignal<{ readonly slot: string; readonly Page: ComponentType<Parameters<typeof import("./summons").Summons>[0]> } | null>(null);
  const fresh = useSignal<ReadonlyMap<string, FreshLink>>(new Map());
  const exporting = useSignal(false);

  const load = async (): Promise<void> => {
    try {
      const found = await desk.peek()?.show(row.id);
      if (found !== undefined) now.value = found;
    } catch (error) {
      deskFailed(error);
    }
  };
  useEffect(() => {
    void load();
    const timer = setInterval(() => void load(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const doing = async (work: () => Promise<void> | undefined, said = false): Promise<void> => {
    failed.value = "";
    done.value = false;
    try {
      await work();
      await load();
      done.value = said;
    } catch (error) {
      deskFailed(error);
      failed.value = error instanceof BadReceipt ? "unsigned" : error instanceof Problem ? error.code : "failed";
    }
  };
  const issue = (slot: string): Promise<void> =>
    doing(async () => {
      const link = await desk.peek()?.issue(now.peek(), slot);
      if (link !== undefined) fresh.value = new Map(fresh.value).set(slot, link);
    });
  const forget = (slot: string): void => {
    const rest = new Map(fresh.value);
    rest.delete(slot);
    fresh.value = rest;
  };
  const tell = (slot: string, contact: NewContact): void =>
    void doing(() => desk.peek()?.contact(now.peek(), slot, contact), true);
  const date = ({ sitting, kind, atMs, reason }: NewDate): void =>
    void doing(() => (sitting === null ? desk.peek()?.schedule(now.peek(), kind, atMs, reason) : desk.peek()?.move(now.peek(), sitting.stream_id, atMs, reason)), true);
  const printIt = async (slot: string): Promise<void> => {
    try {
      printing.value = { slot, Page: (await import("./summons")).Summons };
      scrollTo(0, 0);
    } catch {
      failed.value = "failed";
    }
  };
  const exportIt = async (stream: string): Promise<void> => {
    exporting.value = true;
    await doing(async () => {
      const blob = await desk.peek()?.exported(stream);
      if (blob === undefined) return;
      const url = URL.createObjectURL(blob);
      const link = document.createElement("a");
      link.href = url;
      link.download = `${row.case_number}.zip`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    });
    exporting.value = false;
  };
  const connected = new Set(now.value.sittings.flatMap((sitting) => sitting.connected));
  const sealed = now.value.sittings.filter((sitting) => sitting.phase === "sealed");
  const paper = printing.value;
  const whose = now.value.seats.find((seat) => seat.slot === paper?.slot);
  const link = fresh.value.get(paper?.slot ?? "");
  if (paper !== null && whose !== undefined && link !== undefined) return <paper.Page row={now.value} seat={whose} link={link} close={() => (printing.value = null)} />;
  return (
    <div class="stack" {...onPage("case")}>
      <button type="button" class="button quiet" data-testid="desk-back" onClick={() => history.back()}>
        {r.back}
      </button>
      <h1>{now.value.case_number}</h1>
      <p>{now.value.cause}</p>
      <Dates row={now.value} set={date} />
      {failed.value !== "" && (
        <p class="notice bad" role="alert">
          {failed.value === "unsigned" ? r.unsigned : (n.refusals[failed.value] ?? r.failed)}
        </p>
      )}
      {done.value && (
        <p class="notice good" role="status" data-testid="desk-done">
          {n.done}
        </p>
      )}
      {sealed.map((sitting) => (
        <button key={sitting.stream_id} type="button" class="button" data-testid="export" disabled={exporting.value} onClick={() => void exportIt(sitting.stream_id)}>
          <Icon name="download" />
          {exporting.value ? r.exporting : `${r.export} · ${w.kinds[sitting.kind] ?? ""}`}
        </button>
      ))}
      <section class="stack">
        <h2>{r.links}</h2>
        <p class="soft small">{r.links_hint}</p>
        <ul class="stack">
          {now.value.seats.map((seat) => (
            <SeatLink
              key={seat.slot}
              seat={seat}
              here={connected.has(seat.slot)}
              fresh={fresh.value.get(seat.slot)}
              notices={now.value.notices}
              rings={now.value.push.includes(seat.slot)}
              tell={(contact) => tell(seat.slot, contact)}
              print={() => void printIt(seat.slot)}
              issue={() => void issue(seat.slot)}
              revoke={(link) => void doing(() => desk.peek()?.revoke(now.peek(), link)).then(() => forget(seat.slot))}
              release={(link) => doing(() => desk.peek()?.release(now.peek(), link))}
            />
          ))}
        </ul>
      </section>
    </div>
  );
}

interface SeatLinkProps {
  readonly seat: CaseSeat;
  readonly here: boolean;
  readonly fresh: FreshLink | undefined;
  readonly notices: readonly NoticeRow[];
  readonly rings: boolean;
  readonly tell: (contact: NewContact) => void;
  readonly print: () => void;
  readonly issue: () => void;
  readonly revoke: (link: string) => void;
  readonly release: (link: string) => Promise<void>;
}

function SeatLink({ seat, here, fresh, notices, rings, tell, print, issue, revoke, release }: SeatLinkProps): JSX.Element {
  const r = registryWords();
  const n = noticesWords();
  const asking = useSignal(false);
  const copied = useSignal(false);
  const released = useSignal(false);
  const name = person(seat.role, seat.name);
  const link = seat.link;
  const active = link !== null && link.state === "active";
  const copy = (): void => {
    if (fresh === undefined) return;
    void navigator.clipboard?.writeText(fresh.url).then(
      () => (copied.value = true),
      () => undefined,
    );
  };
  return (
    <li class="card stack" data-testid={`seat-${seat.slot}`} data-link={link?.state ?? "none"}>
      <div class="row">
        <strong class="grow">{name}</strong>
        {here && (
          <span class="tag good">
            <span class="dot full" aria-hidden="true" />
            {r.here_now}
          </span>
        )}
        <span class={`tag ${active ? "good" : "wait"}`}>{r.state[link?.state ?? "none"]}</span>
      </div>
      {active && <p class="soft small">{r.until(bothTimes(link.expires_ms))}</p>}
      {fresh !== undefined && active && fresh.link_id === link.link_id && (
        <div class="fresh">
          <Qr svg={fresh.qr_svg} alt={r.qr_alt(name)} />
          <div class="stack grow">
            <input readOnly data-testid={`link-${seat.slot}`} aria-label={name} value={fresh.url} onFocus={(event) => event.currentTarget.select()} />
            <div class="row">
              <button type="button" class="button" data-testid={`copy-${seat.slot}`} onClick={copy}>
                <Icon name="copy" />
                {copied.value ? r.copied : r.copy}
              </button>
              <a class="button" data-testid={`open-${seat.slot}`} href={fresh.url} target="_blank" rel="noopener">
                {r.open_link}
              </a>
              {!UNSUMMONED.has(seat.role) && (
                <button type="button" class="button" data-testid={`summons-${seat.slot}`} onClick={print}>
                  {n.print}
                </button>
              )}
            </div>
            <p class="soft small">{r.once}</p>
            <Programs seat={seat} fresh={fresh} />
          </div>
        </div>
      )}
      {released.value && (
        <p class="notice good" role="status">
          {r.released}
        </p>
      )}
      <div class="row">
        <button type="button" class={`button ${active ? "" : "primary"}`} data-testid={`issue-${seat.slot}`} onClick={issue}>
          {link === null ? r.issue : r.resend}
        </button>
        {active && (
          <>
            <button type="button" class="button" data-testid={`release-${seat.slot}`} onClick={() => void release(link.link_id).then(() => (released.value = true))}>
              {r.release}
            </button>
            <button type="button" class="button danger" data-testid={`revoke-${seat.slot}`} onClick={() => (asking.value = true)}>
              {r.revoke}
            </button>
          </>
        )}
      </div>
      <ContactPart seat={seat} save={tell} />
      {rings && (
        <p class="tag good" data-testid={`rings-${seat.slot}`}>
          <span class="dot full" aria-hidden="true" />
          {n.push_yes}
        </p>
      )}
      <NoticeList slot={seat.slot} notices={notices} />
      {asking.value && active && (
        <Confirm title={r.revoke_title(name)} text={r.revoke_text} sure={r.revoke_sure} not={r.cancel} danger testid="revoke" act={() => revoke(link.link_id)} close={() => (asking.value = false)} />
      )}
    </li>
  );
}
