"""The errors of the record, each with one audience and a sentence that person can act upon.

    RecordError
    ├── MalformedLeaf      developer, or whoever handed in the bytes: these are not a leaf of this format
    ├── MalformedNote      the peer or the verifier's user: these bytes are not a signed note or checkpoint
    ├── MalformedProof     the same: these bytes are not a proof of one entry
    ├── BadSignature       the same: a signature by a key that is known does not hold
    ├── BadProof           the same: a Merkle proof does not lead to the root
    ├── BadContent         the clerk: kept content does not open, or does not match its commitment
    │   └── KeyMissing     the same: its key is not in this keystore (one destroyed by order is no error)
    ├── KeysUnreadable     the operator: the keystore is missing a part, unreadable or of another kind
    ├── SigningRefused     developer, or whoever asked: the court's key does not sign this
    ├── SignerDown         the sender: nobody signs at the moment; the same may be asked again
    ├── IntegrityError     the clerk and the operator: a stream does not verify; it halts and is never repaired silently
    ├── UnknownStream      developer: no such stream in this store
    ├── Conflict           the writer: the stream has another size than the writer thought
    │   └── Fenced         the writer: another owner has opened the stream since; stop
    ├── Sealed             the writer: the stream's last leaf is its seal
    ├── StoreDown          everybody: nothing can be made durable any more; the process must re-open the store
    │   └── DiskFull       the operator: the same, and the reason is the disk
    └── CannotOpen         the operator: the data directory cannot be used
        ├── DirectoryInUse
        └── NewerVersion

A failed commit is never retried: after a failed fsync the kernel may have dropped the very pages that a second fsync
would report as written. So the first failure stops the store, and re-opening it runs the same recovery as every start.
"""

# ruff: noqa: N818 - the names are the ones a clerk would use; "Error" would be said sixteen times

from __future__ import annotations


class RecordError(Exception):
    """Base of all errors of this package; `str()` is a sentence."""


class MalformedLeaf(RecordError):
    """The bytes or fields are not a leaf in the one canonical form."""


class MalformedNote(RecordError):
    """The text is not a signed note, verifier key or checkpoint of the C2SP form."""


class MalformedProof(RecordError):
    """The text is not a tlog-proof of the C2SP form."""


class BadSignature(RecordError):
    """A signature line of a known key does not hold, or none by a known key is there."""


class BadProof(RecordError):
    """An inclusion or consistency proof does not lead to the given root."""


class BadContent(RecordError):
    """Content at rest does not open with its key, or is not what its commitment says."""


class KeyMissing(BadContent):
    """The keystore has no key for this content, and none was destroyed: the keystore is older, or of another court."""


class KeysUnreadable(RecordError):
    """The keystore cannot be read or written, or holds something else than our keys."""


class SigningRefused(RecordError):
    """The signer does not sign this: it is of no kind that the court signs, or contradicts what was signed."""


class SignerDown(RecordError):
    """The signer's process is not there or does not answer; what was asked may be asked again."""


class IntegrityError(RecordError):
    """A stored stream does not verify. `first_bad_seq` is the first entry known to be wrong, if known."""

    def __init__(self, sentence: str, *, stream_id: bytes, first_bad_seq: int | None = None) -> None:
        super().__init__(sentence)
        self.stream_id = stream_id
        self.first_bad_seq = first_bad_seq


class UnknownStream(RecordError):
    """No stream of that id has been created in this store."""


class Conflict(RecordError):
    """The stream does not have the size the append was made for; nothing was written."""


class Fenced(Conflict):
    """The stream was opened by a later owner (a higher epoch); this writer must stop. Nothing was written."""


class Sealed(RecordError):
    """The stream is sealed; nothing was written, and nothing ever will be."""


class StoreDown(RecordError):
    """The store stopped; whether the append was written is unknown until the store is opened again."""


class DiskFull(StoreDown):
    """The store stopped because the disk (or its quota) is full."""


class CannotOpen(RecordError):
    """The data directory cannot be used; the sentence says what to do."""


class DirectoryInUse(CannotOpen):
    """Another process holds the data directory."""


class NewerVersion(CannotOpen):
    """The data directory was written by a newer version of this program."""


def stream_gone(size: int, note: str) -> IntegrityError:
    """A signed checkpoint of so many entries is there and its stream is not. The note's first line names the stream."""
    origin = note.split("\n", 1)[0]
    try:
        stream_id = bytes.fromhex(origin.rpartition("/")[2])
    except ValueError:
        stream_id = b""
    return IntegrityError(
        f"stream {origin} is gone, and {size} of its entries were signed; keep the record as it is and compare it with"
        " a backup or an export",
        stream_id=stream_id,
        first_bad_seq=0,
    )
