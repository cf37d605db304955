"""One or more frames of every kind, good and bad, and the vectors made of them: `python tests/signaling/examples.py`
writes `vectors/frames.json`, which the browser's tests read too. Bytes stand in JSON as {"hex": "..."}.
"""

import json
from pathlib import Path
from typing import Any

import msgpack
import msgspec

from signaling import frames
from signaling.frames import (
    Answer,
    Attestation,
    Busy,
    Checkpoint,
    Closing,
    Cosign,
    Cursor,
    Deliver,
    Delivered,
    EntryRef,
    Frame,
    Hello,
    Hidden,
    History,
    HistoryPage,
    Lobby,
    Negotiate,
    Ping,
    Pong,
    Presence,
    Receipt,
    Refused,
    Signal,
    Slots,
    Submit,
    Welcome,
    Withheld,
)

VECTORS = Path(__file__).parent / "vectors" / "frames.json"

STREAM, DEVICE = bytes(range(16)), bytes(range(16, 48))
CSIG = bytes(range(64))
SECRET, SALT, HASH, OTHER = (bytes([n]) * 32 for n in (1, 2, 3, 4))
VIEW = {
    "phase": "open",
    "cause": "民间借贷纠纷",
    "opened_ms": None,
    "recording": True,
    "seats": [{"slot": "party/1", "muted": False}],
}

CLIENT: list[Frame] = [
    Hello(2, "Zm9vYmFyYmF6cXV4Zm9vYmFy", DEVICE, SECRET, "zh-CN", None),
    Hello(2, "t", DEVICE, SECRET, "en", Cursor(STREAM, 3, 41, HASH)),
    Hello(2, "t", DEVICE, SECRET, "en", Cursor(STREAM, 0, 0, None)),
    Submit(1, "msg.text", [], [], SALT, '{"text":"早上好。"}'.encode(), 1_700_000_000_123, CSIG),
    Submit(2, "act.admit", ["party/1"], [], None, None, 1_700_000_000_124, CSIG),
    Submit(
        frames.MAX_INT,
        "msg.image",
        [HASH, -1, None, True, ["a", [b"b", 2]]],
        [7, EntryRef(STREAM, 9, OTHER)],
        SALT,
        b"",
        0,
        CSIG,
    ),
    Negotiate("offer", "v=0\r\n"),
    Negotiate("bye", ""),
    Signal("camera", True),
    Signal("quality", {"rtt_ms": 40, "loss": 2, "label": "弱"}),
    History(0, 1024),
    Cosign(42, 1_700_000_000, CSIG),
    Ping(12345),
]

SERVER: list[Frame] = [
    Welcome(
        2,
        "session-token",
        STREAM,
        "yuyao.court.example/000102030405060708090a0b0c0d0e0f",
        "yuyao.court.example+00000000+AAAA",
        3,
        "party/1",
        "plaintiff",
        VIEW,
        42,
        41,
        [HASH, OTHER, SALT],
        1_700_000_000_200,
        17,
        ["palm/key-rotation/v1\n"],
        {"ping_every_ms": 2000},
        {"slots": 16},
    ),
    Deliver([Delivered(41, b"\x9e\x01", SALT, b'{"text":"yes"}'), Delivered(42, b"\x9e\x02", None, None)]),
    Withheld([Hidden(43, HASH)]),
    HistoryPage(0, [], [Delivered(0, b"\x9e", None, None)], [Hidden(1, OTHER)]),
    Receipt(1, 41, HASH, 1_700_000_000_222, Attestation(0, 1, [], CSIG)),
    Receipt(2, 42, HASH, 1_700_000_000_222, Attestation(2, 3, [OTHER], CSIG)),
    Refused(2, "wrong_phase", "the hearing is in recess", 1_700_000_000_223, Attestation(1, 2, [HASH], CSIG)),
    Refused(3, "not_admitted", "wait until you are admitted", 0, None),
    Busy(3, 500),
    Checkpoint("yuyao.court.example/00\n42\nAAAA\n\n— yuyao.court.example AAAA\n", [HASH]),
    Answer("v=0\r\n", {"0": "judge/1", "1": None}),
    Slots({"0": "judge/1"}),
    Presence("party/2", {"connected": True}),
    Lobby(VIEW),
    Pong(12345, 1_700_000_000_300),
    Closing(4409, "you are connected from a newer page"),
]

_SUBMIT = ["submit", 1, "msg.text", [], [], None, None, 5, CSIG]


def _with(index: int, value: Any) -> list[Any]:
    return [*_SUBMIT[:index], value, *_SUBMIT[index + 1 :]]


BAD_CLIENT: dict[str, Any] = {
    "an unknown frame": ["nope", 1],
    "no frame": [],
    "a map": {"type": "ping", "n": 1},
    "a server's frame": ["pong", 1, 2],
    "a missing field": ["ping"],
    "a field too many": ["ping", 1, 2],
    "text for a number": ["ping", "1"],
    "a fraction for a number": ["ping", 1.5],
    "a boolean for a number": ["ping", True],
    "a negative number": ["ping", -1],
    "a number beyond 2^53": ["ping", 2**53],
    "a device key of 16 bytes": ["hello", 2, "t", b"d" * 16, SECRET, "zh", None],
    "a device secret of text": ["hello", 2, "t", DEVICE, "s" * 32, "zh", None],
    "an empty ticket": ["hello", 2, "", DEVICE, SECRET, "zh", None],
    "a long ticket": ["hello", 2, "t" * 129, DEVICE, SECRET, "zh", None],
    "a cursor without its root": ["hello", 2, "t", DEVICE, SECRET, "zh", [STREAM, 1, 2]],
    "number zero": _with(1, 0),
    "a command in capitals": _with(2, "Msg.Text"),
    "a command with a line end": _with(2, "msg.text\n"),
    "an argument with a fraction": _with(3, [0.5]),
    "an argument that is a map": _with(3, [{"a": 1}]),
    "arguments four deep": _with(3, [[[[1]]]]),
    "too many arguments": _with(3, [0] * 65),
    "a long argument": _with(3, ["x" * 1025]),
    "a reference of two parts": _with(4, [[STREAM, 1]]),
    "too many references": _with(4, [1] * 65),
    "a salt without content": _with(5, SALT),
    "content without a salt": _with(6, b"{}"),
    "content too large": [*_SUBMIT[:5], SALT, b"x" * 65_537, 5, CSIG],
    "an act that nobody signed": _SUBMIT[:-1],
    "an act with a signature of nil": _with(8, None),
    "a signature of 63 bytes": _with(8, b"s" * 63),
    "a cosignature without its time": ["cosign", 42, CSIG],
    "an unknown kind of negotiation": ["negotiate", "answer", ""],
    "an sdp of bytes": ["negotiate", "offer", b"v=0"],
    "a signal two deep": ["signal", "camera", {"a": {"b": 1}}],
    "a signal with many keys": ["signal", "camera", {f"k{n}": n for n in range(17)}],
    "history backwards": ["history", 5, 5],
}

BAD_SERVER: dict[str, Any] = {
    "a client's frame": ["ping", 1],
    "an entry without content's place": ["deliver", [[1, b"leaf", None]]],
    "no entries": ["deliver", []],
    "a leaf hash of 31 bytes": ["receipt", 1, 1, b"h" * 31, 5, [0, 1, [], CSIG]],
    "a receipt that does not bind": ["receipt", 1, 1, HASH, 5, None],
    "a batch of nobody": ["receipt", 1, 1, HASH, 5, [0, 0, [], CSIG]],
    "a refusal code with spaces": ["refused", 1, "not permitted", "", 0, None],
    "an unknown close code": ["closing", 4999, ""],
    "a view that is a list": ["lobby", []],
    "a checkpoint of nothing": ["checkpoint", "", []],
}


def as_json(value: Any) -> Any:
    """Frames as the browser spells them: fields by name, the tag as `type`, bytes as hex."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, msgspec.Struct):
        tag = value.__struct_config__.tag
        fields = {name: as_json(getattr(value, name)) for name in value.__struct_fields__}
        return {"type": tag, **fields} if tag else fields
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return value


def vectors() -> str:
    """The whole file."""
    good = {
        side: [{"msgpack": frames.encode(frame).hex(), "frame": as_json(frame)} for frame in each]
        for side, each in (("client", CLIENT), ("server", SERVER))
    }
    bad = {
        side: [{"why": why, "msgpack": msgpack.packb(value).hex()} for why, value in each.items() if "large" not in why]
        for side, each in (("client", BAD_CLIENT), ("server", BAD_SERVER))
    }
    return json.dumps({"version": frames.VERSION, "good": good, "bad": bad}, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(vectors(), encoding="utf-8")
