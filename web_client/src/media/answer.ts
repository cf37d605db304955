// The court's answer, read before it is applied. An answer is also where a browser is told how to code its voice, and may
// be told anew at any time without asking the court: the same answer again, with other numbers in it.

/** Names the leg at the court: as long as it stays the same, so does the encryption, and ICE alone can be restarted. */
export function legOf(sdp: string): string {
  const origin = /^o=\S+ (\d+) /m.exec(sdp)?.[1] ?? "";
  const fingerprint = /^a=fingerprint:(.*)$/m.exec(sdp)?.[1] ?? "";
  return `${origin} ${fingerprint.trim()}`;
}

/** Whether the court takes the camera in several sizes. */
export function takesLayers(sdp: string): boolean {
  return /^a=simulcast:/m.test(sdp);
}

export interface Voice {
  readonly bps: number;
  /** Milliseconds of sound in a packet. On a thin link the 70 bytes around each packet weigh more than the voice in it. */
  readonly packetMs: number;
}

export const VOICE: Voice = { bps: 32_000, packetMs: 20 };
export const THIN_VOICE: Voice = { bps: 16_000, packetMs: 60 };

/** The answer with our own way of speaking: silence is not sent (DTX), and each packet can mend the one before it (FEC). */
export function withVoice(sdp: string, voice: Voice): string {
  const lines = sdp.split(/\r?\n/);
  const from = lines.findIndex((line) => line.startsWith("m=audio "));
  if (from < 0) return sdp;
  const next = lines.findIndex((line, index) => index > from && line.startsWith("m="));
  const to = next < 0 ? lines.length : next;
  const section = lines.slice(from, to).filter((line) => !/^a=(max)?ptime:/.test(line));
  const number = section.map((line) => /^a=rtpmap:(\d+) opus\//i.exec(line)?.[1]).find((found) => found !== undefined);
  if (number === undefined) return sdp;
  const others = section.filter((line) => !line.startsWith(`a=fmtp:${number} `));
  const at = others.findIndex((line) => line.startsWith(`a=rtpmap:${number} `)) + 1;
  const ours = [`a=fmtp:${number} minptime=10;useinbandfec=1;usedtx=1;maxaveragebitrate=${voice.bps}`, `a=ptime:${voice.packetMs}`];
  return [...lines.slice(0, from), ...others.slice(0, at), ...ours, ...others.slice(at), ...lines.slice(to)].join("\r\n");
}
