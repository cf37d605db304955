"""Files over HTTP: uploads in (tus), blobs out to those who may see the entry that names them, exports for the bench.

Law: knowing a blob's name is not enough. It is sent only if an entry that the asker may see names it (AU1); recording
segments only to the bench.
"""

import asyncio
import contextlib
import errno
import os
import tempfile
import zipfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

from hearing_server.export import Exporter
from hearing_server.flows.audience import first_visible, visible
from hearing_server.flows.decider import BENCH, RefusalCode, Refused
from hearing_server.flows.hearing import Phase
from hearing_server.flows.hearing.spans import RESTRICTED
from hearing_server.flows.hearing.timetable import veiled_from
from hearing_server.http.errors import NotFound
from hearing_server.http.ids import hex_of
from hearing_server.http.sessions import principal_of
from hearing_server.runtime.court import Court
from hearing_server.runtime.entrance import Principal, Unauthenticated
from hearing_server.runtime.room import Room
from media.objects import StoreFull
from media.uploads import Owner, Upload, Uploads
from recording.content import commitment_of_digest
from recording.errors import BadContent

log = structlog.get_logger()
PIECE: Final = 1 << 18


class Files:
    """Handlers of /api/uploads, /api/streams/.../blobs and exports."""

    def __init__(self, court: Court, exporter: Exporter, uploads: Path) -> None:
        self._court = court
        self._exporter = exporter
        court.on_shredded.append(self._forget)
        self._uploads = Uploads(
            uploads,
            authorize=self._uploader,
            complete=self._keep,
            commit_of=commitment_of_digest,
            now_ms=court.clock.now_ms,
        )

    def _forget(self, stream_id: bytes, _seqs: Sequence[int], commits: Sequence[bytes]) -> None:
        self._uploads.forget(stream_id, commits)

    def upload_routes(self) -> list[web.RouteDef]:
        """tus, below /api/uploads."""
        self._uploads.sweep()
        return self._uploads.routes("/api/uploads")

    async def _uploader(self, request: web.Request) -> Owner:
        """Only somebody who is admitted to an unsealed sitting hands in files."""
        principal = await principal_of(request, self._court)
        if principal.is_registry:
            raise Unauthenticated("no_session")
        room = await self._court.room(principal.sitting)
        if room.writer.state.phase is Phase.SEALED:
            raise Refused(RefusalCode.SEALED)
        if first_visible(room.writer.state, principal.slot) is None:
            raise Unauthenticated("not_admitted")
        return Owner(principal.sitting, principal.slot)

    async def _keep(self, upload: Upload) -> None:
        """A file rests under the subject of the words it will come with: its sender, or the span it is sent in."""
        stream_id, slot = upload.owner.stream_id, upload.owner.person
        writer = (await self._court.room(stream_id)).writer
        subject = writer.flow.subject(writer.state, slot, "msg.file", ())
        try:
            await self._court.blobs.keep_file(stream_id, upload.commitment, upload.salt, upload.path, subject)
        except BadContent as error:
            raise Refused(RefusalCode.CONFLICT, "this file was destroyed by order") from error
        except StoreFull as error:
            raise OSError(errno.ENOSPC, "No space left on device") from error

    # -- out ----------------------------------------------------------------------------------------------------------
    async def blob(self, request: web.Request) -> web.StreamResponse:
        """GET /api/streams/{stream}/blobs/{commit}, with Range (RFC 9110 section 14)."""
        stream, commit = hex_of(request, "stream", 16), hex_of(request, "commit", 32)
        principal = await principal_of(request, self._court)
        if not principal.is_registry and principal.sitting != stream:
            raise NotFound
        room = await self._court.room(stream)
        if not _may_read(room, principal, commit):
            raise NotFound
        if principal.is_registry:
            await self._court.access.read(stream, principal.slot, principal.device_key)  # CA10
        opened = await asyncio.to_thread(self._court.blobs.open, stream, commit)
        if opened is None:
            raise NotFound
        span = request.http_range
        start, end, step = span.indices(opened.size) if span != slice(None, None, 1) else (0, opened.size, 1)
        if step != 1 or start >= max(end, 1):
            raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{opened.size}"})
        part = (start, end) != (0, opened.size)
        response = web.StreamResponse(status=206 if part else 200)
        response.content_type = "application/octet-stream"  # the page knows from the record what it is
        response.headers["Accept-Ranges"] = "bytes"
        response.headers["Content-Disposition"] = "attachment"
        response.content_length = end - start
        if part:
            response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{opened.size}"
        await response.prepare(request)
        pieces = opened.read(start, end)
        while piece := await asyncio.to_thread(next, pieces, b""):
            await response.write(piece)
        await response.write_eof()
        return response

    async def export(self, request: web.Request) -> web.StreamResponse:
        """POST /api/sittings/{stream}/export: the bundle in one zip, for the bench and the clerk's desk."""
        stream = hex_of(request, "stream", 16)
        principal = await principal_of(request, self._court)
        if not principal.is_registry and principal.sitting != stream:
            raise NotFound
        room = await self._court.room(stream)
        if not _is_bench(room, principal):
            raise NotFound
        if room.writer.state.windows.held is not None:
            raise Refused(RefusalCode.WINDOW_RUNS, "statements are kept back")  # AS8
        async with self._exporter.turn, _scratch(self._exporter.scratch) as scratch:
            bundle = scratch / f"palmcourt-{stream.hex()[:12]}"
            made = await self._exporter.export(stream, bundle, self._court.clock.now_ms(), by=principal.slot)
            log.info("exported", stream=stream.hex(), by=principal.slot, link=principal.link_id.hex())
            orders = self._exporter.orders(stream)
            archive = await asyncio.to_thread(_zipped, made.path, scratch / f"{bundle.name}.zip")
            response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{archive.name}"'})
            response.content_type = "application/zip"
            response.content_length = archive.stat().st_size
            await response.prepare(request)
            with archive.open("rb") as file:
                while piece := await asyncio.to_thread(file.read, PIECE):
                    if self._exporter.orders(stream) != orders and request.transport is not None:
                        request.transport.abort()  # overtaken: it must not arrive whole
                        break
                    await response.write(piece)
            await response.write_eof()
            return response


def _is_bench(room: Room, principal: Principal) -> bool:
    seat = room.writer.state.seats.get(principal.slot)
    return principal.is_registry or (seat is not None and seat.role in BENCH)


def _may_read(room: Room, principal: Principal, commit: bytes) -> bool:
    seq = room.names.blobs.get(commit)
    if _is_bench(room, principal):
        kept_back = seq is not None and veiled_from(room.writer.state, seq, principal.slot)  # AS8
        return (seq is not None and not kept_back) or commit in room.names.segments
    return seq is not None and visible(room.writer.state, RESTRICTED, seq, principal.slot)


@contextlib.asynccontextmanager
async def _scratch(parent: Path) -> AsyncIterator[Path]:
    directory = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="export-", dir=parent)
    try:
        yield Path(directory.name)
    finally:
        await asyncio.to_thread(directory.cleanup)


def _zipped(directory: Path, archive: Path) -> Path:
    """Stored, not squeezed: sound and pictures do not shrink, and years later any tool opens it."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, allowZip64=True) as target:
        for folder, _folders, names in sorted(os.walk(directory)):
            for name in sorted(names):
                file = Path(folder) / name
                target.write(file, Path(directory.name) / file.relative_to(directory))
    return archive
