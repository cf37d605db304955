"""Put this checkout on the virtual environment's path and write `.venv/bin/palmcourt`.

The same as an editable install, without a build backend: a fresh machine needs nothing that is not in the lock.
"""

import stat
import sys
import sysconfig
from pathlib import Path

root = Path(__file__).resolve().parent.parent
site = Path(sysconfig.get_paths()["purelib"])
(site / "palmcourt.pth").write_text(f"{root}\n")
program = Path(sys.executable).parent / "palmcourt"
program.write_text(
    f"#!{sys.executable}\nimport sys\n\nfrom hearing_server.cli import main\n\nsys.exit(main())\n",
)
program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
