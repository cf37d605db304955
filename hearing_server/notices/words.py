"""What a notice says, in Chinese and English.

Law: an e-mail is read by the person alone and says what a summons says; an SMS lies open on a locked screen and says
that there is a sitting, when, and where to go, not of what it is. Both name the court and its telephone, so that
whoever fears a fraud can ask.
"""

from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hearing_server.notices.channel import Letter


class About(NamedTuple):
    """What the words are about."""

    court: str
    telephone: str
    court_zone: str
    case_number: str
    cause: str
    kind: str
    at_ms: int
    name: str
    role: str
    url: str
    """The personal link; empty where nobody can enter any more."""


KINDS: Final = {
    "zh": {"hearing": "庭审", "pretrial": "庭前会议", "exchange": "证据交换", "inquiry": "询问", "mediation": "调解"},
    "en": {
        "hearing": "hearing",
        "pretrial": "pre-trial conference",
        "exchange": "exchange of evidence",
        "inquiry": "inquiry",
        "mediation": "mediation",
    },
}
SUBJECTS: Final = {
    "zh": {
        "scheduled": "{court}：{kind}通知 {case_number}",
        "moved": "{court}：{kind}改期通知 {case_number}",
        "cancelled": "{court}：{kind}取消通知 {case_number}",
        "reminder_day": "{court}：{kind}提醒 {case_number}",
        "reminder_soon": "{court}：{kind}即将开始 {case_number}",
        "call": "{court}正在请您到庭 {case_number}",
    },
    "en": {
        "scheduled": "{court}: notice of {kind}, {case_number}",
        "moved": "{court}: new date of the {kind}, {case_number}",
        "cancelled": "{court}: the {kind} is cancelled, {case_number}",
        "reminder_day": "{court}: reminder of the {kind}, {case_number}",
        "reminder_soon": "{court}: the {kind} is about to begin, {case_number}",
        "call": "{court} is calling you now, {case_number}",
    },
}
LEADS: Final = {
    "zh": {
        "scheduled": "请您按时在线参加{kind}。",
        "moved": "原定的{kind}已改期，请以本通知的时间为准。",
        "cancelled": "原定的{kind}已取消，您不必到庭。",
        "reminder_day": "提醒您：{kind}将在一天之内举行。",
        "reminder_soon": "{kind}即将开始，请现在打开链接。",
        "call": "法庭正在等您，请立即打开链接。",
    },
    "en": {
        "scheduled": "Please attend the {kind} online at the time below.",
        "moved": "The {kind} has been moved. The date in this notice is the one that counts.",
        "cancelled": "The {kind} is cancelled. You need not attend.",
        "reminder_day": "A reminder: the {kind} takes place within a day.",
        "reminder_soon": "The {kind} is about to begin. Please open your link now.",
        "call": "The court is waiting for you. Please open your link now.",
    },
}
LINES: Final = {
    "zh": {
        "scheduled": "【{court}】请于{time}在线参加{kind}",
        "moved": "【{court}】{kind}改期至{time}",
        "cancelled": "【{court}】原定{time}的{kind}已取消",
        "reminder_day": "【{court}】提醒：{time}在线{kind}",
        "reminder_soon": "【{court}】{kind}即将开始",
        "call": "【{court}】法庭正在请您，请立即进入",
    },
    "en": {
        "scheduled": "{court}: {kind} online on {time}",
        "moved": "{court}: the {kind} is moved to {time}",
        "cancelled": "{court}: the {kind} on {time} is cancelled",
        "reminder_day": "{court}: reminder, {kind} online on {time}",
        "reminder_soon": "{court}: the {kind} is about to begin",
        "call": "{court} is calling you, please enter now",
    },
}


def moment(at_ms: int, zone: str, language: str) -> str:
    """2026年12月1日 14:00 / 1 December 2026, 14:00, by that clock."""
    at = datetime.fromtimestamp(at_ms / 1000, _zone(zone))
    if language == "zh":
        return f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}"
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def both_clocks(about: About, zone: str, language: str) -> str:
    """The court's time, and the person's where his clock is known and differs."""
    there = moment(about.at_ms, about.court_zone, language)
    told = f"{there} ({about.court_zone})"
    own = moment(about.at_ms, zone, language) if zone else there
    if own == there:
        return told
    return f"{told}，您的时间 {own} ({zone})" if language == "zh" else f"{told}; your time: {own} ({zone})"


def letter(  # noqa: PLR0917 - what a letter is made of
    notice_id: bytes, occasion: str, about: About, language: str, zone: str, ticket: str, valid_s: int
) -> Letter:
    """The words of one notice."""
    kind = KINDS[language].get(about.kind, about.kind)
    time = both_clocks(about, zone, language)
    fill = {**about._asdict(), "kind": kind, "time": moment(about.at_ms, about.court_zone, language)}
    lead = LEADS[language][occasion].format(**fill)
    if language == "zh":
        rows = [f"{about.name}：", "", lead, "", f"案号：{about.case_number}", f"案由：{about.cause}", f"时间：{time}"]
        rows += _entry_zh(about) if about.url else []
        rows += ["", f"{about.court}", f"电话：{about.telephone}", "", "如怀疑本通知不实，请拨打上述电话核实。"]
    else:
        rows = [f"{about.name},", "", lead, "", f"Case: {about.case_number}", f"Cause: {about.cause}", f"Time: {time}"]
        rows += _entry_en(about) if about.url else []
        rows += ["", about.court, f"Telephone: {about.telephone}", ""]
        rows += ["If you doubt that this notice is genuine, call this number."]
    line = LINES[language][occasion].format(**fill)
    ask = f"，咨询{about.telephone}" if language == "zh" else f". Questions: {about.telephone}"
    line = f"{line}{ask}" + (f" {about.url}" if about.url else "")
    urgent = occasion in ("call", "reminder_soon")
    return Letter(
        notice_id, SUBJECTS[language][occasion].format(**fill), "\n".join(rows) + "\n", line, ticket, urgent, valid_s
    )


def _entry_zh(about: About) -> list[str]:
    return [
        "",
        "您的专属链接（只供您本人使用，请勿转发）：",
        about.url,
        "",
        "请准备：带摄像头和话筒的手机或电脑、身份证件、安静的房间。提前半小时即可进入候审。",
    ]


def _entry_en(about: About) -> list[str]:
    return [
        "",
        "Your personal link (for you alone; do not pass it on):",
        about.url,
        "",
        "Have ready: a phone or computer with camera and microphone, your identity document, a quiet room.",
        "You may enter the waiting room half an hour before.",
    ]


_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
