"""A network of its own for a process and its children: nothing gets in or out.

What is measured there shares no socket buffer, no firewall rule and no port with the rest of
the machine. Needs root, `ip` and the kernel's veth.
"""

import ctypes
import os
import subprocess
from typing import Final

CLONE_NEWNET: Final = 0x40000000
ADDRESS: Final = "10.77.0.1"
"""An address that is not a loopback address: Janus offers none on loopback."""


class NoNamespace(RuntimeError):  # noqa: N818 - says what is missing
    """This process cannot have a network namespace; the sentence says why."""


def enter() -> None:
    """Moves this process into a new network namespace with loopback and ADDRESS. No way back."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise NoNamespace(f"no network namespace can be made here: {os.strerror(ctypes.get_errno())}")
    for command in (
        "link set lo up",
        "link add court type veth peer name phones",
        f"addr add {ADDRESS}/24 dev court",
        "link set court up",
        "link set phones up",
        "route add default dev court",  # Janus finds its own address by asking for the way out
    ):
        try:
            subprocess.run(["ip", *command.split()], check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise NoNamespace("the program ip (Debian: iproute2) is not installed") from None
        except subprocess.CalledProcessError as error:
            raise NoNamespace(f"ip {command}: {error.stderr.strip()}") from None
