"""Leading media through a relay: a server with one UDP port and ICE-lite names one host candidate, so that a changed
address in its answer leads all packets through the relay.
"""

import re

_CANDIDATE = re.compile(r"^(a=candidate:\S+ \d+ \S+ \d+ )(\S+) (\d+)( typ host.*)$", re.MULTILINE | re.IGNORECASE)


def reroute(sdp: str, address: tuple[str, int]) -> str:
    """The same session description with every host candidate at `address`. Raises ValueError if there is none."""
    host, port = address
    changed, count = _CANDIDATE.subn(rf"\g<1>{host} {port}\g<4>", sdp)
    if not count:
        raise ValueError("the description names no host candidate")
    return changed
