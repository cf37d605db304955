"""Who signed which head of a record: the court, over whatever keys it has had, and the devices that cosigned.

*Law*: a key found inside an export proves nothing about who signed. A key that came by another way counts, and so does
one that it leads to over an unbroken chain of scheduled rotations; a compromised or lost key leads nowhere. A
cosignature is a seat's, by the key that the record enrolled for it; one that is not is an alteration, for a verifier
that passes over what it does not know lets anybody write there. FORMAT.md §4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from recording import checkpoint as checkpoints
from recording import note as notes
from recording import rotation
from recording.checkpoint import Checkpoint
from recording.errors import BadSignature, MalformedNote
from recording.findings import Findings
from recording.note import COSIGNATURE, ED25519, Note, VerifierKey
from recording.policy import Policy, cosigner_name, policy_of, policy_text
from recording.verifier import binding
from recording.verifier.binding import CertificateReport, read_binding
from recording.verifier.files import read_file

__all__ = ["CHECKPOINT", "Heads"]

RECORD = "data/record"
CHECKPOINT = f"{RECORD}/checkpoint"
LOG_KEY = f"{RECORD}/keys/log.vkey"
POLICY = f"{RECORD}/policy.txt"
WITNESSED = f"{RECORD}/witnessed"
_NOTE_MAX = 1 << 16
_POLICY_MAX = 1 << 20
_ROTATION = re.compile(r"rotation-([1-9][0-9]{0,5})\.note", re.ASCII)
_SIZE = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)


class Heads:
    """The signed heads of one export: `open`, then `at` at each size that was witnessed, then `close`."""

    def __init__(self, bundle: Path, findings: Findings, authorities: Sequence[x509.Certificate] = ()) -> None:
        self._bundle = bundle
        self._findings = findings
        self._authorities = authorities
        self._note: Note | None = None
        self.signed: Checkpoint | None = None
        self.key: VerifierKey | None = None
        """The log's key that signed, under the origin; None where there is none to check by."""
        self.former: list[VerifierKey] = []
        """The court's keys before it, under the origin."""
        self.signature = False
        """The log's line holds."""
        self.trusted = False
        """It holds under a key that came by another way, that such a key leads to, or that a certificate which came by
        another way vouches for.
        """
        self.certificate: CertificateReport | None = None
        self.rotations = 0
        self.files: set[str] = set()
        """The files that belong here, below the export."""
        self.sizes: list[int] = []
        """Sizes below that of the checkpoint at which there are cosignatures."""
        self.witnessed = 0
        """Cosignatures at these sizes, all of which held."""
        self.cosigners: dict[str, int] = {}
        """Seats that cosigned the checkpoint itself, with their clock's time in seconds."""
        self.policy: Policy | None = None

    # --- the court's line

    def open(self, court_key: VerifierKey | None) -> Checkpoint | None:
        """Read the checkpoint and judge its first line; None if it is no checkpoint."""
        self.files = {CHECKPOINT, LOG_KEY, POLICY, *binding.FILES}
        raw = read_file(self._bundle, CHECKPOINT, _NOTE_MAX, self._findings)
        note = None if raw is None else self._parsed(raw, CHECKPOINT)
        if note is None:
            return None
        try:
            signed = checkpoints.parse(note.text)
            host, _, stream = signed.origin.rpartition("/")
            if not host or not re.fullmatch("[0-9a-f]{32}", stream):
                raise MalformedNote("its origin is not a court's host and a stream")
        except MalformedNote as error:
            self._findings.add("note_malformed", str(error), file=CHECKPOINT)
            return None
        self._note, self.signed = note, signed
        self._judge(note, signed, court_key)
        self._list_witnessed(signed.size)
        return signed

    def _judge(self, note: Note, signed: Checkpoint, court_key: VerifierKey | None) -> None:
        inside = self._inside(signed.origin)
        reached = self._rotated(signed.origin, inside, court_key)
        if court_key is not None and court_key.name not in {signed.origin.rpartition("/")[0], signed.origin}:
            sentence = f"the given key is that of {court_key.name}, and the record says it is of {signed.origin}"
            self._findings.add("key_differs", sentence, file=CHECKPOINT)
            reached = None
        if court_key is None:
            self.key = inside
        else:
            self.key = VerifierKey(signed.origin, reached or court_key.public_key)
        if self.key is None:
            return
        if inside is not None and inside != self.key:
            self._findings.add("key_differs", "this is not the key of this record", file=LOG_KEY)
        line = note.signatures[0]
        if (line.name, line.key_id) != (self.key.name, self.key.key_id):
            self._findings.add("key_differs", "the checkpoint is not signed by the court's key", file=CHECKPOINT)
        elif not self.key.holds(line.signature, note.text.encode()):
            self._findings.add("signature_bad", "the court's signature does not hold", file=CHECKPOINT)
        else:
            self.signature = True
            self.trusted = reached is not None
        self.certificate = read_binding(self._bundle, self._findings, signed.origin, self.key, self._authorities)
        if court_key is None and self.signature and self.certificate is not None:
            self.trusted = self.certificate.vouched

    def _inside(self, origin: str) -> VerifierKey | None:
        """The key that the export itself names."""
        raw = read_file(self._bundle, LOG_KEY, _NOTE_MAX, self._findings)
        if raw is None:
            return None
        try:
            key = VerifierKey.parse(raw.decode("utf-8", "replace"))
        except MalformedNote as error:
            self._findings.add("key_differs", str(error), file=LOG_KEY)
            return None
        if key.name != origin or key.kind != ED25519 or raw != f"{key}\n".encode():
            self._findings.add("key_differs", "this is not the key of this record", file=LOG_KEY)
            return None
        return key

    def _rotated(self, origin: str, inside: VerifierKey | None, court_key: VerifierKey | None) -> bytes | None:
        """The public key to which the given one leads; None when it leads to none that counts now."""
        host = origin.rpartition("/")[0]
        found = [(int(each[1]), each[0]) for each in map(_ROTATION.fullmatch, self._names(f"{RECORD}/keys")) if each]
        reached = None if court_key is None else court_key.public_key
        last: bytes | None = None
        for at, (number, name) in enumerate(sorted(found), 1):
            file = f"{RECORD}/keys/{name}"
            self.files.add(file)
            raw = read_file(self._bundle, file, _NOTE_MAX, self._findings)
            step = None if raw is None else self._rotation(raw, host, file)
            if step is None:
                return None
            old, new, why = step
            if number != at or (last is not None and old != last):
                self._findings.add("key_differs", "the rotations of the court's key are no chain", file=file)
                return None
            self.former.append(VerifierKey(origin, old))
            if reached == old:
                reached = new if why == rotation.SCHEDULED else None
            last = new
            self.rotations = at
        if last is not None and inside is not None and last != inside.public_key:
            file = f"{RECORD}/keys/rotation-{len(found)}.note"
            self._findings.add("key_differs", "the last rotation does not lead to the key that signed", file=file)
            return None
        return reached

    def _rotation(self, raw: bytes, host: str, file: str) -> tuple[bytes, bytes, str] | None:
        note = self._parsed(raw, file)
        if note is None:
            return None
        try:
            step = rotation.parse(raw)
            signers = [step.old, step.new] if step.reason == rotation.SCHEDULED else [step.new]
            if step.new.name != host or [each.key_id for each in note.signatures] != [key.key_id for key in signers]:
                raise MalformedNote("a rotation is of this court, and is signed by its keys in their order alone")
        except MalformedNote as error:
            self._findings.add("note_malformed", str(error), file=file)
            return None
        except BadSignature as error:
            self._findings.add("signature_bad", str(error), file=file)
            return None
        return step.old.public_key, step.new.public_key, step.reason

    # --- the devices' lines

    def _list_witnessed(self, size: int) -> None:
        for name in self._names(WITNESSED):
            if _SIZE.fullmatch(name) and int(name) < size:
                self.sizes.append(int(name))
                self.files.add(f"{WITNESSED}/{name}")
        self.sizes.sort(reverse=True)  # taken from the end

    def at(self, size: int, root: bytes, enrolled: Sequence[tuple[str, bytes]]) -> None:
        """The tree has this size and root, and these keys were enrolled in it: check what was cosigned here."""
        file = f"{WITNESSED}/{size}"
        raw = read_file(self._bundle, file, _NOTE_MAX, self._findings)
        note = None if raw is None else self._parsed(raw, file)
        if note is None or self.signed is None:
            return
        if note.text != Checkpoint(self.signed.origin, size, root).body():
            sentence = f"the first {size} entries are not the ones that were witnessed"
            self._findings.add("root_differs", sentence, file=file, seq=None)
            return
        court = note.signatures[0]
        if self.key is not None:
            keys = [key for key in (self.key, *self.former) if (key.name, key.key_id) == (court.name, court.key_id)]
            if not any(key.holds(court.signature, note.text.encode()) for key in keys):
                self._findings.add("signature_bad", "a witnessed head is not signed by the court", file=file)
        if len(note.signatures) < 2:
            self._findings.add("cosignature_bad", "nobody has cosigned a witnessed head", file=file)
        known = [self._witness(slot, key) for slot, key in dict.fromkeys(enrolled)]
        self.witnessed += len(self._cosigned(note, known, file, ordered=False))

    def close(self, keys: dict[str, bytes]) -> bool:
        """All entries have been read and these are each seat's last keys; gives whether the quorum is met."""
        if self.key is None or self._note is None:
            return False
        policy = policy_of(self.key, keys)
        self.policy = policy
        raw = read_file(self._bundle, POLICY, _POLICY_MAX, self._findings)
        if raw is not None and raw != policy_text(policy).encode():
            self._findings.add("policy_differs", "this is not the policy of this record", file=POLICY)
        known = [self._witness(slot, key) for slot, key in keys.items()]
        found = self._cosigned(self._note, known, CHECKPOINT, ordered=True)
        slots = {self._witness(slot, key): slot for slot, key in keys.items()}
        self.cosigners = {slots[key]: time_s for key, time_s in found}
        return policy.met([key.public_key for key, _ in found])

    def _witness(self, slot: str, public_key: bytes) -> VerifierKey:
        origin = self.signed.origin if self.signed is not None else ""
        return VerifierKey(cosigner_name(origin, slot), public_key, COSIGNATURE)

    def _cosigned(
        self, note: Note, known: list[VerifierKey], file: str, *, ordered: bool
    ) -> list[tuple[VerifierKey, int]]:
        """Who cosigned, each once; every line behind the court's must be one of these."""
        places = {(key.name, key.key_id): at for at, key in enumerate(known)}
        found: list[tuple[VerifierKey, int]] = []
        before = -1
        seen = set()
        for line in note.signatures[1:]:
            at = places.get((line.name, line.key_id))
            if at is None or at in seen or (ordered and at < before):
                sentence = f"{line.name} is not among those whose cosignature counts here"
                self._findings.add("cosignature_bad", sentence, file=file)
            elif not known[at].holds(line.signature, note.text.encode()):
                self._findings.add("cosignature_bad", f"the cosignature of {line.name} does not hold", file=file)
            else:
                found.append((known[at], line.time_s))
                before = at
                seen.add(at)
        return found

    # --- small

    def _parsed(self, raw: bytes, file: str) -> Note | None:
        try:
            note = notes.parse(raw)
            if note.render().encode() != raw:
                raise MalformedNote("a note is not in its one form")
        except MalformedNote as error:
            self._findings.add("note_malformed", str(error), file=file)
            return None
        return note

    def _names(self, directory: str) -> list[str]:
        try:
            return [each.name for each in (self._bundle / directory).iterdir()]
        except OSError:
            return []

    def verifies(self, raw: bytes, file: str) -> str | None:
        """The text of a further note of the court's, under the origin and signed by it alone; None with a finding."""
        try:
            note, _ = notes.verify(raw, [self.key] if self.key is not None else [])
        except BadSignature as error:
            if self.key is not None:
                self._findings.add("signature_bad", str(error), file=file)
            return None
        except MalformedNote as error:
            self._findings.add("note_malformed", str(error), file=file)
            return None
        if note.render().encode() != raw or len(note.signatures) != 1:
            self._findings.add("note_malformed", "a note of the court's has its one signature", file=file)
            return None
        return note.text
