"""What a participant without a browser receives: counted, missed packets asked for, arrivals reported."""

import struct
from collections.abc import Mapping

from media.engine import rtcp
from media.engine.rtp import HEADER, opens_keyframe
from media.engine.transport_cc import Arrivals
from media.peer.sdp import TRANSPORT_CC_EXT, VP8_PT, PeerAnswer

NACK_AFTER_MS, NACK_AGAIN_MS, NACK_TRIES = 20, 120, 8
GAP = 200  # more than this at once is not asked for


class Downlink:
    """Sans I/O. `received`: per slot packets of audio and video, keyframes, frames, bytes, numbers
    lost on the way (repaired or not), and retransmissions.
    """

    def __init__(self) -> None:
        self.received: dict[int, dict[str, int]] = {}
        self.arrivals: Arrivals | None = Arrivals()  # None: reports nothing, like a very old browser
        self._last: dict[int, int] = {}
        self._missing: dict[int, dict[int, list[int]]] = {}  # ssrc -> number -> [when next, tries]

    def promised(self, answer: PeerAnswer) -> None:
        """An answer says what may come."""
        empty = {"audio": 0, "video": 0, "keyframes": 0, "frames": 0, "octets": 0, "lost": 0, "rtx": 0}
        for slot, _kind in answer.slot_of.values():
            self.received.setdefault(slot, dict(empty))
        self._last.clear()
        self._missing.clear()

    def take(self, packet: bytes, answer: PeerAnswer, now_ms: int) -> None:
        """One decrypted packet."""
        first, second, seq, _timestamp, ssrc = HEADER.unpack_from(packet)
        extension = 4 + 4 * int.from_bytes(packet[14:16], "big") if first & 0x10 else 0
        if self.arrivals is not None and extension:
            number = _transport_number(packet[16 : 12 + extension])
            if number is not None:
                self.arrivals.fresh.append((number, now_ms))
        payload = packet[12 + extension :]
        if ssrc in answer.rtx_of:
            self._repair(answer.rtx_of[ssrc], payload, answer)
        elif ssrc in answer.slot_of:
            slot, kind = answer.slot_of[ssrc]
            counts = self.received[slot]
            counts[kind] += 1
            counts["octets"] += len(payload)
            counts["lost"] += self._place(ssrc, seq, repairable=kind == "video", now_ms=now_ms)
            if kind == "video":
                counts["frames"] += second >> 7
                if second & 127 == VP8_PT and opens_keyframe("vp8", payload):
                    counts["keyframes"] += 1

    def _place(self, ssrc: int, seq: int, *, repairable: bool, now_ms: int) -> int:
        step = (seq - self._last.get(ssrc, seq - 1)) & 0xFFFF
        if step >= 0x8000 or step == 0:
            self._missing.get(ssrc, {}).pop(seq, None)
            return 0
        self._last[ssrc] = seq
        if repairable and 1 < step < GAP:
            missing = self._missing.setdefault(ssrc, {})
            for back in range(1, step):
                missing[(seq - back) & 0xFFFF] = [now_ms + NACK_AFTER_MS, 0]
        return step - 1

    def _repair(self, ssrc: int, payload: bytes, answer: PeerAnswer) -> None:
        self.received[answer.slot_of[ssrc][0]]["rtx"] += 1
        if len(payload) > 2:
            self._missing.get(ssrc, {}).pop(int.from_bytes(payload[:2], "big"), None)

    def reports(self, own_ssrc: int, now_ms: int) -> list[bytes]:
        """RTCP to send now: what is missing, what arrived."""
        packets: list[bytes] = []
        for ssrc, missing in self._missing.items():
            wanted: list[int] = []
            for seq, state in list(missing.items()):
                if now_ms >= state[0]:
                    state[0], state[1] = now_ms + NACK_AGAIN_MS, state[1] + 1
                    wanted.append(seq)
                    if state[1] >= NACK_TRIES:
                        del missing[seq]
            if wanted:
                wanted.sort(key=lambda seq, last=self._last[ssrc]: (seq - last - 0x8000) & 0xFFFF)  # type: ignore[misc]
                packets.append(rtcp.nack(own_ssrc, ssrc, wanted))
        if self.arrivals is not None:
            packets += self.arrivals.reports(now_ms, own_ssrc, own_ssrc)
        return packets

    def stats(self) -> Mapping[int, dict[str, int]]:
        """The counts, by slot."""
        return {slot: dict(counts) for slot, counts in sorted(self.received.items())}


def _transport_number(extension: bytes) -> int | None:
    at = 0
    while at < len(extension):
        name, size = extension[at] >> 4, (extension[at] & 15) + 1
        if extension[at] == 0:
            at += 1
            continue
        if name == TRANSPORT_CC_EXT and at + 3 <= len(extension):
            value: int = struct.unpack_from("!H", extension, at + 1)[0]
            return value
        at += 1 + size
    return None
