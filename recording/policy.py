"""Whose signatures make a checkpoint count: C2SP tlog-policy (https://c2sp.org/tlog-policy), made and read.

    log <vkey>
    witness <slot, dashed> <cosigner vkey>
    group bench all <slot> …      group parties any <slot> …      group everybody all bench parties
    quorum everybody

*Law*: the policy of a record is a function of the log's key and of the keys enrolled in its leaves, so a verifier makes
it again and compares. A party who walks out cannot block the seal: a record without its quorum is marked, not altered.
What a reader demands beyond that he brings as a policy of his own. FORMAT.md §4.1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from recording.errors import MalformedNote
from recording.note import COSIGNATURE, ED25519, VerifierKey

__all__ = ["Policy", "cosigner_name", "dashed", "is_bench", "policy_of", "policy_text"]

_BENCH_ROLES = ("judge", "clerk")
NONE = "none"


def dashed(slot: str) -> str:
    """A seat's name where no slash may be."""
    return slot.replace("/", "-")


def cosigner_name(origin: str, slot: str) -> str:
    """Under which name the device of a seat cosigns the log of this origin."""
    return f"{origin}/{dashed(slot)}"


def is_bench(slot: str) -> bool:
    """Whether a slot sits on the bench: a judge's or a clerk's."""
    return slot.partition("/")[0] in _BENCH_ROLES


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it is read: who may sign, and who must."""

    log: VerifierKey
    witnesses: Mapping[str, VerifierKey]
    """By their name in the policy."""
    groups: Mapping[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    """How many of which members."""
    quorum: str = NONE

    def met(self, signed: Collection[bytes]) -> bool:
        """Whether these public keys have signed enough; a quorum of `none` asks for nobody."""
        return self.quorum == NONE or self._counts(self.quorum, frozenset(signed))

    def _counts(self, name: str, signed: frozenset[bytes]) -> bool:
        witness = self.witnesses.get(name)
        if witness is not None:
            return witness.public_key in signed
        needed, members = self.groups[name]
        return sum(self._counts(each, signed) for each in members) >= needed

    @classmethod
    def parse(cls, text: str) -> Policy:
        """Read a policy with one log. Raises MalformedNote with what is wrong in which line."""
        reader = _Reader()
        for number, line in enumerate(text.split("\n"), 1):
            words = line.partition("#")[0].split()
            if words:
                try:
                    reader.take(words)
                except MalformedNote as error:
                    raise MalformedNote(f"line {number} of the policy: {error}") from error
        return reader.policy()


class _Reader:
    """Takes a policy's lines in order; what a line names was defined before it, so groups cannot go in circles."""

    def __init__(self) -> None:
        self._log: VerifierKey | None = None
        self._witnesses: dict[str, VerifierKey] = {}
        self._groups: dict[str, tuple[int, tuple[str, ...]]] = {}
        self._quorum: str | None = None

    def take(self, words: list[str]) -> None:
        match words:
            case ["log", vkey] if self._log is None:
                self._log = _of_kind(VerifierKey.parse(vkey), ED25519)
            case ["witness", name, vkey, *more] if len(more) <= 1:  # a URL may follow
                self._new(name)
                self._witnesses[name] = _of_kind(VerifierKey.parse(vkey), COSIGNATURE)
            case ["group", name, rule, *members]:
                self._new(name)
                self._groups[name] = (self._needed(rule, members), tuple(members))
            case ["quorum", name] if self._quorum is None and (name == NONE or self._known(name)):
                self._quorum = name
            case _:
                raise MalformedNote(
                    "it is no line of a policy, or comes twice, or names what no line before it defines"
                )

    def _known(self, name: str) -> bool:
        return name in self._witnesses or name in self._groups

    def _new(self, name: str) -> None:
        if self._known(name) or name == NONE:
            raise MalformedNote(f"the name {name} is taken")

    def _needed(self, rule: str, members: list[str]) -> int:
        if not members or len(set(members)) != len(members) or not all(self._known(each) for each in members):
            raise MalformedNote("a group has members, each once, and each defined before it")
        if rule in {"any", "all"}:
            return 1 if rule == "any" else len(members)
        if rule.isascii() and rule.isdecimal() and 1 <= int(rule[:9]) <= len(members):
            return int(rule)
        raise MalformedNote("a group asks for any, all, or a number of its members")

    def policy(self) -> Policy:
        if self._log is None or self._quorum is None:
            raise MalformedNote("a policy has a line `log` and a line `quorum`")
        return Policy(self._log, self._witnesses, self._groups, self._quorum)


def _of_kind(key: VerifierKey, kind: int) -> VerifierKey:
    if key.kind != kind:
        raise MalformedNote("a log signs with a key of type 1, and a witness with one of type 4")
    return key


def policy_of(log: VerifierKey, keys: Mapping[str, bytes]) -> Policy:
    """The policy of a record: `keys` has each slot's last key, in the order of the slots' first enrolment."""
    witnesses = {
        dashed(slot): VerifierKey(cosigner_name(log.name, slot), key, COSIGNATURE) for slot, key in keys.items()
    }
    bench = tuple(dashed(slot) for slot in keys if is_bench(slot))
    parties = tuple(dashed(slot) for slot in keys if not is_bench(slot))
    groups: dict[str, tuple[int, tuple[str, ...]]] = {}
    if bench:
        groups["bench"] = (len(bench), bench)
    if parties:
        groups["parties"] = (1, parties)
    if bench and parties:
        groups["everybody"] = (2, ("bench", "parties"))
    return Policy(log, witnesses, groups, next(reversed(groups), NONE))


def policy_text(policy: Policy) -> str:
    """policy.txt of a record, as `policy_of` gives it."""
    lines = [f"log {policy.log}"]
    lines += [f"witness {name} {key}" for name, key in policy.witnesses.items()]
    for name, (_, members) in policy.groups.items():
        lines.append(f"group {name} {'any' if name == 'parties' else 'all'} {' '.join(members)}")
    return "\n".join([*lines, f"quorum {policy.quorum}"]) + "\n"
