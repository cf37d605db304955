"""The proof of one entry of a sitting: leaf, path and checkpoint from its log, words and files from the store."""

import asyncio
from pathlib import Path

from hearing_server.flows.hearing.bench_notes import NOTE
from hearing_server.runtime.blobs import StreamBlobs
from hearing_server.runtime.docket import Docket
from recording.csig import COURT, key_id_of
from recording.errors import BadContent
from recording.leaf import Leaf
from recording.log import Entry, StreamLog
from transcripts.bundle import Blob, CannotExport
from transcripts.proof import ProvenEntry, write_proof
from transcripts.timeline import blobs_of


async def prove_entry(docket: Docket, blobs: StreamBlobs, stream_id: bytes, seq: int, target: Path) -> tuple[int, int]:
    """Write the folder; gives the signed size, and how many of the entry's contents are not kept any more.

    Raises UnknownStream, CannotExport.
    """
    log = (await docket.stream(stream_id)).log
    note = await log.checkpoint()
    saved = log.saved_checkpoint
    size = saved.size if saved is not None else 0
    if not 0 <= seq < size:
        raise CannotExport(f"the sitting has the entries #0 to #{size - 1}, and no #{seq}")
    path = log.inclusion(seq, size)

    def work() -> int:
        try:
            entry = next(iter(log.read(seq, seq + 1)))
        except BadContent as error:
            raise CannotExport(f"the content of entry #{seq} cannot be read: {error}") from error
        files = {}
        for commit in blobs_of(entry.leaf):
            opened = blobs.open(stream_id, commit)
            files[commit] = None if opened is None else Blob(opened.salt, opened.chunks())
        enrolled = None if entry.leaf.actor == COURT else enrolment(log, entry.leaf)
        key = None if enrolled is None else (enrolled.leaf_bytes, log.inclusion(enrolled.seq, size))
        words = (None, None) if entry.leaf.type == NOTE else (entry.salt, entry.content)  # BN2
        proven = ProvenEntry(entry.leaf_bytes, path, note, str(log.vkey), *words, files, key)
        return len(write_proof(target, proven))

    return size, await asyncio.to_thread(work)


def enrolment(log: StreamLog, act: Leaf) -> Entry | None:
    """The entry that enrolled the key by which an act was signed: the last one before it."""
    found = None
    for entry in log.read(0, act.seq):
        if entry.leaf.type == "key.add" and key_id_of(entry.leaf.facts[1]) == act.device_key_id:
            found = entry
    return found
