"""The VP8 payload descriptor (RFC 7741 section 4.2), read and rewritten.

A receiver that is switched between layers, or from whom frames are withheld, must see one
stream: picture ids that count on by one and base-layer indexes (TL0PICIDX) that do the same.
So each outgoing stream adds an offset of its own to both. To make that an addition and
nothing else, a picture id of 7 bits is widened to 15 when it arrives. Pure functions;
hostile bytes are passed on as they are, never an exception.
"""

PICTURE_IDS = 0x7FFF

Read = tuple[bytes, int, int, int, int]


def read(payload: bytes, near: int) -> Read:
    """(payload with a picture id of 15 bits; the picture id, or -1; 0xFF when byte 4 is a
    TL0PICIDX, else 0; temporal id; 1 when the frame needs the base layer only).

    `near` is the newest picture id of the stream, -1 at its start. With -1 returned the
    descriptor has none or is cut off: the payload is unchanged, and nothing in it may be.
    """
    size = len(payload)
    if size < 4 or not payload[0] & 0x80 or not payload[1] & 0x80:
        return payload, -1, 0, 0, 0
    flags, first = payload[1], payload[2]
    at = 3 + (first >> 7) + (flags >> 6 & 1)  # behind picture id and TL0PICIDX
    temporal = sync = 0
    if flags & 0x30:
        if flags & 0x20 and at < size:
            temporal, sync = payload[at] >> 6, payload[at] >> 5 & 1
        at += 1
    if at >= size:
        return payload, -1, 0, 0, 0
    tl_mask = 0xFF if flags & 0x40 else 0
    if first & 0x80:
        return payload, (first & 0x7F) << 8 | payload[3], tl_mask, temporal, sync
    number = first if near < 0 else near - 64 + (first - near + 64 & 0x7F) & PICTURE_IDS
    return payload[:2] + (0x8000 | number).to_bytes(2, "big") + payload[3:], number, tl_mask, temporal, sync


def rewrite(payload: bytes, number: int, tl_mask: int, number_offset: int, tl0_offset: int) -> bytes:
    """`payload`, as `read` gave it, with both counters moved on."""
    return (
        payload[:2]
        + (0x8000 | number + number_offset & PICTURE_IDS).to_bytes(2, "big")
        + bytes((payload[4] + (tl0_offset & tl_mask) & 0xFF,))
        + payload[5:]
    )


def opens_keyframe(payload: bytes) -> bool:
    """First packet (S=1) of partition 0, and the frame header's P bit is 0."""
    start = descriptor_length(payload)
    if start is None or not payload[0] & 0x10 or payload[0] & 0x0F:
        return False
    return not payload[start] & 1


def descriptor_length(payload: bytes) -> int | None:
    """Bytes before the VP8 data; None when nothing follows them."""
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
