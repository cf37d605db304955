"""A nursery whose workers can be made to stall, for the bench only: after SIGUSR1 the worker's
Python loop does nothing for 60 ms of every 200, as a busy garbage collector or a long
negotiation would make it. Nothing of this is in the worker that courts run.

    python -m media.bench.stalling CONTROL_SOCKET CONFIG_JSON
"""

import asyncio
import signal
import time
from typing import Final

from media import nursery
from media.link import Link
from media.worker import process as worker

STALL_S: Final = 0.060
EVERY_S: Final = 0.200


class StallingWorker(worker.Worker):
    """The worker, and a task that blocks its loop once SIGUSR1 came."""

    async def run(self, link: Link) -> None:
        """Works until the link ends."""
        loop = asyncio.get_running_loop()
        tasks: list[asyncio.Task[None]] = []
        loop.add_signal_handler(signal.SIGUSR1, lambda: tasks.append(loop.create_task(self._stall())))
        try:
            await super().run(link)
        finally:
            for task in tasks:
                task.cancel()

    @staticmethod
    async def _stall() -> None:
        while True:
            await asyncio.sleep(EVERY_S - STALL_S)
            time.sleep(STALL_S)  # noqa: ASYNC251 - this is the stall


if __name__ == "__main__":
    vars(worker)["Worker"] = StallingWorker  # what the nursery then forks
    nursery.main()
