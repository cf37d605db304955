"""The court's certificate in an export: it binds the key, and counts for whoever has it or its issuer's from elsewhere.

Certificates are made by `cryptography`, and read by it, by openssl and by WebCrypto.
"""

from __future__ import annotations

import base64
import datetime as dt
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from bag_from_format import HOST, Bag, good_bag, key, public, vkey
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from verifiers import Page, by_script, standalone

from recording.note import VerifierKey
from recording.signer.document import bind, self_signed
from recording.verifier import verify_bundle
from transcripts.timeline import blobs_of

COURT = vkey(HOST, public(key("court")))
KEYS = "data/record/keys/"
NOW = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)


class Issued(NamedTuple):
    pem: str
    private: Any

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.pem.encode())


def issued(name: str, by: Issued | None = None, *, ca: bool = False, private: Any = None, host: str = "") -> Issued:
    """A certificate for a name, by an issuer or by itself; `host` becomes its alternative name."""
    private = private or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=1))
        .not_valid_after(NOW + dt.timedelta(days=1))  # a record is read long after its certificate ended
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    signed = builder.sign(by.private if by else private, hashes.SHA256())
    return Issued(signed.public_bytes(Encoding.PEM).decode(), private)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Bag:
    return good_bag(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return standalone()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    it = Page()
    yield it
    it.close()


@pytest.fixture
def bag(whole: Bag, tmp_path: Path) -> Bag:
    shutil.copytree(whole.path, tmp_path / "bag")
    return Bag(tmp_path / "bag", whole.it)


def put(bag: Bag, of: Issued, *more: Issued, line: str = COURT + "\n") -> None:
    """The three files, as a court's signer makes them."""
    pem = of.pem + "".join(each.pem for each in more)
    bag.put(KEYS + "court.vkey", line)
    bag.put(KEYS + "court.pem", pem)
    bag.put(KEYS + "court-key.p7s", bind(line, pem, of.private))
    bag.lists()


def told(script: ModuleType, page: Page, bag: Bag, *given: Issued, court: str | None = None) -> set[tuple[Any, ...]]:
    """What all three say: (exit status, trusted, codes); one element if they agree."""
    pem = "".join(each.pem for each in given)
    file = bag.path.parent / "given.pem"
    file.write_text(pem)
    one = by_script(script, bag.path, court, ca=file if given else None)
    two = page.bag(bag.path, court, ca=pem)
    said = [
        (each["status"], each["trusted"], tuple(sorted({found["code"] for found in each["findings"]})))
        for each in (one, two)
    ]
    ours = verify_bundle(
        bag.path,
        court_key=VerifierKey.parse(court) if court else None,
        named_blobs=blobs_of,
        authorities=[each.certificate for each in given],
    )
    codes = tuple(sorted({each.code for each in ours.findings.items}))
    return {*said, (ours.exit_status, ours.trusted and not codes, codes)}


def test_a_certificate_inside_binds_the_key_and_proves_nothing_by_itself(script: ModuleType, page: Page, bag: Bag):
    private = ec.generate_private_key(ec.SECP256R1())
    put(bag, Issued(self_signed(HOST, private, NOW), private))
    assert told(script, page, bag) == {(0, False, ())}
    assert told(script, page, bag, court=COURT) == {(0, True, ())}
    for report in (by_script(script, bag.path, None), page.bag(bag.path, None)):
        said = "\n".join(report["checked"])
        assert f"the certificate in the export ({HOST}) binds this key" in said
        assert report["headline"].startswith("internally consistent only")


@pytest.mark.parametrize("kind", ["ec", "p384", "rsa"])
def test_the_courts_own_certificate_or_its_issuers_from_elsewhere_count(
    script: ModuleType, page: Page, bag: Bag, kind: str
):
    make = {
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "rsa": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    }[kind]
    root = issued("Root", ca=True, private=make())
    middle = issued("Middle", root, ca=True, private=make())
    court = issued("余姚市人民法院", middle, private=make(), host=HOST)
    put(bag, court, middle)
    for given in (root, middle, court):
        assert told(script, page, bag, given) == {(0, True, ())}, kind
    assert told(script, page, bag, issued("Root", ca=True)) == {(1, False, ("certificate_bad",))}


def test_a_certificate_of_another_host_under_the_same_issuer_does_not_make_it_the_courts(
    script: ModuleType, page: Page, bag: Bag
):
    root = issued("Root", ca=True)
    other = issued("somebody.example", root, host="somebody.example")
    put(bag, other)
    assert told(script, page, bag, root) == {(0, False, ())}
    assert told(script, page, bag, other) == {(0, True, ())}  # the reader holds this very certificate to be the court's


def test_who_may_not_issue_vouches_for_nobody(script: ModuleType, page: Page, bag: Bag):
    root = issued("Root", ca=True)
    person = issued("somebody.example", root)
    put(bag, issued(HOST, person, host=HOST), person)
    assert told(script, page, bag, root) == {(1, False, ("certificate_bad",))}


def test_a_certificate_whose_key_signed_another_key_or_nothing_is_altered(script: ModuleType, page: Page, bag: Bag):
    court = issued(HOST)
    put(bag, court, line=vkey(HOST, public(key("another court"))) + "\n")
    assert told(script, page, bag, court=COURT) == {(1, False, ("certificate_bad",))}
    put(bag, court)
    good = (bag.path / KEYS / "court-key.p7s").read_bytes()
    for at in (len(good) - 1, len(good) - 30, good.index(bytes.fromhex("2a864886f70d010904")) + 16):
        bag.put(KEYS + "court-key.p7s", good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        bag.lists()
        assert told(script, page, bag, court=COURT) == {(1, False, ("certificate_bad",))}, at
    bag.put(KEYS + "court-key.p7s", good)
    bag.put(KEYS + "court.pem", issued(HOST).pem)
    bag.lists()
    assert told(script, page, bag, court=COURT) == {(1, False, ("certificate_bad",))}


@pytest.mark.parametrize("tries", [4, pytest.param(100, marks=pytest.mark.torture)])
def test_whatever_these_files_hold_ends_in_a_verdict_and_not_in_an_error(
    script: ModuleType, page: Page, bag: Bag, tries: int
):
    root = issued("Root", ca=True)
    put(bag, issued(HOST, root, host=HOST), root)
    luck = random.Random(13)
    raw = x509.load_pem_x509_certificates((bag.path / KEYS / "court.pem").read_bytes())[0].public_bytes(Encoding.DER)
    spoilt: dict[str, bytes] = {
        KEYS + "court.pem": raw,
        KEYS + "court-key.p7s": (bag.path / KEYS / "court-key.p7s").read_bytes(),
        "data/register/token.tsr": (bag.path / "data/register/token.tsr").read_bytes(),
        "data/register/query.tsq": (bag.path / "data/register/query.tsq").read_bytes(),
    }
    for name, good in spoilt.items():
        kept = (bag.path / name).read_bytes()
        for number in range(tries):
            at = luck.randrange(len(good))
            bad = good[:at] + luck.randbytes(1) + good[at + (number % 5 != 0) :]
            bag.put(name, bad if name.endswith(("p7s", "tsr", "tsq")) else pem_of(bad))
            bag.lists()
            for given in ((), (root,)):
                for status, _, codes in told(script, page, bag, *given, court=COURT):
                    assert status in {0, 1}, (name, at, codes)
                    assert set(codes) <= {"certificate_bad", "timestamp_bad"}, (name, at, codes)
        bag.put(name, kept)


def pem_of(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"


def test_two_of_the_three_files_are_altered(script: ModuleType, page: Page, bag: Bag):
    put(bag, issued(HOST))
    for name in ("court.vkey", "court.pem", "court-key.p7s"):
        kept = (bag.path / KEYS / name).read_bytes()
        (bag.path / KEYS / name).unlink()
        bag.lists()
        assert told(script, page, bag, court=COURT) == {(1, False, ("missing_file",))}, name
        bag.put(KEYS + name, kept)


def test_what_is_no_certificate_cannot_be_checked(
    script: ModuleType, page: Page, whole: Bag, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    (tmp_path / "no.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n", encoding="utf-8")
    for option in ("--court-ca", "--tsa-ca"):
        for file in (tmp_path / "nowhere", tmp_path / "no.pem"):
            assert script.main([str(whole.path), option, str(file), "--lang", "en"]) == 2
            assert "[key_unreadable]" in capsys.readouterr().out
    for how in ({"ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, {"tsa": "not a certificate"}):
        report = page.bag(whole.path, None, **how)
        assert (report["status"], report["findings"][0]["code"]) == (2, "key_unreadable")


def test_openssl_alone_says_the_same(bag: Bag):
    root = issued("Root", ca=True)
    put(bag, issued(HOST, root), root)
    (bag.path.parent / "root.pem").write_text(root.pem)
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "court-key.p7s", "-content"]
    command += ["court.vkey", "-CAfile", str(bag.path.parent / "root.pem"), "-purpose", "any", "-no_check_time"]
    done = subprocess.run(command, cwd=bag.path / KEYS, capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout.decode()) == (0, COURT + "\n"), done.stderr
