"""A device's submit, as a command of the rules.

Law: whatever a person puts on the record was signed by the device he is known by, over exactly the bytes that the
record will hold (FORMAT.md §1.1). It is checked here, before the writer's inbox: a wrong signature costs its sender's
connection a tenth of a millisecond, and never keeps a disk waiting.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from hearing_server.flows.decider import Command, RefusalCode, Refused, Stamp
from recording import csig
from recording.content import commitment
from recording.csig import DeviceKey
from signaling import frames


def signed_act(
    stream_id: bytes, actor: str, key: DeviceKey, frame: frames.Submit, now_ms: int
) -> tuple[Command, Stamp]:
    """The command without its content object, and who asks. Raises Refused(bad_signature)."""
    args = tuple(_frozen(value) for value in frame.args)
    refs = tuple(ref if isinstance(ref, int) else msgspec.structs.astuple(ref) for ref in frame.refs)
    commit = None
    if frame.salt is not None and frame.content is not None:
        commit = commitment(frame.salt, frame.content)
    signed = csig.message(stream_id, frame.dseq, frame.command, args, refs, commit, frame.ts_client_ms)
    if not key.signed(frame.csig, signed):
        raise Refused(RefusalCode.BAD_SIGNATURE, "the act is not signed by this device")
    command = Command(frame.command, args, refs, None, frame.salt, frame.content)
    return command, Stamp(now_ms, actor, key.key_id, frame.dseq, frame.ts_client_ms, frame.csig)


def with_content(command: Command) -> Command:
    """The same with its content as a JSON object; what a person sends must be one (SPEC HR15). Raises Refused."""
    content = command.content_bytes
    return command if content is None else command._replace(content=_content_object(content))


def _content_object(content: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate is a word that nobody could read
    except (ValueError, RecursionError):
        raise Refused(RefusalCode.MALFORMED, "content is not a JSON object") from None
    if not isinstance(value, dict):
        raise Refused(RefusalCode.MALFORMED, "content is not a JSON object")
    return value


def _no_constant(name: str) -> None:
    """NaN and Infinity are Python's, not JSON's (RFC 8259 section 6)."""
    raise ValueError(name)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value
