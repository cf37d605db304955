// This phone's media leg. **The phone always offers; its transceivers never change**, so people come and go without a
// renegotiation: who is on which slot is told by `slots` frames. When its path dies, ICE alone is restarted; if the court has
// another leg by then, or that does not help soon, a new connection takes the seat. While the line is down nothing is torn
// down, since the old path may come back by itself. It never gives up; after three failures the page says what still works.
import { signal } from "@preact/signals";

import type { View } from "../protocol/frames.gen";
import { legOf, takesLayers, THIN_VOICE, VOICE, withVoice, type Voice } from "./answer";
import { shape, sizeOf, type Uplink } from "./layers";
import { compactOffer } from "./offer";
import { readPulse, Watch, type Pulse } from "./pulse";
import { addOwn, addSlot, canCall, OWN_LINES, type ReceiveSlot, type Senders } from "./transceivers";

export type MediaState = "idle" | "connecting" | "on" | "broken";

export interface PeerPorts {
  /** Whether the line is open: only then can anything be asked. */
  ready(): boolean;
  /** Hands the offer to the line; false when the line is down. */
  offer(sdp: string): boolean;
  bye(): void;
}

/** An answer takes a round trip and the offer's own length, two seconds of a link of 50 kbit/s. */
const ANSWER_MS = 5_000;
/** After it, a restart takes one more round trip and a new connection three. */
const PACKETS_MS = 3_000;
/** From then on the page says that picture and sound are away, and that words and clips are not. It keeps trying. */
const GIVE_WORDS_AFTER = 3;

export class Peer {
  readonly state = signal<MediaState>("idle");
  readonly receive = signal<readonly ReceiveSlot[]>([]);
  /** Slot index -> whose: a seat, or `<seat>/screen`. */
  readonly seats = signal<ReadonlyMap<number, string>>(new Map());
  /** Picture and sound since entering, bytes. */
  readonly used = signal({ received: 0, sent: 0 });

  private pc: RTCPeerConnection | null = null;
  private senders: Senders | null = null;
  private stream: MediaStream | null = null;
  private screen: MediaStreamTrack | null = null;
  private servers: readonly RTCIceServer[] = [];
  private count = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private awaiting = false;
  private wanted = false;
  private layered = true;
  private uplink: Uplink = "full";
  private spare = false;
  private crowded = false;
  private failures = 0;
  /** The court's side of this connection, as its last answer named it. */
  private leg: string | null = null;
  private lastAnswer = "";
  /** What the senders were last told. */
  private limited = "";
  /** Nothing has arrived since it was last asked for. */
  private suspect = false;
  private heard = 0;
  private readonly watch = new Watch();
  private counted = { received: 0, sent: 0 };
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly ports: PeerPorts) {}

  /** Makes the connection and its offer before anybody has asked: while a person reads, this costs no time. */
  async prepare(stream: MediaStream | null, slots: number): Promise<void> {
    if (!canCall() || this.pc !== null) return;
    this.stream = stream;
    this.count = slots;
    await this.describe(this.build(), false);
  }

  /** Hello was sent: what is prepared is offered in the same flight, so that it costs no round trip of its own. The answer
   * counts only after `start`, for which the court must have let him in. */
  ahead(): boolean {
    const pc = this.pc;
    if (pc === null || this.leg !== null || pc.signalingState !== "have-local-offer" || pc.localDescription === null) return false;
    if (!this.offers(pc.localDescription.sdp)) return false;
    return (this.awaiting = this.ports.offer(compactOffer(pc.localDescription.sdp)));
  }

  /** Connects, or connects anew: after every welcome, since the court may have been restarted. `offered`: `ahead` did. */
  async start(stream: MediaStream | null, count: number, servers: readonly RTCIceServer[], offered = false): Promise<void> {
    this.wanted = true;
    this.stream = stream;
    this.servers = servers;
    if (!canCall()) {
      this.state.value = "broken";
      return;
    }
    const more = count > this.receive.peek().length;
    this.count = count;
    const answered = offered && this.awaiting && !more;
    this.awaiting = answered; // what was asked on a line that broke is answered by nobody
    const pc = this.pc;
    if (pc === null || pc.connectionState === "closed") return this.renew();
    if (this.leg !== null) return more ? this.renew() : this.restart();
    // Prepared, and not yet known to the court. What it will send of itself is looked at on the way.
    if (more) this.addSlots(pc);
    this.state.value = "connecting";
    if (answered) this.expect(pc, ANSWER_MS);
    else await this.propose(false);
    await this.replace(stream);
  }

  /** The line came back, the network changed, or nothing arrives any more. */
  async restart(): Promise<void> {
    if (!this.wanted || this.awaiting || !this.ports.ready()) return;
    const pc = this.pc;
    if (pc === null || pc.connectionState === "closed" || this.leg === null) return this.renew();
    this.suspect = true;
    await this.propose(true);
  }

  /** What was prepared is not needed. */
  discard(): void {
    this.wanted = false;
    this.drop();
  }

  stop(): void {
    this.wanted = false;
    this.ports.bye();
    this.drop();
    this.state.value = "idle";
  }

  /** Another camera or microphone, or none: the sender keeps its place. */
  async replace(stream: MediaStream | null): Promise<void> {
    this.stream = stream;
    const senders = this.senders;
    if (senders === null) return;
    const set = async (sender: RTCRtpSender, track: MediaStreamTrack | null): Promise<void> => {
      if (sender.track !== track) await sender.replaceTrack(track).catch(() => undefined);
    };
    await set(senders.audio, stream?.getAudioTracks()[0] ?? null);
    await set(senders.video, stream?.getVideoTracks()[0] ?? null);
    await this.limit();
  }

  /** Shows a screen, or no longer. Its place in the offer is there from the beginning. */
  async show(screen: MediaStreamTrack | null): Promise<void> {
    this.screen = screen;
    await this.senders?.screen.replaceTrack(screen).catch(() => undefined);
    await this.limit();
  }

  /** The picture gives way first: the smallest alone, or none. */
  async setUplink(uplink: Uplink): Promise<void> {
    if (this.uplink === uplink) return;
    this.uplink = uplink;
    await this.limit();
  }

  /** The voice and the smallest picture are cut for the thinnest link they have to pass, which may be a listener's. */
  async setSpare(spare: boolean): Promise<void> {
    if (this.spare === spare) return;
    this.spare = spare;
    await this.limit();
    await this.retune();
  }

  /** Many faces are small faces: each phone decodes all the others, so in a full room everybody sends less. */
  async setCrowded(crowded: boolean): Promise<void> {
    if (this.crowded === crowded) return;
    this.crowded = crowded;
    await this.limit();
  }

  /** Reads the counters; called about once a second. A dead path is noticed here. */
  async beat(now: number): Promise<Pulse | null> {
    const pc = this.pc;
    const senders = this.senders;
    if (pc === null || senders === null || this.leg === null) return null;
    const sender = senders.audio.track !== null ? senders.audio : senders.video;
    const pulse = readPulse((await sender.getStats()) as never);
    if (this.pc !== pc) return null;
    this.tally(pulse);
    if (pulse.heard > this.heard) this.suspect = false;
    this.heard = pulse.heard;
    const dead = this.watch.hear(pulse.heard, now);
    if (dead && !this.suspect) void this.restart();
    return pc.connectionState === "connected" && !dead ? pulse : null;
  }

  answer(sdp: string, slots: View): void {
    const pc = this.pc;
    this.awaiting = false;
    if (!this.wanted || pc === null || pc.signalingState !== "have-local-offer") return;
    this.slots(slots);
    const leg = legOf(sdp);
    if (this.leg !== null && this.leg !== leg) {
      // The court has forgotten this connection or was restarted: its new leg waits for a new handshake.
      void this.renew();
      return;
    }
    if (this.layered && !takesLayers(sdp) && /^a=simulcast:/m.test(pc.localDescription?.sdp ?? "")) {
      // Left alone, the browser would now send the smallest picture only, and break at the next offer.
      this.layered = false;
      void this.renew();
      return;
    }
    this.leg = leg;
    this.lastAnswer = sdp;
    this.expect(pc, PACKETS_MS);
    void this.inTurn(async () => {
      await pc.setRemoteDescription({ type: "answer", sdp: withVoice(sdp, this.voice) });
      await this.limit();
    });
  }

  slots(slots: View): void {
    const next = new Map<number, string>();
    for (const key of Object.keys(slots)) {
      const seat = slots[key];
      const index = Number(key);
      if (typeof seat === "string" && Number.isInteger(index)) next.set(index, seat);
    }
    this.seats.value = next;
  }

  // --- the connection ----------------------------------------------------------------------------------------------
  private async renew(): Promise<void> {
    this.drop();
    this.build();
    this.state.value = this.failures >= GIVE_WORDS_AFTER ? "broken" : "connecting";
    await this.propose(false);
  }

  private build(): RTCPeerConnection {
    // Direct first: a relay is asked for when that has failed, since asking costs each phone a round trip more.
    const iceServers = this.failures > 0 ? [...this.servers] : [];
    const pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
    this.pc = pc;
    this.senders = addOwn(pc, this.stream, this.screen, this.layered);
    this.addSlots(pc);
    pc.onconnectionstatechange = () => {
      if (this.pc === pc) this.changed(pc);
    };
    return pc;
  }

  private addSlots(pc: RTCPeerConnection): void {
    const receive = [...this.receive.value];
    while (receive.length < this.count) receive.push(addSlot(pc, receive.length));
    this.receive.value = receive;
  }

  private changed(pc: RTCPeerConnection): void {
    if (pc.connectionState === "connected") {
      this.state.value = "on";
      this.failures = 0;
      this.suspect = false;
      this.unwatch();
    } else if (pc.connectionState === "disconnected" || pc.connectionState === "failed") {
      // The path, not the handshake, is gone: with the line down nothing can be asked, and the old path may yet come back.
      this.state.value = this.failures >= GIVE_WORDS_AFTER ? "broken" : "connecting";
      void this.restart();
    }
  }

  /** Descriptions follow one another: a browser that is asked for two at once may mix them. A failure is looked at later. */
  private inTurn(work: () => Promise<void>): Promise<boolean> {
    const pc = this.pc;
    const done = this.turn.then(async () => {
      if (this.pc !== pc) return false;
      await work();
      return this.pc === pc;
    });
    const safe = done.catch((error: unknown) => {
      if (this.pc === pc) console.error("palmcourt: media", error);
      return false;
    });
    this.turn = safe;
    return safe;
  }

  private describe(pc: RTCPeerConnection, restart: boolean): Promise<boolean> {
    return this.inTurn(async () => {
      if (restart && pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" });
      await pc.setLocalDescription(await pc.createOffer(restart ? { iceRestart: true } : {}));
    });
  }

  private async propose(restart: boolean): Promise<void> {
    const pc = this.pc;
    if (pc === null) return;
    const offered = pc.localDescription;
    const prepared = !restart && offered !== null && offered.type === "offer" && this.offers(offered.sdp);
    if (!prepared) await this.describe(pc, restart);
    if (this.pc !== pc) return;
    this.expect(pc, ANSWER_MS);
    if (pc.signalingState !== "have-local-offer" || pc.localDescription === null) return; // looked at again soon
    // The server is ICE-lite on one port and learns our address from our checks: no candidate need travel.
    this.awaiting = this.ports.offer(compactOffer(pc.localDescription.sdp));
  }

  /** Whether an offer made before still says all that is here now. */
  private offers(sdp: string): boolean {
    return sdp.split("\nm=").length - 1 === OWN_LINES + 2 * this.receive.peek().length;
  }

  /** Looks again after a while: without an answer, or without packets since, something else is tried. */
  private expect(pc: RTCPeerConnection, patienceMs: number): void {
    this.unwatch();
    this.timer = setTimeout(
      () => {
        this.timer = null;
        this.awaiting = false;
        if (!this.wanted || this.pc !== pc || (pc.connectionState === "connected" && !this.suspect)) return;
        this.failures += 1;
        // With the line down nothing can be asked: the next welcome begins anew.
        if (this.ports.ready()) void this.renew();
      },
      patienceMs * Math.min(4, 1 + this.failures),
    );
  }

  private unwatch(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private tally(pulse: Pulse): void {
    const { received, sent } = this.counted;
    this.counted = { received: pulse.receivedBytes, sent: pulse.sentBytes };
    const more = { received: Math.max(0, pulse.receivedBytes - received), sent: Math.max(0, pulse.sentBytes - sent) };
    if (more.received + more.sent === 0) return;
    this.used.value = { received: this.used.peek().received + more.received, sent: this.used.peek().sent + more.sent };
  }

  // --- how much is sent --------------------------------------------------------------------------------------------
  private get voice(): Voice {
    return this.spare ? THIN_VOICE : VOICE;
  }

  /** The voice is told anew how to be coded by the court's last answer with other numbers: nothing travels for it. */
  private async retune(): Promise<void> {
    const pc = this.pc;
    if (pc === null) return;
    await this.inTurn(async () => {
      // Otherwise an answer is on its way, and will be given this voice when it comes.
      if (this.awaiting || pc.signalingState !== "stable" || this.lastAnswer === "") return;
      await pc.setLocalDescription(await pc.createOffer());
      await pc.setRemoteDescription({ type: "answer", sdp: withVoice(this.lastAnswer, this.voice) });
    });
  }

  private async limit(): Promise<void> {
    const senders = this.senders;
    if (senders === null) return;
    const size = sizeOf(senders.video.track);
    const wanted = JSON.stringify([this.uplink, this.crowded, this.spare, size, this.screen !== null, this.lastAnswer !== ""]);
    // Each setting waits for the browser's media threads, and after a tap everybody waits for those.
    if (wanted === this.limited) return;
    this.limited = wanted;
    const set = async (sender: RTCRtpSender, change: (encodings: RTCRtpEncodingParameters[], parameters: RTCRtpSendParameters) => void): Promise<void> => {
      const parameters = sender.getParameters();
      if ((parameters.encodings?.length ?? 0) === 0) return;
      change(parameters.encodings, parameters);
      await sender.setParameters(parameters).catch(() => {
        this.limited = ""; // refused just now: the next look asks again
      });
    };
    await set(senders.audio, (encodings) => {
      for (const encoding of encodings) encoding.maxBitrate = this.voice.bps;
    });
    await set(senders.video, (encodings) => shape(encodings, { uplink: this.uplink, crowded: this.crowded, spare: this.spare, size }));
    await set(senders.screen, (encodings, parameters) => {
      for (const encoding of encodings) encoding.active = this.screen !== null;
      parameters.degradationPreference = "maintain-resolution";
    });
  }

  private drop(): void {
    this.unwatch();
    this.awaiting = false;
    this.leg = null;
    this.lastAnswer = "";
    this.limited = "";
    this.watch.forget();
    this.heard = 0;
    this.suspect = false;
    this.counted = { received: 0, sent: 0 };
    const pc = this.pc;
    this.pc = null;
    this.senders = null;
    this.receive.value = [];
    if (pc === null) return;
    pc.onconnectionstatechange = null;
    pc.close();
  }
}
