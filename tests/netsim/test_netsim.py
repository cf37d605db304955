import asyncio
import statistics
import time

import pytest

from tests.netsim import LOSSY, THIN_50K, TRAIN, Link, Profile, TcpProxy, UdpRelay, reroute


class Echo(asyncio.DatagramProtocol):
    def __init__(self):
        self.peers = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        if addr not in self.peers:
            self.peers.append(addr)
        self.transport.sendto(data, addr)


class Caller(asyncio.DatagramProtocol):
    def __init__(self):
        self.got = []
        self.delays = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        number, sent = data[:40].split()
        self.got.append(int(number))
        self.delays.append(time.monotonic() - float(sent))

    def send(self, number, size=100):
        self.transport.sendto((b"%d %.9f " % (number, time.monotonic())).ljust(size))


class Path:
    """A caller, the relay, an echo."""

    def __init__(self, profile, seed=1):
        self.profile, self.seed = profile, seed

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        self.end, self.echo = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
        self.relay = await UdpRelay(self.end.get_extra_info("sockname"), self.profile, seed=self.seed).__aenter__()
        self.start, self.caller = await loop.create_datagram_endpoint(Caller, remote_addr=self.relay.address)
        return self

    async def __aexit__(self, *_):
        await self.relay.__aexit__()
        self.start.close()
        self.end.close()
        await asyncio.sleep(0)


async def send(path, count, gap=0.0005, first=0):
    for number in range(first, first + count):
        path.caller.send(number)
        await asyncio.sleep(gap)


async def test_packets_take_as_long_as_the_profile_says():
    async with Path(Profile(delay_ms=30, jitter_ms=20)) as path:
        await send(path, 200)
        await asyncio.sleep(0.2)
        assert len(path.caller.got) == 200
        assert min(path.caller.delays) >= 0.060
        assert 0.075 < statistics.median(path.caller.delays) < 0.125  # 2 × (30 + 10, held back by earlier ones)


async def test_without_reordering_packets_keep_their_order_and_with_it_they_do_not():
    async with Path(Profile(delay_ms=10, jitter_ms=30)) as path:
        await send(path, 200)
        await asyncio.sleep(0.2)
        assert path.caller.got == list(range(200))
    async with Path(Profile(delay_ms=10, jitter_ms=30, reorder=True)) as path:
        await send(path, 200)
        await asyncio.sleep(0.2)
        assert path.caller.got != sorted(path.caller.got)
        assert len(path.caller.got) == 200


async def test_the_share_of_lost_packets_is_what_was_asked_and_the_same_for_the_same_seed():
    lost = []
    for _ in range(2):
        async with Path(Profile(loss=0.1), seed=7) as path:
            await send(path, 1_000, gap=0.0001)
            await asyncio.sleep(0.1)
            lost.append((path.relay.up.lost, path.relay.down.lost))
            assert len(path.caller.got) == 1_000 - path.relay.up.lost - path.relay.down.lost
    assert lost[0] == lost[1]
    assert 75 <= lost[0][0] <= 125


def fates(profile, seed, count=20_000):
    link = Link(profile, seed)
    return [link.datagram(100, n / 1_000) is None for n in range(count)]


@pytest.mark.parametrize("profile", [LOSSY, TRAIN])
def test_the_share_lost_holds_for_runs_too(profile):
    lost = fates(profile, 3)
    assert abs(sum(lost) / len(lost) - profile.loss) < 0.012
    runs = "".join("x" if each else " " for each in lost).split()
    assert abs(statistics.mean(map(len, runs)) - max(1.0, profile.burst)) < 0.25 * profile.burst
    assert fates(profile, 3) == lost
    assert fates(profile, 4) != lost


async def test_a_rate_thins_the_flow_and_its_queue_overflows():
    async with Path(Profile(rate=100_000, queue=20_000)) as path:
        for number in range(60):  # 60 kB at once, where 20 kB may wait
            path.caller.send(number, 1_000)
        await asyncio.sleep(0.5)
        assert 19 <= len(path.caller.got) <= 24
        assert path.relay.up.overflowed == 60 - len(path.caller.got)
        assert 0.17 < max(path.caller.delays) < 0.6


async def test_nothing_passes_an_outage_and_everything_after_it():
    async with Path(Profile(delay_ms=1)) as path:
        await send(path, 10)
        await asyncio.sleep(0.05)
        outage = asyncio.create_task(path.relay.cut_for(0.2))
        await asyncio.sleep(0.01)
        await send(path, 10, first=10)
        await outage
        await send(path, 10, first=20)
        await asyncio.sleep(0.05)
        assert path.caller.got == [*range(10), *range(20, 30)]
        assert path.relay.up.cut == 10


async def test_after_a_change_of_address_the_server_sees_another_port_and_answers_reach_the_client():
    async with Path(Profile(delay_ms=1)) as path:
        await send(path, 5)
        await asyncio.sleep(0.05)
        path.relay.change_address()
        await send(path, 5, first=5)
        await asyncio.sleep(0.05)
        assert len(path.echo.peers) == 2
        assert path.caller.got == list(range(10))


async def test_two_clients_are_two_to_the_server():
    async with Path(Profile()) as path:
        other, _ = await asyncio.get_running_loop().create_datagram_endpoint(Caller, remote_addr=path.relay.address)
        await send(path, 1)
        other.sendto(b"2 0")
        await asyncio.sleep(0.05)
        assert len(path.echo.peers) == 2
        other.close()


class Wire:
    """A client's stream through a TCP proxy to an echo."""

    def __init__(self, profile):
        self.profile = profile

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.echo, "127.0.0.1", 0)
        self.proxy = await TcpProxy(self.server.sockets[0].getsockname(), self.profile).__aenter__()
        self.reader, self.writer = await asyncio.open_connection(*self.proxy.address)
        return self

    async def __aexit__(self, *_):
        self.writer.close()
        await self.proxy.__aexit__()
        self.server.close()

    @staticmethod
    async def echo(reader, writer):
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


async def test_a_stream_takes_as_long_as_the_profile_says():
    async with Wire(Profile(delay_ms=50)) as wire:
        started = time.monotonic()
        wire.writer.write(b"x")
        assert await wire.reader.readexactly(1) == b"x"
        assert 0.1 <= time.monotonic() - started < 0.4


async def test_a_stream_is_thinned_to_its_rate_and_loses_nothing():
    data = bytes(range(256)) * 200
    async with Wire(Profile(rate=100_000, jitter_ms=5)) as wire:
        started = time.monotonic()
        wire.writer.write(data)
        assert await wire.reader.readexactly(len(data)) == data
        assert 0.45 < time.monotonic() - started < 1.5  # 51,200 bytes


async def test_a_sender_is_held_back_by_a_thin_link():
    async with Wire(THIN_50K) as wire:
        wire.writer.write(bytes(30_000_000))
        await asyncio.sleep(0.3)
        assert wire.proxy.up.octets < 200_000
        wire.writer.transport.abort()


async def test_a_stream_is_silent_in_an_outage_and_goes_on_after_it():
    async with Wire(Profile()) as wire:
        wire.proxy.cut()
        wire.writer.write(b"abc")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wire.reader.readexactly(3), 0.2)
        wire.proxy.heal()
        assert await wire.reader.readexactly(3) == b"abc"


async def test_the_end_of_a_stream_passes_through():
    async with Wire(Profile(delay_ms=5)) as wire:
        wire.writer.write(b"bye")
        wire.writer.write_eof()
        assert await wire.reader.read() == b"bye"


async def test_a_reset_breaks_every_connection_and_new_ones_pass():
    async with Wire(Profile()) as wire:
        wire.writer.write(b"a")
        await wire.reader.readexactly(1)
        wire.proxy.reset()
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await wire.reader.readexactly(1)
        reader, writer = await asyncio.open_connection(*wire.proxy.address)
        writer.write(b"b")
        assert await reader.readexactly(1) == b"b"
        writer.close()
        assert wire.proxy.connections == 2


def test_an_answer_is_led_through_the_relay():
    sdp = "v=0\r\na=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host\r\na=end-of-candidates\r\n"
    assert "127.0.0.1 5555 typ host\r\n" in reroute(sdp, ("127.0.0.1", 5555))
    with pytest.raises(ValueError):
        reroute("v=0\r\n", ("127.0.0.1", 5555))
