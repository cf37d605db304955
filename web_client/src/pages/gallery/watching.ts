// One stranger who watches one hearing: the ticket, what the court tells, and sound and picture by WHEP. **The court decides
// what is shown; this asks again whenever the line breaks, and asks for nothing else.** The ticket stays in this tab, so that
// a reload is the same viewer; it is never in an address.
import { signal } from "@preact/signals";

import { compactOffer } from "../../media/offer";
import { addSlot, canCall, type ReceiveSlot } from "../../media/transceivers";
import { ask, askJson, Problem } from "../../protocol/api";
import { waitBefore } from "../../protocol/backoff";
import type { Named } from "../../state/course";

export interface Hearing {
  readonly id: string;
  readonly court: string;
  readonly title: string;
  readonly kind: string;
  readonly scheduled_ms: number;
  readonly opened_ms: number | null;
  readonly status: Status;
  readonly ground: Omit<Named, "code"> | null;
  readonly stage: Omit<Named, "code"> | null;
  readonly delay_s: number;
}
export type Status = "before" | "open" | "recess" | "suspended" | "adjourned" | "closed_session" | "held" | "ended";

/** What the court says of itself with every answer. */
interface OfCourt {
  readonly court: string;
  readonly phone: string;
  readonly time_zone: string;
  readonly now_ms: number;
}
export interface Listed extends OfCourt {
  readonly hearings: readonly Hearing[];
}
export interface About extends OfCourt {
  readonly hearing: Hearing;
  readonly text: { readonly version: string; readonly zh: string; readonly en: string };
}

export interface Place {
  readonly place: number;
  readonly role: Omit<Named, "code">;
  readonly screen: boolean;
  readonly floor: boolean;
}
export interface Told {
  readonly now_ms: number;
  readonly number: number;
  readonly viewers: { readonly now: number; readonly most: number };
  readonly hearing: Hearing;
  readonly shown: readonly Place[];
}

/** Why somebody does not watch, or no longer does; the catalog has a sentence for each. */
export type Over = "not_found" | "kept_out" | "full" | "too_many" | "elsewhere" | "withdrawn" | "ended" | "other_text" | "unreachable" | "old_browser";
const OVERS: ReadonlySet<string> = new Set<Over>(["not_found", "kept_out", "full", "too_many", "elsewhere", "withdrawn", "ended", "other_text"]);

export function overOf(code: string): Over {
  return OVERS.has(code) ? (code as Over) : "unreachable";
}

export function listed(): Promise<Listed> {
  return askJson<Listed>("/api/public/hearings");
}

export function about(hearing: string): Promise<About> {
  return askJson<About>(`/api/public/hearings/${hearing}`);
}

const KEPT = "palm.gallery.";
function kept(hearing: string): string | null {
  try {
    return sessionStorage.getItem(KEPT + hearing);
  } catch {
    return null;
  }
}
function keep(hearing: string, ticket: string | null): void {
  try {
    if (ticket === null) sessionStorage.removeItem(KEPT + hearing);
    else sessionStorage.setItem(KEPT + hearing, ticket);
  } catch {
    // this page only
  }
}

/** Fewer pictures on a phone: each is a stream, and a thumbnail at that. The court sends nine at most. */
const PLACES = { palm: 6, desk: 9 } as const;
const OFFER_AGAIN_MS = 6_000;

export class Watching {
  readonly told = signal<Told | null>(null);
  readonly over = signal<Over | null>(null);
  readonly connected = signal(false);
  readonly slots = signal<readonly ReceiveSlot[]>([]);
  /** The court's clock less this one's. */
  skewMs = 0;

  private socket: WebSocket | null = null;
  private pc: RTCPeerConnection | null = null;
  private session: string | null = null;
  private relays: RTCIceServer[] = [];
  private failures = 0;
  private again: ReturnType<typeof setTimeout> | undefined;
  private renewing: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;

  private constructor(
    readonly hearing: string,
    private readonly ticket: string,
    private readonly places: number,
  ) {}

  /** The viewer this tab was before a reload; null where it was none. */
  static kept(hearing: string, desk: boolean): Watching | null {
    const ticket = kept(hearing);
    return ticket === null ? null : new Watching(hearing, ticket, desk ? PLACES.desk : PLACES.palm);
  }

  /** Accepts the rule and gets a ticket. Throws Problem. */
  static async enter(hearing: string, version: string, desk: boolean): Promise<Watching> {
    const { ticket } = await askJson<{ ticket: string }>(`/api/public/hearings/${hearing}/viewers`, { json: { accepts: version } });
    keep(hearing, ticket);
    return new Watching(hearing, ticket, desk ? PLACES.desk : PLACES.palm);
  }

  start(): void {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/public/watch`);
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ ticket: this.ticket }));
    socket.onmessage = (event) => {
      if (this.socket === socket) this.hear(event.data);
    };
    socket.onclose = () => {
      if (this.socket === socket) this.lost();
    };
  }

  /** Nobody watches any more: also by the tab that is closed, whose socket ends. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.again);
    this.hangUp(true);
    this.socket?.close();
    this.socket = null;
    this.connected.value = false;
  }

  private hear(data: unknown): void {
    let message: { readonly type?: unknown };
    try {
      message = JSON.parse(String(data)) as { readonly type?: unknown };
    } catch {
      return;
    }
    if (message.type === "relays") this.relays = [...((message as { ice_servers?: RTCIceServer[] }).ice_servers ?? [])];
    else if (message.type === "state") this.state(message as unknown as Told);
    else if (message.type === "media") void this.offer();
    else if (message.type === "over") this.ended(String((message as { code?: unknown }).code));
  }

  private state(told: Told): void {
    this.failures = 0;
    this.skewMs = told.now_ms - Date.now();
    const first = !this.connected.peek();
    this.told.value = told;
    this.connected.value = true;
    if (first) void this.offer();
  }

  private ended(code: string): void {
    // A ticket that is not known any more is an old one: the rule is read again.
    if (code === "no_ticket" || code === "withdrawn" || code === "ended") keep(this.hearing, null);
    this.over.value = code === "no_ticket" ? "other_text" : overOf(code);
    this.stop();
  }

  private lost(): void {
    this.connected.value = false;
    this.hangUp(false);
    if (this.stopped) return;
    this.again = setTimeout(() => this.start(), waitBefore(this.failures, Math.random()));
    this.failures += 1;
  }

  // -- sound and picture -------------------------------------------------------------------------------------------------
  private hangUp(say: boolean): void {
    clearTimeout(this.renewing);
    const pc = this.pc;
    this.pc = null;
    pc?.close();
    if (say && this.session !== null) void ask(this.session, { method: "DELETE", token: this.ticket }).catch(() => undefined);
    this.session = null;
  }

  private async offer(): Promise<void> {
    if (!canCall()) {
      this.over.value = "old_browser";
      this.stop();
      return;
    }
    this.hangUp(false);
    const pc = new RTCPeerConnection({ iceServers: this.relays, bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
    this.pc = pc;
    const slots: ReceiveSlot[] = [];
    while (slots.length < this.places) slots.push(addSlot(pc, slots.length));
    pc.onconnectionstatechange = () => {
      if (this.pc === pc && pc.connectionState === "failed") this.soon();
    };
    try {
      await pc.setLocalDescription(await pc.createOffer());
      const body = compactOffer(pc.localDescription?.sdp ?? "");
      const response = await fetch("/api/public/whep", { method: "POST", headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${this.ticket}` }, body });
      if (this.pc !== pc) return;
      if (response.status !== 201) throw new Problem(response.status, "offer", "");
      this.session = response.headers.get("Location");
      await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
      if (this.pc === pc) this.slots.value = slots;
    } catch {
      if (this.pc === pc) this.soon();
    }
  }

  /** The court takes one offer in five seconds of each viewer. */
  private soon(): void {
    clearTimeout(this.renewing);
    this.renewing = setTimeout(() => {
      if (this.connected.peek()) void this.offer();
    }, OFFER_AGAIN_MS);
  }
}
