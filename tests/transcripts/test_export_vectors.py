"""The vectors of what an export holds come out as they were frozen, and the readers agree with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bag_from_format import HOST, REGISTER, STREAM, Bag, Stream, key, public, sitting, vkey
from cryptography import x509
from make_export_vectors import HERE, every, rendered
from verifiers import Page, by_script, standalone

from recording import timestamp
from recording.csig import DeviceKey, message_of_leaf
from recording.findings import CODES
from recording.leaf import decode
from recording.note import VerifierKey, verify
from recording.policy import policy_of, policy_text
from recording.verifier import verify_bundle
from transcripts.timeline import blobs_of


def load(name: str) -> Any:
    return json.loads((HERE / name).read_text("utf-8"))


def test_they_come_out_the_same_as_when_they_were_frozen():
    for name, value in every().items():
        assert rendered(value) == (HERE / name).read_text("utf-8"), name


def test_every_reason_code_stands_in_the_format():
    text = (Path(__file__).parents[2] / "recording/FORMAT.md").read_text("utf-8")
    assert [code for code in {**CODES, **standalone().CODES} if f"`{code}`" not in text] == []


def test_every_act_is_signed_by_the_key_that_was_enrolled():
    keys: dict[str, DeviceKey] = {}
    signed = 0
    for each in load("acts.json")["leaves"]:
        leaf = decode(bytes.fromhex(each))
        if leaf.type == "key.add":
            keys[leaf.facts[0]] = DeviceKey(leaf.facts[1])
        if leaf.actor != "court":
            assert keys[leaf.actor].key_id == leaf.device_key_id
            assert keys[leaf.actor].signed(leaf.csig, message_of_leaf(leaf))
            signed += 1
    assert signed > 10


def test_the_policy_follows_from_log_key_and_enrolments():
    vector = load("policies.json")
    log = VerifierKey.parse(vector["log"])
    keys = {slot: bytes.fromhex(raw) for slot, raw in vector["keys"]}
    assert policy_text(policy_of(log, keys)) == vector["policy"]
    assert policy_text(policy_of(log, {})) == vector["without_anybody"]


def test_the_notes_of_rotation_and_of_absence_are_signed():
    for each in load("rotations.json")["notes"]:
        signers = [each["old"], each["new"]] if each["reason"] == "scheduled" else [each["new"]]
        assert len(verify(each["note"], [VerifierKey.parse(key) for key in signers])[1]) == len(signers)
    vector = load("redactions.json")
    verify(vector["note"], [VerifierKey.parse(vector["vkey"])])


def test_the_register_of_the_vectors_holds_for_all_three_and_no_part_of_it_may_differ(tmp_path: Path):
    vector = load("register.json")
    bag = Bag(tmp_path / "bag", Stream(STREAM, leaves=[bytes.fromhex(each) for each in vector["leaves"]]))
    made = sitting(anchors=[(REGISTER, size, bytes(32), None) for size in (2, 3)])
    bag.it.contents, bag.it.keys = made.contents, made.keys
    bag.record(cosigners=(), witnessed=False)
    for name, data in vector["files"].items():
        bag.put(f"data/register/{name}", bytes.fromhex(data))
    bag.views()
    bag.lists()
    court, page = vkey(HOST, public(key("court"))), Page()

    def statuses() -> set[int]:
        ours = verify_bundle(bag.path, court_key=VerifierKey.parse(court), named_blobs=blobs_of)
        return {
            ours.exit_status,
            by_script(standalone(), bag.path, court)["status"],
            page.bag(bag.path, court)["status"],
        }

    ours = verify_bundle(bag.path, court_key=VerifierKey.parse(court), named_blobs=blobs_of)
    assert ours.register is not None
    assert (ours.register.opening, ours.register.head_size) == (True, len(vector["leaves"]))
    assert (ours.register.anchors, ours.register.not_checked) == (2, ["time-stamp"])
    assert statuses() == {0}
    for name, data in vector["files"].items():
        raw = bytes.fromhex(data)
        bag.put(f"data/register/{name}", raw[:-2] + bytes([raw[-2] ^ 1]) + raw[-1:])
        bag.lists()
        assert statuses() == {1}, name
        bag.put(f"data/register/{name}", raw)
    page.close()


def test_certificates_bind_and_vouch_as_the_vectors_say(tmp_path: Path):
    vector, page, it = load("certificates.json"), Page(), sitting(3)
    for number, row in enumerate(vector["rows"]):
        bag = Bag(tmp_path / f"bag-{number}", it)
        bag.record(witnessed=False)
        for name in ("court.vkey", "court.pem"):
            bag.put(f"data/record/keys/{name}", row[name])
        bag.put("data/record/keys/court-key.p7s", bytes.fromhex(row["court-key.p7s"]))
        bag.views()
        bag.lists()
        given = tmp_path / f"given-{number}.pem"
        given.write_text(row["given"])
        issuers = x509.load_pem_x509_certificates(row["given"].encode()) if row["given"] else ()
        ours = verify_bundle(bag.path, named_blobs=blobs_of, authorities=issuers)
        told = [
            (ours.exit_status == 0, ours.trusted and ours.exit_status == 0),
            *(
                (report["status"] == 0, report["trusted"])
                for report in (
                    by_script(standalone(), bag.path, None, ca=given if row["given"] else None),
                    page.bag(bag.path, None, ca=row["given"]),
                )
            ),
        ]
        assert told == [(row["good"], row["vouched"])] * 3, row["name"]
    page.close()


def test_time_stamps_hold_as_the_vectors_say():
    vector, page = load("timestamps.json"), Page()
    for row in vector["rows"]:
        file, query, token = (bytes.fromhex(row[name]) for name in ("checkpoint", "query.tsq", "token.tsr"))
        given = timestamp.load_certificates(row["given"].encode()) if row["given"] else []
        try:
            found = timestamp.verify(token, file, given) if given else timestamp.read(token, file)
            good = timestamp.answers(query, token) and timestamp.made_by_its_own(token)
        except timestamp.BadTimestamp:
            good = False
        else:
            assert found == vector["gen_time_ms"]
        assert good is row["good"], row["name"]
        fields = {name: row[name] for name in ("checkpoint", "query.tsq", "token.tsr")}
        told = page.ask("stamp", files=fields, tsa=row["given"])
        assert told["codes"] == ([] if row["good"] else ["timestamp_bad"]), row["name"]
        assert not row["good"] or told["ms"] == vector["gen_time_ms"]
    page.close()


@pytest.mark.parametrize("pure", [False, True])
def test_signatures_are_judged_as_the_vectors_say(pure: bool):
    asked = load("ed25519.json")["signatures"]
    told = [each["good"] for each in asked]
    keys = standalone().Keys(pure)
    fields = ("public_key", "signature", "message")
    assert [keys.holds(*(bytes.fromhex(each[name]) for name in fields)) for each in asked] == told
    page = Page()
    assert page.ask("signatures", of=asked, pure=pure) == told
    page.close()
