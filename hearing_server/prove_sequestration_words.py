"""What `palmcourt prove sequestration` says, in Chinese and in English.

Law: first the verdict in one line; then what was checked, from which entries; then what could not be shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from hearing_server.prove_sequestration import ON_ITS_WAY_MS, Breach, Finding, Held, SeatFinding, Unknown
from transcripts import clock
from transcripts.clock import COURT_ZONE
from transcripts.wording import LANGUAGES, Language

_ZH: Final = {
    "0": "成立：在所列时间内，没有任何内容到达应当回避旁听的席位",
    "1": "不成立：有内容到达了应当回避旁听的席位，或其设备在此期间有过行为",
    "2": "不能全部证明：没有发现到达的内容，但有的时间没有计数",
    "altered": "不成立：卷宗本身已被改动",
    "cannot_check": "无法核验：卷宗本身不能核验",
    "no_such_seat": "无法核验：卷宗里没有这个证人或鉴定人席位",
    "unreadable": "无法核验：记录的内容不符合庭审规则",
    "bag": "卷宗：{line}",
    "seat": "席位 {slot}",
    "held": "  应当回避：第 {after} 条（{start}）至第 {until} 条（{end}）",
    "held_open": "  应当回避：第 {after} 条（{start}）起，至记录末尾",
    "rules": "  已核验：由全部条目重新推演规则，上列时间内该席位看不到任何条目、名单和哈希；其设备在此期间没有行为",
    "counts": "  已核验：法院对发往该席位的声音和图像的计数（第 {list} 条），均不在上列时间内",
    "no_counts": "  已核验：记录中没有发往该席位的声音和图像的计数",
    "overrun": "  注：退庭决定入卷后 {ms} 毫秒内仍有已在途的数据（允许 {most} 毫秒）",
    "sent": "  问题：第 {seq} 条载明，{at} 向该席位发送了 {publisher} 的{kind}（该行共 {packets} 个数据包）",
    "acted": "  问题：第 {seq} 条是该席位设备的行为，而它当时应当回避",
    "fault": "  不能证明：{start} 至 {end}（第 {seq} 条：音视频服务中断，之前最多一分钟的计数已丢失）",
    "open": "  不能证明：{start} 至 {end}（记录尚未封存，最后一分钟可能还没有计数）",
    "across": "  不能证明：{start} 至 {end}（第 {seq} 条的一个计数跨过了这段时间）",
    "silent": "本次庭审没有运行声音和图像服务（条目 rec.fault 载明）。",
    "limits": "任何记录都不能证明的：证人身边有谁，他是否从别处听到庭审，以及法院的程序是否如实计数。",
    "audio": "声音",
    "video": "图像",
    "screen": "共享屏幕",
    "comma": "、",
}
_EN: Final = {
    "0": "holds: in the times listed nothing reached a seat that was to be kept out",
    "1": "broken: something reached a seat that was to be kept out, or its device acted meanwhile",
    "2": "not wholly shown: nothing was found that reached it, but for some time there are no counts",
    "altered": "broken: the export itself was altered",
    "cannot_check": "cannot check: the export itself cannot be checked",
    "no_such_seat": "cannot check: the record has no such seat of a witness or an expert",
    "unreadable": "cannot check: the record does not follow the rules of a sitting",
    "bag": "Export: {line}",
    "seat": "Seat {slot}",
    "held": "  kept out: #{after} ({start}) to #{until} ({end})",
    "held_open": "  kept out: from #{after} ({start}) to the end of the record",
    "rules": "  checked: the rules, folded anew from all entries, let this seat see no entry, roster or hash in these"
    " times, and its device did not act",
    "counts": "  checked: what the court counted as sent to this seat in sound and picture ({list}); none of it in"
    " these times",
    "no_counts": "  checked: the record counts no sound and no picture sent to this seat",
    "overrun": "  note: {ms} ms after the release stood on the record, packets were still on their way"
    " ({most} ms are allowed)",
    "sent": "  found: #{seq} tells that at {at} {kind} of {publisher} was sent to this seat"
    " ({packets} packets in that row)",
    "acted": "  found: #{seq} is an act of this seat's device while it was to be kept out",
    "fault": "  not shown: {start} to {end} (#{seq}: the media service was interrupted; up to a minute of counts"
    " before it is lost)",
    "open": "  not shown: {start} to {end} (the record is not sealed; its last minute may not be counted yet)",
    "across": "  not shown: {start} to {end} (one count in #{seq} spans that time)",
    "silent": "No sound and picture service ran at this sitting (a rec.fault entry says so).",
    "limits": "What no record can show: who was beside the witness, whether he heard the hearing by another way, and"
    " whether the court's program counted truly.",
    "audio": "sound",
    "video": "the picture",
    "screen": "the shared screen",
    "comma": ", ",
}
WORDS: Final[Mapping[Language, Mapping[str, str]]] = {"zh": _ZH, "en": _EN}
LISTED: Final = 20
"""Entries named in one line; the others are counted by the reader of the record itself."""

__all__ = ["LANGUAGES", "WORDS", "text"]


def text(finding: Finding, language: Language) -> str:
    """The whole answer."""
    words = WORDS[language]
    lines = [words[finding.why or str(finding.outcome)], words["bag"].format(line=finding.report.first_line(language))]
    for seat in finding.seats:
        lines += _seat(seat, words)
    if finding.without_media:
        lines.append(words["silent"])
    if finding.seats:
        lines.append(words["limits"])
    return "\n".join(lines)


def _seat(seat: SeatFinding, words: Mapping[str, str]) -> Iterator[str]:
    yield words["seat"].format(slot=seat.slot)
    for held in seat.held:
        yield _held(held, words)
    if not any(each.code == "acted" for each in seat.breaches):
        yield words["rules"]
    if not seat.counts:
        yield words["no_counts"]
    elif not any(each.code == "sent" for each in seat.breaches):
        yield words["counts"].format(list=_listed(seat.counts, words))
    if seat.overrun_ms:
        yield words["overrun"].format(ms=seat.overrun_ms, most=ON_ITS_WAY_MS)
    for breach in seat.breaches:
        yield _breach(breach, words)
    for unknown in seat.unknown:
        yield _unknown(unknown, words)


def _held(held: Held, words: Mapping[str, str]) -> str:
    if held.until is None:
        return words["held_open"].format(after=held.after, start=_at(held.from_ms))
    return words["held"].format(after=held.after, start=_at(held.from_ms), until=held.until, end=_at(held.to_ms))


def _breach(breach: Breach, words: Mapping[str, str]) -> str:
    return words[breach.code].format(
        seq=breach.seq,
        at=_at(breach.at_ms),
        publisher=breach.publisher,
        kind=words.get(breach.kind, breach.kind),
        packets=breach.packets,
    )


def _unknown(unknown: Unknown, words: Mapping[str, str]) -> str:
    return words[unknown.code].format(seq=unknown.seq, start=_at(unknown.from_ms), end=_at(unknown.to_ms))


def _listed(seqs: Sequence[int], words: Mapping[str, str]) -> str:
    more = " …" if len(seqs) > LISTED else ""
    return words["comma"].join(f"#{seq}" for seq in seqs[:LISTED]) + more


def _at(ms: int) -> str:
    return clock.time(ms, COURT_ZONE)
