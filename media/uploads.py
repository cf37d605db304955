"""Files from phones, by tus 1.0 (https://tus.io/protocols/resumable-upload): creation, creation-with-upload, HEAD,
PATCH, termination, checksum, expiration.

**The length of the file on disk is the offset**: nothing else remembers how far an upload has come, so that a crash
cannot make two memories disagree. An upload announces the salted commitment of what it will be (`Upload-Metadata:
commit <hex>, salt <base64>`, both once more base64 as tus wants); when the last byte has come, the commitment is made
from the bytes received, and an upload that lied is thrown away with 460. `complete` is called before the last answer,
and again after a crash in between, so it must be idempotent, which `Blobs.put` is. A finished upload keeps on
answering HEAD until it expires, for phones that lost the last answer. Parts wait on disk as they came, readable by the
server's user alone; they are removed when complete or expired.

Answers that are not success are JSON {"code", "detail"}: 400 malformed, 404 not_found (or not yours), 408 broken_off,
409 wrong_offset, 410 expired, 412 wrong_version, 413 too_large | quota, 415 wrong_type, 423 locked, 429 too_many,
460 checksum_mismatch | commitment_mismatch, 507 disk_full.
"""

import asyncio
import base64
import binascii
import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientConnectionError, web

from media.objects import StoreFull

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,termination,checksum,expiration"
BODY_TYPE: Final = "application/offset+octet-stream"
PIECE: Final = 262_144  # bytes read at once when a part is hashed again after a restart
CHECKSUMS: Final = ("sha256", "sha1")  # of one PATCH, against damage on the way; tus wants every server to know sha1
IDLE_S: Final = 10  # a phone that has gone away holds its upload's lock no longer than this

MAGIC: Final[dict[str, tuple[tuple[int, bytes], ...]]] = {
    "image/jpeg": ((0, b"\xff\xd8\xff"),),
    "image/png": ((0, b"\x89PNG\r\n\x1a\n"),),
    "image/gif": ((0, b"GIF8"),),
    "image/webp": ((8, b"WEBP"),),
    "image/heic": ((4, b"ftyp"),),
    "audio/webm": ((0, b"\x1aE\xdf\xa3"),),
    "audio/mp4": ((4, b"ftyp"),),
    "audio/ogg": ((0, b"OggS"),),
    "audio/wav": ((8, b"WAVE"),),
    "audio/mpeg": ((0, b"ID3"), (0, b"\xff\xfb"), (0, b"\xff\xf3"), (0, b"\xff\xf2")),
    "video/webm": ((0, b"\x1aE\xdf\xa3"),),
    "video/mp4": ((4, b"ftyp"),),
    "video/quicktime": ((4, b"ftyp"), (4, b"moov"), (4, b"wide"), (4, b"mdat")),
    "video/3gpp": ((4, b"ftyp"),),
    "application/pdf": ((0, b"%PDF-"),),
    "application/zip": ((0, b"PK"),),
    "application/msword": ((0, b"\xd0\xcf\x11\xe0"),),
    "application/vnd.ms-excel": ((0, b"\xd0\xcf\x11\xe0"),),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ((0, b"PK"),),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ((0, b"PK"),),
    "text/plain": (),
    "application/octet-stream": (),
}
"""What may be handed in, and how such a file begins (offset, bytes; any of them). No HTML and no SVG: they run scripts
in the reader's browser. `application/octet-stream` is anything, and is only ever offered for saving."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, counts and milliseconds."""

    max_size: int = 200_000_000
    quota: int = 1_000_000_000  # of one person in one day: five of the largest
    open_uploads: int = 20
    lifetime_ms: int = 24 * 3_600_000
    keep_free: int = 256_000_000  # the record must always find room on this disk


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose upload it is: nobody else sees it."""

    stream_id: bytes
    person: str


@dataclass(slots=True)
class Upload:
    """One file on its way. `path` holds the bytes while `complete` runs."""

    id: str
    owner: Owner
    path: Path
    length: int
    commitment: bytes
    salt: bytes
    mime: str
    expires_ms: int
    done: bool = False
    locked: bool = field(default=False, compare=False)
    digest: Any = field(default=None, compare=False)  # hashlib's object; None: to be made from the file again

    @property
    def offset(self) -> int:
        return self.length if self.done else self.path.stat().st_size


Authorize = Callable[[web.Request], Awaitable[Owner]]
"""Says who asks, or raises an aiohttp HTTP exception."""
Complete = Callable[[Upload], Awaitable[None]]
"""Takes the finished file away (it is removed afterwards). Durable when it returns."""
CommitOf = Callable[[bytes, bytes], bytes]
"""From (salt, SHA-256 of the bytes) to the commitment."""


class Uploads:
    """The uploads of one server, kept in one directory that belongs to it alone."""

    def __init__(
        self,
        root: Path,
        *,
        authorize: Authorize,
        complete: Complete,
        commit_of: CommitOf,
        now_ms: Callable[[], int],
        limits: Limits | None = None,
    ) -> None:
        self._root = root
        self._authorize = authorize
        self._complete = complete
        self._commit_of = commit_of
        self._now_ms = now_ms
        self._limits = limits or Limits()
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._uploads = {upload.id: upload for upload in _found(root)}

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """To be given to `Application.add_routes`."""
        self._prefix = prefix
        one = prefix + "/{id:[0-9a-f]{32}}"
        return [
            web.options(prefix, self._options),
            web.options(one, self._options),
            web.post(prefix, self._guarded(self._create)),
            web.head(one, self._guarded(self._head)),
            web.patch(one, self._guarded(self._patch)),
            web.delete(one, self._guarded(self._delete)),
            web.post(one, self._overridden),
        ]

    def sweep(self) -> int:
        """Forget what has expired; gives the number. To be called every few minutes."""
        now = self._now_ms()
        old = [upload for upload in self._uploads.values() if upload.expires_ms < now and not upload.locked]
        for upload in old:
            self._forget(upload)
        return len(old)

    def forget(self, stream_id: bytes, commitments: Collection[bytes]) -> None:
        """Remove the uploads to a stream of these commitments, done or under way, with their salts."""
        for upload in list(self._uploads.values()):
            if upload.owner.stream_id == stream_id and upload.commitment in commitments:
                self._forget(upload)

    # --- requests --------------------------------------------------------------------------------------------------
    def _guarded(self, act: Callable[[web.Request, Owner], Awaitable[web.Response]]) -> Any:
        async def guard(request: web.Request) -> web.Response:
            if request.headers.get("Tus-Resumable") != VERSION:
                response = _error(412, "wrong_version", f"Tus-Resumable: {VERSION} is needed")
                response.headers["Tus-Version"] = VERSION
                return response
            owner = await self._authorize(request)
            try:
                response = await act(request, owner)
            except _Failed as failed:
                response = failed.response
            except StoreFull:
                response = _full()
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                response = _full()
            response.headers["Tus-Resumable"] = VERSION
            return response

        return guard

    async def _overridden(self, request: web.Request) -> web.Response:
        """tus: X-HTTP-Method-Override for clients behind proxies that know only GET and POST."""
        act = {"PATCH": self._patch, "DELETE": self._delete}.get(request.headers.get("X-HTTP-Method-Override", ""))
        if act is None:
            return _error(405, "malformed", "POST here needs X-HTTP-Method-Override: PATCH or DELETE")
        response: web.Response = await self._guarded(act)(request)
        return response

    async def _options(self, _request: web.Request) -> web.Response:
        headers = {
            "Tus-Resumable": VERSION,
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(self._limits.max_size),
            "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
        }
        return web.Response(status=204, headers=headers)

    async def _create(self, request: web.Request, owner: Owner) -> web.Response:
        self.sweep()
        length = _number(request, "Upload-Length")
        metadata = _metadata(request.headers.get("Upload-Metadata", ""))
        mime = metadata.get("mime", b"application/octet-stream").decode("ascii", "replace").split(";")[0].strip()
        self._admit(owner, length, mime)
        upload_id = secrets.token_hex(16)
        upload = Upload(
            upload_id,
            owner,
            self._root / f"{upload_id}.part",
            length,
            _commitment(metadata),
            _salt(metadata),
            mime,
            self._now_ms() + self._limits.lifetime_ms,
            digest=hashlib.sha256(),
        )
        await asyncio.to_thread(_begin, upload)
        self._uploads[upload.id] = upload
        headers = {"Location": f"{self._prefix}/{upload.id}", "Upload-Expires": _http_date(upload.expires_ms)}
        if request.headers.get("Content-Type") == BODY_TYPE or length == 0:
            received = await self._take(request, upload, 0)
            headers |= received.headers
        return web.Response(status=201, headers=headers)

    async def _head(self, request: web.Request, owner: Owner) -> web.Response:
        upload = self._mine(request, owner)
        if not upload.locked and not upload.done and upload.offset == upload.length:
            await self._finish_locked(upload)  # a crash came between the last byte and `complete`
        headers = {
            "Upload-Offset": str(upload.offset),
            "Upload-Length": str(upload.length),
            "Upload-Expires": _http_date(upload.expires_ms),
            "Cache-Control": "no-store",
        }
        return web.Response(status=200, headers=headers)

    async def _patch(self, request: web.Request, owner: Owner) -> web.Response:
        upload = self._mine(request, owner)
        if request.headers.get("Content-Type") != BODY_TYPE:
            raise _Failed(415, "wrong_type", f"Content-Type must be {BODY_TYPE}")
        return await self._take(request, upload, _number(request, "Upload-Offset"))

    async def _delete(self, request: web.Request, owner: Owner) -> web.Response:
        upload = self._mine(request, owner)
        if upload.locked:
            raise _Failed(423, "locked", "bytes are just arriving for this upload")
        if not upload.done:  # a finished one has been handed over and goes on counting until it expires
            self._forget(upload)
        return web.Response(status=204)

    # --- one upload ------------------------------------------------------------------------------------------------
    def _admit(self, owner: Owner, length: int, mime: str) -> None:
        mine = [upload for upload in self._uploads.values() if upload.owner == owner]
        if length > self._limits.max_size:
            raise _Failed(413, "too_large", f"a file may have {self._limits.max_size} bytes at most")
        if mime not in MAGIC:
            raise _Failed(415, "wrong_type", "files of this type are not taken")
        if sum(upload.length for upload in mine) + length > self._limits.quota:
            raise _Failed(413, "quota", f"one person may send {self._limits.quota} bytes in a day")
        if sum(not upload.done for upload in mine) >= self._limits.open_uploads:
            raise _Failed(429, "too_many", f"{self._limits.open_uploads} uploads are open already; finish one first")
        # What is announced will come, and a finished file stands beside its parts for a moment.
        promised = sum(2 * each.length - each.offset for each in self._uploads.values() if not each.done)
        if shutil.disk_usage(self._root).free < 2 * length + promised + self._limits.keep_free:
            raise _Failed(507, "disk_full", _FULL)

    def _mine(self, request: web.Request, owner: Owner) -> Upload:
        upload = self._uploads.get(request.match_info["id"])
        if upload is None or upload.owner != owner:
            raise _Failed(404, "not_found", "there is no such upload")
        if upload.expires_ms < self._now_ms() and not upload.locked:
            self._forget(upload)
            raise _Failed(410, "expired", "this upload was not finished in time; begin again")
        return upload

    async def _take(self, request: web.Request, upload: Upload, offset: int) -> web.Response:
        if upload.locked:
            raise _Failed(423, "locked", "bytes are just arriving for this upload on another connection")
        if offset != upload.offset:
            raise _Failed(409, "wrong_offset", f"{upload.offset} bytes are here, not {offset}")
        if request.content_length is not None and offset + request.content_length > upload.length:
            raise _Failed(413, "too_large", f"more than the {upload.length} bytes that were announced")
        checksum = _checksum(request.headers.get("Upload-Checksum"))
        upload.locked = True
        try:
            if not upload.done:
                upload.digest = upload.digest or await asyncio.to_thread(_hash_file, upload.path)
                await _receive(request, upload, checksum)
                if upload.offset == upload.length:
                    await self._finish(upload)
        finally:
            upload.locked = False
        headers = {"Upload-Offset": str(upload.offset), "Upload-Expires": _http_date(upload.expires_ms)}
        return web.Response(status=204, headers=headers)

    async def _finish_locked(self, upload: Upload) -> None:
        upload.locked = True
        try:
            upload.digest = await asyncio.to_thread(_hash_file, upload.path)
            await self._finish(upload)
        finally:
            upload.locked = False

    async def _finish(self, upload: Upload) -> None:
        if self._commit_of(upload.salt, upload.digest.digest()) != upload.commitment:
            self._forget(upload)
            raise _Failed(460, "commitment_mismatch", "the bytes are not the ones announced; the upload is discarded")
        if not await asyncio.to_thread(_begins_like, upload.path, upload.mime):
            self._forget(upload)
            raise _Failed(415, "wrong_type", f"this is not a file of type {upload.mime}; the upload is discarded")
        await asyncio.to_thread(_sync, upload.path)
        await self._complete(upload)
        upload.done = True
        await asyncio.to_thread(_write_facts, upload)
        upload.path.unlink(missing_ok=True)

    def _forget(self, upload: Upload) -> None:
        self._uploads.pop(upload.id, None)
        upload.path.unlink(missing_ok=True)
        upload.path.with_suffix(".json").unlink(missing_ok=True)


_BROKEN: Final = (TimeoutError, ClientConnectionError, ConnectionError, web.RequestPayloadError)
"""How aiohttp says that the rest of a body will not come."""


# --- bytes ---------------------------------------------------------------------------------------------------------
async def _receive(request: web.Request, upload: Upload, checksum: tuple[str, bytes] | None) -> None:
    """Append the body. What came before a break stays, unless a checksum was promised for the whole of it."""
    start, before = upload.offset, upload.digest.copy()
    body = hashlib.new(checksum[0] if checksum else CHECKSUMS[0], usedforsecurity=False)
    left = upload.length - start
    whole = False
    with upload.path.open("ab", buffering=0) as part:
        try:
            while piece := await _next_piece(request):
                if len(piece) > left:
                    raise _Failed(413, "too_large", f"more than the {upload.length} bytes that were announced")
                await asyncio.to_thread(_append, part.fileno(), piece, (upload.digest, body))
                left -= len(piece)
            whole = True
        except _BROKEN:
            pass
        except (OSError, asyncio.CancelledError):
            upload.digest = None  # unknown how much of the last piece reached the file
            raise
        finally:
            damaged = checksum is not None and (not whole or body.digest() != checksum[1])
            if damaged:
                part.truncate(start)
                upload.digest = before
    if damaged:
        raise _Failed(460, "checksum_mismatch", "these bytes were damaged on the way and are not kept; send them again")
    if not whole:
        raise _Failed(408, "broken_off", f"{upload.offset} bytes are kept; ask for the offset and go on")


async def _next_piece(request: web.Request) -> bytes:
    """What has arrived, at once: on a thin link that keeps breaking, bytes held back here would never be kept. On a
    fast one aiohttp's buffer fills meanwhile, so that pieces are about 128 KiB. Empty at the end.
    """
    async with asyncio.timeout(IDLE_S):
        return await request.content.readany()


def _append(descriptor: int, data: bytes, digests: tuple[Any, ...]) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    for digest in digests:
        digest.update(data)


def _hash_file(path: Path) -> Any:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while piece := file.read(PIECE):
            digest.update(piece)
        return digest


def _begins_like(path: Path, mime: str) -> bool:
    with path.open("rb") as file:
        head = file.read(32)
    wanted = MAGIC[mime]
    return not wanted or any(head[at : at + len(magic)] == magic for at, magic in wanted)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _begin(upload: Upload) -> None:
    upload.path.touch(mode=0o600)
    _write_facts(upload)


def _write_facts(upload: Upload) -> None:
    """Beside the part, atomically: a half-written file would lose the upload's owner."""
    facts = {
        "stream_id": upload.owner.stream_id.hex(),
        "person": upload.owner.person,
        "length": upload.length,
        "commitment": upload.commitment.hex(),
        "salt": upload.salt.hex(),
        "mime": upload.mime,
        "expires_ms": upload.expires_ms,
        "done": upload.done,
    }
    path = upload.path.with_suffix(".json")
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(facts, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def _found(root: Path) -> Iterator[Upload]:
    """What an earlier run left: unfinished uploads go on, halves of a creation are removed."""
    for path in root.glob("*.tmp"):
        path.unlink()
    for part in root.glob("*.part"):
        if not part.with_suffix(".json").exists():
            part.unlink()
    for path in root.glob("*.json"):
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            upload = Upload(
                path.stem,
                Owner(bytes.fromhex(facts["stream_id"]), facts["person"]),
                path.with_suffix(".part"),
                facts["length"],
                bytes.fromhex(facts["commitment"]),
                bytes.fromhex(facts["salt"]),
                facts["mime"],
                facts["expires_ms"],
                facts["done"],
            )
        except (ValueError, KeyError):
            path.unlink()
            path.with_suffix(".part").unlink(missing_ok=True)
            continue
        if upload.done:
            upload.path.unlink(missing_ok=True)
            yield upload
        elif upload.path.exists():
            yield upload


# --- headers -------------------------------------------------------------------------------------------------------
_FULL: Final = "the court's disk is full; nothing is lost, send again later, and tell the court"


class _Failed(Exception):  # noqa: N818 - an answer on its way out
    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.response = _error(status, code, detail)


def _error(status: int, code: str, detail: str) -> web.Response:
    reason = {460: "Checksum Mismatch", 423: "Locked", 507: "Insufficient Storage"}.get(status)
    return web.json_response({"code": code, "detail": detail}, status=status, reason=reason)


def _full() -> web.Response:
    return _error(507, "disk_full", _FULL)


def _number(request: web.Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise _Failed(400, "malformed", f"{header} must be a number")
    return int(text)


def _metadata(header: str) -> dict[str, bytes]:
    """tus: comma-separated pairs of a key and a base64 value."""
    found: dict[str, bytes] = {}
    for pair in header.split(",") if header else []:
        key, _, value = pair.strip().partition(" ")
        with contextlib.suppress(binascii.Error, ValueError):
            found[key] = base64.b64decode(value.strip(), validate=True)
    return found


def _commitment(metadata: dict[str, bytes]) -> bytes:
    with contextlib.suppress(ValueError):
        value = bytes.fromhex(metadata.get("commit", b"").decode("ascii"))
        if len(value) == 32:
            return value
    raise _Failed(400, "malformed", "Upload-Metadata must announce `commit`: 64 hexadecimal digits")


def _salt(metadata: dict[str, bytes]) -> bytes:
    value = metadata.get("salt", b"")
    if len(value) != 32:  # not the bytes themselves, then their base64
        with contextlib.suppress(binascii.Error, ValueError):
            value = base64.b64decode(value, validate=True)
    if len(value) != 32:
        raise _Failed(400, "malformed", "Upload-Metadata must announce `salt`: the base64 of 32 bytes")
    return value


def _checksum(header: str | None) -> tuple[str, bytes] | None:
    if header is None:
        return None
    algorithm, _, value = header.partition(" ")
    if algorithm in CHECKSUMS:
        with contextlib.suppress(binascii.Error, ValueError):
            return algorithm, base64.b64decode(value, validate=True)
    raise _Failed(
        400, "malformed", f"Upload-Checksum must be an algorithm ({' or '.join(CHECKSUMS)}) and a base64 digest"
    )


def _http_date(ms: int) -> str:
    return format_datetime(datetime.fromtimestamp(ms / 1000, UTC), usegmt=True)
