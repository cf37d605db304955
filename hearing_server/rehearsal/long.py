"""`rehearse long`: the record and the media of a hearing of hours, made faster than real time.

The court's clock is moved, everything else is real: the rules decide each act, entries are durable in batches, each
recorded segment is stored, encrypted and put on the record as a live one is.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from hearing_server.app import Node, running
from hearing_server.config import Config
from hearing_server.flows.decider import COURT, Command, Stamp
from hearing_server.flows.hearing import Sitting
from hearing_server.rehearsal.device import Device
from hearing_server.rehearsal.hearing import SEATS
from hearing_server.rehearsal.people import RULING, RehearsalFailed
from hearing_server.rehearsal.props import clip_of_picture, clip_of_sound
from hearing_server.runtime.writer import Writer
from recording.content import commitment
from recording.csig import key_id_of
from signaling.client import Act
from transcripts.verification import verify_bundle

SEGMENT_S: Final = 10
SAY_EVERY_S: Final = 15
"""A brisk hearing on record: 177 courts' transcripts of an hour hold some 200 utterances."""
PEOPLE: Final = ("judge/1", "clerk/1", "party/1", "party/2")
PROGRESS_S: Final = 600


async def rehearse_long(config: Config, out: Path, hours: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Returns bundle, entries, participants, resumes (0: nobody drops), verified, hours, segments."""
    quiet = msgspec.structs.replace(config, media=msgspec.structs.replace(config.media, enabled=False))
    async with running(quiet, serve=False) as node:
        start_ms = node.court.clock.now_ms()
        case = await node.registry.new_case(
            None, "(2018)浙0281民初1234号", "保险人代位求偿权纠纷", "zh", SEATS, kind="hearing", at_ms=start_ms
        )
        stream = next(iter((await node.court.docket.case(case)).state.sittings))
        writer = await node.court.docket.sitting(stream)
        played = _Played(node, writer, start_ms)
        segments = await played.play(hours, say)
        made = await node.exporter.export(stream, out, played.now_ms)
        say("exported; verifying")
        report = await asyncio.to_thread(verify_bundle, made.path, str(node.keystore.court_key()))
        say(report.first_line("en"))
        if report.outcome != 0:
            raise RehearsalFailed(f"the export does not verify: {report.first_line('en')}")
        return {
            "bundle": str(made.path),
            "entries": made.entries,
            "participants": len(PEOPLE),
            "resumes": 0,
            "verified": True,
            "hours": hours,
            "segments": segments,
        }


class _Played:
    """One long sitting in the making."""

    def __init__(self, node: Node, writer: Writer[Sitting], start_ms: int) -> None:
        self._node = node
        self._writer = writer
        self._start_ms = self.now_ms = start_ms
        self._devices = {slot: Device() for slot in PEOPLE}
        self._dseqs = dict.fromkeys(PEOPLE, 0)

    async def ask(self, actor: str, name: str, *args: Any, content: dict[str, Any] | None = None) -> None:
        """One act at the moved clock."""
        encoded = msgspec.json.encode(content) if content is not None else None
        command = Command(name, args, (), content, os.urandom(32) if encoded else None, encoded)
        if actor == COURT:
            await self._writer.submit(command, Stamp(self.now_ms, COURT))
            return
        device = self._devices[actor]
        dseq = self._dseqs[actor] = self._dseqs[actor] + 1
        act = Act(self._writer.stream_id, dseq, name, args, (), command.salt, encoded, self.now_ms)
        key_id = key_id_of(device.public_key)
        await self._writer.submit(command, Stamp(self.now_ms, actor, key_id, dseq, self.now_ms, device.sign(act)))

    async def play(self, hours: float, say: Callable[[str], None]) -> int:
        """From checking in to the seal; returns the number of segments."""
        await self.ask(COURT, "act.check_in")
        for slot in PEOPLE:
            await self.ask(COURT, "key.add", slot, self._devices[slot].public_key, "first")
            await self.ask(COURT, "join", slot)
        for slot in PEOPLE[2:]:
            await self.ask("clerk/1", "act.admit", slot)
        await self.ask("judge/1", "act.open", content=RULING)
        segments = 0
        for second in range(SEGMENT_S, int(hours * 3600) + 1, SEGMENT_S):
            self.now_ms = self._start_ms + second * 1000
            segments += await self._record(second // SEGMENT_S - 1)
            if second % SAY_EVERY_S < SEGMENT_S:
                speaker = PEOPLE[second // SAY_EVERY_S % len(PEOPLE)]
                await self.ask(speaker, "msg.text", content={"text": f"第{second // SAY_EVERY_S}次发言。"})
            if second % PROGRESS_S == 0:
                say(f"{second // 60} of {int(hours * 60)} minutes, {self._writer.state.size} entries")
        await self.ask("judge/1", "act.close")
        await self.ask(COURT, "rec.stop")
        await self.ask("clerk/1", "act.propose_seal")
        await self.ask("judge/1", "act.seal")
        return segments

    async def _record(self, number: int) -> int:
        """The last ten seconds of everybody's sound and picture."""
        tracks = [(slot, track) for slot in PEOPLE for track in ("audio", "video")]
        await asyncio.gather(*(self._segment(slot, track, number) for slot, track in tracks))
        return len(tracks)

    async def _segment(self, slot: str, track: str, number: int) -> None:
        data = clip_of_sound(SEGMENT_S) if track == "audio" else clip_of_picture(SEGMENT_S)
        codec, mime = ("opus", "audio/webm") if track == "audio" else ("vp8", "video/webm")
        salt = os.urandom(32)
        commit = commitment(salt, data)
        await asyncio.to_thread(self._keep, commit, salt, data)
        facts = (slot, track, codec, number, self.now_ms - SEGMENT_S * 1000, self.now_ms, commit)
        await self.ask(COURT, "rec.segment", *facts, content={"mime": mime, "size": len(data), "codec": codec})

    def _keep(self, commit: bytes, salt: bytes, data: bytes) -> None:
        import io

        self._node.court.blobs.keep(self._writer.stream_id, commit, salt, io.BytesIO(data))
