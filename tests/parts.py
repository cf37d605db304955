"""The real parts the tests need, installed where they are missing and may be, from Debian.

Run by `make test` before pytest. As root the missing ones are installed; otherwise it is said which tests will be
skipped. With CI=true a missing part is a failure.
"""

import os
import shutil
import subprocess
import sys

PARTS = {
    "chromium": ("chromium", "the hearings in real browsers"),
    "espeak-ng": ("espeak-ng", "speech as a fake microphone"),
    "openssl": ("openssl", "signatures checked by a foreign tool"),
    "sha256sum": ("coreutils", "manifests checked by a foreign tool"),
    "strace": ("strace", "syscall traces"),
    "cc": ("gcc", "a disk that fails, as a small C library"),
    "turnserver": ("coturn", "TURN for phones whose network blocks UDP"),
    "firefox-esr": ("firefox-esr", "a call in a second browser"),
    "nft": ("nftables", "losses in the kernel of a network namespace"),
}
FONT = ("fonts-wqy-microhei", "Chinese in the pictures of pages")


def has_chinese_font() -> bool:
    """Whether fontconfig finds any font for Chinese."""
    if not shutil.which("fc-list"):
        return False
    return bool(subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=False).stdout.strip())


def missing() -> list[tuple[str, str]]:
    """(Debian package, what it is for) of each absent part."""
    parts = [part for program, part in PARTS.items() if not shutil.which(program)]
    return parts if has_chinese_font() else [*parts, FONT]


def main() -> int:
    """Install or say what is missing; 1 where CI=true and something stays missing."""
    wanted = missing()
    if wanted and os.geteuid() == 0 and shutil.which("apt-get"):
        names = [package for package, _ in wanted]
        print(f"installing for the tests: {' '.join(names)}", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *names]
        subprocess.run(install, check=False, env=environment, stdout=subprocess.DEVNULL)
        wanted = missing()
    for package, purpose in wanted:
        print(f"NOT RUN: {purpose} ({package} is not installed: apt-get install {package})")
    return 1 if wanted and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
