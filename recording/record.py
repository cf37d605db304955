"""A court's record on this machine: the store, the keys and every stream's way in, put together.

    record = Record.open(data_dir, "yuyao.court.example")
    log = await record.create()                     # or: await record.resume(stream_id, fold)
    entries = await log.append([Draft("open", "court", now_ms, ["hearing", case_id, at_ms], content=b"{...}")])
    note = await log.checkpoint()

*Law*: a stream is opened through `resume`, at the first time and after a crash alike.
"""

from __future__ import annotations

import os
from pathlib import Path

from recording.checkpoint import origin_of
from recording.content import ContentVault
from recording.errors import CannotOpen, IntegrityError
from recording.keys import CourtKeys
from recording.log import Fold, StreamLog
from recording.note import VerifierKey
from recording.sqlite_store import SqliteStore
from recording.store import RecordStore, StreamHead

__all__ = ["Record"]


class Record:
    """Owns the store and the keystore; `close()` ends both."""

    def __init__(self, court: str, store: RecordStore, keys: CourtKeys, *, seal_type: str = "seal") -> None:
        if not court or "/" in court or "+" in court or any(each.isspace() for each in court):
            raise CannotOpen("a court's host name is not empty and holds no space, slash or plus sign")
        self.court = court
        self.store = store
        self.keys = keys
        self.vault = ContentVault(keys.content)
        self._seal_type = seal_type

    @classmethod
    def open(cls, directory: Path, court: str, *, keys: Path | None = None, seal_type: str = "seal") -> Record:
        """The record in `directory`, its keys under `keys` (or there, too). Raises CannotOpen or KeysUnreadable."""
        store = SqliteStore(directory)
        try:
            keystore = CourtKeys.open(keys or directory, court, over_record=bool(store.streams()))
        except BaseException:
            store.close()
            raise
        return cls(court, store, keystore, seal_type=seal_type)

    def court_key(self) -> VerifierKey:
        """The court's key under the court's name, to be given out of band."""
        return self.keys.court_key()

    def origin(self, stream_id: bytes) -> str:
        return origin_of(self.court, stream_id)

    def streams(self) -> list[StreamHead]:
        return self.store.streams()

    async def create(self, stream_id: bytes | None = None) -> StreamLog:
        """A new stream, opened for writing; its id is random unless given."""
        stream_id = stream_id or os.urandom(16)
        await self.store.create(stream_id)
        return await self.resume(stream_id)

    async def resume(self, stream_id: bytes, fold: Fold | None = None) -> StreamLog:
        """Open a stream for writing (a sealed one for reading), folding its leaves. Raises IntegrityError."""
        return await StreamLog.open(
            self.store,
            self.vault,
            self.keys.signer,
            self.origin(stream_id),
            stream_id,
            fold=fold,
            seal_type=self._seal_type,
        )

    async def verify(self, *, sealed_too: bool = False) -> list[IntegrityError]:
        """Open every stream that is not sealed (or every one) as recovery does; which do not verify, or are gone?"""
        broken = self.store.lost()
        for head in self.streams():
            if sealed_too or not head.sealed:
                try:
                    await self.resume(head.stream_id)
                except IntegrityError as error:
                    broken.append(error)
        return broken

    def close(self) -> None:
        self.store.close()
        self.keys.close()
