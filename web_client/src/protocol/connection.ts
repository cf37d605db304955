// One phone's line to the court: it is opened with hello, kept alive by pings, and when it breaks it is opened again until
// the court says with a close code that there is no point. **The law: every loss looks the same to the rest of the client**
// (`waiting`, then `open`); what was not acknowledged is the outbox's to send again, never this file's.
// No DOM here: the socket, the clock and chance are handed in, so that a break of 20 s is a test of 20 ms.
import { waitBefore } from "./backoff";
import { pack, unpack } from "./codec";
import {
  FORBIDDEN,
  GONE,
  MALFORMED,
  REPLACED,
  RESUME,
  SUBPROTOCOL,
  UNAUTHENTICATED,
  type ClientFrame,
  type Hello,
  type ServerFrame,
} from "./frames.gen";

/** The part of a WebSocket that is used. */
export interface Socket {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
}

export interface Ports {
  dial(url: string, subprotocol: string): Socket;
  /** A monotonic clock in milliseconds. */
  now(): number;
  /** Calls back after `ms`; the result takes the call back. */
  after(ms: number, call: () => void): () => void;
  chance(): number;
}

export type Line =
  | { readonly kind: "dialling"; readonly attempt: number }
  | { readonly kind: "open" }
  | { readonly kind: "waiting"; readonly attempt: number; readonly retryMs: number }
  | { readonly kind: "ended"; readonly code: number; readonly detail: string };

export interface Listener {
  /** Made fresh for each try: the cursor has moved on since the last one. */
  hello(): Promise<Hello>;
  /** Hello is on its way: what is sent now arrives with it. The court has not answered yet, and may not let him in. */
  greeted(): void;
  frame(frame: ServerFrame): void;
  line(line: Line): void;
  /** Round trip of one ping, milliseconds. */
  roundTrip(ms: number): void;
}

const PING_EVERY_MS = 2_000;
const SILENCE_MS = 6_000;
const MOST_SILENCE_MS = 32_000;
const DIAL_MS = 5_000;
const MOST_DIAL_MS = 20_000;
/** A dial begun before the network came back may hang on its first packet for long. */
const STALE_DIAL_MS = 1_000;
/** So a fresh one goes out beside it every two seconds; on a slow link the first may still be the one that arrives. */
const BESIDE_MS = 2_000;
const MOST_BESIDE = 3;
const OPEN = 1;

/** Close codes after which dialling again by itself would be wrong. */
/** What a phone may say before it is answered (PROTOCOL.md, greeted). */
const EARLY: ReadonlySet<ClientFrame["type"]> = new Set(["ping", "negotiate"]);
const FINAL: ReadonlySet<number> = new Set([MALFORMED, UNAUTHENTICATED, FORBIDDEN, REPLACED, GONE]);

export class Connection {
  private socket: Socket | null = null;
  /** Dialled and not open yet; the first that opens becomes the line. */
  private reaching: Socket[] = [];
  private cancelBeside: (() => void) | null = null;
  private attempt = 0;
  private running = false;
  private greeted = false;
  /** The court has answered the hello. Until then it hears what EARLY names: anything else is out of turn, and ends the line
   *  for good. */
  private answered = false;
  private lastHeard = 0;
  private dialledAt = 0;
  private silence = SILENCE_MS;
  private pingNumber = 0;
  private pings = new Map<number, number>();
  private cancel: (() => void) | null = null;
  private said: { code: number; detail: string } | null = null;

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
    private readonly ports: Ports,
  ) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    this.attempt = 0;
    void this.dial();
  }

  /** Ends for good; the court sees a normal close. */
  stop(): void {
    this.running = false;
    this.drop(1000);
  }

  /** True when the frame was handed to an open line; false means that it was not, and never will be, sent. */
  send(frame: ClientFrame): boolean {
    if (this.socket === null || this.socket.readyState !== OPEN || !this.greeted) return false;
    if (!this.answered && !EARLY.has(frame.type)) return false;
    this.socket.send(pack(frame));
    return true;
  }

  /** The network or the page has come back: look now instead of when the wait is over. */
  wake(): void {
    if (!this.running) return;
    const idle = this.socket === null && this.reaching.length === 0;
    if (idle || (!this.greeted && this.ports.now() - this.dialledAt > STALE_DIAL_MS)) {
      this.attempt = 0;
      void this.dial();
    } else if (this.greeted) {
      this.ping();
      // A socket that survived a change of network often only looks alive: give it two seconds to answer.
      const since = this.lastHeard;
      const asked = this.ports.now();
      this.ports.after(2_000, () => {
        if (this.running && this.greeted && this.lastHeard === since && this.ports.now() - asked >= 1_900) this.lost();
      });
    }
  }

  private async dial(): Promise<void> {
    this.drop();
    this.listener.line({ kind: "dialling", attempt: this.attempt });
    this.said = null;
    this.dialledAt = this.ports.now();
    this.reach();
    // A dead network answers nothing, a slow one late: be more patient each time.
    this.cancel = this.ports.after(Math.min(MOST_DIAL_MS, DIAL_MS + 1_000 * this.attempt), () => {
      // It has waited long enough already.
      if (this.running && !this.greeted) this.lost(true);
    });
  }

  private reach(): void {
    // The first has come furthest and the last is freshest: one between them goes.
    if (this.reaching.length === MOST_BESIDE) for (const socket of this.reaching.splice(1, 1)) hangUp(socket);
    const socket = this.ports.dial(this.url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.reaching.push(socket);
    const mine = (): boolean => this.socket === socket && this.running;
    socket.onopen = () => {
      this.reaching = this.reaching.filter((other) => other !== socket);
      this.letGo();
      this.socket = socket;
      void this.listener.hello().then((hello) => {
        if (!mine() || socket.readyState !== OPEN) return;
        socket.send(pack(hello));
        this.greeted = true;
        this.lastHeard = this.ports.now();
        this.watch();
        this.listener.greeted();
      });
    };
    socket.onmessage = (event) => {
      if (mine()) this.heard(event.data);
    };
    socket.onclose = (event) => {
      const reached = mine();
      this.reaching = this.reaching.filter((other) => other !== socket);
      if (reached || (this.running && this.socket === null && this.reaching.length === 0)) this.closed(event.code, event.reason);
    };
    socket.onerror = () => {
      // onclose follows and says more
    };
    this.cancelBeside = this.ports.after(BESIDE_MS, () => this.reach());
    if (socket.readyState === OPEN) socket.onopen(undefined as never); // it was dialled while the person was reading
  }

  /** Closes what was dialled beside the line. */
  private letGo(): void {
    this.cancelBeside?.();
    this.cancelBeside = null;
    const { reaching } = this;
    this.reaching = [];
    for (const socket of reaching) hangUp(socket);
  }

  private heard(data: unknown): void {
    this.lastHeard = this.ports.now();
    let frame: ServerFrame;
    try {
      if (!(data instanceof ArrayBuffer) && !(data instanceof Uint8Array)) throw new TypeError("text where a frame was due");
      frame = unpack(data);
    } catch (error) {
      this.end(MALFORMED, error instanceof Error ? error.message : "");
      return;
    }
    if (frame.type === "pong") {
      const sent = this.pings.get(frame.n);
      this.pings.delete(frame.n);
      if (sent !== undefined) this.listener.roundTrip(this.ports.now() - sent);
    } else if (frame.type === "closing") {
      this.said = { code: frame.code, detail: frame.detail };
    } else if (frame.type === "welcome" || frame.type === "lobby") {
      this.attempt = 0;
      this.answered = true;
      this.silence = SILENCE_MS;
      this.listener.line({ kind: "open" });
    }
    this.listener.frame(frame);
  }

  private closed(code: number, reason: string): void {
    const said = this.said ?? { code, detail: reason };
    if (FINAL.has(said.code)) this.end(said.code, said.detail);
    else this.lost(said.code === RESUME);
  }

  private end(code: number, detail: string): void {
    this.running = false;
    this.drop(code === MALFORMED ? 4400 : 1000);
    this.listener.line({ kind: "ended", code, detail });
  }

  private lost(atOnce = false): void {
    this.drop();
    if (!this.running) return;
    const retryMs = atOnce ? 0 : waitBefore(this.attempt, this.ports.chance());
    this.attempt += 1;
    this.listener.line({ kind: "waiting", attempt: this.attempt, retryMs });
    this.cancel = this.ports.after(retryMs, () => {
      if (this.running && this.socket === null) void this.dial();
    });
  }

  private drop(code?: number): void {
    this.cancel?.();
    this.cancel = null;
    this.pings.clear();
    this.greeted = this.answered = false;
    this.letGo();
    const socket = this.socket;
    this.socket = null;
    if (socket !== null) hangUp(socket, code);
  }

  private ping(): void {
    this.pingNumber += 1;
    this.pings.set(this.pingNumber, this.ports.now());
    this.send({ type: "ping", n: this.pingNumber });
  }

  private watch(): void {
    this.cancel?.();
    this.cancel = this.ports.after(PING_EVERY_MS, () => {
      if (!this.running || this.socket === null) return;
      if (this.ports.now() - this.lastHeard > this.silence) {
        // A frame of a megabyte takes 20 s on a thin link and shows nothing until it is whole: be more patient each time.
        this.silence = Math.min(MOST_SILENCE_MS, this.silence * 2);
        this.lost();
        return;
      }
      this.ping();
      this.watch();
    });
  }
}

function hangUp(socket: Socket, code?: number): void {
  socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
  try {
    socket.close(code);
  } catch {
    // a socket that cannot be closed is gone already
  }
}
