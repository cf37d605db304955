"""A real time-stamp authority on loopback: `openssl ts` with certificates of its own, behind a small HTTP server."""

import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

CONFIG = """
[ tsa ]
default_tsa = this
[ this ]
dir = {directory}
serial = $dir/serial
crypto_device = builtin
signer_cert = $dir/tsa.pem
signer_key = $dir/tsa.key
certs = $dir/ca.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def run(*arguments: object, **more) -> subprocess.CompletedProcess:
    return subprocess.run([str(each) for each in arguments], check=True, capture_output=True, **more)


class Authority:
    """`with Authority(directory) as authority:` answers at `authority.url` until the block ends."""

    def __init__(self, directory: Path, name: str = "Time") -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.ca = directory / "ca.pem"
        self.answers = 0
        self.down = False
        self.delay_s = 0.0
        self.garbage: bytes | None = None
        self._lock = threading.Lock()
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        ca_key = directory / "ca.key"
        run("openssl", "req", "-x509", *key, "-keyout", ca_key, "-out", self.ca, "-days", "3650", "-subj",
            f"/CN={name} Root")  # fmt: skip
        run("openssl", "req", *key, "-keyout", directory / "tsa.key", "-out", directory / "tsa.csr", "-subj",
            f"/CN={name} Stamping")  # fmt: skip
        (directory / "ext").write_text("extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n")
        run("openssl", "x509", "-req", "-in", directory / "tsa.csr", "-CA", self.ca, "-CAkey", ca_key,
            "-CAcreateserial", "-days", "3650", "-extfile", directory / "ext",
            "-out", directory / "tsa.pem")  # fmt: skip
        (directory / "tsa.cnf").write_text(CONFIG.format(directory=directory))
        (directory / "serial").write_text("01\n")

    def answer(self, query: bytes) -> bytes:
        (self.directory / "q.tsq").write_bytes(query)
        run("openssl", "ts", "-reply", "-config", self.directory / "tsa.cnf", "-queryfile", self.directory / "q.tsq",
            "-out", self.directory / "r.tsr")  # fmt: skip
        return (self.directory / "r.tsr").read_bytes()

    def __enter__(self) -> Self:
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(authority.delay_s)
                if authority.down:
                    self.send_error(503)
                    return
                with authority._lock:
                    authority.answers += 1
                    made = authority.garbage if authority.garbage is not None else authority.answer(query)
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(made)))
                self.end_headers()
                self.wfile.write(made)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/tsa"
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def openssl_verifies(self, token: Path, over: Path) -> bool:
        """What `openssl ts -verify` says of a token over a file, knowing this authority's root."""
        command = ["openssl", "ts", "-verify", "-in", str(token), "-data", str(over), "-CAfile", str(self.ca)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
