"""Objects in a bucket of S3-compatible storage (`media/objects.py`), by botocore, the core of Amazon's own client.

**Nothing is taken for kept that the store has not confirmed.** A new object is created with `If-None-Match: *`, so of
two nodes one makes it; one larger than a part goes up part by part and has its name only when the last request is
answered; each body goes with its MD5, which every store has checked from the beginning, and is signed with its SHA-256,
which some check, so that bytes changed on the way are refused. What is safe to repeat is repeated (a part, a read from
where it broke off, a conditional put whose answer was lost), with growing pauses; what remains is told as StoreAway,
StoreRefuses or StoreFull in a sentence for the operator, which holds no key. Memory: one part going out, one piece
coming in.

Deleting asks for every version of a name and deletes each, then looks again. A bucket with versions therefore needs the
rights to list and to delete versions, and one whose versions are locked refuses, which is told.
"""

import base64
import configparser
import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from media.objects import (
    NewObject,
    NoSuchObject,
    StoreAway,
    StoredObject,
    StoreError,
    StoreFull,
    StoreRefuses,
    checked,
)

PART: Final = 8 << 20
"""Bytes of a part: S3 wants at least 5 MiB, and takes 10,000 of them."""
HEAD: Final = 65_576
"""Read with the opening: the beginning of a blob and its first chunk, so that a small one costs one request."""
PIECE: Final = 65_536
RESUMES: Final = 5
STALE: Final = timedelta(days=1)

_ABSENT: Final = frozenset({"NoSuchKey", "404", "NotFound", "NoSuchVersion"})
_THERE: Final = frozenset({"PreconditionFailed", "412"})
_FULL: Final = frozenset(
    {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"}
)
_WHY: Final = {
    "AccessDenied": "the key has not the rights for it",
    "403": "the key has not the rights for it",
    "InvalidAccessKeyId": "it does not know this access key",
    "SignatureDoesNotMatch": "the secret key is not the one that belongs to this access key",
    "RequestTimeTooSkewed": "the clock of this machine is not that of the store: set both right",
    "RequestExpired": "the clock of this machine is not that of the store: set both right",
    "NoSuchBucket": "there is no bucket of this name",
    "InvalidBucketName": "a bucket cannot have this name",
    "PermanentRedirect": "the bucket is in another region",
    "AuthorizationHeaderMalformed": "the bucket is in another region",
    "BadDigest": "the bytes were changed on the way to it",
    "XAmzContentSHA256Mismatch": "the bytes were changed on the way to it",
    "NotImplemented": "it does not know this request",
    "InvalidRequest": "it does not take this request",
}


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where the objects are. `prefix` is empty or ends with `/`; `certificates` is a PEM file, or empty."""

    url: str
    name: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    prefix: str = ""
    region: str = "us-east-1"
    certificates: str = ""
    timeout_s: float = 20.0
    tries: int = 4
    """How often one request is made, with pauses of up to 1, 2, 4 seconds between."""


def credentials(file: str) -> tuple[str, str, str]:
    """(access key, secret key, session token) from a file as Amazon's tools have it (`[default]`), or, without one,
    from the environment. Raises StoreRefuses, which names the place and not what is in it.
    """
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    if file:
        parsed = configparser.ConfigParser(interpolation=None)
        try:
            parsed.read_string(Path(file).read_text(encoding="utf-8"))
            found = dict(parsed["default"])
        except (OSError, UnicodeDecodeError):
            raise StoreRefuses(f"the file of keys {file} cannot be read") from None
        except (configparser.Error, KeyError):  # whose own sentence would quote the file
            raise StoreRefuses(f"the file of keys {file} has no [default] with `key = value` lines") from None
        place = f"the file {file}"
    else:
        found = {name: os.environ.get(name.upper(), "") for name in names}
        place = "the environment"
    access, secret, token = (found.get(name, "").strip() for name in names)
    if not access or not secret:
        raise StoreRefuses(f"{place} does not name both {names[0]} and {names[1]}")
    return access, secret, token


class S3Objects:
    """One bucket, or what is below a prefix in it."""

    near = False

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._what = f"the store at {bucket.url} (bucket {bucket.name})"
        self._client = botocore.session.Session().create_client(
            "s3",
            endpoint_url=bucket.url,
            region_name=bucket.region,
            aws_access_key_id=bucket.access_key,
            aws_secret_access_key=bucket.secret_key,
            aws_session_token=bucket.session_token or None,
            verify=bucket.certificates or None,
            config=Config(
                connect_timeout=min(5.0, bucket.timeout_s),
                read_timeout=bucket.timeout_s,
                max_pool_connections=16,
                retries={"total_max_attempts": bucket.tries, "mode": "standard"},
                # Stores other than Amazon's do not all know its newer checksums; what they all know is sent below.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path", "payload_signing_enabled": True},
            ),
        )

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def create(self, name: str) -> AbstractContextManager[NewObject]:
        return _creating(self, self._key(name))

    def replace(self, name: str, data: bytes) -> None:
        self.ask("put_object", Key=self._key(name), Body=data, ContentMD5=_md5(data))

    def size(self, name: str) -> int:
        return int(self.ask("head_object", Key=self._key(name))["ContentLength"])

    def open(self, name: str) -> StoredObject:
        return _Stored(self, self._key(name))

    def delete(self, name: str) -> bool:
        key = self._key(name)
        there = False
        for _ in range(2):  # looked at again, for who put it meanwhile
            versions = self._versions(key)
            if versions is None:
                with contextlib.suppress(NoSuchObject):
                    self.size(name)
                    there = True
                self.ask("delete_object", Key=key)
                return there
            if not versions:
                return there
            for version, is_object in versions:
                there = there or is_object
                self.ask("delete_object", Key=key, VersionId=version)
        if self._versions(key):
            raise StoreRefuses(f"{self._what} keeps versions of a deleted object: look at locks and rights")
        return there

    def _versions(self, key: str) -> list[tuple[str, bool]] | None:
        """Every version of one key, and whether it is more than a mark of deletion; nil where there are no versions."""
        found: list[tuple[str, bool]] = []
        marks: dict[str, str] = {}
        while True:
            try:
                page = self.ask("list_object_versions", Prefix=key, **marks)
            except StoreRefuses as error:
                if isinstance(error.__cause__, ClientError) and _code(error.__cause__) == "NotImplemented":
                    return None
                raise
            for kind in ("Versions", "DeleteMarkers"):
                found += [(each["VersionId"], kind == "Versions") for each in page.get(kind, ()) if each["Key"] == key]
            if not page.get("IsTruncated"):
                return found
            marks = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page.get("NextVersionIdMarker", "")}

    def names(self, prefix: str) -> Iterator[tuple[str, int]]:
        more: dict[str, str] = {}
        while True:
            page = self.ask("list_objects_v2", Prefix=self._bucket.prefix + prefix, **more)
            for each in page.get("Contents", ()):
                yield each["Key"].removeprefix(self._bucket.prefix), int(each["Size"])
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def sweep(self) -> int:
        """Ends uploads that nobody has finished for a day: other nodes' young ones are under way."""
        old = datetime.now(UTC) - STALE
        left = [each for each in self._unfinished() if each["Initiated"] < old]
        for each in left:
            self.abort(each["Key"], each["UploadId"])
        return len(left)

    def _unfinished(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        marks: dict[str, str] = {}
        while True:
            page = self.ask("list_multipart_uploads", Prefix=self._bucket.prefix, **marks)
            found += page.get("Uploads", ())
            if not page.get("IsTruncated"):
                return found
            marks = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def check(self) -> None:
        """Try everything that will be needed on an object of our own. Raises StoreAway, StoreRefuses, StoreFull."""
        name = f"check/{secrets.token_hex(16)}"
        try:
            with self.create(name) as new:
                new.write(b"one")
                new.keep()
            with self.create(name) as new:
                new.write(b"two")
                if new.keep():
                    raise StoreRefuses(f"{self._what} does not know conditional writes (If-None-Match); use another")
            kept = self.open(name)
            if kept.read(0, 9) != b"one" or (name, 3) not in set(self.names(name)):
                raise StoreRefuses(f"{self._what} does not give back what was put")
        finally:
            self.delete(name)

    # -- requests -----------------------------------------------------------------------------------------------------
    def ask(self, act: str, **given: Any) -> dict[str, Any]:
        """One request, repeated where botocore finds that safe and useful. Raises NoSuchObject and the others."""
        try:
            answer: dict[str, Any] = getattr(self._client, act)(Bucket=self._bucket.name, **given)
        except ClientError as error:
            raise self._told(error) from error
        except BotoCoreError as error:
            raise self.away(error) from error
        return answer

    def create_whole(self, key: str, data: bytes) -> bool:
        """Put if nothing of that name is there."""
        return self._created(key, "put_object", Body=data, ContentMD5=_md5(data))

    def finish(self, key: str, upload: str, parts: list[dict[str, Any]], size: int) -> bool:
        """Give a name to the parts of an upload, if nothing of that name is there."""
        made = self._created(key, "complete_multipart_upload", UploadId=upload, MultipartUpload={"Parts": parts})
        if made and (there := int(self.ask("head_object", Key=key)["ContentLength"])) != size:
            raise StoreAway(f"{self._what} keeps {there} bytes of {size} that were sent")
        return made

    def _created(self, key: str, act: str, **given: Any) -> bool:
        try:
            self.ask(act, Key=key, IfNoneMatch="*", **given)
        except StoreError as error:
            code = _code(error.__cause__) if isinstance(error.__cause__, ClientError) else ""
            if code in _THERE:
                return False
            if code in {"ConditionalRequestConflict", "NoSuchUpload", "409"}:
                # Another request was at it, or the answer to the same one was lost: what counts is what is there now.
                try:
                    self.ask("head_object", Key=key)
                except NoSuchObject:
                    raise StoreAway(f"{self._what} was doing something else with the same name") from error
                return False
            raise
        return True

    def abort(self, key: str, upload: str) -> None:
        """End an upload; one that is gone already is no trouble, and one that cannot be ended is swept later."""
        with contextlib.suppress(StoreError):
            self.ask("abort_multipart_upload", Key=key, UploadId=upload)

    def away(self, error: Exception) -> StoreAway:
        """It does not answer: what the operator reads has the kind of trouble, not the request."""
        return StoreAway(f"{self._what} does not answer ({type(error).__name__}); it is asked again")

    def _told(self, error: ClientError) -> StoreError:
        code = _code(error)
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _ABSENT:
            return NoSuchObject("nothing of that name is in the bucket")
        if code in _FULL or status == 507:
            return StoreFull(f"{self._what} is full: make room, or raise its quota")
        if status >= 500 and status != 501:
            return StoreAway(f"{self._what} fails with {status} {code}; it is asked again")
        if code in {"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "TooManyRequests", "429"}:
            return StoreAway(f"{self._what} asks for fewer requests ({code}); it is asked again")
        return StoreRefuses(
            f"{self._what} refuses {error.operation_name}: {_WHY.get(code, 'see its own log')} ({code})"
        )

    def _key(self, name: str) -> str:
        return self._bucket.prefix + checked(name)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _md5(data: bytes) -> str:
    """Against accidents; against an enemy blobs are sealed, and their keys are elsewhere."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


@contextlib.contextmanager
def _creating(store: S3Objects, key: str) -> Iterator[NewObject]:
    new = _New(store, key)
    try:
        yield new
    finally:
        new.leave()


class _New:
    """What is written waits here until a part is full; an object that is no larger goes up in one request."""

    def __init__(self, store: S3Objects, key: str) -> None:
        self._store = store
        self._key = key
        self._waiting = bytearray()
        self._upload = ""
        self._parts: list[dict[str, Any]] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        self._waiting += data
        while len(self._waiting) > PART:
            self._send(PART)

    def keep(self) -> bool:
        if not self._upload:
            return self._store.create_whole(self._key, bytes(self._waiting))
        self._send(len(self._waiting))
        made = self._store.finish(self._key, self._upload, self._parts, self._size)
        if made:
            self._upload = ""
        return made

    def leave(self) -> None:
        if self._upload:
            self._store.abort(self._key, self._upload)

    def _send(self, size: int) -> None:
        if not self._upload:
            self._upload = self._store.ask("create_multipart_upload", Key=self._key)["UploadId"]
        part = bytes(self._waiting[:size])
        del self._waiting[:size]
        number = len(self._parts) + 1
        place = {"Key": self._key, "UploadId": self._upload, "PartNumber": number}
        answer = self._store.ask("upload_part", **place, Body=part, ContentMD5=_md5(part))
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        self._size += size


class _Stored:
    """An object, read as it was when it was opened: by its ETag, so that one put in its place is not mixed in."""

    def __init__(self, store: S3Objects, key: str) -> None:
        self._store = store
        self._key = key
        self._head, self._etag, self.size = b"", "", 0
        try:
            answer = store.ask("get_object", Key=key, Range=f"bytes=0-{HEAD - 1}")
        except StoreRefuses as error:
            if isinstance(error.__cause__, ClientError) and _code(error.__cause__) == "InvalidRange":
                return  # it is there and empty
            raise
        self._etag = answer["ETag"]
        self.size = (
            int(answer["ContentRange"].rpartition("/")[2]) if "ContentRange" in answer else answer["ContentLength"]
        )
        self._head = b"".join(self._pieces(answer, 0, min(HEAD, self.size)))

    def read(self, start: int, size: int) -> bytes:
        return b"".join(self.stream(start, min(start + size, self.size)))

    def stream(self, start: int, end: int) -> Iterator[bytes]:
        if start < len(self._head):
            first = self._head[start : min(end, len(self._head))]
            yield first
            start += len(first)
        if start < end:
            yield from self._pieces(self._get(start, end), start, end)

    def _get(self, start: int, end: int) -> dict[str, Any]:
        return self._store.ask("get_object", Key=self._key, Range=f"bytes={start}-{end - 1}", IfMatch=self._etag)

    def _pieces(self, answer: dict[str, Any], start: int, end: int) -> Iterator[bytes]:
        """The body of an answer, gone on with by another request when it breaks off."""
        breaks = 0
        while start < end:
            body = answer["Body"]
            try:
                while start < end and (piece := body.read(min(PIECE, end - start))):
                    yield piece
                    start += len(piece)
                    breaks = 0
            except BotoCoreError as error:
                trouble: Exception = error
            else:
                trouble = EOFError()
            finally:
                body.close()
            if start < end:
                breaks += 1
                if breaks > RESUMES:
                    raise self._store.away(trouble)
                answer = self._get(start, end)

    def close(self) -> None:
        """Nothing is held open between reads."""
