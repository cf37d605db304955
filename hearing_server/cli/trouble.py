"""Errors whose sentence is meant for the operator."""

from typing import Final

from hearing_server.app import PortBusy
from hearing_server.cli.operator import OperatorTrouble
from hearing_server.config import ConfigError
from media.objects import StoreError
from recording.backup import BackupFailed
from recording.errors import CannotOpen, KeysUnreadable, SignerDown, StoreDown
from transcripts.bundle import CannotExport


class Trouble(Exception):  # noqa: N818 - what the operator reads
    """A command cannot do what it was asked; the sentence says what to do."""


TROUBLE: Final = (
    *(Trouble, OperatorTrouble, ConfigError, PortBusy, CannotOpen, KeysUnreadable, StoreDown, CannotExport),
    *(BackupFailed, SignerDown, StoreError),
)
