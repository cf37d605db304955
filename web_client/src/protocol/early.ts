// A line dialled while its person is still reading: name, certificate and upgrade are three round trips, which nobody then
// waits for. **Nothing is said on it**: who is calling is told by hello, after the tap. The court hangs up on whoever says
// nothing for ten seconds, so it is dialled anew a few times and then left.
import type { Socket } from "./connection";

const CONNECTING = 0;
const OPEN = 1;
/** A minute of reading. */
const MOST = 6;

export class EarlyLine {
  private socket: Socket | null = null;
  private left = MOST;

  constructor(private readonly dial: () => Socket) {
    this.reach();
  }

  /** The line, if there is one; from then on it is the taker's. */
  take(): Socket | null {
    const { socket } = this;
    this.forget();
    return socket !== null && (socket.readyState === OPEN || socket.readyState === CONNECTING) ? socket : null;
  }

  /** The person went back. */
  close(): void {
    const { socket } = this;
    this.forget();
    socket?.close();
  }

  private forget(): void {
    this.left = 0;
    if (this.socket !== null) this.socket.onclose = this.socket.onerror = null;
    this.socket = null;
  }

  private reach(): void {
    if (this.left === 0) return;
    this.left -= 1;
    const socket = this.dial();
    this.socket = socket;
    let opened = false;
    socket.onopen = () => {
      opened = true;
    };
    socket.onerror = () => {
      // onclose follows
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      if (opened) this.reach(); // a network that lets nobody through is not asked again and again
    };
  }
}
