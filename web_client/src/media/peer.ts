// This phone's media leg. **The phone always offers; its transceivers never change**: microphone out, camera out, then N
// pairs of receive slots. Who is on which slot is told by `slots` frames, so people come and go without a renegotiation.
// After a break the same connection restarts its ICE; if that has not helped in five seconds, a new one takes the seat.
import { signal } from "@preact/signals";

import type { View } from "../protocol/frames.gen";
import type { MediaFrames } from "../state/sitting";
import { compactOffer } from "./offer";

export type MediaState = "idle" | "connecting" | "on" | "broken";

/** One pair of receive slots. The tracks live as long as the connection; they are silent while nobody is on them. */
export interface ReceiveSlot {
  readonly index: number;
  readonly audio: MediaStreamTrack;
  readonly video: MediaStreamTrack;
  readonly audioReceiver: RTCRtpReceiver;
}

export interface PeerPorts {
  /** Hands the offer to the line; false when the line is down. */
  offer(sdp: string): boolean;
  bye(): void;
}

const RESTART_MS = 5_000;
/** From then on the page says that picture and sound are away, and that words and clips are not. It keeps trying. */
const GIVE_WORDS_AFTER = 3;
const VIDEO_BPS = 500_000;
const LOW_VIDEO_BPS = 120_000;
const AUDIO_BPS = 32_000;

function prefer(transceiver: RTCRtpTransceiver, kind: "audio" | "video"): void {
  // A shorter list is a shorter offer: with 16 slots every codec costs a kilobyte on a thin link.
  const wanted = kind === "audio" ? ["audio/opus"] : ["video/VP8", "video/H264", "video/rtx"];
  const all = RTCRtpReceiver.getCapabilities?.(kind)?.codecs ?? [];
  const codecs = all.filter((codec) => {
    if (!wanted.includes(codec.mimeType)) return false;
    return codec.mimeType !== "video/H264" || /packetization-mode=1.*profile-level-id=42e01f|profile-level-id=42e01f.*packetization-mode=1/i.test(codec.sdpFmtpLine ?? "");
  });
  if (codecs.length === 0 || transceiver.setCodecPreferences === undefined) return;
  codecs.sort((a, b) => wanted.indexOf(a.mimeType) - wanted.indexOf(b.mimeType));
  try {
    transceiver.setCodecPreferences(codecs);
  } catch {
    // an older browser that refuses the list still offers its own
  }
}

export class Peer implements MediaFrames {
  readonly state = signal<MediaState>("idle");
  readonly receive = signal<readonly ReceiveSlot[]>([]);
  /** Slot index -> seat. */
  readonly seats = signal<ReadonlyMap<number, string>>(new Map());

  private pc: RTCPeerConnection | null = null;
  private senders: { audio: RTCRtpSender; video: RTCRtpSender } | null = null;
  private stream: MediaStream | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private awaiting = false;
  private wanted = false;
  private low = false;
  private crowded = false;
  private failures = 0;

  constructor(
    private count: number,
    private readonly ports: PeerPorts,
  ) {}

  /** Connects, or connects anew: after every welcome, since the court may have been restarted. */
  async start(stream: MediaStream | null, count: number): Promise<void> {
    this.wanted = true;
    this.count = count;
    this.stream = stream;
    if (typeof RTCPeerConnection === "undefined") {
      this.state.value = "broken";
      return;
    }
    const alive = this.pc !== null && (this.pc.connectionState === "connected" || this.pc.connectionState === "disconnected");
    if (alive && this.receive.value.length === count) await this.restart();
    else await this.renew();
  }

  /** The line came back or the network changed. */
  async restart(): Promise<void> {
    if (!this.wanted) return;
    const pc = this.pc;
    if (pc === null || pc.connectionState === "closed" || pc.connectionState === "failed" || pc.signalingState === "closed") {
      return this.renew();
    }
    if (this.awaiting) return;
    await this.propose(true);
    this.watch();
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
    if (this.senders === null) return;
    await this.senders.audio.replaceTrack(stream?.getAudioTracks()[0] ?? null);
    await this.senders.video.replaceTrack(stream?.getVideoTracks()[0] ?? null);
  }

  /** The picture gives way first: small, or back to normal. */
  async setLow(low: boolean): Promise<void> {
    if (this.low === low) return;
    this.low = low;
    await this.limit();
  }

  /** Many faces are small faces: each phone decodes all the others, so in a full room everybody sends less. */
  async setCrowded(crowded: boolean): Promise<void> {
    if (this.crowded === crowded) return;
    this.crowded = crowded;
    await this.limit();
  }

  get connection(): RTCPeerConnection | null {
    return this.pc;
  }

  answer(sdp: string, slots: View): void {
    const pc = this.pc;
    this.awaiting = false;
    if (pc === null || pc.signalingState !== "have-local-offer") return;
    this.slots(slots);
    pc.setRemoteDescription({ type: "answer", sdp })
      .then(() => this.limit())
      .catch((error: unknown) => {
        console.error("palmcourt: answer", error);
        this.state.value = "broken";
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

  private async renew(): Promise<void> {
    this.drop();
    const pc = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
    this.pc = pc;
    this.state.value = this.failures >= GIVE_WORDS_AFTER ? "broken" : "connecting";
    const own = this.stream;
    const audio = pc.addTransceiver(own?.getAudioTracks()[0] ?? "audio", { direction: "sendonly" });
    const video = pc.addTransceiver(own?.getVideoTracks()[0] ?? "video", { direction: "sendonly" });
    prefer(audio, "audio");
    prefer(video, "video");
    this.senders = { audio: audio.sender, video: video.sender };
    const receive: ReceiveSlot[] = [];
    for (let index = 0; index < this.count; index++) {
      const a = pc.addTransceiver("audio", { direction: "recvonly" });
      const v = pc.addTransceiver("video", { direction: "recvonly" });
      prefer(a, "audio");
      prefer(v, "video");
      receive.push({ index, audio: a.receiver.track, video: v.receiver.track, audioReceiver: a.receiver });
    }
    this.receive.value = receive;
    pc.onconnectionstatechange = () => {
      if (this.pc !== pc) return;
      switch (pc.connectionState) {
        case "connected":
          this.state.value = "on";
          this.failures = 0;
          this.unwatch();
          break;
        case "disconnected":
          this.state.value = "connecting";
          void this.restart();
          break;
        case "failed":
          this.state.value = "connecting";
          void this.renew();
          break;
        default:
          break;
      }
    };
    await this.propose(false);
    this.watch();
  }

  private async propose(restart: boolean): Promise<void> {
    const pc = this.pc;
    if (pc === null) return;
    try {
      if (restart && pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" });
      const offer = await pc.createOffer(restart ? { iceRestart: true } : {});
      await pc.setLocalDescription(offer);
    } catch (error) {
      console.error("palmcourt: offer", error);
      return;
    }
    if (this.pc !== pc || pc.localDescription === null) return;
    // The server is ICE-lite on one port and learns our address from our checks: no candidate need travel.
    this.awaiting = this.ports.offer(compactOffer(pc.localDescription.sdp));
  }

  private watch(): void {
    this.unwatch();
    this.timer = setTimeout(() => {
      this.timer = null;
      this.awaiting = false;
      if (!this.wanted || this.pc?.connectionState === "connected") return;
      this.failures += 1;
      void this.renew();
    }, RESTART_MS * Math.min(4, 1 + this.failures));
  }

  private unwatch(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private async limit(): Promise<void> {
    if (this.senders === null) return;
    const set = async (sender: RTCRtpSender, bps: number, picture: { scale: number; frames: number } | null): Promise<void> => {
      const parameters = sender.getParameters();
      const encoding = parameters.encodings?.[0];
      if (encoding === undefined) return;
      encoding.maxBitrate = bps;
      if (picture !== null) {
        encoding.scaleResolutionDownBy = picture.scale;
        encoding.maxFramerate = picture.frames;
      }
      await sender.setParameters(parameters).catch(() => undefined);
    };
    await set(this.senders.audio, AUDIO_BPS, null);
    const small = this.low || this.crowded;
    await set(this.senders.video, small ? LOW_VIDEO_BPS : VIDEO_BPS, small ? { scale: 2, frames: 10 } : { scale: 1, frames: 20 });
  }

  private drop(): void {
    this.unwatch();
    this.awaiting = false;
    const pc = this.pc;
    this.pc = null;
    this.senders = null;
    this.receive.value = [];
    if (pc === null) return;
    pc.onconnectionstatechange = null;
    pc.close();
  }
}
