import asyncio
import base64
import errno
import hashlib
import io
import os
import socket
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer as Server
from tusclient import client as tus

from media import uploads as module
from media.blobs import Blobs
from media.objects import FileObjects
from media.uploads import Limits, Owner, Uploads

STREAM, SALT, KEY = b"s" * 16, os.urandom(32), b"k" * 32
TUS = {"Tus-Resumable": "1.0.0"}
BODY = TUS | {"Content-Type": "application/offset+octet-stream"}


def commit_of(salt, digest):
    return hashlib.sha256(b"palm/content/v1\0" + salt + digest).digest()


def announce(data, mime="application/octet-stream", salt=SALT):
    name = commit_of(salt, hashlib.sha256(data).digest())
    values = {"commit": name.hex().encode(), "salt": base64.b64encode(salt), "mime": mime.encode()}
    return ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in values.items())


@asynccontextmanager
async def court(tmp_path, limits=None):
    """A server with uploads into a blob store; the bearer token is the person."""
    here = SimpleNamespace(now_ms=1_700_000_000_000, done=[], fail=None)
    store = Blobs(FileObjects(tmp_path / "blobs"))

    async def authorize(request):
        token = request.headers.get("Authorization", "")
        if not token.startswith("Bearer "):
            raise web.HTTPUnauthorized
        return Owner(STREAM, token.removeprefix("Bearer "))

    async def complete(upload):
        if here.fail:
            raise here.fail
        with upload.path.open("rb") as file:
            store.put(STREAM, upload.commitment, file, KEY, lambda digest: commit_of(upload.salt, digest))
        here.done.append(upload)

    def make():
        return Uploads(
            tmp_path / "parts",
            authorize=authorize,
            complete=complete,
            commit_of=commit_of,
            now_ms=lambda: here.now_ms,
            limits=limits or Limits(keep_free=0),
        )

    here.uploads = make()
    here.restart = lambda: here.uploads.__dict__.update(make().__dict__, _prefix="/api/uploads")
    app = web.Application()
    app.add_routes(here.uploads.routes("/api/uploads"))
    here.stored = lambda data: b"".join(store.open_range(STREAM, commit_of(SALT, hashlib.sha256(data).digest()), KEY))
    async with Server(app) as server, ClientSession(headers={"Authorization": "Bearer party/1"}) as http:
        here.url = str(server.make_url("/api/uploads"))
        here.host, here.port, here.http = server.host, server.port, http

        async def create(data, **more):
            headers = TUS | {"Upload-Length": str(len(data)), "Upload-Metadata": announce(data)} | more
            async with http.post(here.url, headers=headers) as answer:
                return answer.status, str(server.make_url(answer.headers["Location"])) if answer.status == 201 else (
                    await answer.json()
                )["code"]

        async def patch(url, offset, data, **more):
            headers = BODY | {"Upload-Offset": str(offset)} | more
            async with http.patch(url, data=data, headers=headers) as answer:
                code = (await answer.json())["code"] if answer.status >= 400 else answer.headers["Upload-Offset"]
                return answer.status, code

        async def offset(url):
            async with http.head(url, headers=TUS) as answer:
                return int(answer.headers["Upload-Offset"]) if answer.status == 200 else -answer.status

        here.create, here.patch, here.offset = create, patch, offset
        yield here


def parts(tmp_path):
    return sorted(path.suffix for path in (tmp_path / "parts").iterdir())


def tuspy(here, tmp_path, data, **more):
    source = tmp_path / "source"
    source.write_bytes(data)
    name = commit_of(SALT, hashlib.sha256(data).digest())
    client = tus.TusClient(here.url, headers={"Authorization": "Bearer party/1"})
    return client.uploader(
        str(source), metadata={"commit": name.hex(), "salt": base64.b64encode(SALT).decode()}, **more
    )


@pytest.mark.parametrize("checksum", [False, True])
async def test_a_foreign_client_uploads_in_chunks(tmp_path, checksum):
    data = os.urandom(1_000_001)
    async with court(tmp_path) as here:
        uploader = tuspy(here, tmp_path, data, chunk_size=300_000)
        uploader.upload_checksum = checksum
        await asyncio.to_thread(uploader.upload)
        assert here.stored(data) == data
        assert parts(tmp_path) == [".json"]


async def test_a_foreign_client_goes_on_after_a_break_and_a_restart_of_the_server(tmp_path):
    data = os.urandom(900_000)
    async with court(tmp_path) as here:
        uploader = tuspy(here, tmp_path, data, chunk_size=200_000)
        await asyncio.to_thread(uploader.upload_chunk)
        await asyncio.to_thread(uploader.upload_chunk)
        here.restart()
        again = await asyncio.to_thread(tuspy, here, tmp_path, data, chunk_size=200_000, url=uploader.url)
        assert again.offset == 400_000
        await asyncio.to_thread(again.upload)
        assert here.stored(data) == data


async def test_what_came_before_a_broken_connection_is_kept(tmp_path):
    data = os.urandom(700_000)
    async with court(tmp_path) as here:
        _, url = await here.create(data)
        path = url.split(str(here.port), 1)[1]
        head = (
            f"PATCH {path} HTTP/1.1\r\nHost: {here.host}\r\nAuthorization: Bearer party/1\r\nTus-Resumable: 1.0.0\r\n"
            f"Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection(here.host, here.port)
        writer.write(head.encode() + data[:500_000])
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.close()
        async with asyncio.timeout(5):
            while (at := await here.offset(url)) < 500_000:
                await asyncio.sleep(0.02)
        assert at == 500_000
        assert await here.patch(url, at, data[at:]) == (204, "700000")
        assert here.stored(data) == data
        del reader


async def test_a_lie_about_the_bytes_is_discarded(tmp_path):
    async with court(tmp_path) as here:
        _, url = await here.create(b"what I promised")
        assert await here.patch(url, 0, b"what I send now") == (460, "commitment_mismatch")
        assert await here.offset(url) == -404
        assert here.done == []
        assert parts(tmp_path) == []


async def test_a_chunk_damaged_on_the_way_is_sent_again(tmp_path):
    async with court(tmp_path) as here:
        _, url = await here.create(b"abcdef")
        good = {"Upload-Checksum": "sha256 " + base64.b64encode(hashlib.sha256(b"abc").digest()).decode()}
        assert await here.patch(url, 0, b"abX", **good) == (460, "checksum_mismatch")
        assert await here.offset(url) == 0
        assert await here.patch(url, 0, b"abc", **good) == (204, "3")
        assert await here.patch(url, 3, b"def", **{"Upload-Checksum": "md5 AAAA"}) == (400, "malformed")
        assert await here.patch(url, 3, b"def") == (204, "6")
        assert here.stored(b"abcdef") == b"abcdef"


async def test_creation_may_bring_the_bytes_along(tmp_path):
    async with court(tmp_path) as here:
        headers = BODY | {"Upload-Length": "5", "Upload-Metadata": announce(b"hello")}
        async with here.http.post(here.url, headers=headers, data=b"hello") as answer:
            assert (answer.status, answer.headers["Upload-Offset"]) == (201, "5")
        assert here.stored(b"hello") == b"hello"


async def test_a_method_may_be_overridden(tmp_path):
    async with court(tmp_path) as here:
        _, url = await here.create(b"x")
        headers = BODY | {"Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
        async with here.http.post(url, headers=headers, data=b"x") as answer:
            assert answer.status == 204
        async with here.http.post(url, headers=TUS) as answer:
            assert answer.status == 405


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Tus-Resumable": "0.2.2"}, (412, "wrong_version")),
        ({"Upload-Length": "x"}, (400, "malformed")),
        ({"Upload-Length": "-1"}, (400, "malformed")),
        ({"Upload-Length": "200000001"}, (413, "too_large")),
        ({"Upload-Metadata": ""}, (400, "malformed")),
        ({"Upload-Metadata": "commit " + base64.b64encode(b"00" * 32).decode()}, (400, "malformed")),
        ({"Upload-Metadata": announce(b"", "text/html")}, (415, "wrong_type")),
        ({"Upload-Metadata": announce(b"", "image/svg+xml")}, (415, "wrong_type")),
    ],
)
async def test_a_creation_that_cannot_be_is_refused_clearly(tmp_path, headers, expected):
    async with court(tmp_path) as here:
        assert await here.create(b"data", **headers) == expected
        assert parts(tmp_path) == []


async def test_a_file_that_is_not_of_its_type_is_discarded(tmp_path):
    async with court(tmp_path) as here:
        data = b"<html><script>alert(1)</script>"
        _, url = await here.create(data, **{"Upload-Metadata": announce(data, "image/png")})
        assert await here.patch(url, 0, data) == (415, "wrong_type")
        assert here.done == []
        real = b"\x89PNG\r\n\x1a\n..."
        _, url = await here.create(real, **{"Upload-Metadata": announce(real, "image/png")})
        assert await here.patch(url, 0, real) == (204, "11")


async def test_patches_out_of_place_change_nothing(tmp_path):
    async with court(tmp_path) as here:
        _, url = await here.create(b"abcdef")
        assert await here.patch(url, 3, b"def") == (409, "wrong_offset")
        assert await here.patch(url, 0, b"abcdefg") == (413, "too_large")
        assert await here.patch(url, 0, b"abc", **{"Content-Type": "text/plain"}) == (415, "wrong_type")
        assert await here.patch(url, "x", b"abc") == (400, "malformed")
        assert await here.offset(url) == 0

        async def endless():
            for _ in range(10):
                yield b"abc"

        assert await here.patch(url, 0, endless()) == (413, "too_large")
        assert await here.offset(url) in (0, 3, 6)


async def test_two_connections_cannot_write_the_same_upload(tmp_path):
    async with court(tmp_path) as here:
        _, url = await here.create(b"abcdef")
        go = asyncio.Event()

        async def slow():
            yield b"abc"
            await go.wait()
            yield b"def"

        first = asyncio.create_task(here.patch(url, 0, slow()))
        await asyncio.sleep(0.1)
        assert await here.patch(url, 0, b"abc") == (423, "locked")
        async with here.http.delete(url, headers=TUS) as answer:
            assert answer.status == 423
        go.set()
        assert await first == (204, "6")


async def test_an_upload_is_seen_by_its_owner_only(tmp_path):
    async with court(tmp_path) as here:
        _, url = await here.create(b"abc")
        other = {"Authorization": "Bearer party/2"}
        assert await here.patch(url, 0, b"abc", **other) == (404, "not_found")
        async with here.http.delete(url, headers=TUS | other) as answer:
            assert answer.status == 404
        async with ClientSession() as nobody, nobody.head(url, headers=TUS) as answer:
            assert answer.status == 401
        assert await here.offset(url) == 0


async def test_a_terminated_upload_is_gone(tmp_path):
    async with court(tmp_path) as here:
        _, url = await here.create(b"abc")
        async with here.http.delete(url, headers=TUS) as answer:
            assert answer.status == 204
        assert await here.offset(url) == -404
        assert parts(tmp_path) == []


async def test_an_upload_expires(tmp_path):
    async with court(tmp_path) as here:
        _, url = await here.create(b"abc")
        async with here.http.head(url, headers=TUS) as answer:
            assert answer.headers["Upload-Expires"] == "Wed, 15 Nov 2023 22:13:20 GMT"
        here.now_ms += 24 * 3_600_000 + 1
        assert await here.offset(url) == -410
        assert parts(tmp_path) == []
        await here.create(b"abc")
        here.now_ms += 24 * 3_600_000 + 1
        assert here.uploads.sweep() == 1


async def test_one_person_has_a_quota_and_a_number_of_open_uploads(tmp_path):
    async with court(tmp_path, Limits(keep_free=0, quota=10, open_uploads=2)) as here:
        assert (await here.create(b"12345678"))[0] == 201
        assert await here.create(b"123") == (413, "quota")
        assert (await here.create(b"1"))[0] == 201
        assert await here.create(b"1") == (429, "too_many")
        assert (await here.create(b"123", Authorization="Bearer party/2"))[0] == 201


async def test_a_full_disk_says_so_and_the_upload_goes_on_later(tmp_path, monkeypatch):
    async with court(tmp_path) as here:
        _, url = await here.create(b"abcdef")

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as broken:
            broken.setattr(module, "_append", full)
            assert await here.patch(url, 0, b"abc") == (507, "disk_full")
        assert await here.patch(url, 0, b"abcdef") == (204, "6")
        assert here.stored(b"abcdef") == b"abcdef"
    async with court(tmp_path, Limits(keep_free=10**18)) as here:
        assert await here.create(b"abc") == (507, "disk_full")


async def test_a_crash_between_the_last_byte_and_completion_is_made_good(tmp_path):
    async with court(tmp_path) as here:
        _, url = await here.create(b"abc")
        here.fail = RuntimeError("the server dies here")
        async with here.http.patch(url, data=b"abc", headers=BODY | {"Upload-Offset": "0"}) as answer:
            assert answer.status == 500
        here.fail = None
        here.restart()
        assert await here.offset(url) == 3
        assert here.stored(b"abc") == b"abc"
        here.restart()
        assert await here.offset(url) == 3
        assert await here.patch(url, 3, b"") == (204, "3")
        assert len(here.done) == 1


async def test_leftovers_of_a_crash_are_removed_at_start(tmp_path):
    (tmp_path / "parts").mkdir()
    for name in ("a.part", "b.tmp", "c.json"):
        (tmp_path / "parts" / name).write_bytes(b"{")
    async with court(tmp_path):
        assert parts(tmp_path) == []


async def test_what_the_server_can_is_told(tmp_path):
    async with court(tmp_path) as here, here.http.options(here.url) as answer:
        assert answer.status == 204
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert "checksum" in answer.headers["Tus-Extension"].split(",")
        assert answer.headers["Tus-Max-Size"] == "200000000"
        assert answer.headers["Tus-Checksum-Algorithm"] == "sha256,sha1"


async def test_a_large_upload_never_holds_the_loop_for_long(tmp_path):
    data = os.urandom(60_000_000)
    longest = 0.0

    async def watch():
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.001)
            longest = max(longest, loop.time() - before)

    async with court(tmp_path) as here:
        _, url = await here.create(data)
        task = asyncio.create_task(watch())
        status, _ = await here.patch(url, 0, io.BytesIO(data))
        task.cancel()
        assert status == 204
        assert longest < 0.5
