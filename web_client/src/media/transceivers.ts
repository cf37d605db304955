// The lines of our offer, in the order the court reads them: microphone, camera, screen, then pairs of receive slots. What a
// browser can do differs most here; it is asked for in steps and takes what it knows.
import { VOICE } from "./answer";
import { cameraEncodings, SCREEN, sizeOf } from "./layers";

/** One pair of receive slots. The tracks live as long as the connection; they are silent while nobody is on them. */
export interface ReceiveSlot {
  readonly index: number;
  readonly audio: MediaStreamTrack;
  readonly video: MediaStreamTrack;
  readonly audioReceiver: RTCRtpReceiver;
}

export interface Senders {
  readonly audio: RTCRtpSender;
  readonly video: RTCRtpSender;
  readonly screen: RTCRtpSender;
}

/** How many lines stand before the receive slots. */
export const OWN_LINES = 3;

export function canCall(): boolean {
  return typeof RTCPeerConnection !== "undefined" && typeof RTCPeerConnection.prototype.addTransceiver === "function";
}

export function canShareScreen(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === "function";
}

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

function addCamera(pc: RTCPeerConnection, track: MediaStreamTrack | "video", layered: boolean): RTCRtpTransceiver {
  // Older browsers refuse what they do not know about layers, so it is asked for in steps.
  for (const scalable of [true, false]) {
    try {
      return pc.addTransceiver(track, { direction: "sendonly", sendEncodings: cameraEncodings(layered, scalable, sizeOf(track === "video" ? null : track)) });
    } catch {
      // the next step asks for less
    }
  }
  return pc.addTransceiver(track, { direction: "sendonly" });
}

/** The lines on which this device sends. */
export function addOwn(pc: RTCPeerConnection, stream: MediaStream | null, shown: MediaStreamTrack | null, layered: boolean): Senders {
  const first: RTCRtpEncodingParameters[] = [{ maxBitrate: VOICE.bps, priority: "high", networkPriority: "high" }];
  const audio = pc.addTransceiver(stream?.getAudioTracks()[0] ?? "audio", { direction: "sendonly", sendEncodings: first });
  const video = addCamera(pc, stream?.getVideoTracks()[0] ?? "video", layered);
  const screen = pc.addTransceiver(shown ?? "video", {
    direction: canShareScreen() ? "sendonly" : "inactive",
    sendEncodings: [{ maxBitrate: SCREEN.bps, maxFramerate: SCREEN.frames }],
  });
  prefer(audio, "audio");
  prefer(video, "video");
  prefer(screen, "video");
  return { audio: audio.sender, video: video.sender, screen: screen.sender };
}

export function addSlot(pc: RTCPeerConnection, index: number): ReceiveSlot {
  const audio = pc.addTransceiver("audio", { direction: "recvonly" });
  const video = pc.addTransceiver("video", { direction: "recvonly" });
  prefer(audio, "audio");
  prefer(video, "video");
  return { index, audio: audio.receiver.track, video: video.receiver.track, audioReceiver: audio.receiver };
}
