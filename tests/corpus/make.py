"""Writes the corpus record of the present format: `python tests/corpus/make.py NAME`. A record is made once and kept.

*Law*: what lies in the corpus is never written again. A record that a court gave to people has to verify for as long as
there are verifiers, so a release adds a directory and changes none.
"""

import shutil
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "transcripts"), str(HERE.parents[1])]

from hearing_on_record import hearing, join  # noqa: E402 - found by the path above

from transcripts.bundle import Evidence, export  # noqa: E402
from transcripts.views import shipped  # noqa: E402

RELEASED = HERE.parents[1] / "transcripts" / "pages" / "released.txt"
MADE_MS = 1_536_600_000_000


def make(target: Path) -> None:
    """A whole sealed hearing with pictures, clips, gaps and a restricted copy's list."""
    it = hearing(segments=1)
    with tempfile.TemporaryDirectory() as scratch:
        export(it, target, made_ms=MADE_MS, remux=join(Path(scratch)), evidence=Evidence())
    (target.parent / f"{target.name}.court-key").write_text(f"{it.signer.key}\n", encoding="utf-8")
    with RELEASED.open("a", encoding="utf-8") as list_:
        for view in shipped():
            digest = sha256((target / view.path).read_bytes()).hexdigest()
            list_.write(f"{digest}  {view.path}\n")


if __name__ == "__main__":
    chosen = HERE / sys.argv[1]
    if chosen.exists():
        sys.exit(f"{chosen} is kept as it is")
    make(chosen)
    shutil.copymode(HERE, chosen)
