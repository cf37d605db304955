"""Reading a file of an export: bounded, never a link, and what goes wrong is a finding."""

from __future__ import annotations

import stat
from pathlib import Path

from recording.findings import Findings

__all__ = ["read_file"]


def read_file(bundle: Path, name: str, limit: int, findings: Findings, *, seq: int | None = None) -> bytes | None:
    """The bytes of a file that has to be there, at most `limit`; None with a finding."""
    path = bundle / name
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            findings.add("not_a_file", "something that is no file lies where only files may be", file=name, seq=seq)
        elif status.st_size > limit:
            findings.add("file_differs", "a file is larger than any of its kind", file=name, seq=seq)
        else:
            return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        findings.add("missing_file", "a file of the record is missing", file=name, seq=seq)
    except OSError as error:
        findings.add("unreadable", f"a file cannot be read: {error.strerror}", file=name, seq=seq)
    return None
