"""Slow work that nobody waits for in a hearing: rendered composites today, recognised speech tomorrow.

Law: what is asked for here can be asked for again. A job is plain data and a file to be written; it names nothing that
lives in this process, so that another machine could do it. The one implementation of today runs jobs one after another
in processes of their own, below the priority of a hearing.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

JOBS: Final = {"composite": "media.composite"}
"""Each kind of job and the module that does it: `python -m MODULE PLAN.json TARGET`, progress as JSON lines."""
MAX_LINE: Final = 1 << 16
"""Bytes of one line of progress; names that could not be written are its longest part."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done: `plan` is JSON, `target` the file that the work leaves."""

    kind: str
    plan: Mapping[str, Any]
    target: Path


class WorkFailed(Exception):  # noqa: N818 - named like the record's own errors
    """The work was not done; `str()` is a sentence. Asking again does no harm."""


class WorkQueue(Protocol):
    """Where slow work is handed in."""

    async def run(self, job: Job, progress: Progress = lambda _done, _total: None) -> Mapping[str, Any]:
        """Wait for the turn, do it, and give what the work reports. `target` is whole when this returns and not there
        when it raises WorkFailed. A cancelled wait ends the work.
        """


class LocalWorkQueue:
    """`WorkQueue` on this machine, one job at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)

    async def run(self, job: Job, progress: Progress = lambda _done, _total: None) -> Mapping[str, Any]:
        """See WorkQueue."""
        async with self._turn:
            with tempfile.TemporaryDirectory(prefix=".work-", dir=job.target.parent) as scratch:
                plan, made = Path(scratch) / "plan.json", Path(scratch) / f"made{job.target.suffix}"
                plan.write_text(json.dumps(job.plan))
                last = await _run(JOBS[job.kind], plan, made, progress)
                made.replace(job.target)
                return last


async def _run(module: str, plan: Path, made: Path, progress: Progress) -> Mapping[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, str(plan), str(made),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, limit=MAX_LINE,
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101 - piped above
    last: dict[str, Any] = {}
    try:
        async for line in process.stdout:
            last = json.loads(line)
            if "done" in last:
                progress(last["done"], last["total"])
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if "failed" in last:
        raise WorkFailed(f"the work was not done: {last['failed']}; ask for it again")
    if process.returncode or "finished" not in last:
        raise WorkFailed("the work was broken off; ask for it again")
    return last
