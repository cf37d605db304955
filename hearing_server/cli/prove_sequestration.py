"""`palmcourt prove sequestration EXPORT`: that nothing reached a witness before his call and after his release.

Exit 0: nothing did; 1: something did, or the export was altered; 2: it cannot be shown.
"""

import argparse
from pathlib import Path

from hearing_server.prove_sequestration import prove_sequestration
from hearing_server.prove_sequestration_words import LANGUAGES, text


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("directory", type=Path, metavar="EXPORT", help="the export, as `palmcourt export` wrote it")
    parser.add_argument("--seat", metavar="SEAT", help="one seat (witness/1); otherwise everybody who testifies")
    parser.add_argument(
        "--court-key", type=Path, metavar="FILE", help="the court's verifier key, got from elsewhere than the export"
    )
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the answer")


def run(arguments: argparse.Namespace) -> int:
    """Prove."""
    key = None
    if arguments.court_key is not None:
        try:
            key = arguments.court_key.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            print(f"The court's key {arguments.court_key} cannot be read. Check the path.")
            return 2
    finding = prove_sequestration(arguments.directory, key, arguments.seat)
    print(text(finding, arguments.language))
    return finding.outcome
