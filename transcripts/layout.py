"""Where everything lies in an exported sitting (BagIt, RFC 8493; the record inside is a C2SP tlog-tiles directory).

Law of this module: a file's name follows from the record alone, so a verifier knows every file that belongs to an
export, and a file it does not know is one that somebody added. Content is named by its commitment; its ending comes
from a closed table, because a browser decides by the ending whether to run a file: what is not in the table ends in
`.bin`.
"""

from typing import Final

from transcripts import clock
from transcripts.clock import Zone

FORMAT: Final = 1
"""Version of the views and names; a verifier that knows another cannot compare them and says so."""

BAGIT: Final = "bagit.txt"
BAG_INFO: Final = "bag-info.txt"
MANIFEST: Final = "manifest-sha256.txt"
TAG_MANIFEST: Final = "tagmanifest-sha256.txt"

README: Final = "data/README.txt"
RECORD: Final = "data/record"
CHECKPOINT: Final = "data/record/checkpoint"
POLICY: Final = "data/record/policy.txt"
LOG_KEY: Final = "data/record/keys/log.vkey"
REDACTIONS: Final = "data/record/redactions"
REGISTER: Final = "data/register"
VERIFY_SCRIPT: Final = "data/verify/verify.py"
VERIFY_PAGE: Final = "data/verify/verify.html"
CONTENT: Final = "data/content"
SALTS: Final = "data/salts"
MEDIA: Final = "data/media"
COMPOSITE: Final = f"{MEDIA}/composite.webm"
"""The whole sitting in one picture, where it was asked for: a view, made from the segments."""
RECORD_JSONL: Final = "data/view/record.jsonl"
INDEX_CSV: Final = "data/view/index.csv"
REPLAY_PAGE: Final = "data/view/replay.html"
REPLAY_STYLE: Final = "data/view/replay.css"
REPLAY_SCRIPT: Final = "data/view/replay.js"
REPLAY_DATA: Final = "data/view/replay-data.js"

MEDIA_ENDINGS: Final = frozenset({"webm", "mkv"})

ENDINGS: Final[dict[str, str]] = {
    "application/json": "json",
    "application/pdf": "pdf",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/webm": "weba",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "text/plain": "txt",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/x-matroska": "mkv",
}


def ending(mime: str | None) -> str:
    """The ending for a media type as its sender wrote it; `bin` for any that a program might run."""
    return ENDINGS.get((mime or "").partition(";")[0].strip().lower(), "bin")


def bag_info(origin: str, made_ms: int, zone: Zone) -> tuple[tuple[str, str], ...]:
    """What bag-info.txt says: all of it follows from the record but the moment of the export and the zone it is in."""
    return (
        ("Bag-Software-Agent", "palmcourt"),
        ("Bagging-Date", clock.day(made_ms, zone)),
        ("External-Identifier", origin),
        ("Palmcourt-Export-Format", str(FORMAT)),
        ("Palmcourt-Made-Ms", str(made_ms)),
        ("Palmcourt-Time-Zone", str(zone)),
    )


def transcript(language: str, kind: str) -> str:
    """Path of a transcript; `kind` is `html` or `txt`."""
    return f"data/transcript.{language}.{kind}"


def content_file(commit: bytes, suffix: str) -> str:
    """Path of content or of a blob."""
    return f"{CONTENT}/{commit.hex()}.{suffix}"


def salt_file(commit: bytes) -> str:
    """Path of the salt that belongs to a commitment."""
    return f"{SALTS}/{commit.hex()}"


def media_file(slot: str, track: str, suffix: str) -> str:
    """Path of the whole recording of one track of one seat."""
    return f"{MEDIA}/{slot.replace('/', '-')}-{track}.{suffix}"
