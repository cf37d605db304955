"""What commands that open a court share: --config, --data, --port, logging, and waiting for the operator."""

import argparse
import asyncio
import contextlib
import gc
import logging
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar, cast

import structlog
import uvloop

from hearing_server import config
from hearing_server.config import Config
from hearing_server.flows.case import PURPOSES

T = TypeVar("T")

SWITCH_S: Final = 0.0005
"""How long a thread may hold the interpreter: the committer waits for the loop at most this long after its fsync."""
COLLECT: Final = (50_000, 50, 1_000)
"""Collector thresholds. With a thousand phones a full collection stops everybody for 0.1 to 0.2 s, so it is made rare
(what a room leaves behind is freed by counting references). The young ones begin above what a thousand acts under way
hold together: below it, each moment's acts were looked through again and again, a fifth of the whole work."""
LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def add_court(parser: argparse.ArgumentParser) -> None:
    """--config and --data."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings (TOML); unknown keys are errors")
    parser.add_argument("--data", metavar="DIR", help="where everything is kept (default: court-data)")


def add_purpose(parser: argparse.ArgumentParser) -> None:
    """--purpose."""
    parser.add_argument(
        "--purpose",
        choices=sorted(PURPOSES),
        default="duty",
        help="what it is for, which stands in the record of the case with who took it (default: duty)",
    )


def add_port(parser: argparse.ArgumentParser) -> None:
    """--host and --port."""
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, metavar="N", help="TCP port; 0 takes any free one")


def settings(arguments: argparse.Namespace, **more: dict[str, Any]) -> Config:
    """The configuration a command line asks for. Raises ConfigError."""
    overrides: dict[str, dict[str, Any]] = {key: dict(value) for key, value in more.items()}
    if getattr(arguments, "data", None):
        overrides.setdefault("data", {})["directory"] = arguments.data
    for key in ("host", "port"):
        if getattr(arguments, key, None) is not None:
            overrides.setdefault("http", {})[key] = getattr(arguments, key)
    return config.load(arguments.config, **overrides)


class _StandardError:
    """Standard error as it is at the moment of a line. Whoever collects the log may end, or its disk be full: then the
    line is lost, and the act that it tells of is not. A log that raised would take the place of an answer.
    """

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):  # ValueError: it was closed
            return sys.stderr.write(text)
        return 0

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


def configure_log(settings_: Config) -> None:
    """Structured lines on standard error; never what people said, never a link."""
    renderer: Any = structlog.processors.JSONRenderer()
    if settings_.log.format == "text":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[settings_.log.level]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _StandardError())),
        cache_logger_on_first_use=False,
    )


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop, with the collector and the interpreter's lock set for a server."""
    sys.setswitchinterval(SWITCH_S)
    gc.freeze()
    gc.set_threshold(*COLLECT)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def stop_signal() -> None:
    """Until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
