"""The register's part of an export against the record beside it (FORMAT.md §9.3).

*Law*: a state of the register counts once the court's key signed it; this record counts as registered once both of its
own entries are in that state. The time is bounded from two sides: what a time-stamped state holds is not later than its
token, what stands after an anchor is not earlier than the anchor's. Where the court's own clock lies further than
MAX_SHIFT_MS outside these bounds, that is told. Certificates that travel inside an export vouch for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

from recording import checkpoint as checkpoints
from recording import note as notes
from recording import proof as proofs
from recording import register as words
from recording import timestamp
from recording.checkpoint import Checkpoint, origin_of
from recording.content import commitment
from recording.csig import COURT
from recording.errors import BadProof, MalformedNote, RecordError
from recording.findings import Findings
from recording.leaf import LEAF_MAX_BYTES, Leaf, decode
from recording.merkle import Frontier, verify_consistency
from recording.note import VerifierKey
from recording.policy import Policy
from recording.register import Anchor, Opening
from recording.timestamp import BadTimestamp
from recording.verifier.files import read_file

__all__ = ["MAX_SHIFT_MS", "RegisterReport", "Seen", "verify_register"]

FOLDER = "data/register/"
MAX_SHIFT_MS = 60_000
"""Clocks of a court and of an authority differ by seconds; a minute is somebody's doing."""
TEXT_MAX = 1 << 20
PARTS = ("tlog-proof", "leaf", "salt")


class SeenAnchor(NamedTuple):
    seq: int
    ts_ms: int
    anchor: Anchor


@dataclass(slots=True)
class RegisterReport:
    """What was checked, and what is not there to be checked."""

    opening: bool = False
    head_size: int | None = None
    """So many entries of this record are in the register."""
    anchors: int = 0
    not_later_ms: int | None = None
    """The token's time, once its imprint was checked: the registered head is not younger."""
    signed_by_authority: bool = False
    """A certificate given from elsewhere vouches for that token."""
    witnesses: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)


class Seen:
    """Gathers from the pass over the leaves what the register is compared with; feed it as `on_leaf`."""

    def __init__(self, bundle: Path) -> None:
        self.first: bytes | None = None
        self.anchors: list[SeenAnchor] = []
        self.misfits: list[int] = []
        """Entries that are called anchors and are none."""
        self.head: tuple[bytes, int] | None = None
        """Root and time at the size that the register's head claims."""
        self._frontier = Frontier()
        self._wanted = _claimed(bundle)

    def on_leaf(self, leaf: Leaf, digest: bytes) -> None:
        if self.first is None:
            self.first = digest
        if self._frontier.size < self._wanted:
            self._frontier.append(digest)
            if self._frontier.size == self._wanted:
                self.head = (self._frontier.root(), leaf.ts_ms)
        if leaf.type == words.ANCHOR:
            anchor = words.parse_anchor(leaf.facts) if leaf.actor == COURT else None
            if anchor is None:
                self.misfits.append(leaf.seq)
            else:
                self.anchors.append(SeenAnchor(leaf.seq, leaf.ts_ms, anchor))


def _claimed(bundle: Path) -> int:
    try:
        with (bundle / FOLDER / "head.checkpoint-body").open("rb") as file:
            return words.parse_head(file.read(TEXT_MAX)).size
    except (OSError, RecordError):
        return 0


def verify_register(  # noqa: PLR0917 - what the record's own check has found
    bundle: Path,
    seen: Seen,
    origin: str,
    size: int,
    keys: Sequence[VerifierKey],
    findings: Findings,
    trusted: Sequence[x509.Certificate] = (),
) -> RegisterReport:
    """Check `data/register`; `keys` are the court's, the one that signed this record first. Never raises."""
    report = RegisterReport()
    try:
        _Check(bundle, seen, origin, size, keys, findings, trusted, report).run()
    except Exception as error:  # noqa: BLE001 - hostile input must end in a finding and never in a traceback
        findings.add("verifier_error", f"the register's part could not be checked ({type(error).__name__})")
    return report


class _Check:
    def __init__(  # noqa: PLR0917 - made in one place
        self,
        bundle: Path,
        seen: Seen,
        origin: str,
        size: int,
        keys: Sequence[VerifierKey],
        findings: Findings,
        trusted: Sequence[x509.Certificate],
        report: RegisterReport,
    ) -> None:
        self._bundle, self._seen, self._origin, self._size = bundle, seen, origin, size
        self._keys, self._findings, self._trusted, self._report = keys, findings, trusted, report

    def _there(self, name: str) -> bool:
        return (self._bundle / FOLDER / name).exists()

    def _read(self, name: str, limit: int = TEXT_MAX) -> bytes | None:
        return read_file(self._bundle, FOLDER + name, limit, self._findings)

    def _bad(self, code: str, sentence: str, name: str, seq: int | None = None) -> None:
        self._findings.add(code, sentence, file=FOLDER + name, seq=seq)

    def run(self) -> None:
        report = self._report
        for seq in self._seen.misfits:
            sentence = f"entry #{seq} is an anchor that names no state of a register"
            self._findings.add("anchor_differs", sentence, seq=seq)
        if not self._there("checkpoint"):
            report.not_checked.append("register")
            if (self._bundle / FOLDER).exists():
                self._bad("missing_file", "a file of the register is missing", "checkpoint")
            return
        raw = self._read("checkpoint")
        state = None if raw is None else self._signed(raw, "checkpoint")
        if raw is None or state is None:
            return
        self._policy(raw, state)
        for part, check in (("opening", self._opening), ("head", self._head)):
            names = [f"{part}.{each}" for each in PARTS] + (["head.checkpoint-body"] if part == "head" else [])
            if not any(map(self._there, names)):
                report.not_checked.append(part)
            elif (leaf := self._proved(part, names, state)) is not None:
                check(leaf)
        self._tokenless()
        self._token(raw)
        for each in self._seen.anchors:
            self._anchor(each, state)
        self._strays()

    def _signed(self, raw: bytes, name: str, keys: Sequence[VerifierKey] | None = None) -> Checkpoint | None:
        """A state of this court's register."""
        host = self._origin.rpartition("/")[0]
        try:
            said = checkpoints.parse(notes.parse(raw).text)
            stream_id = bytes.fromhex(said.origin.rpartition("/")[2])
            if said.origin != origin_of(host, stream_id) or said.size < 1:
                raise MalformedNote("it is not a state of this court's register")
            notes.verify(raw, [VerifierKey(said.origin, each.public_key) for each in keys or self._keys[:1]])
        except (RecordError, ValueError) as error:
            self._bad("register_differs", f"the register's checkpoint does not hold: {error}", name)
            return None
        if any(each.anchor.register != stream_id for each in self._seen.anchors):
            self._bad("register_differs", "this record names another register", name)
            return None
        return said

    def _policy(self, raw: bytes, state: Checkpoint) -> None:
        """Lines of witnesses are those of the register's policy."""
        text = self._read("policy.txt") if self._there("policy.txt") else None
        parsed = notes.parse(raw)
        try:
            policy = None if text is None else Policy.parse(text.decode())
            if policy is not None and policy.log != VerifierKey(state.origin, self._keys[0].public_key):
                raise MalformedNote("it is for another log")
        except (MalformedNote, UnicodeDecodeError) as error:
            self._bad("policy_differs", f"the register's policy cannot be read: {error}", "policy.txt")
            return
        known = {} if policy is None else {each.public_key: each for each in policy.witnesses.values()}
        for line in parsed.signatures[1:]:
            by = [each for each in known.values() if (each.name, each.key_id) == (line.name, line.key_id)]
            if not by or not by[0].holds(line.signature, parsed.text.encode()):
                self._bad("cosignature_bad", "a line of the register's checkpoint is no witness's", "checkpoint")
            else:
                self._report.witnesses.append(line.name)

    def _proved(self, part: str, names: Sequence[str], state: Checkpoint) -> Leaf | None:
        """The leaf beside a proof, if it is in this state of the register."""
        read = [self._read(name, LEAF_MAX_BYTES if name.endswith(".leaf") else TEXT_MAX) for name in names]
        if any(each is None for each in read):
            return None
        raw = read[1] or b""
        try:
            proof = proofs.parse(read[0] or b"")
            signed = proofs.verify(read[0] or b"", raw, VerifierKey(state.origin, self._keys[0].public_key))
            if signed != state:
                raise BadProof("it is of another state of the register")
            leaf = decode(raw)
            wanted = words.OPENING if part == "opening" else words.HEAD
            if leaf.seq != proof.index or leaf.type != wanted or leaf.actor != "court":
                raise BadProof("its entry is of another kind or place")
            if not state.origin.endswith("/" + leaf.stream_id.hex()):
                raise BadProof("its entry is of another stream")
        except RecordError as error:
            self._bad("register_differs", f"this proof does not hold: {error}", names[0])
            return None
        return leaf

    def _opening(self, leaf: Leaf) -> None:
        salt = self._read("opening.salt", 32) or b""
        content = words.opening_content(Opening(self._origin, self._seen.first or b""))
        if leaf.commit != commitment(salt, content):
            self._bad("register_differs", "the register holds another opening than this record's", "opening.leaf")
        else:
            self._report.opening = True

    def _head(self, leaf: Leaf) -> None:
        salt, body = self._read("head.salt", 32) or b"", self._read("head.checkpoint-body") or b""
        try:
            head = words.parse_head(body)
        except MalformedNote as error:
            self._bad("register_differs", f"the registered head cannot be read: {error}", "head.checkpoint-body")
            return
        root = self._seen.head[0] if self._seen.head else None
        if leaf.commit != commitment(salt, body) or (head.origin, head.root) != (self._origin, root):
            self._bad("register_differs", "the register holds another head than this record's", "head.leaf")
        elif head.size > self._size:
            self._bad("register_differs", f"the register holds {head.size} entries of this record", "head.leaf")
        else:
            self._report.head_size = head.size

    # --- time

    def _stamped(self, over: bytes, name: str, seq: int | None = None) -> int | None:
        """The time of a token, if it is there and holds."""
        raw = self._read(name) if self._there(name) else None
        if raw is None:
            return None
        try:
            if self._trusted:
                gen_time_ms = timestamp.verify(raw, over, self._trusted)
                self._report.signed_by_authority = True
            else:
                gen_time_ms = timestamp.read(raw, over)
                if not timestamp.made_by_its_own(raw, self._found()):
                    raise BadTimestamp("the certificate that it names did not make it")
        except BadTimestamp as error:
            self._bad("timestamp_bad", f"a time-stamp does not hold: {error}", name, seq)
            return None
        return gen_time_ms

    def _found(self) -> list[x509.Certificate]:
        """The certificates that travel with the export, for what they are worth: a token names one of them."""
        raw = self._read("tsa-chain.pem") if self._there("tsa-chain.pem") else None
        try:
            return [] if raw is None else timestamp.load_certificates(raw)
        except BadTimestamp:
            return []

    def _tokenless(self) -> None:
        """What belongs to a token and lies there without one: the token was taken away, or this was put there."""
        token = self._there("token.tsr")
        if self._there("query.tsq") and not token:
            self._bad("token_missing", "a request is there without the token that answers it", "query.tsq")
        anchored = any((self._bundle / FOLDER).glob("anchors/*/token.tsr"))
        if self._there("tsa-chain.pem") and not token and not anchored:
            self._bad("token_missing", "an authority's certificates are there without any token", "tsa-chain.pem")

    def _token(self, raw: bytes) -> None:
        gen_time_ms = self._report.not_later_ms = self._stamped(raw, "token.tsr")
        if gen_time_ms is not None and self._there("query.tsq"):
            asked, token = self._read("query.tsq"), self._read("token.tsr")
            if asked is not None and token is not None and not timestamp.answers(asked, token):
                self._bad("timestamp_bad", "the request is not the one that the token answers", "query.tsq")
        if gen_time_ms is None:
            self._report.not_checked.append("time-stamp")
        elif self._seen.head is not None and self._report.head_size is not None:
            shift = self._seen.head[1] - gen_time_ms
            if shift > MAX_SHIFT_MS:
                self._shifted(shift, self._report.head_size - 1, "after it was time-stamped")

    def _anchor(self, seen: SeenAnchor, state: Checkpoint) -> None:
        anchor, folder = seen.anchor, f"anchors/{seen.anchor.size}/"
        if not self._there(folder):
            self._report.not_checked.append(f"anchor #{seen.seq}")
            return
        raw, lines = self._read(folder + "checkpoint"), self._read(folder + "consistency")
        old = None if raw is None else self._signed(raw, folder + "checkpoint", self._keys)
        if raw is None or old is None or lines is None:
            return
        try:
            if (old.origin, old.size, old.root) != (state.origin, anchor.size, anchor.root):
                raise BadProof("it is another state than the one that the entry names")
            verify_consistency(old.size, old.root, state.size, state.root, words.hash_lines(lines))
        except RecordError as error:
            sentence = f"the register does not go on from what entry #{seen.seq} names: {error}"
            self._bad("anchor_differs", sentence, folder + "checkpoint", seen.seq)
            return
        self._report.anchors += 1
        gen_time_ms = self._stamped(raw, folder + "token.tsr", seen.seq)
        if gen_time_ms is None:
            return
        if anchor.gen_time_ms is not None and anchor.gen_time_ms != gen_time_ms:
            self._bad("timestamp_bad", "the token has another time than the entry", folder + "token.tsr", seen.seq)
        elif anchor.gen_time_ms is not None and gen_time_ms - seen.ts_ms > MAX_SHIFT_MS:
            self._shifted(gen_time_ms - seen.ts_ms, seen.seq, "before the register that it names was time-stamped")

    def _shifted(self, shift_ms: int, seq: int, how: str) -> None:
        self._findings.add(
            "time_shifted",
            f"entry #{seq} claims a time {shift_ms // 1000} s {how}: the court's clock was wrong",
            seq=seq,
        )

    def _strays(self) -> None:
        """Every file here belongs to something that was looked at."""
        root = self._bundle / FOLDER
        fixed = {
            "checkpoint", "policy.txt", "head.checkpoint-body", "query.tsq", "token.tsr", "tsa-chain.pem",
            *(f"{part}.{each}" for part in ("opening", "head") for each in PARTS),
        }  # fmt: skip
        sizes = {str(each.anchor.size) for each in self._seen.anchors}
        for path in sorted(root.rglob("*")):
            parts = path.relative_to(root).parts
            anchored = len(parts) == 3 and parts[0] == "anchors" and parts[1] in sizes
            known = anchored and parts[2] in {"checkpoint", "consistency", "token.tsr"}
            if not path.is_dir() and not known and "/".join(parts) not in fixed:
                self._bad("extra_file", "a file does not belong to the register's part", "/".join(parts))
