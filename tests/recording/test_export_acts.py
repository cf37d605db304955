"""Who acted, who cosigned: what the court itself could write and sign, against the people whose keys it enrolled."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.insert(0, str(Path(__file__).parent))
from conftest import COURT
from test_export import Device

from recording import export
from recording import note as notes
from recording.log import Draft
from recording.policy import Policy, cosigner_name, policy_of, policy_text
from recording.record import Record
from recording.verifier import RecordReport, verify_record

Acts = Callable[[Device, Device], list[Draft]]
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)


async def verified(
    tmp_path: Path,
    acts: Acts,
    change: Callable[[str, Device], str] = lambda note, _: note,
    *,
    policy: str | None = None,
) -> RecordReport:
    """What a verifier says of a record with these entries, signed by the court as it stands."""
    record = Record.open(tmp_path / "data", COURT)
    log = await record.create()
    one, two = Device(log.stream_id, "party/1"), Device(log.stream_id, "judge/1")
    await log.append([Draft("open", "court", 1_000, ["hearing"]), *acts(one, two)])
    note = change(await log.checkpoint(), one)
    export.write_record(tmp_path / "bundle", log.read(), note, log.vkey)
    if policy is not None:
        path = tmp_path / "bundle/data/record/policy.txt"
        path.write_text(path.read_text("utf-8").replace(*policy.split("|")), encoding="utf-8")
    report = verify_record(tmp_path / "bundle", court_key=record.court_key())
    record.close()
    return report


def good(one: Device, two: Device) -> list[Draft]:
    return [one.enrolled(), two.enrolled(), one.act("hand", 1_001, [True]), two.act("act.open", 1_002, [])]


def unsigned(one: Device, two: Device) -> list[Draft]:
    return [*good(one, two), Draft("hand", "party/1", 1_003, [False])]


def without_one_field(one: Device, two: Device) -> list[Draft]:
    return [*good(one, two), one.act("hand", 1_003, [False])._replace(ts_client_ms=None)]


def by_another_key(one: Device, two: Device) -> list[Draft]:
    return [*good(one, two), one.act("hand", 1_003, [False], private=OTHER)]


def other_words(one: Device, two: Device) -> list[Draft]:
    return [*good(one, two), one.act("hand", 1_003, [False])._replace(facts=[True])]


def other_content(one: Device, two: Device) -> list[Draft]:
    return [*good(one, two), one.act("msg.text", 1_003, [], b"{}")._replace(content=b"[]")]


def by_another_seat(one: Device, two: Device) -> list[Draft]:
    return [*good(one, two), two.act("hand", 1_003, [False])._replace(actor="party/1")]


def before_its_key(one: Device, _: Device) -> list[Draft]:
    return [one.act("hand", 1_001, [True]), one.enrolled(1_002)]


def after_its_end(one: Device, two: Device) -> list[Draft]:
    entries = good(one, two)
    draft = one.act("hand", 1_003, [False])
    return [*entries, Draft("key.revoke", "court", 1_003, ["party/1", draft.device_key_id, "replaced"]), draft]


def the_court_claims_a_device(one: Device, two: Device) -> list[Draft]:
    return [*good(one, two), one.act("join", 1_003, [])._replace(actor="court")]


def enrols_itself(one: Device, two: Device) -> list[Draft]:
    return [*good(one, two), one.act("key.add", 1_003, ["judge/1", one.public, "first"])]


def a_key_anybody_signs_for(one: Device, two: Device) -> list[Draft]:
    return [*good(one, two), Draft("key.add", "court", 1_003, ["party/2", bytes(32), "first"])]


def no_leave(one: Device, two: Device) -> list[Draft]:
    return [
        *good(one, two),
        Draft("key.add", "court", 1_003, ["party/2", OTHER.public_key().public_bytes_raw(), "clerk"]),
    ]


def as_if_it_were_a_desk(one: Device, two: Device) -> list[Draft]:
    key = OTHER.public_key().public_bytes_raw()
    return [*good(one, two), Draft("key.add", "court", 1_003, ["party/2", key, "operator"])]


def a_desk_of_its_own_accord(one: Device, two: Device) -> list[Draft]:
    key = OTHER.public_key().public_bytes_raw()
    return [*good(one, two), Draft("key.add", "court", 1_003, ["registry", key, "first"])]


def again(one: Device, two: Device) -> list[Draft]:
    entries = good(one, two)
    draft = one.act("hand", 1_003, [False])
    return [*entries, draft, draft]


@pytest.mark.parametrize(
    ("acts", "code", "seq"),
    [
        (unsigned, "act_unsigned", 5),
        (without_one_field, "act_unsigned", 5),
        (by_another_key, "act_signature_bad", 5),
        (other_words, "act_signature_bad", 5),
        (other_content, "act_signature_bad", 5),
        (by_another_seat, "key_unknown", 5),
        (before_its_key, "key_unknown", 1),
        (after_its_end, "key_unknown", 6),
        (the_court_claims_a_device, "act_signature_bad", 5),
        (enrols_itself, "key_unknown", 5),
        (a_key_anybody_signs_for, "key_unknown", 5),
        (no_leave, "key_unknown", 5),
        (as_if_it_were_a_desk, "key_unknown", 5),
        (a_desk_of_its_own_accord, "key_unknown", 5),
        (again, "out_of_order", 6),
    ],
)
async def test_an_act_that_no_device_of_the_seat_signed_is_found_although_the_court_signed_the_record(
    tmp_path: Path, acts: Acts, code: str, seq: int
) -> None:
    report = await verified(tmp_path, acts)
    assert report.exit_status == 1
    assert (report.findings.items[0].code, report.findings.items[0].seq) == (code, seq)


async def test_good_acts_and_cosignatures_hold_and_the_quorum_is_told(tmp_path: Path) -> None:
    report = await verified(tmp_path, good, lambda note, one: one.cosigned(note))
    assert (report.exit_status, report.acts, report.signatures_checked) == (0, 2, 2)
    assert (report.quorum, report.cosigners) == (False, {"party/1": 1_500_000_000})


def bent(note: str, one: Device) -> str:
    parsed = notes.parse(one.cosigned(note))
    line = parsed.signatures[1]
    bad = line.signature[:20] + bytes([line.signature[20] ^ 1]) + line.signature[21:]
    return notes.Note(parsed.text, (parsed.signatures[0], notes.NoteSignature(line.name, line.key_id, bad))).render()


def strangers(note: str, _: Device) -> str:
    parsed = notes.parse(note)
    name = cosigner_name(parsed.text.split("\n")[0], "party/1")
    return notes.Note(parsed.text, (*parsed.signatures, notes.Signer(name, OTHER).cosign(parsed.text, 1))).render()


def twice(note: str, one: Device) -> str:
    return one.cosigned(one.cosigned(note))


@pytest.mark.parametrize("change", [bent, strangers, twice])
async def test_a_cosignature_that_is_none_or_of_nobody_here_is_an_alteration(
    tmp_path: Path, change: Callable[[str, Device], str]
) -> None:
    report = await verified(tmp_path, good, change)
    assert [each.code for each in report.findings.items] == ["cosignature_bad"]


@pytest.mark.parametrize("edit", ["group bench all|group bench any", "quorum everybody|quorum none"])
async def test_another_policy_than_the_record_gives_is_an_alteration(tmp_path: Path, edit: str) -> None:
    report = await verified(tmp_path, good, policy=edit)
    assert [each.code for each in report.findings.items] == ["policy_differs"]


def test_a_policy_reads_as_it_was_written() -> None:
    log = notes.VerifierKey(f"{COURT}/{'0' * 32}", bytes(range(32)))
    keys = {"party/1": b"a" * 32, "judge/1": b"b" * 32, "clerk/1": b"c" * 32, "party/2": b"d" * 32}
    policy = policy_of(log, keys)
    assert Policy.parse(policy_text(policy)) == policy
    assert policy.met([b"b" * 32, b"c" * 32, b"d" * 32])
    assert not policy.met([b"b" * 32, b"a" * 32])
    assert not policy.met([b"b" * 32, b"c" * 32])
    assert Policy.parse(policy_text(policy_of(log, {}))).met([])


@pytest.mark.parametrize(
    "text", ["", "log x\n", "quorum none\n", "log {log}\nquorum a\n", "log {log}\ngroup a all b\nquorum a\n"]
)
def test_a_policy_that_is_none_is_refused(text: str) -> None:
    log = notes.VerifierKey(f"{COURT}/{'0' * 32}", bytes(range(32)))
    with pytest.raises(notes.MalformedNote):
        Policy.parse(text.format(log=log))
