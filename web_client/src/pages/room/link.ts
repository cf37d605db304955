// Reads the media leg's own counters every two seconds, walks the ladder, and says it in words when the picture gives way.
import { apply, pictureHeld } from "../../media/devices";
import { step, type Ladder } from "../../media/ladder";
import type { Court } from "./session";

export function watchLink(court: Court): () => void {
  let ladder: Ladder = { rung: "full", strikes: 0 };
  const timer = setInterval(() => {
    const pc = court.peer.connection;
    if (pc === null || pc.connectionState !== "connected") return;
    void pc.getStats().then((report) => {
      let lost: number | null = null;
      let trip: number | null = null;
      let mayBps: number | null = null;
      report.forEach((each: Record<string, unknown>) => {
        if (each["type"] === "remote-inbound-rtp") {
          if (typeof each["fractionLost"] === "number") lost = Math.max(lost ?? 0, each["fractionLost"]);
          if (typeof each["roundTripTime"] === "number") trip = Math.max(trip ?? 0, each["roundTripTime"]);
        } else if (each["type"] === "candidate-pair" && each["nominated"] === true) {
          if (typeof each["currentRoundTripTime"] === "number") trip = Math.max(trip ?? 0, each["currentRoundTripTime"]);
          if (typeof each["availableOutgoingBitrate"] === "number") mayBps = each["availableOutgoingBitrate"];
        }
      });
      const next = step(ladder, { lost: lost ?? 0, trip: trip ?? 0, mayBps });
      if (next.rung !== ladder.rung) {
        court.sitting.mention("quality", next.rung);
        court.sitting.mention("link", next.rung === "full" ? "good" : "thin");
        pictureHeld.value = next.rung === "voice";
        void court.peer.setLow(next.rung !== "full");
        apply();
      }
      ladder = next;
    });
  }, 2_000);
  return () => {
    clearInterval(timer);
    pictureHeld.value = false;
    apply();
  };
}
