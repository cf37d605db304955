"""`palmcourt check-config FILE`: says what is wrong, or prints the settings that would be used."""

import argparse
import json
from pathlib import Path

import msgspec

from hearing_server import config, packs


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("file", type=Path, nargs="?", help="settings (TOML); without it the defaults are printed")


def run(arguments: argparse.Namespace) -> int:
    """Check. ConfigError is told by the caller."""
    chosen = config.load(arguments.file)
    packs.load(chosen.court.pack)
    print(json.dumps(msgspec.to_builtins(chosen), indent=2, ensure_ascii=False))
    return 0
