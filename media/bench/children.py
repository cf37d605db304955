"""The end of a process that a bench started."""

import asyncio
from collections.abc import Callable
from typing import Final

END_S: Final = 5.0


async def ended(process: asyncio.subprocess.Process, ask: Callable[[], None]) -> None:
    """Ask it to end; one that does not within `END_S` is killed."""
    if process.returncode is not None:
        return
    ask()
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
