"""The court's log key changes while people sit (FORMAT.md §4.3, §9.1): nobody is left with answers he cannot check."""

import asyncio
import itertools
import os

import aiohttp
import pytest
from courtroom import court_in, opens
from desk import Desk
from test_text_hearing import said

from hearing_server.rehearsal.device import Device, Disbelieved, Kept
from recording import note
from recording.policy import cosigner_name
from recording.rotation import COMPROMISED, SCHEDULED
from signaling.client import Lost
from signaling.frames import Receipt, Welcome
from transcripts.verification import verify_bundle

COURT = "court.localhost"


class Checking:
    """A phone that checks all it is told; what does not hold is kept, and so is each key it was told of."""

    def __init__(self):
        self.device = Device()
        self.kept = Kept(self.device)
        self.disbelieved = []
        self.keys = []
        self.lost = []

    async def enter(self, court, slot):
        self.client = await court.enter(slot, device=self.device, on_event=self.take)
        return self.client

    def take(self, event):
        if isinstance(event, Lost):
            self.lost.append(event)
            return
        if isinstance(event, Welcome):
            self.keys.append(event.vkey)
        try:
            cosign = self.kept.take(event)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
            self.disbelieved.append(error)
        else:
            if cosign is not None:
                self.client.session.cosign(cosign.size, cosign.time_s, cosign.signature)


async def in_session(court, *slots):
    """People who are admitted and in an open hearing; the judge first."""
    phones = [Checking() for _ in slots]
    judge = await phones[0].enter(court, slots[0])
    await judge.admitted()
    for phone, slot in zip(phones[1:], slots[1:], strict=True):
        client = await phone.enter(court, slot)
        await court.until_connected(phones.index(phone) + 1)
        if not slot.startswith("clerk"):
            assert isinstance(await judge.submit("act.admit", [slot]), Receipt)
        await client.admitted()
    await opens(judge)
    return phones


async def told_of_two_keys(phones):
    async with asyncio.timeout(10):
        while any(len(set(phone.keys)) < 2 for phone in phones):
            await asyncio.sleep(0.02)


async def test_a_key_that_changes_in_the_middle_of_a_hearing_leaves_no_answer_that_its_phone_cannot_check(court):
    phones = await in_session(court, "judge/1", "clerk/1", "party/1", "party/2")
    over = asyncio.Event()
    answers = []

    async def talk(phone):
        for number in itertools.count():
            answers.append(await said(phone.client, f"第{number}句。"))
            if over.is_set():
                return
            await asyncio.sleep(0.01)

    talking = [asyncio.create_task(talk(phone)) for phone in phones[:2]]  # the others are silent, and come back too
    await asyncio.sleep(0.2)
    before = len(answers)
    await court.node.keystore.signer.rotate(SCHEDULED)
    await told_of_two_keys(phones)
    await asyncio.sleep(1.2)  # a checkpoint under the new key has come to everybody
    over.set()
    await asyncio.gather(*talking)
    assert all(isinstance(answer, Receipt) for answer in answers)
    assert len(answers) > before + 2
    assert [phone.disbelieved for phone in phones] == [[], [], [], []]
    assert {phone.keys[-1] for phone in phones} == {str((await court.room()).writer.log.vkey)}
    assert all(loss.code == 4460 for phone in phones for loss in phone.lost)
    assert all(len(phone.lost) == 1 for phone in phones)
    record = await court.room()
    gone = [e.leaf.facts for e in await record.writer.read(0, record.writer.log.size) if e.leaf.type == "leave"]
    assert sorted(gone) == [(slot, "server") for slot in ("clerk/1", "judge/1", "party/1", "party/2")]


async def test_the_desk_opens_a_session_anew_and_is_told_the_new_key(court):
    desk = Desk()
    async with aiohttp.ClientSession(base_url=court.url) as http:
        ticket = await court.node.registry.desk_link()
        old = await desk.session(http, ticket)
        before = desk.vkey
        await court.node.keystore.signer.rotate(SCHEDULED)
        async with http.get("/api/cases", headers=old) as answer:
            assert answer.status == 401
        headers = await desk.session(http, ticket)
        assert desk.vkey != before
        case = await court.node.court.docket.case(court.case_stream)
        until = await court.node.registry.link_expires_ms(case.state)
        act = desk.act(court.case_stream, "link.issued", os.urandom(8), "party/2", until)
        place = f"/api/cases/{court.case_stream.hex()}/links"
        async with http.post(place, json={"act": act}, headers=headers) as answer:
            desk.checked((await answer.json())["receipt"], case.log.origin)


async def test_a_key_given_up_as_stolen_is_followed_by_nobody(court):
    (judge,) = await in_session(court, "judge/1")
    await court.node.keystore.signer.rotate(COMPROMISED)
    await told_of_two_keys([judge])
    (why,) = judge.disbelieved[:1]
    assert isinstance(why, Disbelieved)
    assert "nothing leads to" in str(why)


async def test_the_sealed_head_is_signed_again_and_keeps_its_witnesses_over_a_change_and_a_restart(tmp_path):
    async with court_in(tmp_path / "data") as court:
        phones = await in_session(court, "judge/1", "clerk/1")
        judge, clerk = (phone.client for phone in phones)
        for act in ("act.close", "act.propose_seal"):
            assert isinstance(await judge.submit(act), Receipt)
        async with asyncio.timeout(5):
            while not isinstance(await clerk.submit("act.seal"), Receipt):
                await asyncio.sleep(0.05)
            while len(phones[0].kept.signers) < 3:
                await asyncio.sleep(0.05)
        sitting, tickets, devices = await court.sitting, court.tickets, court.devices
        old = str(court.node.keystore.court_key())
        origin = (await court.room()).writer.log.origin
        await asyncio.sleep(1.2)  # kept durably
        await court.node.keystore.signer.rotate(SCHEDULED)
        await told_of_two_keys(phones)
        async with asyncio.timeout(10):
            while len(phones[0].kept.signers) < 3:
                await asyncio.sleep(0.05)
        assert [phone.disbelieved for phone in phones] == [[], []]
    async with court_in(tmp_path / "data") as court:
        court.tickets = tickets
        again = Checking()
        again.device = devices["judge/1"]
        client = await again.enter(court, "judge/1")
        await client.admitted()
        async with asyncio.timeout(10):
            while not again.kept.signers:
                await asyncio.sleep(0.05)
        assert again.disbelieved == []
        assert set(again.kept.signers) == {origin, *(cosigner_name(origin, slot) for slot in ("judge/1", "clerk/1"))}
        await court.node.exporter.export(sitting, tmp_path / "export", 0)
        first = note.parse((tmp_path / "export" / "data" / "record" / "checkpoint").read_text()).signatures[0]
        assert first.key_id == court.node.keystore.signer.key(origin).key_id
        new = str(court.node.keystore.court_key())
    for known, trusted in ((old, True), (new, True), (str(note.VerifierKey(COURT, bytes(range(32)))), False)):
        report = verify_bundle(tmp_path / "export", known)
        assert (report.outcome == 0) is trusted, [each.sentence for each in report.findings]


@pytest.mark.parametrize("running", [True, False])
async def test_the_register_holds_each_key_of_the_court_and_from_where_on_it_signs(tmp_path, running):
    async with court_in(tmp_path / "data") as court:
        old = court.node.keystore.signer.public_key
        register = court.node.court.register
        signed = lambda log: log.saved_checkpoint is not None and log.saved_checkpoint.size == log.size  # noqa: E731
        keys = lambda log: [(e.leaf.type, *e.leaf.facts) for e in log.read() if e.leaf.type == "reg.key"]  # noqa: E731
        assert keys(register.log) == [("reg.key", old, "add")]
        register.key_changed = register.key_changed if running else lambda: None  # as if no court ran
        await court.node.keystore.signer.rotate(COMPROMISED)
        new = court.node.keystore.signer.public_key
        wanted = [("reg.key", old, "add"), ("reg.key", old, "revoke"), ("reg.key", new, "add")]
        if running:
            async with asyncio.timeout(5):
                while keys(register.log) != wanted or not signed(register.log):
                    await asyncio.sleep(0.05)
    async with court_in(tmp_path / "data") as court:
        register = court.node.court.register
        async with asyncio.timeout(5):
            while keys(register.log) != wanted:
                await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)
        assert keys(register.log) == wanted  # each once, however often the court is started
