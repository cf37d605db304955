"""Whose key is enrolled for which seat, and did each person's own device sign each act.

*Law*: the court's word is not asked. A leaf of any other actor than the court holds exactly what its device signed, so
the signed bytes are made from the leaf and checked under the key that the record itself enrolled for that seat before
it; a leaf of the court claims no device. FORMAT.md §1.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from recording.csig import COURT, DeviceKey, message_of_leaf
from recording.findings import Findings
from recording.leaf import Leaf

__all__ = ["Acts"]

_DESK = "registry"
_SLOT = re.compile(r"[a-z][a-z_]*(/[0-9]{1,4})?", re.ASCII)


class Acts:
    """Takes leaves in order. Without `signatures` everything is checked but the signatures themselves."""

    def __init__(self, findings: Findings, *, signatures: bool = True) -> None:
        self._findings = findings
        self._signatures = signatures
        self._current: dict[str, DeviceKey] = {}
        self._last_dseq: dict[bytes, int] = {}
        self.keys: dict[str, bytes] = {}
        """Each slot's last key, in the order of the slots' first enrolment."""
        self.enrolled: list[tuple[str, bytes]] = []
        """Every enrolment so far."""
        self.acts = 0
        """Acts of persons."""
        self.signed = 0
        """Those whose signature was checked and holds."""

    def take(self, leaf: Leaf, file: str) -> None:
        """Check the next leaf."""
        if leaf.actor == COURT:
            if leaf.csig is not None or leaf.device_key_id is not None or leaf.dseq is not None:
                self._bad("act_signature_bad", leaf, file, "is the court's and claims a device")
            elif leaf.ts_client_ms is not None:
                self._bad("act_signature_bad", leaf, file, "is the court's and claims a device's clock")
            elif leaf.type == "key.add":
                self._enrol(leaf, file)
            elif leaf.type == "key.revoke":
                self._revoke(leaf, file)
            return
        self.acts += 1
        if leaf.type in {"key.add", "key.revoke"}:
            self._bad("key_unknown", leaf, file, "enrols or ends a key, which only the court's machine does")
        self._check(leaf, file)

    def _check(self, leaf: Leaf, file: str) -> None:
        key_id, dseq = leaf.device_key_id, leaf.dseq
        if leaf.csig is None or key_id is None or dseq is None or leaf.ts_client_ms is None:
            self._bad("act_unsigned", leaf, file, f"is an act of {leaf.actor} without a device's signature")
            return
        key = self._current.get(leaf.actor)
        if key is None or key.key_id != key_id:
            self._bad("key_unknown", leaf, file, f"is signed by a key that is not the one enrolled for {leaf.actor}")
            return
        if dseq <= self._last_dseq.get(key_id, -1):
            self._bad("out_of_order", leaf, file, "does not follow the act before it of the same device")
        self._last_dseq[key_id] = dseq
        if not self._signatures:
            return
        if key.signed(leaf.csig, message_of_leaf(leaf)):
            self.signed += 1
        else:
            self._bad("act_signature_bad", leaf, file, f"is not what the device of {leaf.actor} signed")

    def _enrol(self, leaf: Leaf, file: str) -> None:
        facts: Sequence[object] = leaf.facts
        slot, public_key, why = facts if len(facts) == 3 else (None, None, None)
        try:
            if not isinstance(slot, str) or not _SLOT.fullmatch(slot) or slot == COURT or type(public_key) is not bytes:
                raise ValueError
            key = DeviceKey(public_key)
        except ValueError:
            self._bad("key_unknown", leaf, file, "enrols what is no key of a seat")
            return
        allowed = len(leaf.refs) == 1 and not isinstance(leaf.refs[0], int)
        leave = why == "operator" and not leaf.refs if slot == _DESK else why == "first" or (why == "clerk" and allowed)
        if not leave:
            self._bad("key_unknown", leaf, file, "enrols a key and does not say by whose leave")
            return
        self._current[slot] = key
        self.keys[slot] = public_key
        self.enrolled.append((slot, public_key))

    def _revoke(self, leaf: Leaf, file: str) -> None:
        facts = leaf.facts
        slot = facts[0] if len(facts) == 3 and isinstance(facts[0], str) else ""
        key = self._current.get(slot)
        if key is None or key.key_id != facts[1] or facts[2] != "replaced":
            self._bad("key_unknown", leaf, file, "ends a key that is not the one of that seat")
            return
        del self._current[slot]

    def _bad(self, code: str, leaf: Leaf, file: str, what: str) -> None:
        self._findings.add(code, f"entry #{leaf.seq} {what}", file=file, seq=leaf.seq)
