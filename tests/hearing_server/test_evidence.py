"""Who signs what on a live court: acts, enrolments, receipts, heads and their witnesses (FORMAT.md §1.1, §4)."""

import asyncio
import json
import os
from dataclasses import replace

import aiohttp
import pytest
from courtroom import opens
from desk import Desk
from test_text_hearing import entries_until, opened, said

from hearing_server.flows.decider import Command, Stamp
from hearing_server.rehearsal.device import Device, Kept
from recording import attest, note
from recording.csig import DeviceKey, key_id_of, message_of_leaf
from recording.errors import BadSignature
from recording.leaf import decode
from recording.policy import cosigner_name
from signaling.client import Ended
from signaling.frames import Delivered, Hidden, Receipt, Refused


def held(client, receipt):
    """Raises unless the court is bound by this receipt."""
    welcome = client.session.welcome
    statement = attest.receipt_statement(welcome.origin, receipt.seq, receipt.leaf_hash, receipt.ts_ms)
    given = receipt.attestation
    shared = attest.Attestation(given.place, given.size, given.path, given.signature)
    attest.check(statement, shared, note.VerifierKey.parse(welcome.vkey).public_key)
    return statement


async def leaves(court):
    room = await court.room()
    return [entry.leaf for entry in await room.writer.read(0, room.writer.log.size)]


async def cosigning(court, slot):
    """A phone that checks and witnesses whatever it is sent."""
    device = Device()
    kept = Kept(device)
    tasks = set()

    def take(event):
        cosign = kept.take(event) if hasattr(event, "__struct_fields__") else None
        if cosign is not None:
            task = asyncio.create_task(client.cosign(cosign.size, cosign.time_s, cosign.signature))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    client = await court.enter(slot, device=device, on_event=take)
    client.kept = kept
    return client


async def test_every_act_of_a_person_on_the_record_is_signed_by_the_key_enrolled_for_his_seat(court):
    _judge, plaintiff, _ = await opened(court)
    await said(plaintiff, "我方陈述。")
    keys, acts = {}, 0
    for leaf in await leaves(court):
        if leaf.type == "key.add":
            keys[leaf.facts[0]] = DeviceKey(leaf.facts[1])
        if leaf.actor == "court":
            assert (leaf.device_key_id, leaf.dseq, leaf.ts_client_ms, leaf.csig) == (None, None, None, None)
            continue
        acts += 1
        assert leaf.device_key_id == keys[leaf.actor].key_id
        assert keys[leaf.actor].signed(leaf.csig, message_of_leaf(leaf))
    assert acts == 4  # two admissions, the opening, the statement
    assert set(keys) == {"judge/1", "party/1", "party/2"}


@pytest.mark.parametrize("spoilt", ["zeros", "another device", "another act"])
async def test_HR17_an_act_that_its_device_did_not_sign_is_refused_and_never_an_entry(court, spoilt):
    _judge, plaintiff, _ = await opened(court)
    identity, device = plaintiff.session.identity, court.devices["party/1"]
    bad = {
        "zeros": lambda _act: bytes(64),
        "another device": Device().sign,
        "another act": lambda act: device.sign(act._replace(ts_client_ms=act.ts_client_ms + 1)),
    }[spoilt]
    plaintiff.session.identity = replace(identity, sign=bad)
    refused = await said(plaintiff, "伪造。")
    assert isinstance(refused, Refused)
    assert refused.code == "bad_signature"
    plaintiff.session.identity = identity
    good = await said(plaintiff, "真实。")
    assert isinstance(good, Receipt)
    assert [leaf.seq for leaf in await leaves(court) if leaf.type == "msg.text"] == [good.seq]


async def test_HR17_another_device_comes_in_by_the_clerks_word_alone_and_the_record_says_so(court):
    _judge, plaintiff, _ = await opened(court)
    await said(plaintiff, "第一部手机。")
    case = await court.node.court.docket.case(court.case_stream)
    (link_id,) = [link.link_id for link in case.state.links.values() if link.slot == "party/1"]
    lost, found = court.devices["party/1"], Device()
    with pytest.raises(Ended):
        async with asyncio.timeout(5):
            await (await court.enter("party/1", device=found)).admitted()
    await court.node.registry.release_link(court.case_stream, link_id)
    returned = await court.enter("party/1", device=found)
    async with asyncio.timeout(5):
        await returned.admitted()
    assert isinstance(await said(returned, "第二部手机。"), Receipt)
    record = await leaves(court)
    (revoked,) = [leaf for leaf in record if leaf.type == "key.revoke"]
    assert tuple(revoked.facts) == ("party/1", key_id_of(lost.public_key), "replaced")
    added = record[revoked.seq + 1]
    assert (added.type, tuple(added.facts)) == ("key.add", ("party/1", found.public_key, "clerk"))
    ((stream, seq, leaf_hash),) = added.refs
    allowed = (await case.read(seq, seq + 1))[0]
    assert (stream, leaf_hash, allowed.leaf.type) == (court.case_stream, allowed.leaf_hash, "link.released")


async def test_a_receipt_binds_the_court_and_a_resend_gets_the_same_statement(court):
    _judge, plaintiff, _ = await opened(court)
    first = await said(plaintiff, "同一句。")
    statement = held(plaintiff, first)
    with pytest.raises(BadSignature):
        attest.check(
            statement + b"\0",
            attest.Attestation(*[getattr(first.attestation, name) for name in ("place", "size", "path", "signature")]),
            note.VerifierKey.parse(plaintiff.session.welcome.vkey).public_key,
        )
    room = await court.room()
    sent_again = (await room.writer.read(first.seq, first.seq + 1))[0]
    leaf = sent_again.leaf
    command = Command(leaf.type, (), (), {"text": "同一句。"}, sent_again.salt, sent_again.content)
    stamp = Stamp(leaf.ts_ms, leaf.actor, leaf.device_key_id, leaf.dseq, leaf.ts_client_ms, leaf.csig)
    again = await room.writer.submit(command, stamp)
    assert attest.receipt_statement(room.writer.log.origin, *again[:3]) == statement
    attest.check(statement, again.attestation, court.node.keystore.signer.public_key)


async def test_a_refusal_binds_the_court_too(court):
    _judge, plaintiff, _ = await opened(court)
    refused = await plaintiff.submit("act.open")
    assert refused.code == "not_permitted"
    device = court.devices["party/1"]
    origin = plaintiff.session.welcome.origin
    statement = attest.refusal_statement(
        origin, key_id_of(device.public_key), refused.dseq, refused.code, refused.ts_ms
    )
    given = refused.attestation
    shared = attest.Attestation(given.place, given.size, given.path, given.signature)
    attest.check(statement, shared, court.node.keystore.signer.public_key)


async def test_many_answers_of_one_moment_share_a_signature_and_each_holds(court):
    _judge, plaintiff, _ = await opened(court)
    receipts = await asyncio.gather(*(said(plaintiff, f"第{n}句。") for n in range(40)))
    for receipt in receipts:
        held(plaintiff, receipt)
    assert len({receipt.attestation.signature for receipt in receipts}) < len(receipts)


async def test_HR18_four_eyes_seal_and_everybody_cosigns_the_last_head(court):
    judge, clerk, plaintiff = [await cosigning(court, slot) for slot in ("judge/1", "clerk/1", "party/1")]
    await asyncio.gather(judge.admitted(), clerk.admitted())
    await court.until_connected(3)
    assert isinstance(await judge.submit("act.admit", ["party/1"]), Receipt)
    await plaintiff.admitted()
    await opens(judge)
    await judge.submit("act.close")
    assert (await judge.submit("act.seal")).code == "needs_second"
    assert isinstance(await judge.submit("act.propose_seal"), Receipt)
    assert (await judge.submit("act.seal")).code == "needs_second"
    async with asyncio.timeout(10):
        while (answer := await clerk.submit("act.seal")).__class__ is Refused:
            assert answer.code == "recording_unsettled"
            await asyncio.sleep(0.05)
    room = await court.room()
    origin, size = room.writer.log.origin, room.writer.log.size
    slots = ("judge/1", "clerk/1", "party/1")
    enrolled = [leaf.facts[0] for leaf in await leaves(court) if leaf.type == "key.add"]  # whoever came first
    assert sorted(enrolled) == sorted(slots)
    names = [origin, *(cosigner_name(origin, slot) for slot in enrolled)]
    async with asyncio.timeout(10):
        while len(judge.kept.signers) < 4:
            await asyncio.sleep(0.05)
    assert list(judge.kept.signers) == names
    assert {leaf.type for leaf in (await leaves(court))[-2:]} == {"act.seal", "seal"}
    async with asyncio.timeout(5):
        while dict(court.node.court.docket.cosigned(await court.sitting)).get(size, "").count("—") < 4:
            await asyncio.sleep(0.05)
    kept = dict(court.node.court.docket.cosigned(await court.sitting))[size]
    known = [room.writer.log.vkey]
    known += [
        note.VerifierKey(cosigner_name(origin, slot), court.devices[slot].public_key, note.COSIGNATURE)
        for slot in slots
    ]
    assert len(note.verify(kept, known)[1]) == 4


async def test_a_cosignature_that_does_not_hold_is_not_kept(court):
    judge = await court.enter("judge/1")
    await judge.admitted()
    room = await court.room()
    async with asyncio.timeout(5):
        while room.has_news:
            await asyncio.sleep(0.05)
    size = room.writer.log.saved_checkpoint.size
    await judge.cosign(size, 1, bytes(64))
    await judge.cosign(size + 5, 1, os.urandom(64))
    await said(judge, "继续。")
    await asyncio.sleep(1.2)
    assert court.node.court.docket.cosigned(await court.sitting) == []


async def test_AU7_a_message_in_a_restricted_span_reaches_those_inside_and_its_place_the_others(court):
    judge, plaintiff, defendant = await opened(court)
    assert isinstance(await judge.submit("act.restrict", [["party/1"]]), Receipt)
    secret = await said(plaintiff, "涉及隐私。")
    outside = await said(defendant, "我也说。")
    assert outside.code == "not_permitted"
    assert isinstance(await judge.submit("act.unrestrict"), Receipt)
    last = await said(plaintiff, "公开。")
    inside = await entries_until(judge, lambda entry: entry.seq == last.seq)
    (heard,) = [entry for entry in inside if entry.seq == secret.seq]
    assert json.loads(heard.content) == {"text": "涉及隐私。"}
    seen = {}
    async with asyncio.timeout(5):
        async for event in defendant.events():
            if isinstance(event, Delivered | Hidden):
                seen[event.seq] = event
                if event.seq == last.seq:
                    break
    assert seen[secret.seq] == Hidden(secret.seq, secret.leaf_hash)
    assert decode(seen[last.seq].leaf).type == "msg.text"
    assert sorted(seen) == list(range(min(seen), last.seq + 1))
    page = await defendant.history(0, last.seq + 1)
    assert [hidden.seq for hidden in page.withheld] == [secret.seq]
    # a phone that comes back to its tail is not told afterwards either
    again = await court.enter("party/2", device=court.devices["party/2"])
    await again.admitted()
    tail = {}
    async with asyncio.timeout(5):
        async for event in again.events():
            if isinstance(event, Delivered | Hidden):
                tail[event.seq] = event
                if event.seq == last.seq:
                    break
    assert isinstance(tail[secret.seq], Hidden)


async def test_CA7_the_desk_signs_its_acts_and_another_desk_ends_its_key(court):
    registry = court.node.registry
    first, second = Desk(), Desk()
    async with aiohttp.ClientSession(base_url=court.url) as http:
        headers = await first.session(http, await registry.desk_link())
        async with http.get(f"/api/cases/{court.case_stream.hex()}", headers=headers) as answer:
            case = await answer.json()
        issue = first.act(court.case_stream, "link.issued", os.urandom(8), "party/2", case["link_expires_ms"])
        place = f"/api/cases/{court.case_stream.hex()}"
        async with http.post(f"{place}/links", json={"act": issue}, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
            told = await answer.json()
        first.checked(told["receipt"], case["origin"])
        client = await court.enter("party/2", ticket=told["url"].rpartition("/")[2])
        await court.until_connected(1)
        assert not client.session.attached
        forged = second.act(court.case_stream, "link.revoked", bytes.fromhex(told["link_id"]))
        async with http.post(f"{place}/acts", json={"act": forged}, headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (403, "bad_signature")
        others = await second.session(http, await registry.desk_link())
        async with http.post(f"{place}/acts", json={"act": forged}, headers=others) as answer:
            assert answer.status == 200
    writer = await court.node.court.docket.case(court.case_stream)
    record = [entry.leaf for entry in await writer.read(0, writer.log.size)]
    kinds = [(leaf.type, leaf.actor) for leaf in record[-5:]]
    assert kinds == [
        ("key.add", "court"),
        ("link.issued", "registry"),
        ("key.revoke", "court"),
        ("key.add", "court"),
        ("link.revoked", "registry"),
    ]
    assert DeviceKey(second.device.public_key).signed(record[-1].csig, message_of_leaf(record[-1]))


async def test_CA9_a_supplement_is_ordered_written_and_sealed_by_itself(court):
    judge, _, _ = await opened(court)
    await court.close_and_seal(judge)
    case = await court.node.court.docket.case(court.case_stream)
    sitting = await court.sitting
    async with asyncio.timeout(5):
        while not case.state.sittings[sitting].sealed:
            await asyncio.sleep(0.02)
    desk, stream = Desk(), os.urandom(16)
    async with aiohttp.ClientSession(base_url=court.url) as http:
        headers = await desk.session(http, await court.node.registry.desk_link())
        words = {"order": "(2026)1-1", "text": "更正。"}
        act = desk.act(court.case_stream, "supplement.ordered", sitting, stream, content=words)
        async with http.post(f"/api/cases/{court.case_stream.hex()}/acts", json={"act": act}, headers=headers) as told:
            assert told.status == 200, await told.text()
    async with asyncio.timeout(5):
        while court.node.court.docket.place(stream) is None:
            await asyncio.sleep(0.02)
        writer = await court.node.court.docket.supplement(stream)
        while writer.log.size < 3:
            await asyncio.sleep(0.02)
    entries = await writer.read(0, 3)
    assert [entry.leaf.type for entry in entries] == ["open", "supplement", "seal"]
    sealed = (await court.room()).writer.log
    facts = ("supplement", court.case_stream, sitting, sealed.size, sealed.root())
    assert tuple(entries[0].leaf.facts) == facts
    assert json.loads(entries[1].content) == words
