"""What the engine must see inside an RTP packet (RFC 3550 section 5, RFC 8285), and no more:
what its header extensions say and whether its payload opens a keyframe. Pure functions;
hostile bytes give nothing, never an exception.
"""

import struct

from media.engine import vp8
from media.engine.packet_engine import Codec

HEADER = struct.Struct("!BBHII")
SILENCE = 127


def read_extensions(data: memoryview, start: int, end: int, level_id: int, wide_id: int) -> tuple[int, int]:
    """Among the one-byte extensions in `data[start:end]`: the byte of the audio level (RFC
    6464; silence without one) and the transport-wide number (-1 without one). Ids of 0 are
    not looked for.
    """
    level, wide = SILENCE, -1
    while start + 1 < end:
        head = data[start]
        if head < 16:  # padding; with a length it is not allowed, and taken as padding
            start += 1
            continue
        if head > 0xEF:  # id 15: nothing behind it may be read
            break
        if head >> 4 == level_id:
            level = data[start + 1]
        elif head >> 4 == wide_id and start + 2 < end:
            wide = data[start + 1] << 8 | data[start + 2]
        start += 2 + (head & 15)
    return level, wide


def extension(data: memoryview, start: int, end: int, wanted: int) -> bytes:
    """The first one-byte extension of this id, or nothing."""
    while wanted and start + 1 < end:
        head = data[start]
        if head < 16:
            start += 1
            continue
        if head > 0xEF:
            break
        after = start + 2 + (head & 15)
        if head >> 4 == wanted:
            return bytes(data[start + 1 : after]) if after <= end else b""
        start = after
    return b""


def opens_keyframe(codec: Codec, payload: bytes) -> bool:
    """Whether a decoder that has seen nothing can start at this packet."""
    if codec == "vp8":
        return vp8.opens_keyframe(payload)
    if codec == "h264":
        return _h264_keyframe(payload)
    return True


def _h264_keyframe(payload: bytes) -> bool:
    """RFC 6184: browsers send SPS, PPS and IDR together, SPS first, so SPS opens it."""
    if len(payload) < 2:
        return False
    nal = payload[0] & 31
    if nal == 24:  # STAP-A
        return len(payload) > 3 and payload[3] & 31 == 7
    return nal == 7
