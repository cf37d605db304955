"""The proof of one entry of a sitting: leaf, path and checkpoint from its log, words and files from the store."""

import asyncio
from pathlib import Path

from hearing_server.runtime.blobs import StreamBlobs
from hearing_server.runtime.docket import Docket
from recording.errors import BadContent
from transcripts.bundle import Blob, CannotExport
from transcripts.proof import ProvenEntry, write_proof
from transcripts.timeline import blobs_of


async def prove_entry(docket: Docket, blobs: StreamBlobs, stream_id: bytes, seq: int, target: Path) -> tuple[int, int]:
    """Write the folder; gives the signed size, and how many of the entry's contents are not kept any more.

    Raises UnknownStream, CannotExport.
    """
    log = (await docket.sitting(stream_id)).log
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
        proven = ProvenEntry(entry.leaf_bytes, path, note, str(log.vkey), entry.salt, entry.content, files)
        return len(write_proof(target, proven))

    return size, await asyncio.to_thread(work)
