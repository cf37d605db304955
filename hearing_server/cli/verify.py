"""`palmcourt verify DIR`: check an export, or with --proof the proof of one entry.

Exit 0: it holds; 1: altered; 2: cannot be checked.
"""

import argparse
import json
import sys
from contextlib import closing, nullcontext
from pathlib import Path

from cryptography import x509

from hearing_server.cli.progress import progress_line
from recording.digests import BadState, State
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
    parser.add_argument(
        "--court-ca",
        type=Path,
        metavar="FILE",
        help="the court's certificate, or those of its issuers (PEM), got from elsewhere than the export",
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="a tlog-policy of yours that the record must satisfy"
    )
    parser.add_argument(
        "--tsa-ca", type=Path, metavar="FILE", help="certificates (PEM) of time-stamp authorities that you trust"
    )
    parser.add_argument(
        "--resume",
        type=Path,
        metavar="FILE",
        help="keep digests of what was read in this file, and take them over from an earlier run",
    )
    parser.add_argument("--language", choices=("zh", "en"), default="en", help="of the report")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object on the last line")


def run(arguments: argparse.Namespace) -> int:
    """Verify."""
    try:
        key, policy = _read(arguments.court_key, "court's key"), _read(arguments.policy, "policy")
        if arguments.proof is not None:
            return _say(verify_proof(arguments.proof, key), arguments)
        stampers = _certificates(_read(arguments.tsa_ca, "certificates"), "--tsa-ca")
        issuers = _certificates(_read(arguments.court_ca, "certificates"), "--court-ca")
        state = None if arguments.resume is None else State(arguments.resume, arguments.directory)
    except (_UnreadableError, BadState) as error:
        print(f"{error}.")
        return 2
    with closing(state) if state is not None else nullcontext():
        shown = progress_line() if sys.stderr.isatty() else None
        report = verify_bundle(
            arguments.directory,
            key,
            policy=policy,
            tsa_certificates=stampers,
            authorities=issuers,
            state=state,
            progress=shown,
        )
    if shown is not None:
        print("\r\x1b[K", end="", file=sys.stderr)
    return _say(report, arguments)


class _UnreadableError(Exception):
    """A file named on the command line cannot be read."""


def _read(path: Path | None, what: str) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise _UnreadableError(f"The {what} {path} cannot be read. Check the path") from None


def _certificates(text: str | None, option: str) -> list[x509.Certificate]:
    if text is None:
        return []
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise _UnreadableError(f"The file of {option} holds no certificates in PEM form") from None


def _say(report: Report | ProofReport, arguments: argparse.Namespace) -> int:
    print(report.text(arguments.language))
    if arguments.json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    return int(report.outcome)
