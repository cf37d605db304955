"""`palmcourt verify DIR`: check an export, or with --proof the proof of one entry.

Exit 0: it holds; 1: altered; 2: cannot be checked.
"""

import argparse
import json
from pathlib import Path

from transcripts.proof import ProofReport, verify_proof
from transcripts.report import Report
from transcripts.verification import verify_bundle


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("directory", type=Path, nargs="?", metavar="DIR", help="the export")
    what.add_argument("--proof", type=Path, metavar="DIR", help="what `palmcourt prove` wrote")
    parser.add_argument(
        "--court-key", type=Path, metavar="FILE", help="the court's verifier key, got from elsewhere than the export"
    )
    parser.add_argument("--language", choices=("zh", "en"), default="en", help="of the report")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object on the last line")


def run(arguments: argparse.Namespace) -> int:
    """Verify."""
    key = None
    if arguments.court_key is not None:
        try:
            key = arguments.court_key.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            print(f"The court's key {arguments.court_key} cannot be read. Check the path.")
            return 2
    report: Report | ProofReport
    if arguments.proof is not None:
        report = verify_proof(arguments.proof, key)
    else:
        report = verify_bundle(arguments.directory, key)
    print(report.text(arguments.language))
    if arguments.json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    return int(report.outcome)
