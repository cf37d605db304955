"""What an export says of the register: this stream's opening and newest head in it, and who outside vouches for time.

Only the salts of this stream's own two entries leave the court, so the export tells nothing about any other stream.
The state of the register that is chosen is the smallest time-stamped one that holds all of it: the earliest proof.
"""

import base64
from collections.abc import Sequence
from pathlib import Path

from hearing_server.runtime.register import Register, signed_heads
from hearing_server.runtime.register_table import Placed, SignedHead
from recording import checkpoint as checkpoints
from recording import proof as proofs
from recording import register as words
from recording import timestamp
from recording.errors import RecordError
from recording.leaf import Leaf
from recording.log import StreamLog
from recording.register import Anchor
from recording.timestamp import BadTimestamp

FOLDER = Path("data") / "register"


async def register_files(register: Register, stream_id: bytes, leaves: Sequence[Leaf]) -> dict[str, bytes]:
    """The files of `data/register` for a record with these anchors, by their path; none if the stream is not in it.

    Call it on the loop: it reads the register as it is in this moment.
    """
    record, placed = register.log, register.place(stream_id)
    if record is None or placed is None:
        return {}
    anchors = [each for each in (words.parse_anchor(leaf.facts) for leaf in leaves) if each is not None]
    anchors = [each for each in anchors if each.register == record.stream_id]
    head = await _head(register, record, placed, anchors)
    files = {"checkpoint": head.note.encode(), "policy.txt": _policy(register, record).encode()}
    _add_entry(files, record, "opening", placed.opening_seq, head)
    if placed.head_seq is not None:
        content = _add_entry(files, record, "head", placed.head_seq, head)
        files["head.checkpoint-body"] = content
    if head.query is not None and head.response is not None:
        files["query.tsq"], files["token.tsr"] = head.query, head.response
        files["tsa-chain.pem"] = _chain(register, head.response)
    for each in signed_heads(register, record.stream_id, anchors):
        folder = f"anchors/{each.size}/"
        lines = record.consistency(each.size, head.size) if each.size < head.size else []
        files[folder + "checkpoint"] = each.note.encode()
        files[folder + "consistency"] = b"".join(base64.b64encode(line) + b"\n" for line in lines)
        if each.response is not None:
            files[folder + "token.tsr"] = each.response
    return {name: data for name, data in files.items() if data or name.endswith("consistency")}


async def _head(register: Register, record: StreamLog, placed: Placed, anchors: Sequence[Anchor]) -> SignedHead:
    least = max([placed.opening_seq + 1, (placed.head_seq or 0) + 1, *(each.size for each in anchors)])
    for found in (register.table.first_stamped(record.stream_id, least), register.table.newest(record.stream_id)):
        if found is not None and found.size >= least and _signed_now(found.note, record):
            return found
    note = await record.checkpoint()
    size = checkpoints.verify(note, record.vkey).size
    await register.table.keep_note(record.stream_id, size, note)
    return SignedHead(size, note, None, None, None)


def _signed_now(note: str, record: StreamLog) -> bool:
    """By the key that signs now: a reader has that one, and an older one only by the court's rotations."""
    try:
        checkpoints.verify(note, record.vkey)
    except RecordError:
        return False
    return True


def _add_entry(files: dict[str, bytes], record: StreamLog, name: str, seq: int, head: SignedHead) -> bytes:
    entry = next(record.read(seq, seq + 1))
    files[f"{name}.leaf"] = entry.leaf_bytes
    files[f"{name}.salt"] = entry.salt or b""
    files[f"{name}.tlog-proof"] = proofs.render(seq, record.inclusion(seq, head.size), head.note).encode()
    return entry.content or b""


def _policy(register: Register, record: StreamLog) -> str:
    witnesses = register.witnesses
    lines = [f"log {record.vkey}", *(f"witness w{at} {each}" for at, each in enumerate(witnesses, 1))]
    if witnesses:
        lines.append("group outside any " + " ".join(f"w{at}" for at in range(1, len(witnesses) + 1)))
    return "\n".join([*lines, f"quorum {'outside' if witnesses else 'none'}"]) + "\n"


def _chain(register: Register, response: bytes) -> bytes:
    if register.tsa_certificates:
        return register.tsa_certificates
    try:
        return timestamp.embedded(response)
    except BadTimestamp:
        return b""


def write_files(bundle: Path, files: dict[str, bytes]) -> None:
    """Put them below an export's directory."""
    for name, data in files.items():
        path = bundle / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
