"""What the engine must see inside an RTP packet (RFC 3550 section 5, RFC 8285), and no more:
where the payload is, whether it opens a keyframe, how loud it is. Pure functions; hostile
bytes give None or False, never an exception.
"""

import struct

from media.engine.packet_engine import Codec

HEADER = struct.Struct("!BBHII")


def audio_level(data: memoryview, start: int, end: int, ext_id: int) -> int:
    """The byte of the audio level extension (RFC 6464) among the one-byte extensions in
    `data[start:end]`, or 127 (silence) when there is none.
    """
    while start < end:
        head = data[start]
        if head == 0:
            start += 1
            continue
        if head >> 4 == ext_id:
            return data[start + 1] if start + 1 < end else 127
        start += 2 + (head & 15)
    return 127


def opens_keyframe(codec: Codec, payload: bytes) -> bool:
    """Whether a decoder that has seen nothing can start at this packet."""
    if codec == "vp8":
        return _vp8_keyframe(payload)
    if codec == "h264":
        return _h264_keyframe(payload)
    return True


def _vp8_keyframe(payload: bytes) -> bool:
    """RFC 7741: first packet (S=1) of partition 0, and the frame header's P bit is 0."""
    start = vp8_descriptor_length(payload)
    if start is None or not payload[0] & 0x10 or payload[0] & 0x0F:
        return False
    return not payload[start] & 1


def vp8_descriptor_length(payload: bytes) -> int | None:
    """Bytes before the VP8 data (RFC 7741 section 4.2); None when nothing follows them."""
    size = len(payload)
    if size < 2:
        return None
    n = 1
    if payload[0] & 0x80:  # X
        flags = payload[1]
        n = 2
        if flags & 0x80:  # I: picture id of one or two bytes
            if size <= n:
                return None
            n += 2 if payload[n] & 0x80 else 1
        if flags & 0x40:  # L: TL0PICIDX
            n += 1
        if flags & 0x30:  # T or K
            n += 1
    return n if n < size else None


def _h264_keyframe(payload: bytes) -> bool:
    """RFC 6184: browsers send SPS, PPS and IDR together, SPS first, so SPS opens it."""
    if len(payload) < 2:
        return False
    nal = payload[0] & 31
    if nal == 24:  # STAP-A
        return len(payload) > 3 and payload[3] & 31 == 7
    return nal == 7
