"""Which users of the machine the court's processes are: one that serves, and another that holds the keys.

Law: root is given up before the first byte of the record is read and before anybody can connect; what must be done as
root (a low port, a TLS key, the signer under its own user) is done before. Started by somebody else than root, nothing
can be given up: the server and the signer are then the same user, who can read the keys, and the log says so.
"""

import ctypes
import os
import pwd
from pathlib import Path
from typing import Final

from hearing_server.config import ConfigError
from recording.signer.child import User

PR_SET_DUMPABLE: Final = 4
DIRECTORY_MODE: Final = 0o711
"""Of the data directory when two users work in it: the signer's reaches its own part, and lists nothing."""


def user(name: str, setting: str) -> User | None:
    """The user of that name or number; None if the setting is empty. Raises ConfigError."""
    if not name:
        return None
    try:
        if name.isascii() and name.isdecimal():
            try:
                return User(int(name), pwd.getpwuid(int(name)).pw_gid)
            except KeyError:
                return User(int(name), int(name))  # containers have numbers without names
        entry = pwd.getpwnam(name)
    except KeyError:
        raise ConfigError(f"{setting} {name!r} is no user of this machine; name one, or give its number.") from None
    return User(entry.pw_uid, entry.pw_gid)


def me() -> User:
    """This process's user."""
    return User(os.geteuid(), os.getegid())


def hand_over(data: Path, signer_directory: Path, server: User, signer: User) -> None:
    """As root: give the data directory to the server's user and the keys that sign to the signer's."""
    signer_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _own(data, server, but=signer_directory)
    _own(signer_directory, signer)
    data.chmod(DIRECTORY_MODE)


def _own(top: Path, owner: User, but: Path | None = None) -> None:
    """Change what belongs to somebody else, never following a link out of the directory."""
    for folder, folders, files in os.walk(top):
        here = Path(folder)
        folders[:] = [name for name in folders if here / name != but]
        for path in (here, *(here / name for name in (*files, *folders))):
            state = path.lstat()
            if (state.st_uid, state.st_gid) != owner:
                os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


def become(server: User) -> None:
    """Give up root for good."""
    os.setgroups([])
    os.setresgid(server.gid, server.gid, server.gid)
    os.setresuid(server.uid, server.uid, server.uid)
    # The kernel hides /proc/self from a process that has changed its user; nothing secret is in memory yet.
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    os.environ.pop("HOME", None)
