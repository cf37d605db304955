// The offer as it travels: what a browser says fifteen times over in one bundle is said once. With 14 receive slots this
// is 34 kB against 13, which is three seconds of a link of 50 kbit/s, each time the network changes. The browser keeps its
// own full description; RFC 8843 section 7.1 lets the transport of a bundle stand in its first section alone, and an
// answer can only choose from what it was offered.

const ONCE = /^a=(ice-ufrag|ice-pwd|fingerprint|setup):/;
const NEVER = /^(c=|a=(candidate|end-of-candidates|rtcp:|rtcp-rsize|msid|ssrc|extmap-allow-mixed|ice-options|bundle-only|imageattr))/;
/** What the court reads in a packet's header: whose it is, which layer, when it was sent, how loud. */
const EXTENSIONS = /(sdes:mid|sdes:rtp-stream-id|sdes:repaired-rtp-stream-id|abs-send-time|ssrc-audio-level|transport-wide-cc-extensions-01)$/;
const FEEDBACK = /^a=rtcp-fb:(\d+) (nack|nack pli|ccm fir|goog-remb|transport-cc)$/;
const MEDIA = /^(m=\w+ )\d+( \S+ )(.*)$/;

/** The same offer with fewer lines, for a server that reads one bundle and answers from a fixed address. */
export function compactOffer(sdp: string): string {
  let section = -1;
  let formats: readonly string[] = [];
  const kept: string[] = [];
  for (const line of sdp.split(/\r?\n/)) {
    const media = MEDIA.exec(line);
    if (media !== null) {
      section += 1;
      formats = (media[3] as string).split(" ");
      // Firefox writes port 0 on what is only to be had in the bundle (RFC 8843 section 6); to others that is a refusal.
      kept.push(`${media[1] as string}9${media[2] as string}${media[3] as string}`);
      continue;
    }
    // Where the media goes is said once, for the whole description.
    if (line.startsWith("t=") && section < 0) kept.push("c=IN IP4 0.0.0.0");
    if (NEVER.test(line) || (section > 0 && ONCE.test(line))) continue;
    if (line.startsWith("a=extmap:") && !EXTENSIONS.test(line)) continue;
    if (line.startsWith("a=rtcp-fb:")) {
      const feedback = FEEDBACK.exec(line);
      if (feedback === null || !formats.includes(feedback[1] as string)) continue;
    }
    kept.push(line);
  }
  return kept.join("\r\n");
}
