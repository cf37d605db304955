"""Packets on their way out, by sendmmsg and UDP segmentation offload.

Three quarters of forwarding is the kernel's send path, and it is walked once per message, not
per packet: rows for one destination that follow each other in size (all equal, the last
perhaps shorter, as the packets of a picture are) leave as one message, which the kernel or
the card cuts. Each destination's packets keep their order.

Layout: packet *i* to send is written into row *i*, with its size and the address of its
destination in `sizes` and `names`; then `flush`.
"""

import errno
import socket
import struct

from media.engine.batch import HEADER_LONGS, ROW, ffi, libc

OUT_ROWS = 64  # 200 µs of work: the first need not wait long for the last
MAX_SEGMENTS = 32  # the kernel takes 64, and no datagram above 64 KiB before it is cut
MAX_SEGMENT = 1400  # must fit the path: segments are not fragmented
UDP_SEGMENT = 103  # linux/udp.h
_CONTROL = 32
_AGAIN = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS)
_UNCUT = (errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.EOPNOTSUPP)
# Indexes of longs in struct mmsghdr.
_NAME, _IOV, _IOVLEN, _CONTROL_AT, _CONTROL_LENGTH = 0, 2, 3, 4, 5


class Bursts:
    """The sending rows of one socket. Not thread safe."""

    def __init__(self, udp: socket.socket, name_length: int) -> None:
        self._fd = udp.fileno()
        self._keep = ffi.new("char[]", OUT_ROWS * ROW)
        self._iov = ffi.new("struct iovec[]", OUT_ROWS)
        self._messages = ffi.new("struct mmsghdr[]", OUT_ROWS)
        self._control = ffi.new("char[]", OUT_ROWS * _CONTROL)
        self.data = memoryview(ffi.buffer(self._keep)).cast("B")
        self.row_address = [int(ffi.cast("uintptr_t", self._keep)) + i * ROW for i in range(OUT_ROWS)]
        self.sizes = [0] * OUT_ROWS
        self.names = [0] * OUT_ROWS
        self._iov_address = int(ffi.cast("uintptr_t", self._iov))
        self._control_address = int(ffi.cast("uintptr_t", self._control))
        self._iov_longs = memoryview(ffi.buffer(self._iov)).cast("B").cast("L")
        self._longs = memoryview(ffi.buffer(self._messages)).cast("B").cast("L")
        control = memoryview(ffi.buffer(self._control)).cast("B")
        for i in range(OUT_ROWS):
            self._messages[i].msg_hdr.msg_namelen = name_length
            struct.pack_into("=QiiH", control, i * _CONTROL, 18, socket.IPPROTO_UDP, UDP_SEGMENT, 0)
        self._segment_sizes = control.cast("H")
        self.failures = 0
        try:
            udp.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
            self._offload = True
        except OSError:  # an old kernel: every packet is a message
            self._offload = False

    def flush(self, n: int) -> int:
        """Sends the first `n` rows; returns how many of them the kernel did not take."""
        by_name: dict[int, list[int]] = {}
        for row, name in enumerate(self.names[:n]):
            known = by_name.get(name)
            if known is None:
                by_name[name] = [row]
            else:
                known.append(row)
        return self._send(self._pack(by_name))

    def _pack(self, by_name: dict[int, list[int]]) -> int:
        """Rows into messages; returns how many messages."""
        sizes, addresses, iov, longs = self.sizes, self.row_address, self._iov_longs, self._longs
        most = MAX_SEGMENT if self._offload else 0
        used = message = 0
        for name, rows in by_name.items():
            at, count = 0, len(rows)
            while at < count:
                first = used
                size = last = sizes[rows[at]]
                iov[2 * used] = addresses[rows[at]]
                iov[2 * used + 1] = size
                used += 1
                at += 1
                while at < count and last == size <= most and sizes[rows[at]] <= size and used - first < MAX_SEGMENTS:
                    last = sizes[rows[at]]
                    iov[2 * used] = addresses[rows[at]]
                    iov[2 * used + 1] = last
                    used += 1
                    at += 1
                header = message * HEADER_LONGS
                longs[header + _NAME] = name
                longs[header + _IOV] = self._iov_address + 16 * first
                longs[header + _IOVLEN] = used - first
                if used - first > 1:
                    longs[header + _CONTROL_AT] = self._control_address + message * _CONTROL
                    longs[header + _CONTROL_LENGTH] = 24
                    self._segment_sizes[message * (_CONTROL // 2) + 8] = size
                else:
                    longs[header + _CONTROL_AT] = longs[header + _CONTROL_LENGTH] = 0
                message += 1
        return message

    def _send(self, count: int) -> int:
        """A destination the kernel refuses is skipped, a full buffer ends the batch: late media
        is worthless. A burst refused as a whole (a card that cannot cut) is sent singly.
        """
        done = lost = 0
        while done < count:
            rc: int = libc.sendmmsg(self._fd, self._messages + done, count - done, 0x40)  # MSG_DONTWAIT
            if rc > 0:
                done += rc
                continue
            error = ffi.errno
            if error == errno.EINTR:
                continue
            self.failures += 1
            if error in _AGAIN:
                return lost + sum(int(self._longs[i * HEADER_LONGS + _IOVLEN]) for i in range(done, count))
            parts: int = self._longs[done * HEADER_LONGS + _IOVLEN]
            if parts > 1 and error in _UNCUT:
                refused = self._singly(done, parts)
                # Only if they leave singly it was the cutting; else it is the destination (port 0, say).
                self._offload &= error == errno.EMSGSIZE or refused == parts
                lost += refused
            else:
                lost += parts
            done += 1
        return lost

    def _singly(self, message: int, parts: int) -> int:
        header = message * HEADER_LONGS
        self._longs[header + _CONTROL_AT] = self._longs[header + _CONTROL_LENGTH] = 0
        self._longs[header + _IOVLEN] = 1
        lost = 0
        for _ in range(parts):
            lost += int(libc.sendmmsg(self._fd, self._messages + message, 1, 0x40)) != 1
            self._longs[header + _IOV] += 16
        return lost
