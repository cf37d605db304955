"""Bad links for tests, without root: a UDP relay and a TCP proxy to stand between a client and a server.

    async with UdpRelay(("127.0.0.1", 40000), LOSSY, seed=1) as relay:
        connect_to(relay.address)
        await relay.cut_for(20)
        relay.change_address()      # the server sees the client come from another port, as after a change of network

Both directions are impaired alike and apart. A `Profile` can be replaced while packets fly (`relay.profile = GOOD`).
The same seed and the same packets give the same losses and delays.
"""

from tests.netsim.link import Counts, Link
from tests.netsim.profiles import GOOD, LOSSY, MOBILE, PROFILES, THIN_50K, TRAIN, Profile
from tests.netsim.sdp import reroute
from tests.netsim.tcp import TcpProxy
from tests.netsim.udp import UdpRelay

__all__ = [
    "GOOD",
    "LOSSY",
    "MOBILE",
    "PROFILES",
    "THIN_50K",
    "TRAIN",
    "Counts",
    "Link",
    "Profile",
    "TcpProxy",
    "UdpRelay",
    "reroute",
]
