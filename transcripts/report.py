"""What a verification says, to people in their language and to programs in codes.

Law of this module: the outcome is one of three. *Altered* outweighs *cannot check*, which outweighs *holds*; and
without a key from the court, *holds* is not said at all: the first line is then `internally consistent only`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from recording.verifier import CODES, RecordReport
from transcripts.clock import COURT_ZONE, Zone, iso_ms
from transcripts.course_rows import Section, course_rows
from transcripts.overview import Overview
from transcripts.verdict_wording import CONSISTENT_ONLY, REASONS, VERDICTS, VerdictWording
from transcripts.wording import CATALOGS, LANGUAGES, Language

HOLDS: Final = 0
ALTERED: Final = 1
CANNOT_CHECK: Final = 2
OUTCOMES: Final = ("holds", "altered", "cannot_check")
LISTED: Final = 20
"""How many findings the text lists; the JSON has them all."""

_CANNOT: Final = frozenset(
    {*(code for code, kind in CODES.items() if kind == "cannot"), "format_unknown", "key_unreadable"}
)
_OF: Final[dict[str, frozenset[str]]] = {
    "authenticity": frozenset(
        {
            *("note_malformed", "signature_bad", "key_differs", "empty_record", "bundle_malformed", "leaf_malformed"),
            *(
                "certificate_bad",
                "leaf_differs",
                "tile_differs",
                "root_differs",
                "out_of_order",
                "after_seal",
                "content_differs",
            ),
            *("view_differs", "act_unsigned", "act_signature_bad", "key_unknown", "cosignature_bad", "policy_differs"),
            *(
                "policy_unmet",
                "redaction_bad",
                "register_differs",
                "timestamp_bad",
                "token_missing",
                "anchor_differs",
                "seal_differs",
                "time_shifted",
            ),
        }
    ),
    "completeness": frozenset(
        {"missing_file", "file_differs", "manifest_differs", "content_missing", "content_absent", "seal_differs"}
    ),
    "usability": frozenset({"missing_file", "content_missing", "content_absent", "unreadable", "format_unknown"}),
    "security": frozenset({"extra_file", "not_a_file"}),
}
"""Which findings speak against which of the four properties (四性)."""


@dataclass(frozen=True, slots=True)
class Found:
    """One finding: a stable code, the verifier's own words, and where. `file` is below the export, with slashes."""

    code: str
    detail: str
    file: str | None
    seq: int | None

    @property
    def cannot(self) -> bool:
        """Whether it only says that something cannot be checked."""
        return self.code in _CANNOT


@dataclass(slots=True)
class Scope:
    """How far a verification came."""

    files: bool = False
    entries: bool = False
    compared: bool = False
    views: int = 0
    media: int = 0
    demanded: bool = False
    """The reader gave a policy of his own, and the cosignatures satisfy it."""
    zone: Zone = COURT_ZONE
    """In which the export was made, and times of the sitting are told."""


@dataclass(frozen=True, slots=True)
class Property:
    """One of the four properties: its name's key and `ok`, `part`, `failed` or `unchecked`."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Report:
    """The result. `outcome` is the exit status: 0 holds, 1 altered, 2 cannot check."""

    outcome: int
    reason: str
    first_bad_seq: int | None
    first_bad_file: str | None
    findings: Sequence[Found]
    unlisted: int
    record: RecordReport
    scope: Scope
    gaps: int
    properties: Sequence[Property] = field(default=())
    course: Mapping[Language, Sequence[Section]] = field(default_factory=dict)
    """What happened in the sitting, as its record tells it; of a record that was altered nothing is told."""

    @classmethod
    def of(
        cls, findings: Sequence[Found], unlisted: int, record: RecordReport, total: Overview, scope: Scope
    ) -> "Report":
        """Weigh findings, the one that says most first."""
        altered = [each for each in findings if not each.cannot]
        outcome = ALTERED if altered or unlisted else CANNOT_CHECK if findings else HOLDS
        first = altered[0] if altered else findings[0] if findings else None
        reason = first.code if first is not None else "holds" if record.trusted else "consistent"
        return cls(
            outcome=outcome,
            reason=reason,
            first_bad_seq=first.seq if first is not None else None,
            first_bad_file=first.file if first is not None else None,
            findings=findings,
            unlisted=unlisted,
            record=record,
            scope=scope,
            gaps=len(total.gaps),
            properties=_properties(findings, record, scope),
            course=_course(total, scope) if scope.entries and not altered else {},
        )

    def first_line(self, language: Language) -> str:
        """The verdict in one line."""
        words = VERDICTS[language]
        reason = REASONS[self.reason][language]
        if self.outcome == HOLDS:
            return words.holds.format(reason=reason) if self.record.trusted else CONSISTENT_ONLY
        if self.outcome == CANNOT_CHECK:
            where = self._where(words)
            return words.cannot.format(reason=reason) + (f" ({where})" if where else "")
        if self.first_bad_seq is not None:
            return words.altered_seq.format(seq=self.first_bad_seq, reason=reason)
        return words.altered_file.format(file=self.first_bad_file or "?", reason=reason)

    def _where(self, words: VerdictWording) -> str:
        if self.first_bad_seq is not None:
            return words.found_at_seq.format(seq=self.first_bad_seq)
        return self.first_bad_file or ""

    def state(self, language: Language) -> str:
        """Whether the record is sealed, or up to which entry it is open; empty when that is not known."""
        words = VERDICTS[language]
        if not self.scope.entries:
            return ""
        last = self.record.size - 1
        return (words.sealed if self.record.sealed else words.open).format(seq=last)

    def checked(self, language: Language) -> list[str]:  # noqa: C901 - a sentence for each thing done
        """What was done, in sentences."""
        words, record, scope = VERDICTS[language], self.record, self.scope
        done = []
        if record.vkey is not None and not self._any("signature_bad", "key_differs", "note_malformed"):
            by = words.did_certified if record.by_certificate else words.did_signature
            done.append(by if record.trusted else words.did_consistency)
        if record.certificate is not None:
            told = record.certificate
            bound = words.did_vouched if told.vouched else words.did_bound
            done.append(bound.format(subject=_safe(told.subject), first=told.first_day, last=told.last_day))
        if scope.entries:
            done.append(words.did_entries.format(size=record.size))
            done.append(words.did_contents.format(contents=record.contents_checked, blobs=record.blobs_checked))
            done.append(words.did_acts.format(signed=record.signatures_checked, acts=record.acts))
            if record.sealed:
                done.append(words.did_seal)
            if record.cosigners or record.witnessed:
                here = ", ".join(record.cosigners) or "–"
                done.append(words.did_cosigned.format(slots=here, earlier=record.witnessed))
            if record.quorum is not None and record.policy is not None and record.policy.witnesses:
                done.append(words.quorum_met if record.quorum else words.quorum_unmet)
            if scope.demanded:
                done.append(words.did_policy)
            if record.stated:
                done.append(words.did_stated.format(**{"shredded": 0, "restricted": 0, **record.stated}))
            if record.rotations and record.trusted:
                done.append(words.did_rotations.format(count=record.rotations))
            done += self._registered(words)
        if record.taken_over:
            done.append(words.did_resumed.format(count=record.taken_over))
        if scope.compared:
            done.append(words.did_views.format(count=scope.views))
        if scope.files:
            done.append(words.did_files)
        return done

    def _registered(self, words: VerdictWording) -> Sequence[str]:
        """What the court's register and its time-stamps say of this record."""
        told = self.record.register
        if told is None or not told.opening or self._any("register_differs"):
            return ()
        done = [words.did_register.format(size=told.head_size or 0, anchors=told.anchors)]
        if told.not_later_ms is not None:
            words_of = words.did_stamp if told.signed_by_authority else words.did_stamp_inside
            done.append(words_of.format(time=iso_ms(told.not_later_ms)))
        if told.witnesses:
            done.append(words.did_outside.format(names=_safe(", ".join(told.witnesses))))
        return done

    def not_checked(self, language: Language) -> list[str]:
        """What was not done, in sentences."""
        words, scope = VERDICTS[language], self.scope
        left = [] if self.record.trusted else [words.not_key]
        certificate = self.record.certificate
        if certificate is not None and not certificate.names_court:
            left.append(words.not_named.format(subject=_safe(certificate.subject)))
        if not scope.entries:
            left.append(words.not_entries)
        if not scope.compared:
            left.append(words.not_views)
        if scope.media:
            left.append(words.not_media)
        if not scope.entries:
            left.append(words.not_acts)
        if self.record.stated:
            left.append(words.not_stated)
        return [
            *left,
            words.not_played,
            *self._not_registered(words),
            words.not_orders,
            words.not_virus,
            words.not_truth,
        ]

    def _not_registered(self, words: VerdictWording) -> Sequence[str]:
        told = self.record.register
        if told is None or not told.opening:
            return (words.not_time,)
        left = [words.not_register_part.format(parts=", ".join(told.not_checked))] if told.not_checked else []
        return left if told.signed_by_authority else [*left, words.not_authority]

    def _any(self, *codes: str) -> bool:
        return any(each.code in codes for each in self.findings)

    def text(self, language: Language) -> str:
        """The whole report for people; the first line is the verdict."""
        words, record = VERDICTS[language], self.record
        lines = [self.first_line(language)]
        if self.outcome == HOLDS and not record.trusted:
            lines.append(REASONS[self.reason][language])
        if record.origin is not None and record.root is not None:
            lines.append(words.record.format(origin=_safe(record.origin), size=record.size, root=record.root.hex()))
        lines += [state] if (state := self.state(language)) else []
        if record.vkey is not None:
            lines.append(words.key.format(key=record.vkey.public_key.hex()))
        if self.scope.entries and self.gaps:
            lines.append(words.gaps.format(count=self.gaps))
        if self.findings:
            lines += ["", f"{words.findings}{words.colon}"]
            lines += [f"  - {self._told(each, language)}" for each in self.findings[:LISTED]]
            more = len(self.findings) - LISTED + self.unlisted
            lines += [f"  {words.more.format(count=more)}"] if more > 0 else []
        for title, sentences in (
            (words.checked, self.checked(language)),
            (words.not_checked, self.not_checked(language)),
        ):
            if sentences:
                lines += ["", f"{title}{words.colon}", *(f"  - {sentence}" for sentence in sentences)]
        lines += ["", f"{words.properties}{words.colon}"]
        for each in self.properties:
            registered = each.name == "authenticity" and bool(self._registered(words))
            what = words.authenticity_registered if registered else getattr(words, each.name)
            lines.append(words.property.format(name=words.names[each.name], state=words.states[each.state], what=what))
        lines += self._course(language)
        return "\n".join(lines) + "\n"

    def _course(self, language: Language) -> list[str]:
        """The course of the sitting: what this record has of it, not that it was so."""
        words, lines = VERDICTS[language], list[str]()
        for section in self.course.get(language, ()):
            lines += ["", f"{section.title}{words.colon}"]
            lines += [f"  - #{row.seq} {row.time} {_safe(row.text)}" for row in section.rows]
            lines += [f"  - {section.note}"] if section.note else []
        return ["", words.course, *lines] if lines else []

    def _told(self, each: Found, language: Language) -> str:
        words = VERDICTS[language]
        where = [
            *([words.found_at_seq.format(seq=each.seq)] if each.seq is not None else []),
            *([words.found_at_file.format(file=each.file)] if each.file is not None else []),
        ]
        detail = f" [{_safe(each.detail)}]" if each.detail else ""
        return f"{each.code}: {REASONS[each.code][language]}{detail}" + (f" — {', '.join(where)}" if where else "")

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        record = self.record
        languages: tuple[Language, ...] = ("zh", "en")
        return {
            "outcome": OUTCOMES[self.outcome],
            "exit_status": self.outcome,
            "reason": self.reason,
            "first_line": {language: self.first_line(language) for language in languages},
            "first_bad_seq": self.first_bad_seq,
            "first_bad_file": self.first_bad_file,
            "court_key_given_and_signed": record.trusted and not record.by_certificate,
            "certificate": None
            if record.certificate is None
            else {
                "subject": record.certificate.subject,
                "names_court": record.certificate.names_court,
                "vouched_by_one_given": record.certificate.vouched,
            },
            "origin": record.origin,
            "entries": record.size,
            "root": record.root.hex() if record.root is not None else None,
            "sealed": record.sealed,
            "gaps": self.gaps,
            "acts": record.acts,
            "signatures_checked": record.signatures_checked,
            "cosigners": record.cosigners,
            "cosignatures_before": record.witnessed,
            "quorum_met": record.quorum,
            "stated_absent": record.stated,
            "rotations": record.rotations,
            "digests_taken_over": record.taken_over,
            "register": None
            if record.register is None
            else {
                "opening": record.register.opening,
                "head_size": record.register.head_size,
                "anchors": record.register.anchors,
                "not_later_ms": record.register.not_later_ms,
                "signed_by_authority": record.register.signed_by_authority,
                "witnesses": list(record.register.witnesses),
                "not_checked": list(record.register.not_checked),
            },
            "findings": [
                {"code": each.code, "detail": each.detail, "file": each.file, "seq": each.seq} for each in self.findings
            ],
            "unlisted_findings": self.unlisted,
            "checked": {language: self.checked(language) for language in languages},
            "not_checked": {language: self.not_checked(language) for language in languages},
            "properties": {each.name: each.state for each in self.properties},
            "course": {
                language: {
                    section.name: [{"seq": row.seq, "time": row.time, "text": row.text} for row in section.rows]
                    for section in sections
                }
                for language, sections in self.course.items()
            },
        }


def _properties(findings: Sequence[Found], record: RecordReport, scope: Scope) -> tuple[Property, ...]:
    codes = {each.code for each in findings}
    made = []
    for name, against in _OF.items():
        if codes & against:
            hard = any(not each.cannot for each in findings if each.code in against)
            state = "failed" if hard else "part"
        elif not scope.entries:
            state = "unchecked"
        elif name == "authenticity":
            state = "ok" if record.trusted and record.quorum else "part"
        elif name == "completeness":
            state = "ok" if record.sealed and not record.stated else "part"
        else:
            state = "part"  # recordings were not played, nothing was searched for viruses
        made.append(Property(name, state))
    return tuple(made)


def _course(total: Overview, scope: Scope) -> dict[Language, Sequence[Section]]:
    return {language: course_rows(total, CATALOGS[language], scope.zone) for language in LANGUAGES}


def _safe(text: str) -> str:
    """For a terminal: names and words of a hostile export may hold anything."""
    return "".join(each if each.isprintable() else "?" for each in text)[:300]
