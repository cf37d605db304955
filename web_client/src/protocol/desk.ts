// What the clerk's desk asks of the court. The session is asked for again when it has ended; a request that may have been
// carried out is sent again with the same bytes. **What changes a case is an act, signed by this desk's key like a phone's,**
// and its receipt is checked before anything is shown as done.
import { receiptStatement, stated } from "../record/attest";
import { concat, fromBase64Url, fromHex, random, toBase64Url, toHex, utf8, type Bytes } from "../record/bytes";
import { commit, SALT_LENGTH, sha256 } from "../record/commitment";
import { actMessage } from "../record/csig";
import type { DeviceKey } from "../record/device-key";
import { parseVerifier } from "../record/note";
import { ask, askJson, Problem } from "./api";
import { pack, unpack } from "./codec";
import type { Argument } from "./frames.gen";

export interface LinkState {
  readonly link_id: string;
  readonly state: "active" | "expired" | "revoked";
  readonly expires_ms: number;
}

/** Where somebody is told something, as the clerk entered it; `destroyed` where an order has taken it away. */
export interface Contact {
  readonly language: string;
  readonly email: string;
  readonly phone: string;
  readonly zone: string;
  readonly destroyed: boolean;
}

export type NewContact = Omit<Contact, "destroyed">;

/** What became of a notice (NO3). */
export interface NoticeRow {
  readonly sitting: string;
  readonly slot: string;
  readonly occasion: string;
  readonly ref: number;
  readonly channel: string;
  readonly state: string;
  readonly code: string;
  readonly attempts: number;
  readonly opened_ms: number | null;
}

type Named = Readonly<Record<"zh" | "en", string>>;

/** What the court's rules have on a summons. */
export interface SummonsWords {
  readonly bring: Named;
  readonly consequences: Readonly<Record<string, Named>>;
}

export interface CaseSeat {
  readonly slot: string;
  readonly role: string;
  readonly name: string;
  readonly contact: Contact | null;
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
  /** Names the case's own record in what the court signs. */
  readonly origin: string;
  /** No link may outlast this. */
  readonly link_expires_ms: number;
  readonly case_number: string;
  readonly cause: string;
  readonly seats: readonly CaseSeat[];
  readonly sittings: readonly CaseSitting[];
  /** How many days before a sitting people are told of it (NO2); null in a case without rules. */
  readonly notice_days: number | null;
}

/** A case on its own page: with its notices. */
export interface CaseDetail extends CaseRow {
  readonly notices: readonly NoticeRow[];
  /** Who may be called by web push. */
  readonly push: readonly string[];
  readonly summons: SummonsWords | null;
}

export interface NewCase {
  readonly request_id: string;
  readonly case_number: string;
  readonly cause: string;
  readonly seats: readonly { readonly role: string; readonly name: string }[];
  readonly sitting: { readonly kind: string; readonly at_ms: number };
  /** Why people are told later than the rules want (NO2); empty where they are told in time. */
  readonly reason: string;
}

export interface FreshLink {
  readonly url: string;
  readonly qr_svg: string;
  readonly link_id: string;
  readonly expires_ms: number;
}

/** What the desk needs of its browser: a key, and numbers that are never given twice. */
export interface DeskPorts {
  readonly key: DeviceKey;
  readonly secret: Bytes;
  /** The next number of this desk's device, for all cases together. */
  nextDseq(): Promise<number>;
  now(): number;
}

/** An act that the court has answered with a receipt it did not sign. */
export class BadReceipt extends Error {}

const SLOT_PREFIX: Readonly<Record<string, string>> = { plaintiff: "party", defendant: "party", third_party: "party", courtroom: "room" };
const CASE = utf8("palm/case/v1\0");

export class Desk {
  private session: { readonly token: string; readonly courtKey: Bytes } | null = null;
  /** Acts made for a case that may have reached the court: a retry sends the same bytes. */
  private readonly made = new Map<string, readonly string[]>();

  constructor(
    private readonly ticket: string,
    private readonly ports: DeskPorts,
  ) {}

  /** How many days before a sitting people are told of it (NO2), as the last list of cases had it. */
  noticeDays = 0;

  async cases(): Promise<readonly CaseRow[]> {
    const answer = await this.signed((token) => askJson<{ cases: CaseRow[]; notice_days: number }>("/api/cases", { token }));
    this.noticeDays = answer.notice_days;
    return answer.cases;
  }

  show(id: string): Promise<CaseDetail> {
    return this.signed((token) => askJson<CaseDetail>(`/api/cases/${id}`, { token }));
  }

  /** Today's sittings; null while they are as the last answer had them. */
  async board(tag: string | null): Promise<{ readonly board: unknown; readonly nowMs: number; readonly tag: string | null } | null> {
    const response = await this.signed((token) => ask("/api/board", { token, unless: tag }));
    if (response.status === 304) return null;
    const board = (await response.json()) as { readonly now_ms?: number };
    return { board, nowMs: board.now_ms ?? this.ports.now(), tag: response.headers.get("ETag") };
  }

  async create(body: NewCase): Promise<CaseRow> {
    const { request_id, case_number, cause } = body;
    const key = JSON.stringify(body);
    let acts = this.made.get(key);
    if (acts === undefined) {
      acts = await this.actsOf(body);
      this.made.set(key, acts);
    }
    const row = await this.signed((token) => askJson<CaseRow & { receipts: string[] }>("/api/cases", { json: { request_id, case_number, cause, acts }, token }));
    for (const receipt of row.receipts) await this.check(row.origin, receipt);
    return row;
  }

  async issue(row: CaseRow, slot: string): Promise<FreshLink> {
    const act = await this.act(fromHex(row.id), "link.issued", [random(8), slot, row.link_expires_ms]);
    const link = await this.signed((token) => askJson<FreshLink & { receipt: string }>(`/api/cases/${row.id}/links`, { json: { act }, token }));
    await this.check(row.origin, link.receipt);
    return link;
  }

  revoke(row: CaseRow, link: string): Promise<void> {
    return this.perform(row, "link.revoked", [fromHex(link)]);
  }

  release(row: CaseRow, link: string): Promise<void> {
    return this.perform(row, "link.released", [fromHex(link)]);
  }

  /** The channels are facts, the addresses are content (NO1). */
  contact(row: CaseRow, slot: string, { language, email, phone, zone }: NewContact): Promise<void> {
    const channels = [...(email === "" ? [] : ["email"]), ...(phone === "" ? [] : ["sms"])];
    return this.perform(row, "contact", [slot, language, channels], { email, phone, zone });
  }

  schedule(row: CaseRow, kind: string, atMs: number, reason: string): Promise<void> {
    return this.perform(row, "sitting.scheduled", [random(16), kind, atMs], reason === "" ? null : { reason });
  }

  move(row: CaseRow, stream: string, atMs: number, reason: string): Promise<void> {
    return this.perform(row, "sitting.moved", [fromHex(stream), atMs], reason === "" ? null : { reason });
  }

  async exported(stream: string): Promise<Blob> {
    return (await this.signed((token) => ask(`/api/sittings/${stream}/export`, { method: "POST", token }))).blob();
  }

  private async perform(row: CaseRow, command: string, args: readonly Argument[], words: { readonly [key: string]: unknown } | null = null): Promise<void> {
    const act = await this.act(fromHex(row.id), command, args, words);
    const { receipt } = await this.signed((token) => askJson<{ receipt: string }>(`/api/cases/${row.id}/acts`, { json: { act }, token }));
    await this.check(row.origin, receipt);
  }

  /** A case's stream follows from the request, so its acts can be signed before the court has made it. */
  private async actsOf({ request_id, seats, sitting, reason }: NewCase): Promise<readonly string[]> {
    const stream = (await sha256(concat(CASE, utf8(request_id)))).slice(0, 16);
    const counts = new Map<string, number>();
    const acts: string[] = [];
    for (const { role, name } of seats) {
      const prefix = SLOT_PREFIX[role] ?? role;
      const n = (counts.get(prefix) ?? 0) + 1;
      counts.set(prefix, n);
      acts.push(await this.act(stream, "seat", [`${prefix}/${n}`, role], { name }));
    }
    acts.push(await this.act(stream, "sitting.scheduled", [random(16), sitting.kind, sitting.at_ms], reason === "" ? null : { reason }));
    return acts;
  }

  /** An act of the desk: a submit frame like any phone's, carried over HTTP as base64url. */
  private async act(stream: Uint8Array, command: string, args: readonly Argument[], words: { readonly [key: string]: unknown } | null = null): Promise<string> {
    const content = words === null ? null : utf8(JSON.stringify(words));
    const salt = content === null ? null : random(SALT_LENGTH);
    const digest = content === null || salt === null ? null : await commit(salt, content);
    const dseq = await this.ports.nextDseq();
    const tsClientMs = this.ports.now();
    const csig = await this.ports.key.sign(actMessage(stream, { dseq, command, args, refs: [], commit: digest, tsClientMs }));
    return toBase64Url(pack({ type: "submit", dseq, command, args, refs: [], salt, content, ts_client_ms: tsClientMs, csig }));
  }

  /** Throws BadReceipt unless the court is bound to having put this act on the case's record. */
  private async check(origin: string, receipt: string): Promise<void> {
    const frame = unpack(fromBase64Url(receipt));
    const courtKey = this.session?.courtKey;
    if (frame.type !== "receipt" || courtKey === undefined) throw new BadReceipt("not a receipt");
    if (!(await stated(receiptStatement(origin, frame.seq, frame.leaf_hash, frame.ts_ms), frame.attestation, courtKey))) throw new BadReceipt("not signed by the court");
  }

  private async signed<T>(call: (token: string) => Promise<T>): Promise<T> {
    const fresh = this.session === null;
    this.session ??= await this.open();
    try {
      return await call(this.session.token);
    } catch (error) {
      if (fresh || !(error instanceof Problem) || error.status !== 401) throw error;
      this.session = await this.open();
      return call(this.session.token);
    }
  }

  private async open(): Promise<{ token: string; courtKey: Bytes }> {
    const json = { ticket: this.ticket, device_key: toHex(this.ports.key.publicKey), device_secret: toHex(this.ports.secret) };
    const { session, vkey } = await askJson<{ session: string; vkey: string }>("/api/registry/session", { json });
    return { token: session, courtKey: (await parseVerifier(vkey)).key };
  }
}
