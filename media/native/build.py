"""Builds the engine's C file beside itself, where there is a compiler. It never fails an
installation: without a compiler the Python engine does the same work.

    python -m media.native.build
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("engine.c")
LIBRARY: Final = Path(__file__).with_name("libengine.so")
FLAGS: Final = ("-O2", "-shared", "-fPIC", "-pthread", "-Wall", "-Wextra", "-Werror=implicit-function-declaration")
BUILD_S: Final = 120


def digest() -> int:
    """Of the C file as it is now; the library remembers which one it was made of."""
    return int.from_bytes(hashlib.sha256(SOURCE.read_bytes()).digest()[:8], "big")


def compile_to(library: Path, extra: tuple[str, ...] = ()) -> str:
    """Compiles; an empty string, or why not, as a sentence for the operator."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return "no C compiler is installed (Debian: apt-get install gcc libc6-dev)"
    part = library.with_suffix(f".{os.getpid()}.part")
    try:
        made = subprocess.run(
            [compiler, *FLAGS, f"-DSOURCE_DIGEST={digest():#x}ull", *extra, "-o", str(part), str(SOURCE)],
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_S,
        )
        if made.returncode:
            last = (made.stderr.strip().splitlines() or ["no message"])[0]
            return f"the compiler refuses the engine: {last}"
        part.replace(library)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the native engine cannot be built: {error}"
    finally:
        part.unlink(missing_ok=True)
    return ""


def main() -> int:
    """Always 0: what is missing is said."""
    trouble = compile_to(LIBRARY)
    if trouble:
        sys.stderr.write(f"media: {trouble}; the Python engine will be used\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
