"""A real PostgreSQL for tests: a server of its own, databases of its own, killed and started again at will."""

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import asyncpg

from hearing_server.bench.postgres import binaries
from recording.postgres import Postgres

START_S = 30


class Server:
    """PostgreSQL on a Unix socket in a directory below /tmp, for it runs as nobody where we are root."""

    def __init__(self, *options):
        self.place = Path(tempfile.mkdtemp(prefix="palmcourt-pg-"))
        self.options = options
        self.user = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.place, nobody.pw_uid, nobody.pw_gid)
        self.process = None
        made = [
            binaries() / "initdb",
            "-D",
            self.place / "data",
            "-U",
            "court",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(made, check=True, capture_output=True, cwd=self.place, **self.user)
        self.start()

    def start(self, *more):
        options = ("listen_addresses=", "max_connections=60", "fsync=on", *self.options, *more)
        flags = [word for option in options for word in ("-c", option)]
        self.process = subprocess.Popen(
            [binaries() / "postgres", "-D", self.place / "data", "-k", self.place, *flags],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.place,
            start_new_session=True,
            **self.user,
        )
        deadline = time.monotonic() + START_S
        while True:
            try:
                return self.sql("SELECT 1")
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                assert time.monotonic() < deadline, "PostgreSQL does not come up"
                time.sleep(0.05)

    def at(self, database="postgres", schema="record", **more):
        """An address as the program takes it."""
        return Postgres(**{"host": str(self.place), "database": database, "user": "court", "schema": schema} | more)

    def sql(self, *statements, database="postgres"):
        """Run by whoever has the database, past our program; the first column of the last one's rows."""

        async def run():
            connection = await asyncpg.connect(host=str(self.place), database=database, user="court", timeout=5)
            try:
                for statement in statements[:-1]:
                    await connection.execute(statement)
                return [row[0] for row in await connection.fetch(statements[-1])]
            finally:
                await connection.close()

        with asyncio.Runner() as runner:
            return runner.run(run())

    def database(self):
        """A new, empty one; its address."""
        name = f"d{secrets.token_hex(8)}"
        self.sql(f"CREATE DATABASE {name}")
        return name

    def kill(self):
        """As the machine would: no farewell to anybody."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()
        shutil.rmtree(self.place, ignore_errors=True)
