"""One stream's log: what its single writer appends through, and what answers proofs, checkpoints and reading.

*Law*: there is one way in. A restart, a first opening and an audit all fold the stored leaves through `StreamLog.open`,
which checks each of them, recomputes the root, and compares it with the last checkpoint that was signed. A stream that
does not verify raises IntegrityError and halts; the others go on.

Appends may follow each other without waiting: seqs are given at once (`next_seq`), while `size` counts what is durable,
and nothing beyond `size` may be shown, proved or signed. If an append fails, this log is finished, because the tree in
memory has run ahead of the disk: open the stream again.

An append is staged draft by draft: each becomes its leaf, its hash and its box while it is in the processor's caches,
and whoever decides on what follows from it reads the very leaf that will be on the record.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from recording import checkpoint as checkpoints
from recording.checkpoint import Checkpoint
from recording.content import SALT_BYTES, ContentVault, commitment
from recording.court_signer import Binding, LogSigner
from recording.errors import IntegrityError, MalformedLeaf, RecordError, Sealed
from recording.leaf import VERSION, Fact, Leaf, Ref, decode, encode
from recording.merkle import Frontier, Tree, leaf_hash
from recording.note import VerifierKey
from recording.store import MARK_BYTES, Landed, RecordStore, Row, SavedCheckpoint, StoredRow, StreamHead

__all__ = ["Draft", "Entry", "Fold", "Staged", "StreamLog"]


class Draft(NamedTuple):
    """A leaf to be, without what the log itself assigns (seq, stream, epoch, commitment)."""

    type: str
    actor: str
    ts_ms: int
    """The court's clock; at least that of the entry before."""
    facts: Sequence[Fact] = ()
    refs: Sequence[Ref] = ()
    dseq: int | None = None
    ts_client_ms: int | None = None
    salt: bytes | None = None
    """32 bytes from the phone that sends the content; None lets the log make one."""
    content: bytes | None = None
    """The bytes as their sender made them."""
    subject: str = ""
    """Under whose key the content rests; the stream's own by default."""
    device_key_id: bytes | None = None
    csig: bytes | None = None


class Entry(NamedTuple):
    """An entry on the record, with its content if it has one and its key was not destroyed."""

    seq: int
    leaf: Leaf
    leaf_bytes: bytes
    leaf_hash: bytes
    salt: bytes | None
    content: bytes | None


class Staged:
    """An append in the making: what its entries will be. Nothing has been asked of the disk."""

    __slots__ = ("entries", "hashes", "next_seq", "rows", "seals", "ts_ms")

    def __init__(self, next_seq: int, ts_ms: int) -> None:
        self.next_seq = next_seq
        self.ts_ms = ts_ms
        """The court's time of the newest entry, staged ones included; a draft may not be earlier."""
        self.entries: list[Entry] = []
        self.rows: list[Row] = []
        self.hashes: list[bytes] = []
        self.seals = False


Fold = Callable[[Leaf, bytes], None]
"""Called with each leaf and its hash, in order."""


class StreamLog:
    """Open one with `StreamLog.open`; only one writer at a time holds its epoch."""

    def __init__(
        self,
        store: RecordStore,
        vault: ContentVault,
        signer: LogSigner,
        head: StreamHead,
        *,
        origin: str,
        seal_type: str,
    ) -> None:
        self.stream_id = head.stream_id
        self.origin = origin
        self.epoch = head.epoch
        self.sealed = head.sealed
        self._store = store
        self._vault = vault
        self._signer = signer
        self._seal_type = seal_type
        self._tree = Tree()
        self._size = 0
        self._last_ts = 0
        self._failed: RecordError | None = None
        self._note: SavedCheckpoint | None = head.checkpoint
        self._note_key: bytes | None = None
        """Under which key: after a rotation the newest head is signed again."""
        self._signing = asyncio.Lock()
        self._under_way: deque[tuple[int, Landed]] = deque()

    @classmethod
    async def open(
        cls,
        store: RecordStore,
        vault: ContentVault,
        signer: LogSigner,
        origin: str,
        stream_id: bytes,
        *,
        fold: Fold | None = None,
        seal_type: str = "seal",
    ) -> StreamLog:
        """Claim the stream and verify every stored leaf while folding it.

        Raises IntegrityError, UnknownStream or StoreDown.
        """
        head = await store.claim(stream_id)
        log = cls(store, vault, signer, head, origin=origin, seal_type=seal_type)
        for count, row in enumerate(store.read(stream_id), 1):
            log._replay(row, fold)
            if count % 4096 == 0:
                await asyncio.sleep(0)  # other streams go on while a long one is read
        log._compare(head)
        return log

    # --- what stands

    @property
    def size(self) -> int:
        """Durable entries."""
        return self._size

    @property
    def next_seq(self) -> int:
        """The seq the next draft will get, appends under way included."""
        return self._tree.size

    @property
    def failed(self) -> RecordError | None:
        """Why this log takes no further appends, if an append failed."""
        return self._failed

    @property
    def last_ts_ms(self) -> int:
        """The court's time of the newest entry, appends under way included; a draft may not be earlier."""
        return self._last_ts

    @property
    def vkey(self) -> VerifierKey:
        return self._signer.key(self.origin)

    @property
    def rotations(self) -> Sequence[str]:
        """The notes by which the court came to this key (recording/court_signer.py)."""
        return self._signer.rotations()

    def binding(self) -> Binding | None:
        """The court's certificate and its word for the key that signs now (recording/court_signer.py)."""
        return self._signer.binding()

    @property
    def saved_checkpoint(self) -> SavedCheckpoint | None:
        """The newest signed checkpoint, without signing another."""
        return self._note

    def leaf_hash(self, seq: int) -> bytes:
        return self._tree.leaf_hash(self._durable(seq + 1) - 1)

    def root(self, size: int | None = None) -> bytes:
        return self._tree.root(self._durable(size))

    def frontier(self, size: int | None = None) -> Frontier:
        return self._tree.frontier(self._durable(size))

    def inclusion(self, seq: int, size: int | None = None) -> list[bytes]:
        """Proof that entry `seq` is in the tree of `size` (all durable) entries."""
        return self._tree.inclusion(seq, self._durable(size))

    def consistency(self, old: int, size: int | None = None) -> list[bytes]:
        """Proof that the tree of `size` (all durable) entries begins with the one of `old` entries."""
        return self._tree.consistency(old, self._durable(size))

    def _durable(self, size: int | None) -> int:
        if size is None:
            return self._size
        if not 0 <= size <= self._size:
            raise ValueError(f"only {self._size} entries are durable")
        return size

    def read(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        """Durable entries with their content opened. Content whose key was destroyed is None; content that was altered
        raises BadContent.
        """
        for row in self._store.read(self.stream_id, start, self._size if end is None else min(end, self._size)):
            leaf = decode(row.leaf)
            salt = content = None
            if row.box is not None and leaf.commit is not None:
                salt, content = self._vault.open(self.stream_id, row.seq, leaf.commit, row.box) or (None, None)
            yield Entry(row.seq, leaf, row.leaf, leaf_hash(row.leaf), salt, content)

    # --- appending

    async def append(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Put drafts on the record, all or none, and return their entries once they are durable.

        Raises what `stage` and `start` raise, and Conflict, Fenced or StoreDown: then this log is finished. Cancelling
        the caller does not take back the append.
        """
        if not drafts:
            return []
        staged = self.staged()
        for draft in drafts:
            self.stage(staged, draft)
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def landed(error: RecordError | None) -> None:
            if durable.done():
                return
            if error is None:
                durable.set_result(None)
            else:
                durable.set_exception(error)

        self.start(staged, landed)
        await durable
        return staged.entries

    def staged(self) -> Staged:
        """An empty append after what this log has. Raises why the log is finished, if it is."""
        if self._failed is not None:
            raise self._failed.with_traceback(None)
        return Staged(self._tree.size, self._last_ts)

    def stage(self, staged: Staged, draft: Draft) -> Leaf:
        """Add a draft to an append and return the leaf it will be.

        Raises Sealed; MalformedLeaf (nothing is written; the log goes on, the append does not).
        """
        if self.sealed:
            raise Sealed("the stream is sealed")
        kind, actor, ts_ms, facts, refs, dseq, ts_client, salt, content, subject, key_id, csig = draft
        seq, stream_id = staged.next_seq, self.stream_id
        if ts_ms < staged.ts_ms:
            raise MalformedLeaf(f"entry #{seq} would be earlier than the one before it")
        if staged.seals:
            raise MalformedLeaf("a seal is the last entry of its stream")
        commit = box = None
        if content is not None:
            if salt is None:
                salt = self._vault.salt()  # the court's own content
            elif len(salt) != SALT_BYTES:
                raise MalformedLeaf(f"a salt has {SALT_BYTES} bytes")
            commit = commitment(salt, content)
            box = self._vault.seal(stream_id, seq, commit, salt, content, subject)
        elif salt is not None:
            raise MalformedLeaf("a salt came without content")
        leaf = Leaf(
            VERSION, kind, seq, stream_id, ts_ms, self.epoch, actor, key_id, dseq, ts_client, commit, refs, facts, csig
        )
        data = encode(leaf)
        digest = leaf_hash(data)
        staged.entries.append(Entry(seq, leaf, data, digest, salt, content))
        staged.rows.append(Row(data, digest, box))
        staged.hashes.append(digest)
        staged.next_seq, staged.ts_ms = seq + 1, ts_ms
        staged.seals = kind == self._seal_type
        return leaf

    def start(self, staged: Staged, landed: Landed) -> None:
        """Hand an append of at least one entry to the disk, so that the court can sign its answers meanwhile.
        `landed` is called on the event loop, once; nothing of the entries may be shown before that.

        Raises StoreDown: then this log is finished. ValueError if the log has grown since the first draft was staged.
        """
        entries = staged.entries
        if entries[0].seq != self._tree.size:
            raise ValueError("another append was started after this one was staged")
        try:
            self._store.put(self.stream_id, entries[0].seq, self.epoch, staged.rows, staged.seals, self._landed)
        except RecordError as error:
            self._failed = error
            raise
        self._tree.extend(staged.hashes)
        self._last_ts = staged.ts_ms
        self.sealed = staged.seals
        self._under_way.append((staged.next_seq, landed))

    def _landed(self, error: RecordError | None) -> None:
        """Appends land in the order in which they were started, so the sizes do too."""
        size, landed = self._under_way.popleft()
        if error is None:
            self._size = size
        elif self._failed is None:
            self._failed = error
        landed(error)

    # --- recovery

    def _replay(self, row: StoredRow, fold: Fold | None) -> None:
        digest = leaf_hash(row.leaf)
        if digest[:MARK_BYTES] != row.mark or row.seq != self._tree.size:
            raise self._broken(f"entry #{row.seq} is not what was stored", row.seq)
        try:
            leaf = decode(row.leaf)
        except MalformedLeaf as error:
            raise self._broken(f"entry #{row.seq} is not a leaf: {error}", row.seq) from error
        if (
            leaf.seq != row.seq
            or leaf.stream_id != self.stream_id
            or leaf.ts_ms < self._last_ts
            or self._size != row.seq
        ):
            raise self._broken(f"entry #{row.seq} does not follow the one before it", row.seq)
        self._tree.append(digest)
        self._size += 1
        self._last_ts = leaf.ts_ms
        if fold is not None:
            fold(leaf, digest)

    def _compare(self, head: StreamHead) -> None:
        """The recomputed tree against the last checkpoint that this court signed."""
        if self._size != head.size:
            raise self._broken(f"only {self._size} of {head.size} entries can be read", self._size)
        saved = head.checkpoint
        if saved is None:
            return
        try:
            signed = self._signed(saved.note)
        except RecordError as error:
            raise self._broken(f"its last checkpoint does not hold: {error}", None) from error
        if (signed.size, signed.root) != (saved.size, saved.root):
            raise self._broken("its last checkpoint is not the one that was signed", None)
        if saved.size > self._size:
            raise self._broken(f"entries #{self._size} to #{saved.size - 1} were signed and are gone", self._size)
        if self._tree.root(saved.size) != saved.root:
            raise self._broken(f"its first {saved.size} entries are not the ones that were signed", None)

    def _signed(self, note: str) -> Checkpoint:
        """A note of this log under whichever key the court had then. Raises RecordError."""
        signed, key = checkpoints.verify_any(note, self._signer.keys(self.origin))
        self._note_key = key.public_key
        return signed

    def _broken(self, what: str, seq: int | None) -> IntegrityError:
        return IntegrityError(
            f"stream {self.stream_id.hex()} does not verify: {what}. It is halted; keep the files as they are"
            " and compare them with a backup or an export",
            stream_id=self.stream_id,
            first_bad_seq=seq,
        )

    # --- signing

    async def checkpoint(self) -> str:
        """The signed note over all durable entries, itself durable when this returns; the last one if nothing came."""
        async with self._signing:
            if self._failed is not None:
                raise self._failed
            size = self._size
            key = self._signer.public_key
            if self._note is None or self._note.size != size or self._note_key != key:
                root = self._tree.root(size)
                saved = SavedCheckpoint(size, root, await self._signer.checkpoint(Checkpoint(self.origin, size, root)))
                await asyncio.shield(self._store.save_checkpoint(self.stream_id, saved))
                self._note, self._note_key = saved, key
            return self._note.note
