// What the clerk's desk asks of the court. The session is asked for again when it has ended; a request that may have been
// carried out is sent again with the same id.
import { ask, askJson, Problem } from "./api";

export interface LinkState {
  readonly link_id: string;
  readonly state: "active" | "expired" | "revoked";
  readonly expires_ms: number;
}

export interface CaseSeat {
  readonly slot: string;
  readonly role: string;
  readonly name: string;
  readonly link: LinkState | null;
}

export interface CaseSitting {
  readonly stream_id: string;
  readonly kind: string;
  readonly at_ms: number;
  readonly phase: string;
  readonly connected: readonly string[];
}

export interface CaseRow {
  readonly id: string;
  readonly case_number: string;
  readonly cause: string;
  readonly seats: readonly CaseSeat[];
  readonly sittings: readonly CaseSitting[];
}

export interface NewCase {
  readonly request_id: string;
  readonly case_number: string;
  readonly cause: string;
  readonly seats: readonly { readonly role: string; readonly name: string }[];
  readonly sitting: { readonly kind: string; readonly at_ms: number };
}

export interface FreshLink {
  readonly url: string;
  readonly qr_svg: string;
  readonly link_id: string;
  readonly expires_ms: number;
}

export class Desk {
  private token: string | null = null;

  constructor(
    private readonly ticket: string,
    private readonly device: string,
    private readonly secret: string,
  ) {}

  cases(): Promise<readonly CaseRow[]> {
    return this.signed((token) => askJson<{ cases: CaseRow[] }>("/api/cases", { token })).then((answer) => answer.cases);
  }

  show(id: string): Promise<CaseRow> {
    return this.signed((token) => askJson<CaseRow>(`/api/cases/${id}`, { token }));
  }

  create(body: NewCase): Promise<CaseRow> {
    return this.signed((token) => askJson<CaseRow>("/api/cases", { json: body, token }));
  }

  issue(id: string, slot: string): Promise<FreshLink> {
    return this.signed((token) => askJson<FreshLink>(`/api/cases/${id}/links`, { json: { slot }, token }));
  }

  async revoke(id: string, link: string): Promise<void> {
    await this.signed((token) => ask(`/api/cases/${id}/links/${link}`, { method: "DELETE", token }));
  }

  async release(id: string, link: string): Promise<void> {
    await this.signed((token) => ask(`/api/cases/${id}/links/${link}/release`, { method: "POST", token }));
  }

  async exported(stream: string): Promise<Blob> {
    return (await this.signed((token) => ask(`/api/sittings/${stream}/export`, { method: "POST", token }))).blob();
  }

  private async signed<T>(call: (token: string) => Promise<T>): Promise<T> {
    const fresh = this.token === null;
    this.token ??= await this.open();
    try {
      return await call(this.token);
    } catch (error) {
      if (fresh || !(error instanceof Problem) || error.status !== 401) throw error;
      this.token = await this.open();
      return call(this.token);
    }
  }

  private async open(): Promise<string> {
    const body = { ticket: this.ticket, device: this.device, device_secret: this.secret };
    return (await askJson<{ session: string }>("/api/registry/session", { json: body })).session;
  }
}
