"""What a check found: a stable code for programs, a sentence for people, and where.

*Law*: a finding is either something *altered* (the bytes are not what was signed and listed) or something that *cannot
be checked* (unreadable, not an export). Altered outweighs: exit status 1; else 2; and 0 when nothing was found.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["CODES", "Finding", "Findings", "shown"]

CODES: dict[str, str] = {
    "not_a_bundle": "cannot",  # the path is no directory, or has no data/ in it
    "unreadable": "cannot",  # a file or directory cannot be read
    "verifier_error": "cannot",  # the verifier itself failed; report it
    "content_absent": "cannot",  # a content and its salt are both gone, and nothing signed says why
    "policy_unreadable": "cannot",  # the policy given from elsewhere is none
    "policy_unmet": "cannot",  # the policy given from elsewhere asks for signatures that are not there
    "time_shifted": "cannot",  # the court's times lie more than a minute outside what time-stamps allow
    "time_unchecked": "cannot",  # a time-stamp cannot be checked here with what was given
    "not_a_file": "altered",  # a link, a device or the like lies where files are
    "missing_file": "altered",
    "extra_file": "altered",
    "file_differs": "altered",  # a file is not what the manifest says, or what it must be byte for byte
    "manifest_differs": "altered",  # a manifest is not the one these files give
    "note_malformed": "altered",  # the checkpoint is not a signed note of three lines
    "signature_bad": "altered",
    "key_differs": "altered",  # signed by another key than the one given, or log.vkey is not the key of this log
    "certificate_bad": "altered",  # the court's certificate does not bind this key, or none that was given vouches
    "empty_record": "altered",
    "bundle_malformed": "altered",  # an entry bundle cannot be split into entries
    "leaf_malformed": "altered",  # an entry is not a leaf in canonical form
    "leaf_differs": "altered",  # an entry is not the one its tile commits to
    "tile_differs": "altered",  # an upper tile is not what the tiles below give
    "root_differs": "altered",  # the tree is not the one that was signed
    "out_of_order": "altered",  # seq, stream, time or epoch do not follow
    "after_seal": "altered",  # an entry follows the seal
    "act_unsigned": "altered",  # a person's act lacks the signature of a device
    "act_signature_bad": "altered",  # a person's act is not what its device signed, or the court's leaf claims a device
    "key_unknown": "altered",  # a person's act is signed by a key that was not enrolled for that seat then
    "cosignature_bad": "altered",  # a checkpoint carries a cosignature that is none, or of nobody in the policy
    "policy_differs": "altered",  # policy.txt is not the one that log key and entries give
    "redaction_bad": "altered",  # the note of what is absent does not agree with the export
    "register_differs": "altered",  # the court's register says otherwise than this record
    "timestamp_bad": "altered",  # a time-stamp does not hold over what lies beside it
    "token_missing": "altered",  # a time-stamp request or an authority's certificates lie there without a token
    "anchor_differs": "altered",  # an anchor of this record is not a state of the register
    "seal_differs": "altered",  # the seal counts otherwise, or was not made as the rules of sealing demand
    "content_missing": "altered",  # a content without its salt, or a salt without its content
    "content_differs": "altered",  # content or salt are not what the commitment says
    "view_differs": "altered",  # for callers: a view is not the one the record gives
    "not_sealed": "altered",  # for callers that were told that the record is sealed
}
MAX_FINDINGS = 200


@dataclass(frozen=True, slots=True)
class Finding:
    code: str
    sentence: str
    file: str | None = None
    """Path below the bundle, with slashes."""
    seq: int | None = None
    """The first entry known to be concerned."""

    @property
    def cannot(self) -> bool:
        return CODES[self.code] == "cannot"

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "sentence": self.sentence, "file": self.file, "seq": self.seq}


@dataclass(slots=True)
class Findings:
    """Findings in the order they were made; beyond MAX_FINDINGS they are only counted."""

    items: list[Finding] = field(default_factory=list)
    dropped: int = 0

    def add(self, code: str, sentence: str, *, file: str | None = None, seq: int | None = None) -> None:
        self.put(Finding(code, sentence, None if file is None else shown(file), seq))

    def put(self, finding: Finding) -> None:
        if finding in self.items:
            return
        if len(self.items) < MAX_FINDINGS:
            self.items.append(finding)
        else:
            self.dropped += 1

    @property
    def exit_status(self) -> int:
        """0 nothing found, 1 altered, 2 cannot check."""
        if any(not each.cannot for each in self.items):
            return 1
        return 2 if self.items else 0

    def first_bad_seq(self) -> int | None:
        return min((each.seq for each in self.items if each.seq is not None), default=None)


def shown(name: str) -> str:
    """A file name from a hostile archive, made harmless for a terminal and for JSON."""
    return name.encode("ascii", "backslashreplace").decode().translate(dict.fromkeys((*range(32), 127), "?"))
