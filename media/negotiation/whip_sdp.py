"""Offers of programs that never heard of our convention (RFC 9725 publishers, WHEP viewers), told in it, and back.

Law: a foreign offer goes the same way as a phone's. Its m-lines are put into our order (sdp.py), a line that it lacks
is added as `inactive` with the formats of its kind, and the answer is cut back to the lines it has, in their order.
So nothing behind the door knows that it was no phone. What cannot be told in our convention is refused here, with
the sentence that its operator needs.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from media.events import BadOffer

Purpose = Literal["publish", "view"]

MAX_SDP: Final = 64 * 1024
MAX_LINES: Final = 32
"""m-lines of a viewer: sixteen people at once."""
DTLS_SERVER: Final = (
    "this court is always the DTLS server: offer a=setup:actpass or a=setup:active (ffmpeg: -whip_flags dtls_active)"
)
_OWN_FORMATS: Final = {
    "audio": ("opus/48000/2",),
    "video": ("VP8/90000",),
}
_ICE: Final = re.compile(r"a=ice-(?:ufrag|pwd):.*")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A foreign offer in our convention. `order` tells the answer's lines back: for each m-line of the peer's offer,
    in its order, the number of the line in `sdp`.
    """

    sdp: str
    order: tuple[int, ...]
    pairs: int
    """Receive slots it asks for."""


@dataclass(slots=True)
class _Section:
    kind: str
    lines: list[str]
    mid: str = ""
    direction: str = "sendrecv"


def to_convention(text: str, purpose: Purpose) -> Foreign:
    """Tells a foreign offer in our convention. BadOffer where it cannot be told."""
    session, sections = _split(text)
    for section in sections:
        if section.kind not in ("audio", "video"):
            raise BadOffer(f"an m-line of {section.kind!r} is offered; only audio and video are taken")
    if any(line == "a=setup:passive" for line in [*session, *(line for s in sections for line in s.lines)]):
        raise BadOffer(DTLS_SERVER)
    _name(sections)
    ordered = _published(sections) if purpose == "publish" else _viewed(sections)
    taken = {s.mid for s in sections}
    for place, kind in enumerate(("audio", "video")):
        if ordered[place] is None:
            ordered[place] = _inactive(kind, sections, taken)
    ours = [section for section in ordered if section is not None]
    head = [line for line in session if not line.startswith("a=group:")]
    head.append("a=group:BUNDLE " + " ".join(section.mid for section in ours))
    sdp = "\r\n".join([*head, *(line for section in ours for line in section.lines)]) + "\r\n"
    place_of = {section.mid: place for place, section in enumerate(ours)}
    return Foreign(sdp, tuple(place_of[section.mid] for section in sections), (len(ours) - 2) // 2)


def from_convention(answer: str, order: tuple[int, ...]) -> str:
    """The court's answer with the lines of the peer's offer alone, in its order, candidates on the first."""
    session, sections = _split(answer)
    candidates = [line for s in sections for line in s.lines if _is_candidate(line)]
    kept = [sections[place] for place in order]
    mids = [next(line[6:] for line in s.lines if line.startswith("a=mid:")) for s in kept]
    head = ["a=group:BUNDLE " + " ".join(mids) if line.startswith("a=group:") else line for line in session]
    lines = [[line for line in s.lines if not _is_candidate(line)] for s in kept]
    lines[0] += candidates
    return "\r\n".join([*head, *(line for section in lines for line in section)]) + "\r\n"


def restarted(sdp: str, fragment: str) -> str:
    """An offer told in our convention, with the ICE credentials of a fragment (RFC 8840): an ICE restart. BadOffer."""
    found = dict(re.findall(r"^a=ice-(ufrag|pwd):(.*?)\r?$", fragment, re.MULTILINE))
    if set(found) != {"ufrag", "pwd"}:
        raise BadOffer("the fragment has no a=ice-ufrag and a=ice-pwd")
    lines = (_ICE.sub(lambda m: f"{m[0].split(':')[0]}:{found[m[0][6:].split(':')[0]]}", line) for line in _lines(sdp))
    return "\r\n".join(lines) + "\r\n"


def fragment_of(answer: str) -> str:
    """The answer's side of an ICE restart: credentials and candidates (RFC 8840 section 9, as RFC 9725 uses it)."""
    session, sections = _split(answer)
    first = sections[0]
    wanted = ("m=", "a=mid:", "a=ice-ufrag:", "a=ice-pwd:", "a=candidate:", "a=end-of-candidates")
    group = [line for line in session if line.startswith(("a=group:", "a=ice-lite"))]
    return "\r\n".join([*group, *(line for line in first.lines if line.startswith(wanted))]) + "\r\n"


def ufrag_of(text: str) -> str | None:
    """The ICE user fragment that a fragment or an offer names."""
    match = re.search(r"^a=ice-ufrag:(\S+)", text, re.MULTILINE)
    return match[1] if match else None


def _lines(text: str) -> list[str]:
    return [line for line in text.replace("\r\n", "\n").split("\n") if line]


def _split(text: str) -> tuple[list[str], list[_Section]]:
    if len(text) > MAX_SDP:
        raise BadOffer(f"the offer is {len(text)} characters long; {MAX_SDP} are read at most")
    session: list[str] = []
    sections: list[_Section] = []
    for line in _lines(text):
        if line.startswith("m="):
            if len(sections) == MAX_LINES + 2:
                raise BadOffer(f"the offer has more than {MAX_LINES} m-lines")
            sections.append(_Section(line[2:].split(" ")[0], []))
        (sections[-1].lines if sections else session).append(line)
        if sections and line.startswith("a=mid:"):
            sections[-1].mid = line[6:]
        elif sections and line in ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"):
            sections[-1].direction = line[2:]
    if not sections:
        raise BadOffer("the offer has no m-line")
    return session, sections


def _name(sections: list[_Section]) -> None:
    """A mid for each line; without one, its number, as peers that know no mid count."""
    for number, section in enumerate(sections):
        if not section.mid:
            section.mid = str(number)
            section.lines.append(f"a=mid:{number}")


def _published(sections: list[_Section]) -> list[_Section | None]:
    """RFC 9725 section 4.2: one microphone, one camera, both or either, sending."""
    ordered: list[_Section | None] = [None, None]
    for section in sections:
        place = ("audio", "video").index(section.kind)
        if ordered[place] is not None:
            raise BadOffer(f"two m-lines of {section.kind} are offered; a camera has one")
        if section.direction not in ("sendonly", "sendrecv"):
            raise BadOffer(f"m-line {section.mid} sends nothing: offer a=sendonly")
        ordered[place] = section
    return ordered


def _viewed(sections: list[_Section]) -> list[_Section | None]:
    """A viewer receives: the n-th audio and the n-th video line are the n-th person."""
    lines: dict[str, list[_Section]] = {"audio": [], "video": []}
    for section in sections:
        if section.direction not in ("recvonly", "sendrecv"):
            raise BadOffer(f"m-line {section.mid} receives nothing: offer a=recvonly")
        section.lines = ["a=recvonly" if line == "a=sendrecv" else line for line in section.lines]
        if not {"a=recvonly"} & set(section.lines):
            section.lines.append("a=recvonly")
        lines[section.kind].append(section)
    if len(lines["audio"]) != len(lines["video"]):
        raise BadOffer("offer as many audio as video lines: one of each is one person")
    pairs = zip(lines["audio"], lines["video"], strict=True)
    return [None, None, *(section for pair in pairs for section in pair)]


def _inactive(kind: str, sections: list[_Section], taken: set[str]) -> _Section:
    """A line that sends and receives nothing, of formats that mean in this bundle what they say."""
    like = next((s for s in sections if s.kind == kind), None)
    shared = ("a=ice-", "a=fingerprint:", "a=setup:", "a=rtcp-mux")
    transport = [line for line in sections[0].lines if line.startswith(shared)]
    mid = next(name for name in (f"x{n}" for n in range(MAX_LINES)) if name not in taken)
    taken.add(mid)
    if like is not None:
        head = like.lines[0]
        formats = [line for line in like.lines if line.startswith(("a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=extmap:"))]
    else:
        used = {number for s in sections for number in s.lines[0].split(" ")[3:]}
        free = next(str(n) for n in range(127, 95, -1) if str(n) not in used)
        head = f"m={kind} 9 UDP/TLS/RTP/SAVPF {free}"
        formats = [f"a=rtpmap:{free} {name}" for name in _OWN_FORMATS[kind]]
    lines = [head, "c=IN IP4 0.0.0.0", f"a=mid:{mid}", "a=inactive", *transport, *formats]
    if "a=rtcp-mux" not in lines:
        lines.append("a=rtcp-mux")
    return _Section(kind, lines, mid, "inactive")


def _is_candidate(line: str) -> bool:
    return line.startswith("a=candidate:") or line == "a=end-of-candidates"
