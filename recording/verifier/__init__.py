"""The offline verifier: given an export's directory and the court's key, does the record hold?

It reads every file of the record, trusts nothing it finds there, and needs no server and no network.
"""

from recording.findings import CODES, Finding, Findings
from recording.verifier.bundle import verify_bundle
from recording.verifier.record import RecordReport, verify_record

__all__ = ["CODES", "Finding", "Findings", "RecordReport", "verify_bundle", "verify_record"]
