"""`palmcourt bench record | verify | room | media`; without a name, all of them as a table (`make bench`)."""

import argparse
import json
import sys
from typing import Any, Final

from hearing_server.bench.postgres import NoPostgres
from hearing_server.cli.common import run_async
from hearing_server.cli.trouble import Trouble

TABLE: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("record", {"writers": 1, "hearings": 1, "seconds": 4.0}),
    ("record", {"writers": 100, "hearings": 10, "seconds": 9.0, "with_postgres": True}),
    ("record", {"writers": 1_000, "hearings": 1_000, "seconds": 4.0}),
    ("record", {"writers": 200, "hearings": 200, "seconds": 8.0, "rate": 1_000.0}),
    ("verify", {"entries": 100_000}),
    ("room", {"phones": 1_000, "rate": 1_000, "seconds": 8.0}),
    ("media", {"hearings": 5, "participants": 7, "seconds": 5.0}),
)


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument(
        "what", nargs="?", choices=("record", "verify", "room", "media"), help="default: all, as a table"
    )
    parser.add_argument("--writers", type=int, default=100, help="record: concurrent writers")
    parser.add_argument("--hearings", type=int, help="record, media: how many hearings (10; 5)")
    parser.add_argument("--phones", type=int, default=1_000, help="room: how many phones, ten in a hearing")
    parser.add_argument(
        "--rate",
        type=int,
        help="room: messages a second, all phones together (1000); record: an open loop at this rate",
    )
    parser.add_argument(
        "--with-postgres", action="store_true", help="record: three rounds, alternating with PostgreSQL"
    )
    parser.add_argument("--entries", type=int, default=100_000, help="verify: how many signed entries")
    parser.add_argument("--participants", type=int, default=7, help="media: people in each hearing")
    parser.add_argument("--audio-only", action="store_true", help="media: voices and no pictures")
    parser.add_argument("--engine", choices=("auto", "py", "native"), default="auto", help="media: which engine")
    parser.add_argument(
        "--with-janus", action="store_true", help="media: beside Debian's Janus under the same load (needs root)"
    )
    parser.add_argument("--seconds", type=float, help="how long (5; room 8)")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object on the last line")


def run(arguments: argparse.Namespace) -> int:
    """Measure."""
    if arguments.what is None:
        for what, options in TABLE:
            asked = "  ".join(f"{key} {value:g}" for key, value in options.items())
            print(f"\nbench {what}   {asked}", flush=True)
            _print(_measure(what, options))
        return 0
    try:
        figures = _measure(arguments.what, _options(arguments))
    except NoPostgres as error:
        raise Trouble(str(error)) from None
    if arguments.json:
        print(json.dumps(figures))
    else:
        _print(figures)
    return 0


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    seconds, hearings = arguments.seconds or 5.0, arguments.hearings
    if arguments.what == "record":
        return {
            "writers": arguments.writers,
            "hearings": hearings or 10,
            "seconds": seconds,
            "rate": arguments.rate or 0,
            "with_postgres": arguments.with_postgres,
        }
    if arguments.what == "verify":
        return {"entries": arguments.entries}
    if arguments.what == "room":
        return {"phones": arguments.phones, "rate": arguments.rate or 1_000, "seconds": arguments.seconds or 8.0}
    return {
        "hearings": hearings or 5,
        "participants": arguments.participants,
        "seconds": seconds,
        "engine": arguments.engine,
        "with_janus": arguments.with_janus,
        "audio_only": arguments.audio_only,
    }


def _measure(what: str, options: dict[str, Any]) -> dict[str, Any]:
    """Each bench loads its own back ends only."""
    if what == "record":
        from hearing_server.bench.record import bench_record

        return run_async(bench_record(**options))
    if what == "verify":
        from hearing_server.bench.verify import bench_verify

        return run_async(bench_verify(**options))
    if what == "room":
        from hearing_server.bench.room import bench_room

        return run_async(bench_room(**options))
    from media.bench.measure import Void, bench_media

    try:
        return dict(run_async(bench_media(**options)))
    except Void as verdict:
        raise Trouble(str(verdict)) from None


def _print(figures: dict[str, Any]) -> None:
    for name, value in figures.items():
        if isinstance(value, str):
            print(f"  {name:<28} {value:>14}")
        else:
            print(f"  {name:<28} {value:>14,.2f}" if isinstance(value, float) else f"  {name:<28} {value:>14,}")
    sys.stdout.flush()
