"""Writes the corpus record of the present format: `python tests/corpus/make.py NAME`. A record is made once and kept.

*Law*: what lies in the corpus is never written again. A record that a court gave to people has to verify for as long as
there are verifiers, so a release adds a directory and changes none.
"""

import datetime as dt
import shutil
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "transcripts"), str(HERE.parents[1])]

from hearing_on_record import Hearing, hearing, join  # noqa: E402 - found by the path above

from recording import note  # noqa: E402
from recording.note import Signer  # noqa: E402
from recording.rotation import SCHEDULED, Rotation, sign  # noqa: E402
from recording.signer.document import Binding, bind, self_signed  # noqa: E402
from transcripts.bundle import Evidence, Kept, export  # noqa: E402
from transcripts.views import shipped  # noqa: E402

RELEASED = HERE.parents[1] / "transcripts" / "pages" / "released.txt"
MADE_MS = 1_536_600_000_000


def make(target: Path) -> None:
    """A whole sealed hearing with pictures, clips, gaps, cosignatures, a change of the court's key, its certificate,
    and a content that was destroyed by order.
    """
    it = hearing(segments=1)
    it.cosigners = ("clerk/1", "judge/1", "party/1", "party/2")
    gone = next(n for n, kept in enumerate(it.kept) if b"72,607" in (kept.content or b""))
    it.kept[gone] = Kept(it.kept[gone].leaf, None, None)
    with tempfile.TemporaryDirectory() as scratch:
        export(it, target, made_ms=MADE_MS, remux=join(Path(scratch)), evidence=evidence(it))
    (target.parent / f"{target.name}.court-key").write_text(f"{it.signer.key}\n", encoding="utf-8")
    known = RELEASED.read_text("utf-8").splitlines(keepends=True)
    made = [f"{sha256((target / view.path).read_bytes()).hexdigest()}  {view.path}\n" for view in shipped()]
    RELEASED.write_text("".join(dict.fromkeys([*known, *made])), encoding="utf-8")


def evidence(it: Hearing) -> Evidence:
    """What stands beside the record; the keys are this file's own, and nobody's."""
    court = it.signer.key.name
    before = Signer(court, Ed25519PrivateKey.from_private_bytes(sha256(b"former court").digest()))
    document, line = ec.generate_private_key(ec.SECP256R1()), f"{it.signer.key}\n"
    pem = self_signed(court, document, dt.datetime.fromtimestamp(MADE_MS / 1000, dt.UTC))
    return Evidence(
        witnessed=[(40, it.head(40, "judge/1", "party/1"))],
        rotations=[sign(Rotation(before.key, it.signer.key, MADE_MS, SCHEDULED), it.signer, before)],
        order_of=lambda _commit: f"{'0' * 32}/7",
        sign=lambda text: note.sign(text, [it.signer.under(it.origin)]),
        binding=Binding(line, pem, bind(line, pem, document)),
    )


if __name__ == "__main__":
    chosen = HERE / sys.argv[1]
    if chosen.exists():
        sys.exit(f"{chosen} is kept as it is")
    make(chosen)
    shutil.copymode(HERE, chosen)
