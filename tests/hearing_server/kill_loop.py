"""Kill -9 of the real server with people talking in the room, again and again; then account for every word.

Each person says numbered words as fast as the court takes them. At a kill the harness notes how many words are sent and
unanswered. After the restart everybody must be back and heard within `BACK_S`; at the end the stored record is read
without a server and compared with every receipt that anybody ever got.
"""

import asyncio
import collections
import json
import os
import random
import re
import signal
import socket
import sys
import time
from pathlib import Path

from courtroom import opens

from hearing_server.rehearsal.device import Device
from recording.content import ContentVault
from recording.keys import CourtKeys
from recording.leaf import decode
from recording.merkle import leaf_hash
from recording.sqlite_store import SqliteStore
from signaling.client import Client
from signaling.frames import Refused

BACK_S = 5.0
PALMCOURT = [sys.executable, "-m", "hearing_server.cli"]
ROLES = ["judge=J", "clerk=C", "plaintiff=P", "defendant=D", "agent=A", "defendant=E"]


class Outcome:
    def __init__(self):
        self.kills = 0
        self.in_flight = 0
        self.back_s = []
        self.receipts = []
        self.lost = []
        self.doubled = []
        self.entries = 0


class Talker:
    """A person who says numbered words without end and keeps every receipt."""

    def __init__(self, slot, url, ticket):
        self.slot = slot
        self.client = Client(url, Device().identity(ticket))
        self.unanswered = 0
        self.answered_at = 0.0
        self.receipts = []
        self.number = 0

    async def talk(self, stop):
        async def one():
            while not stop.is_set():
                self.number += 1
                words = f"{self.slot} says {self.number}"
                self.unanswered += 1
                answer = await self.client.submit(
                    "msg.text", content=json.dumps({"text": words}).encode(), salt=os.urandom(32)
                )
                self.unanswered -= 1
                assert not isinstance(answer, Refused), answer
                self.answered_at = time.monotonic()
                self.receipts.append((answer.seq, answer.leaf_hash, words))

        await asyncio.gather(one(), one())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def palmcourt(*arguments):
    process = await asyncio.create_subprocess_exec(
        *PALMCOURT, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def serve(data, config, port):
    process = await asyncio.create_subprocess_exec(
        *PALMCOURT, "serve", "--data", str(data), "--config", str(config), "--port", str(port),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    line = await asyncio.wait_for(process.stdout.readline(), 20)
    assert b"answers" in line, line
    return process


async def everybody_in(people):
    """The judge admits everybody and opens the court."""
    judge = people[0].client
    await judge.admitted()
    for person in people[2:]:
        while isinstance(answer := await judge.submit("act.admit", [person.slot]), Refused):
            assert answer.code == "wrong_phase", answer
            await asyncio.sleep(0.05)
    await opens(judge)
    for person in people:
        await asyncio.wait_for(person.client.admitted(), 10)


async def run(directory: Path, kills: int, *, media: bool, seed: int) -> Outcome:
    outcome, chance = Outcome(), random.Random(seed)
    data, config, port = directory / "data", directory / "court.toml", free_port()
    config.write_text(f'[log]\nlevel = "error"\n[media]\nenabled = {str(media).lower()}\n')
    seats = [word for role in ROLES for word in ("--seat", role)]
    printed = await palmcourt("case", "new", "1", "kill", *seats, "--data", str(data), "--config", str(config))
    tickets = re.findall(r"#/j/(\S+)", printed)
    slots = ["judge/1", "clerk/1", "party/1", "party/2", "agent/1", "party/3"]
    server = await serve(data, config, port)
    url = f"ws://127.0.0.1:{port}/api/session"
    people = [Talker(slot, url, ticket) for slot, ticket in zip(slots, tickets, strict=True)]
    stop = asyncio.Event()
    try:
        for person in people:
            await person.client.__aenter__()
        await everybody_in(people)
        talking = [asyncio.create_task(person.talk(stop)) for person in people]
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.2, 0.7))
            server.send_signal(signal.SIGKILL)
            outcome.kills += 1
            outcome.in_flight += any(person.unanswered for person in people)
            await server.wait()
            server = await serve(data, config, port)
            restarted = time.monotonic()
            while not all(person.answered_at > restarted for person in people):
                for task in talking:
                    if task.done():
                        task.result()
                assert time.monotonic() - restarted < 4 * BACK_S, [p.slot for p in people if p.answered_at < restarted]
                await asyncio.sleep(0.01)
            outcome.back_s.append(max(person.answered_at for person in people) - restarted)
        stop.set()
        await asyncio.wait_for(asyncio.gather(*talking), 20)
    finally:
        for person in people:
            await person.client.aclose()
        if server.returncode is None:
            server.send_signal(signal.SIGTERM)
            await asyncio.wait_for(server.wait(), 20)
    account(outcome, data, people)
    return outcome


def account(outcome, data, people):
    """Read what is stored, with no server, and compare it with every receipt."""
    store, keystore = SqliteStore(data / "record"), CourtKeys.open(data, "court.localhost")
    vault = ContentVault(keystore.content)
    try:
        said, hashes = collections.Counter(), {}
        for head in store.streams():
            rows = list(store.read(head.stream_id))
            if decode(rows[0].leaf).facts[0] == "case":
                continue
            outcome.entries = len(rows)
            for row in rows:
                leaf = decode(row.leaf)
                hashes[row.seq] = leaf_hash(row.leaf)
                if leaf.type == "msg.text":
                    said[json.loads(vault.open(head.stream_id, row.seq, leaf.commit, row.box)[1])["text"]] += 1
    finally:
        keystore.close()
        store.close()
    for person in people:
        for seq, digest, words in person.receipts:
            outcome.receipts.append(words)
            if hashes.get(seq) != digest or said[words] == 0:
                outcome.lost.append(words)
    outcome.doubled = [words for words, count in said.items() if count > 1]
