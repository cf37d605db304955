"""The record part of an export: the log as tiles, its key, and every content with its salt.

    data/record/checkpoint  data/record/tile/...     tlog-tiles
    data/record/keys/log.vkey  data/record/policy.txt
    data/record/keys/court.vkey court.pem court-key.p7s   the court's certificate and its signature over the key
    data/content/<commitment in hex>.<extension>     the bytes as their sender made them
    data/salts/<commitment in hex>                   32 bytes

*Law*: names are commitments, never digests or a sender's file name; a plain digest would let anyone who holds the names
guess short contents, and a name can be a personal datum or a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from recording import checkpoint as checkpoints
from recording import tiles
from recording.content import commitment, commitment_of_digest
from recording.csig import COURT
from recording.errors import BadContent, IntegrityError
from recording.leaf import Leaf
from recording.log import Entry
from recording.note import VerifierKey
from recording.policy import policy_of, policy_text
from recording.signer.document import Binding

__all__ = ["enrol", "write_blob", "write_content", "write_heads", "write_record"]

_EXTENSION = re.compile(r"[a-z0-9]{1,8}", re.ASCII)


def write_record(
    bundle: Path,
    entries: Iterable[Entry],
    note: str,
    key: VerifierKey,
    *,
    extension: Callable[[Leaf], str] = lambda _leaf: "json",
    witnessed: Iterable[tuple[int, str]] = (),
    rotations: Sequence[str] = (),
) -> tuple[int, bytes]:
    """Write data/record and the contents that entries carry, streaming; returns the log's (size, root).

    `note` is the checkpoint with its cosignatures, `witnessed` those of smaller sizes, `rotations` how the court came
    to its key. Raises IntegrityError when the entries are not the ones that the note signs.
    """
    signed = checkpoints.verify(note, key)
    enrolled: dict[str, bytes] = {}

    def leaves() -> Iterator[bytes]:
        for entry in entries:
            if entry.leaf.commit is not None and entry.content is not None and entry.salt is not None:
                write_content(bundle, entry.leaf.commit, entry.salt, entry.content, extension(entry.leaf))
            enrol(enrolled, entry.leaf)
            yield entry.leaf_bytes

    record = bundle / "data" / "record"
    size, root = tiles.write(record, leaves(), note)
    if (size, root) != (signed.size, signed.root):
        stream = bytes.fromhex(key.name.rpartition("/")[2])
        raise IntegrityError(
            f"the {size} entries of {key.name} are not the ones its checkpoint signs", stream_id=stream
        )
    write_heads(record, key, enrolled, witnessed=witnessed, rotations=rotations)
    return size, root


def enrol(enrolled: dict[str, bytes], leaf: Leaf) -> None:
    """Remember each seat's last key, in the order of the seats' first."""
    if leaf.type == "key.add" and leaf.actor == COURT:
        enrolled[leaf.facts[0]] = leaf.facts[1]


def write_heads(
    record: Path,
    key: VerifierKey,
    enrolled: dict[str, bytes],
    *,
    witnessed: Iterable[tuple[int, str]] = (),
    rotations: Sequence[str] = (),
    binding: Binding | None = None,
) -> None:
    """Write what belongs to the checkpoint: keys, policy, and the heads at smaller sizes that somebody cosigned."""
    (record / "keys").mkdir(exist_ok=True)
    (record / "keys" / "log.vkey").write_text(f"{key}\n", encoding="utf-8")
    for number, note in enumerate(rotations, 1):
        (record / "keys" / f"rotation-{number}.note").write_text(note, encoding="utf-8")
    if binding is not None and VerifierKey.parse(binding.vkey).public_key == key.public_key:
        (record / "keys" / "court.vkey").write_text(binding.vkey, encoding="utf-8")
        (record / "keys" / "court.pem").write_text(binding.pem, encoding="utf-8")
        (record / "keys" / "court-key.p7s").write_bytes(binding.p7s)
    (record / "policy.txt").write_text(policy_text(policy_of(key, enrolled)), encoding="utf-8")
    for size, note in witnessed:
        (record / "witnessed").mkdir(exist_ok=True)
        (record / "witnessed" / str(size)).write_text(note, encoding="utf-8")


def write_content(bundle: Path, commit: bytes, salt: bytes, content: bytes, extension: str) -> str:
    """Write one content and its salt; returns its path below the bundle. Raises BadContent if they do not match."""
    if commitment(salt, content) != commit:
        raise BadContent("content is not what its commitment says")
    return write_blob(bundle, commit, salt, [content], extension)


def write_blob(bundle: Path, commit: bytes, salt: bytes, blocks: Iterable[bytes], extension: str) -> str:
    """The same for bytes that come in blocks, such as a clip or a recorded segment.

    A file has its name once it is whole, and one that has it is not written again: an export that was interrupted goes
    on where it was.
    """
    file = _place(bundle, commit, salt, extension)
    if not file.exists():
        digest = sha256()
        unfinished = file.with_name(f".{file.name}")
        with unfinished.open("wb") as out:
            for block in blocks:
                digest.update(block)
                out.write(block)
        if commitment_of_digest(salt, digest.digest()) != commit:
            unfinished.unlink()
            raise BadContent("a blob is not what its commitment says")
        unfinished.rename(file)
    return file.relative_to(bundle).as_posix()


def _place(bundle: Path, commit: bytes, salt: bytes, extension: str) -> Path:
    if not _EXTENSION.fullmatch(extension):
        raise ValueError("an extension is one to eight small letters or digits")
    contents, salts = bundle / "data" / "content", bundle / "data" / "salts"
    contents.mkdir(parents=True, exist_ok=True)
    salts.mkdir(exist_ok=True)
    (salts / commit.hex()).write_bytes(salt)
    return contents / f"{commit.hex()}.{extension}"
