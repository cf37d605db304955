"""A real S3 server for tests: SeaweedFS from a wheel, on loopback, one for the whole session; and a wire to spoil."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import threading
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from media.objects import StoreError
from media.s3_objects import Bucket, S3Objects

START_S = 60
STARTS = 3
KEYS = ("court-key", "court-secret-9f2c7a")
ADMIN = ("admin-key", "admin-secret-5d01e3")
READ_ONLY = ("reader-key", "reader-secret-71bb20")


def ports(number):
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    found = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return found


class S3Server:
    """Killed and started again at will; what was acknowledged must still be there."""

    def __init__(self):
        self.place = Path(tempfile.mkdtemp(prefix="palmcourt-s3-"))
        self.ports = ports(8)
        self.url = f"http://127.0.0.1:{self.ports[0]}"
        rights = {ADMIN: ["Admin"], KEYS: ["Read", "Write", "List"], READ_ONLY: ["Read", "List"]}
        identities = [
            {"name": key, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
            for (key, secret), actions in rights.items()
        ]
        (self.place / "s3.json").write_text(json.dumps({"identities": identities}))
        self.process = None
        for _ in range(STARTS - 1):
            with contextlib.suppress(AssertionError):
                self.start()
                break
            self.ports = ports(8)  # somebody else took one of them before the server did
            self.url = f"http://127.0.0.1:{self.ports[0]}"
        else:
            self.start()

    def start(self):
        s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc = self.ports
        program = Path(sysconfig.get_path("scripts")) / "weed"
        self.process = subprocess.Popen(
            [
                *(program, "-logtostderr", "server", f"-dir={self.place}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
                *(
                    "-filer",
                    "-s3",
                    f"-s3.config={self.place}/s3.json",
                    f"-s3.port={s3}",
                    f"-s3.port.grpc={s3_grpc}",
                    "-s3.port.iceberg=0",
                    "-s3.port.lance=0",
                ),
                *(
                    f"-master.port={master}",
                    f"-master.port.grpc={master_grpc}",
                    "-master.volumeSizeLimitMB=1024",
                    "-master.electionTimeout=1s",
                ),
                *(f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}", "-volume.max=200"),
                *(f"-filer.port={filer}", f"-filer.port.grpc={filer_grpc}"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"HOME": str(self.place), "PATH": os.environ["PATH"]},
            start_new_session=True,
        )
        deadline = time.monotonic() + START_S
        probe, admin = self.objects(tries=1), self.objects(keys=ADMIN, tries=1)
        while True:
            try:
                for name in ("court", "versions"):
                    with contextlib.suppress(ClientError):  # there already
                        admin._client.create_bucket(Bucket=name)
                rule = {"Status": "Enabled"}
                admin._client.put_bucket_versioning(Bucket="versions", VersioningConfiguration=rule)
                return probe.check()
            except (StoreError, ClientError, BotoCoreError):
                assert time.monotonic() < deadline, "the S3 server does not come up"
                assert self.process.poll() is None, "the S3 server ended"
                time.sleep(0.1)

    def bucket(self, name="court", **other):
        access, secret = other.pop("keys", KEYS)
        return Bucket(other.pop("url", self.url), name, access, secret, **{"timeout_s": 10.0, **other})

    def objects(self, name="court", **other):
        """An empty place of its own in a bucket (`versions` is one that keeps them)."""
        return S3Objects(self.bucket(name, **{"prefix": f"{secrets.token_hex(6)}/", **other}))

    def kill(self):
        """As the machine would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.place, ignore_errors=True)


class Wire:
    """Between the client and the server, for what a network or a store does to one: `spoil(method, path)` says what
    shall happen to a request: nil (it goes through), or

        ("answer", status, code)   the store's own form of an error, the request not passed on
        "lose"                     the store does what was asked, and its answer is lost
        "flip"                     one bit of the body is changed on its way to the store
        ("cut", n)                 n bytes of the answer's body arrive, then the connection ends
        ("wait", s)                as long as that nothing happens
    """

    def __init__(self, server):
        self._target = ("127.0.0.1", server.ports[0])
        self.spoil = lambda _method, _path: None
        self.seen = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listening.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, contextlib.suppress(OSError):  # either side went away, as sides do
            while (request := _message(client)) is not None:
                head, body = request
                method, path = head.split(b" ", 2)[:2]
                self.seen.append(f"{method.decode()} {path.decode()}")
                todo = self.spoil(method.decode(), path.decode())
                if todo is not None and todo[0] == "wait":
                    time.sleep(todo[1])
                if todo is not None and todo[0] == "answer":
                    text = f"<?xml version='1.0'?><Error><Code>{todo[2]}</Code></Error>" if todo[2] else ""
                    head = (
                        f"HTTP/1.1 {todo[1]} So\r\nContent-Type: application/xml\r\nContent-Length: {len(text)}\r\n\r\n"
                    )
                    client.sendall((head + ("" if method == b"HEAD" else text)).encode())
                    continue
                if todo == "flip":
                    body = body[:-1] + bytes([body[-1] ^ 1])
                with socket.create_connection(self._target) as store:
                    store.sendall(head + body)
                    answer = _message(store, no_body=method == b"HEAD")
                if answer is None or todo == "lose":
                    return
                if todo is not None and todo[0] == "cut":
                    client.sendall(answer[0] + answer[1][: todo[1]])
                    return
                client.sendall(answer[0] + answer[1])


def _message(connection, *, no_body=False):
    """(head with its empty line, body) of the next message; nil at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return None
        data += piece
        if b"\r\nExpect: 100-continue\r\n" in data and data.endswith(b"\r\n\r\n"):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    head, body = data.split(b"\r\n\r\n", 1)
    if head.startswith(b"HTTP/1.1 100"):
        head, body = body.split(b"\r\n\r\n", 1) if b"\r\n\r\n" in body else _rest(connection, body)
    lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    fields = {name.lower(): value.strip() for name, _, value in lines}
    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(b"expect:"))
    if no_body or b" 204 " in head.split(b"\r\n")[0]:
        return head + b"\r\n\r\n", b""
    if fields.get(b"transfer-encoding") == b"chunked":
        while not body.endswith(b"0\r\n\r\n"):
            body += connection.recv(65_536)
        return head + b"\r\n\r\n", body
    wanted = int(fields.get(b"content-length", b"0"))
    parts = [body]
    have = len(body)
    while have < wanted and (piece := connection.recv(1 << 20)):
        parts.append(piece)
        have += len(piece)
    return head + b"\r\n\r\n", b"".join(parts)


def _rest(connection, data):
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536)
    return data.split(b"\r\n\r\n", 1)
