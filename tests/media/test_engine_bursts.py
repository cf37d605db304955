"""What is written into rows leaves: each destination's packets in order, whatever their sizes."""

import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.engine.batch import ROW, ffi
from media.engine.bursts import MAX_SEGMENTS, OUT_ROWS, Bursts


class Post:
    """A socket with its rows, and two letter boxes."""

    def __init__(self) -> None:
        self.udp = self._bound()
        self.boxes = [self._bound(), self._bound()]
        self.bursts = Bursts(self.udp, 16)
        self.kept = [self._name(box.getsockname()[1]) for box in self.boxes] + [self._name(0)]

    @staticmethod
    def _bound() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        return made

    @staticmethod
    def _name(port: int) -> object:
        packed = struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton("127.0.0.1") + bytes(8)
        return ffi.new("char[]", packed)

    def send(self, letters: list[tuple[int, int]]) -> int:
        """(box, size) each; box 2 is an address that nobody can send to."""
        for row, (box, size) in enumerate(letters):
            self.bursts.data[row * ROW : row * ROW + size] = bytes([row]) * size
            self.bursts.sizes[row] = size
            self.bursts.names[row] = int(ffi.cast("uintptr_t", self.kept[box]))
        return self.bursts.flush(len(letters))

    def arrived(self, box: int) -> list[tuple[int, int]]:
        """(row, size) of everything in the box."""
        found: list[tuple[int, int]] = []
        while True:
            try:
                data = self.boxes[box].recv(4096)
            except BlockingIOError:
                return found
            assert data == data[:1] * len(data)
            found.append((data[0], len(data)))

    def close(self) -> None:
        for each in (self.udp, *self.boxes):
            each.close()


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    made = Post()
    yield made
    made.close()


letters = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([80, 100, 1100, 1101, 1500])), max_size=OUT_ROWS)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(letters, st.booleans())
def test_every_destination_gets_its_packets_in_order(post: Post, what: list[tuple[int, int]], offload: bool) -> None:
    able = post.bursts._offload
    post.bursts._offload = able and offload
    lost = post.send(what)
    assert lost == sum(box == 2 for box, _ in what)
    for box in (0, 1):
        assert post.arrived(box) == [(row, size) for row, (to, size) in enumerate(what) if to == box]
    assert post.bursts._offload == (able and offload)  # an address that refuses is not the card's fault
    post.bursts._offload = able


def test_a_burst_longer_than_a_message_may_be_is_sent_in_two(post: Post) -> None:
    assert post.send([(0, 200)] * (MAX_SEGMENTS + 9)) == 0
    assert [row for row, _ in post.arrived(0)] == list(range(MAX_SEGMENTS + 9))
