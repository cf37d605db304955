"""`bench verify`: how long a stranger's check of a long record takes, part by part, on one core, and how long a court
needs to take up such a record again after a crash.

A hearing of so many messages is put on a real record, each signed by its device, and exported; then every part is timed
alone: leaves and tree; with them the contents; with them the devices' signatures; and the replay of the store.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hearing_server.flows.decider import COURT, Command, Role, Stamp
from hearing_server.runtime.docket import Docket
from recording import csig
from recording.content import ContentVault, Randomness, commitment
from recording.content_keys import ContentKeys
from recording.court_signer import LocalSigner
from recording.export import write_record
from recording.log import Draft
from recording.sqlite_store import SqliteStore
from recording.verifier import verify_record

HOST: Final = "bench.localhost"
CONTENT: Final = json.dumps({"text": "x" * (200 - len('{"text": ""}'))}).encode()
BATCH: Final = 500


class BenchFailed(Exception):  # noqa: N818 - what the operator reads
    """What was made does not verify: the figures would mean nothing."""


async def bench_verify(*, entries: int, directory: Path | None = None) -> dict[str, Any]:
    """Returns entries, tree_s, contents_s, signatures_s, recover_s: each part alone."""
    with tempfile.TemporaryDirectory(prefix="palmcourt-bench-", dir=directory) as name:
        place = Path(name)
        signer = LocalSigner(HOST, Ed25519PrivateKey.generate())
        stream = await _hearing(place, signer, entries)
        recover_s = await _exported(place, signer, stream)
        key = signer.key(f"{HOST}/{stream.hex()}")

        def timed(*, contents: bool, acts: bool) -> float:
            started = time.perf_counter()
            report = verify_record(place / "bag", court_key=key, contents=contents, acts=acts)
            took = time.perf_counter() - started
            if report.exit_status:
                raise BenchFailed(f"the record of the bench does not verify: {report.findings.items[:1]}")
            return took

        tree_s = timed(contents=False, acts=False)
        contents_s = timed(contents=True, acts=False) - tree_s
        signatures_s = timed(contents=False, acts=True) - tree_s
    figures = {"tree_s": tree_s, "contents_s": contents_s, "signatures_s": signatures_s, "recover_s": recover_s}
    return {"entries": entries, **{name: round(value, 2) for name, value in figures.items()}}


async def _hearing(place: Path, signer: LocalSigner, entries: int) -> bytes:
    """A hearing on the record, with `entries` entries; its stream."""
    store = SqliteStore(place / "record")
    keys = ContentKeys.open(place / "keys")
    docket = Docket(store, ContentVault(keys), signer, HOST)
    device = Ed25519PrivateKey.generate()
    public = device.public_key().public_bytes_raw()
    case = os.urandom(16)
    try:
        stream = await docket.create(case_stream=case)
        writer = await docket.sitting(stream)
        for name, args, content in (
            ("open", ("hearing", case, 0), True),
            ("seat", ("party/1", str(Role.PLAINTIFF)), True),
            ("key.add", ("party/1", public, "first"), False),
        ):
            command = Command(name, args, content={} if content else None, content_bytes=b"{}" if content else None)
            await writer.submit(command, Stamp(0, COURT))
        salts = Randomness()
        for start in range(writer.log.size, entries, BATCH):
            numbers = range(start, min(start + BATCH, entries))
            await writer.log.append([_message(stream, device, public, salts.take(32), n) for n in numbers])
    finally:
        await docket.aclose()
        keys.close()
        store.close()
    return stream


def _message(stream: bytes, device: Ed25519PrivateKey, public: bytes, salt: bytes, number: int) -> Draft:
    signed = csig.message(stream, number, "msg.text", (), (), commitment(salt, CONTENT), number)
    signature = csig.sign(device, signed)
    key_id = csig.key_id_of(public)
    return Draft(
        "msg.text", "party/1", number, (), (), number, number, salt, CONTENT, "party/1", key_id, signature
    )  # fmt: skip


async def _exported(place: Path, signer: LocalSigner, stream: bytes) -> float:
    """Write the export; returns how long the replay before it took: opening the store, every leaf, tree and state."""
    started = time.perf_counter()
    store = SqliteStore(place / "record")
    keys = ContentKeys.open(place / "keys")
    docket = Docket(store, ContentVault(keys), signer, HOST)
    try:
        docket.index()
        writer = await docket.sitting(stream)
        took = time.perf_counter() - started
        note = await writer.log.checkpoint()
        write_record(place / "bag", _entries(writer.log), note, signer.key(writer.log.origin))
    finally:
        await docket.aclose()
        keys.close()
        store.close()
    return took


def _entries(log: Any) -> Iterator[Any]:
    return log.read()  # type: ignore[no-any-return]
