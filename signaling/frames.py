"""The frames of a session, byte for byte: what a phone and a room may say to each other, and nothing else.

A frame is one WebSocket binary message holding one msgpack array `[tag, field, field, ...]` of exact length. **A frame
that decodes is well-formed to its last bound**; everything behind this file may rely on lengths, ranges and types
without looking again. This file knows nothing of courts: slots, roles, commands and views are strings and maps whose
meaning belongs to the server. PROTOCOL.md beside this file is the source; the client's TypeScript is generated from
here (`python -m signaling.typescript`). It reads no clock and touches no socket.

    ProtocolError
     └── Malformed(code, detail)      the peer broke the protocol: answer with this close code, close this session only
"""

import re
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

VERSION: Final = 2
"""Grows when a frame changes so that an older peer would misread it; both sides refuse another number."""

SUBPROTOCOL: Final = "palmcourt.v2"

# --- limits: each is the smallest that the largest honest use fits in ---------------------------------------------
MAX_INT: Final = 2**53 - 1  # the largest integer that JavaScript's numbers hold exactly
MAX_CONTENT: Final = 65_536  # an entry's content object; anything longer is a blob and goes by upload
MAX_SDP: Final = 65_536  # an offer with 16 receive slots and every codec of Chromium is about 30 kB
MAX_CLIENT_FRAME: Final = 131_072  # the largest content with the longest arguments and references beside it
MAX_SERVER_FRAME: Final = 1_048_576  # a full batch of entries; a phone on 50 kB/s needs 20 s for it, so never more
MAX_LEAF: Final = 65_535  # tlog-tiles: an entry in a bundle has a 16-bit length
MAX_ENTRIES: Final = 1_024  # entries in one frame
MAX_ARGS: Final = 64
MAX_ARG_TEXT: Final = 1_024  # arguments are codes, slots and digests; words for people are content
MAX_REFS: Final = 64
MAX_PROOF: Final = 128  # hashes in a consistency proof: at most 2 per level of a tree of 2^53
MAX_FRONTIER: Final = 64  # one hash per set bit of the tree's size
MAX_SIGNAL_KEYS: Final = 16
MAX_ROTATIONS: Final = 64  # a court that changes its key every year, for a working life

# --- close codes of the WebSocket (RFC 6455 section 7.4.2: 4000-4999 are private use) --------------------------------
MALFORMED: Final = 4400
UNAUTHENTICATED: Final = 4401
FORBIDDEN: Final = 4403
REPLACED: Final = 4409
GONE: Final = 4410
TOO_LARGE: Final = 4413
SLOW_DOWN: Final = 4429
RESUME: Final = 4460
STOPPING: Final = 4503

CloseCode: TypeAlias = Literal[4400, 4401, 4403, 4409, 4410, 4413, 4429, 4460, 4503]
NegotiateKind: TypeAlias = Literal["offer", "bye"]

# --- field types -------------------------------------------------------------------------------------------------
Natural: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_INT)]
Positive: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_INT)]
Millis: TypeAlias = Natural
Bytes16: TypeAlias = Annotated[bytes, Meta(min_length=16, max_length=16)]
Bytes32: TypeAlias = Annotated[bytes, Meta(min_length=32, max_length=32)]
Bytes64: TypeAlias = Annotated[bytes, Meta(min_length=64, max_length=64)]
Leaf: TypeAlias = Annotated[bytes, Meta(min_length=1, max_length=MAX_LEAF)]
Content: TypeAlias = Annotated[bytes, Meta(max_length=MAX_CONTENT)]
Slot: TypeAlias = Annotated[str, Meta(min_length=1, max_length=32)]
Code: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_.]*(?!\n)$")]
Detail: TypeAlias = Annotated[str, Meta(max_length=1_024)]
Sdp: TypeAlias = Annotated[str, Meta(max_length=MAX_SDP)]
Hashes: TypeAlias = Annotated[list[Bytes32], Meta(max_length=MAX_PROOF)]
Frontier: TypeAlias = Annotated[list[Bytes32], Meta(max_length=MAX_FRONTIER)]

Scalar: TypeAlias = bool | int | str | bytes | None
Argument: TypeAlias = Scalar | list[Scalar | list[Scalar]]
"""No floats and no maps: arguments become facts of a leaf, whose bytes must be the same on every machine."""
SignalValue: TypeAlias = Scalar | dict[str, Scalar]
# msgspec has no union of text and bytes, so these two arrive unchecked and `__post_init__` walks them; `extra` names
# the check for the generator of TypeScript.
_Args: TypeAlias = Annotated[list[Annotated[Any, Meta(extra={"check": "argument"})]], Meta(max_length=MAX_ARGS)]
_Value: TypeAlias = Annotated[Any, Meta(extra={"check": "signalValue"})]
View: TypeAlias = dict[str, Any]
"""A map made by the server for its client: opaque here."""


def _check_values(values: list[Any], depth: int) -> None:
    """Raise ValueError (which msgspec reports as its own) unless all are scalars, or lists `depth` deep of them."""
    if len(values) > MAX_ARGS:
        raise ValueError(f"a list of more than {MAX_ARGS} values")
    for value in values:
        kind = type(value)  # exact: True is an int for isinstance, and msgpack's timestamps are not welcome
        if kind is str or kind is bytes:
            if len(value) > MAX_ARG_TEXT:
                raise ValueError(f"text or bytes longer than {MAX_ARG_TEXT}")
        elif kind is int:
            if not -MAX_INT <= value <= MAX_INT:
                raise ValueError("an integer beyond 2^53")
        elif kind is list and depth:
            _check_values(value, depth - 1)
        elif value is not None and kind is not bool:
            raise ValueError(f"a value of type {kind.__name__} where only plain values may stand")


class Frame(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One msgpack array. Fields keep their order for ever; a new field needs a new `VERSION`."""


class Cursor(Frame, frozen=True):
    """What a returning phone already keeps of a stream: all entries below `next_seq`, whose tree has this `root`.

    `root` is nil when the phone does not build the tree; then the server cannot notice a fork for it.
    """

    stream_id: Bytes16
    epoch: Natural
    next_seq: Natural
    root: Bytes32 | None


class EntryRef(Frame, frozen=True):
    """An entry of another stream."""

    stream_id: Bytes16
    seq: Natural
    leaf_hash: Bytes32


# Not a tuple: msgspec 0.22 reads wild memory for a fixed tuple inside a union (found by tests/signaling).
Reference: TypeAlias = Natural | EntryRef
"""An entry of this stream by its sequence, or one of another stream."""


class Delivered(Frame, frozen=True):
    """One entry of the record for somebody who may read it. `salt` and `content` are nil where there is none
    or where the content has been destroyed or withheld.
    """

    seq: Natural
    leaf: Leaf
    salt: Bytes32 | None
    content: Content | None


class Hidden(Frame, frozen=True):
    """The place of an entry that this viewer may not read."""

    seq: Natural
    leaf_hash: Bytes32


# --- from the phone ------------------------------------------------------------------------------------------------
class Hello(Frame, frozen=True, tag="hello"):
    """The first frame, once. `device_key` is the Ed25519 public key whose private half signs this person's acts and
    never leaves the phone; `device_secret` is made there too and proves later that it is the same phone.
    """

    version: Natural
    ticket: Annotated[str, Meta(min_length=1, max_length=128)]
    device_key: Bytes32
    device_secret: Bytes32
    language: Annotated[str, Meta(min_length=2, max_length=16)]
    cursor: Cursor | None


class Submit(Frame, frozen=True, tag="submit"):
    """Please do this. `dseq` numbers the device's submits from 1 and never changes when one is sent again. `csig` is
    the device's signature over all the other fields and the stream (the record's format says over which bytes).
    """

    dseq: Positive
    command: Code
    args: _Args
    refs: Annotated[list[Reference], Meta(max_length=MAX_REFS)]
    salt: Bytes32 | None
    content: Content | None
    ts_client_ms: Millis
    csig: Bytes64

    def __post_init__(self) -> None:
        # A commitment needs both; one without the other could never be checked by anybody.
        if (self.salt is None) != (self.content is None):
            raise ValueError("salt and content come together or not at all")
        _check_values(self.args, depth=2)


class Negotiate(Frame, frozen=True, tag="negotiate"):
    """The phone offers, the server answers: glare cannot happen. `bye` ends the media and keeps the session."""

    kind: NegotiateKind
    sdp: Sdp


class Signal(Frame, frozen=True, tag="signal"):
    """Worthless a second later, so it never becomes an entry: camera on or off, typing, quality, leaving."""

    name: Code
    value: _Value

    def __post_init__(self) -> None:
        if isinstance(self.value, dict):
            if len(self.value) > MAX_SIGNAL_KEYS or not all(isinstance(k, str) and len(k) <= 32 for k in self.value):
                raise ValueError(f"a signal has at most {MAX_SIGNAL_KEYS} keys of text")
            _check_values(list(self.value.values()), depth=0)
        else:
            _check_values([self.value], depth=0)


class History(Frame, frozen=True, tag="history"):
    """Please send entries `from_seq` (inclusive) to `to_seq` (exclusive) again."""

    from_seq: Natural
    to_seq: Natural

    def __post_init__(self) -> None:
        if self.to_seq <= self.from_seq:
            raise ValueError("to_seq must be above from_seq")


class Cosign(Frame, frozen=True, tag="cosign"):
    """This device has checked the checkpoint of that size against the entries it holds, and signs it as a witness
    (C2SP cosignature/v1) at its own time, in seconds since the epoch.
    """

    size: Natural
    time_s: Natural
    signature: Bytes64


class Ping(Frame, frozen=True, tag="ping"):
    n: Natural


ClientFrame: TypeAlias = Hello | Submit | Negotiate | Signal | History | Cosign | Ping


# --- from the room -------------------------------------------------------------------------------------------------
class Attestation(Frame, frozen=True):
    """The court's signature over an answer: its place in the tree of the answers of that moment, the path up, and the
    signature over the root.
    """

    place: Natural
    size: Positive
    path: Hashes
    signature: Bytes64


class Welcome(Frame, frozen=True, tag="welcome"):
    """You are in. What follows are the entries from `start_seq` on; `frontier` are the roots of the full subtrees of
    the tree of that size, left to right (RFC 6962 section 2.1), so that the phone can go on building it. `rotations`
    are the signed notes by which the court's key was changed, oldest first: whoever kept an older key follows them.
    """

    version: Natural
    session: Annotated[str, Meta(min_length=1, max_length=256)]
    stream_id: Bytes16
    origin: Annotated[str, Meta(max_length=512)]
    vkey: Annotated[str, Meta(max_length=1_024)]
    epoch: Natural
    slot: Slot
    role: Slot
    view: View
    next_seq: Natural
    start_seq: Natural
    frontier: Frontier
    now_ms: Millis
    last_dseq: Natural
    rotations: Annotated[list[Annotated[str, Meta(max_length=4_096)]], Meta(max_length=MAX_ROTATIONS)]
    limits: View
    media: View


class Deliver(Frame, frozen=True, tag="deliver"):
    entries: Annotated[list[Delivered], Meta(min_length=1, max_length=MAX_ENTRIES)]


class Withheld(Frame, frozen=True, tag="withheld"):
    entries: Annotated[list[Hidden], Meta(min_length=1, max_length=MAX_ENTRIES)]


class HistoryPage(Frame, frozen=True, tag="history_page"):
    """An answer to `history`, possibly shorter than asked. `frontier` belongs to the tree of size `start_seq`."""

    start_seq: Natural
    frontier: Frontier
    entries: Annotated[list[Delivered], Meta(max_length=MAX_ENTRIES)]
    withheld: Annotated[list[Hidden], Meta(max_length=MAX_ENTRIES)]


class Receipt(Frame, frozen=True, tag="receipt"):
    """On the record, durable, as entry `seq`. The court is bound by `attestation`: whoever holds this receipt can show
    later that the entry was there.
    """

    dseq: Positive
    seq: Natural
    leaf_hash: Bytes32
    ts_ms: Millis
    attestation: Attestation


class Refused(Frame, frozen=True, tag="refused"):
    """The rules say no. Final for this `dseq`. Signed when the rules were asked; the session's own refusals (before
    anybody is admitted, or of a number that is far off) are not, and have `ts_ms` 0.
    """

    dseq: Positive
    code: Code
    detail: Detail
    ts_ms: Millis
    attestation: Attestation | None


class Busy(Frame, frozen=True, tag="busy"):
    """Not now: send the same submit again after `retry_ms`."""

    dseq: Positive
    retry_ms: Natural


class Checkpoint(Frame, frozen=True, tag="checkpoint"):
    """A signed tree head (C2SP tlog-checkpoint), with the cosignatures it has so far, and the proof from the last one
    sent on this session; empty for the first one, and for the same size again.
    """

    note: Annotated[str, Meta(min_length=1, max_length=16_384)]
    consistency: Hashes


class Answer(Frame, frozen=True, tag="answer"):
    sdp: Sdp
    slots: View


class Slots(Frame, frozen=True, tag="slots"):
    """Who is now on which receive slot; no renegotiation."""

    slots: View


class Presence(Frame, frozen=True, tag="presence"):
    slot: Slot
    value: View


class Lobby(Frame, frozen=True, tag="lobby"):
    """You are waiting: what the door shows, and nothing of the record."""

    view: View


class Pong(Frame, frozen=True, tag="pong"):
    n: Natural
    now_ms: Millis


class Closing(Frame, frozen=True, tag="closing"):
    """Said just before the WebSocket closes with this code, since a browser hides the reason of some closes."""

    code: CloseCode
    detail: Detail


ServerFrame: TypeAlias = (
    Welcome
    | Deliver
    | Withheld
    | HistoryPage
    | Receipt
    | Refused
    | Busy
    | Checkpoint
    | Answer
    | Slots
    | Presence
    | Lobby
    | Pong
    | Closing
)


# --- bytes ---------------------------------------------------------------------------------------------------------
class ProtocolError(Exception):
    """Anything a peer can do wrong."""


class Malformed(ProtocolError):  # noqa: N818 - the architecture's word for it
    """The peer broke the protocol. `code` is the close code to answer with (4400 or 4413); `detail` names the field
    and never repeats what was sent, so it may be logged.
    """

    def __init__(self, code: CloseCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code: CloseCode = code
        self.detail = detail


_encoder = msgspec.msgpack.Encoder()
_client_decoder: msgspec.msgpack.Decoder[ClientFrame] = msgspec.msgpack.Decoder(ClientFrame)
_server_decoder: msgspec.msgpack.Decoder[ServerFrame] = msgspec.msgpack.Decoder(ServerFrame)
_QUOTED = re.compile(r"'.*?'", re.DOTALL)


def encode(frame: Frame) -> bytes:
    """The bytes of one WebSocket message. Bounds are the maker's duty here and the receiver's law."""
    return _encoder.encode(frame)


def decode_client(data: bytes) -> ClientFrame:
    """What a phone sent. Raises `Malformed`, and nothing else, whatever the bytes are."""
    if len(data) > MAX_CLIENT_FRAME:
        raise Malformed(TOO_LARGE, f"a frame of {len(data)} bytes, at most {MAX_CLIENT_FRAME} are taken")
    try:
        return _client_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(MALFORMED, _describe(error)) from None


def decode_server(data: bytes) -> ServerFrame:
    """What a room sent. Raises `Malformed`, and nothing else."""
    if len(data) > MAX_SERVER_FRAME:
        raise Malformed(TOO_LARGE, f"a frame of {len(data)} bytes, at most {MAX_SERVER_FRAME} are taken")
    try:
        return _server_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(MALFORMED, _describe(error)) from None


def _describe(error: Exception) -> str:
    if isinstance(error, msgspec.MsgspecError):
        return _QUOTED.sub("'…'", str(error))[:300]  # msgspec quotes the offending value: that is the peer's content
    return type(error).__name__
