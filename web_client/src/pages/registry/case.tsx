// One case: who takes part, and each person's link. A link's secret is shown in the moment it is made and never again;
// making another ends the one before.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { registryWords } from "../../i18n/registry-words";
import { courtTime } from "../../i18n/times";
import { person, words } from "../../i18n/words";
import { BadReceipt, type CaseRow, type CaseSeat, type FreshLink } from "../../protocol/desk";
import { Icon } from "../../ui/icons";
import { Confirm } from "../../ui/sheet";
import { desk } from "./desk-state";
import { deskFailed, Sittings } from "./registry";

const REFRESH_MS = 5_000;

export function CasePage({ row }: { readonly row: CaseRow }): JSX.Element {
  const r = registryWords();
  const w = words();
  const now = useSignal(row);
  const failed = useSignal<"" | "failed" | "unsigned">("");
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
  const doing = async (work: () => Promise<void> | undefined): Promise<void> => {
    failed.value = "";
    try {
      await work();
      await load();
    } catch (error) {
      deskFailed(error);
      failed.value = error instanceof BadReceipt ? "unsigned" : "failed";
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
  return (
    <div class="stack">
      <button type="button" class="button quiet" data-testid="desk-back" onClick={() => history.back()}>
        {r.back}
      </button>
      <h1>{now.value.case_number}</h1>
      <p>{now.value.cause}</p>
      <p class="stack">
        <Sittings row={now.value} />
      </p>
      {failed.value !== "" && (
        <p class="notice bad" role="alert">
          {failed.value === "unsigned" ? r.unsigned : r.failed}
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
  readonly issue: () => void;
  readonly revoke: (link: string) => void;
  readonly release: (link: string) => Promise<void>;
}

function SeatLink({ seat, here, fresh, issue, revoke, release }: SeatLinkProps): JSX.Element {
  const r = registryWords();
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
      {active && <p class="soft small">{r.until(courtTime(link.expires_ms))}</p>}
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
            </div>
            <p class="soft small">{r.once}</p>
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
      {asking.value && active && (
        <Confirm title={r.revoke_title(name)} text={r.revoke_text} sure={r.revoke_sure} not={r.cancel} danger testid={`revoke-${seat.slot}`} act={() => revoke(link.link_id)} close={() => (asking.value = false)} />
      )}
    </li>
  );
}

/** The code as a picture of its own: the strict policy lets no foreign markup into the page. */
function Qr({ svg, alt }: { readonly svg: string; readonly alt: string }): JSX.Element | null {
  const url = useSignal("");
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    url.value = made;
    return () => URL.revokeObjectURL(made);
  }, [svg]);
  return url.value === "" ? null : <img class="qr" src={url.value} alt={alt} width={200} height={200} />;
}
