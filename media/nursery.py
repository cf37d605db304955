"""The nursery: one pristine child that loads the heavy libraries once and forks the workers.

What it has loaded is frozen out of the garbage collector before the first fork, so workers
and recorder share those pages. It runs no event loop and no thread, so forking is safe. It
reads one command per line: `fork <role> <index>`; at end of file (the court's process is
gone, however it died) it ends, and the kernel tells its children by SIGTERM.

    python -m media.nursery CONTROL_SOCKET CONFIG_JSON
"""

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from media.config import MediaConfig

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Loads, freezes, and forks on command."""
    control = Path(sys.argv[1])
    raw: dict[str, Any] = json.loads(sys.argv[2])
    config = MediaConfig(
        **{**raw, "recordings": Path(raw["recordings"]), "addresses": tuple(raw["addresses"])},
    )
    import uvloop  # noqa: F401 - loaded here so that the children share it

    import media.recorder.process
    import media.worker.process  # noqa: F401 - as above
    from media.native.choose import shortfall

    if trouble := shortfall(config):
        sys.stderr.write(trouble + "\n")
        sys.stderr.flush()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the link tells of deaths; no zombies are kept
    for line in iter(sys.stdin.buffer.readline, b""):
        _, role, index = line.decode().split()
        if os.fork() == 0:
            _child(role, int(index), control, config)


def _child(role: str, index: int, control: Path, config: MediaConfig) -> None:
    """Never returns."""
    code = 1
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == 1:  # the nursery died before the line above
            os._exit(0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(role, index, control, config))
        code = 0
    except (KeyboardInterrupt, SystemExit):
        code = 0
    except OSError as error:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"media {role}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


async def _serve(role: str, index: int, control: Path, config: MediaConfig) -> None:
    from media.link import Link
    from media.native.engine import NoNative
    from media.recorder.process import Recorder
    from media.worker.process import Worker

    reader, writer = await asyncio.open_unix_connection(str(control))
    tape = control.with_name("tape.sock")
    if role == "recorder":
        recorder = Recorder(config.recordings, config.segment_ms, repair=index > 0)
        await recorder.listen(tape)
        link = Link(reader, writer, recorder.serve)
        link.event("hello", role, index, os.getpid(), 0)
        _on_sigterm(link)
        await recorder.run(link)
        return
    port = config.port + index if config.port else 0
    with contextlib.suppress(PermissionError):  # before the worker makes its thread, which inherits it
        os.nice(-10)  # a packet that is 20 ms late is lost; a page that is 20 ms late is not
    try:
        worker = Worker(config, port, tape)
    except (OSError, NoNative) as error:
        port_taken = f"UDP port {port} on {config.bind_address}: {getattr(error, 'strerror', '')}"
        Link(reader, writer).event("unable", str(error) if isinstance(error, NoNative) else port_taken)
        await writer.drain()
        raise
    link = Link(reader, writer, worker.serve)
    link.event("hello", role, index, os.getpid(), worker.port)
    _on_sigterm(link)
    await worker.run(link)


def _on_sigterm(link: Any) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, link.close)


if __name__ == "__main__":
    main()
