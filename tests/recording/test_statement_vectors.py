"""What a device signs and what the court signs to it, as bytes that the browser must make too (FORMAT.md §1.1, §4.2).

`python tests/recording/test_statement_vectors.py` writes the file; the test says that it still comes out the same.
"""

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording import attest, csig

FILE = Path(__file__).parent / "vectors" / "statements.json"
STREAM = bytes(range(16))
ORIGIN = f"yuyao.court.example/{STREAM.hex()}"
DEVICE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
COURT = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
T = 1_790_000_000_000
ACTS: list[tuple[int, str, list[Any], list[Any], bytes | None, int]] = [
    (1, "msg.text", [], [], bytes(range(32)), T),
    (127, "act.floor", [None], [], None, 0),
    (128, "act.restrict", [["party/1", "party/2"]], [], bytes(32), T + 1),
    (65_536, "hand", [True], [40, [bytes(16), 300, bytes(32)]], None, T),
    (2**53 - 1, "msg.image", [bytes(range(32)), "文字" * 20, -1, -33, 255, 256, 2**32], [], bytes(32), T),
]


def made() -> dict[str, Any]:
    public = DEVICE.public_key().public_bytes_raw()
    acts = []
    for act in ACTS:
        text = csig.message(STREAM, *act)
        acts.append({"fields": plain(act), "message": text.hex(), "csig": csig.sign(DEVICE, text).hex()})
    statements = [attest.receipt_statement(ORIGIN, n, bytes([n]) * 32, T + n) for n in range(6)]
    statements.append(attest.refusal_statement(ORIGIN, csig.key_id_of(public), 7, "wrong_phase", T))
    batches = []
    for size in (1, 2, 3, 7):
        batch = attest.Batch(statements[-size:])
        signed = COURT.sign(attest.signed_message(batch.root))
        batches.append(
            [
                {"place": a.place, "path": [h.hex() for h in a.path], "signature": signed.hex()}
                for a in batch.attestations(signed)
            ]
        )
    return {
        "stream_id": STREAM.hex(),
        "origin": ORIGIN,
        "device_key": public.hex(),
        "device_key_id": csig.key_id_of(public).hex(),
        "court_key": COURT.public_key().public_bytes_raw().hex(),
        "acts": acts,
        "statements": [each.hex() for each in statements],
        "first_ts_ms": T,
        "batches_of_the_last": batches,
    }


def plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def written() -> str:
    return json.dumps(made(), ensure_ascii=False, indent=1) + "\n"


def test_the_vectors_of_statements_come_out_the_same():
    assert FILE.read_text(encoding="utf-8") == written()


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
