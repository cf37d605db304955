"""One UDP socket, read in batches: recvmmsg by cffi's ABI mode, so no compiler is needed. How it
is written is in bursts.py.

Layout: one block of memory cut into rows of `ROW` bytes. Row *i* is packet *i* of the last
`receive`.
"""

import ipaddress
import socket
import struct
import sys
from typing import Any

import cffi

from media.engine.packet_engine import Address

ROW = 2048
IN_ROWS = 64
_CDEF = """
struct iovec { void *iov_base; size_t iov_len; };
struct msghdr { void *msg_name; unsigned int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
                void *msg_control; size_t msg_controllen; int msg_flags; };
struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
int recvmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags, void *timeout);
int sendmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags);
"""
ffi: Any = cffi.FFI()
ffi.cdef(_CDEF)
libc: Any = ffi.dlopen(None)
_NAME = 32  # bytes kept per socket address, enough for sockaddr_in6
_HEADER_WORDS = ffi.sizeof("struct mmsghdr") // 4
_LEN_WORD = ffi.offsetof("struct mmsghdr", "msg_len") // 4
_HEADER_LONGS = ffi.sizeof("struct mmsghdr") // 8


class Batch:
    """The rows of one direction and the kernel's view of them."""

    def __init__(self, rows: int, name_length: int) -> None:
        self._keep = ffi.new("char[]", rows * ROW)
        self._names = ffi.new("char[]", rows * _NAME)
        self._iov = ffi.new("struct iovec[]", rows)
        self.headers = ffi.new("struct mmsghdr[]", rows)
        base = int(ffi.cast("uintptr_t", self._keep))
        self.row_address = [base + i * ROW for i in range(rows)]
        for i in range(rows):
            self._iov[i].iov_base = self._keep + i * ROW
            self._iov[i].iov_len = ROW
            header = self.headers[i].msg_hdr
            header.msg_name = self._names + i * _NAME
            header.msg_namelen = name_length
            header.msg_iov = self._iov + i
            header.msg_iovlen = 1
        self.data = memoryview(ffi.buffer(self._keep)).cast("B")
        self.names = memoryview(ffi.buffer(self._names)).cast("B")
        # Writing through flat views costs a fifth of cffi's attribute access.
        self.iov_longs = memoryview(ffi.buffer(self._iov)).cast("B").cast("L")
        self.header_longs = memoryview(ffi.buffer(self.headers)).cast("B").cast("L")
        self.header_words = memoryview(ffi.buffer(self.headers)).cast("B").cast("I")


class BatchSocket:
    """The socket and what it received last. Not thread safe."""

    def __init__(self, host: str, port: int, rcvbuf: int) -> None:
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        self.udp = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        if family == socket.AF_INET6:
            self.udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.udp.bind((host, port))
        for forced, plain in ((33, socket.SO_RCVBUF), (32, socket.SO_SNDBUF)):  # SO_RCVBUFFORCE, SO_SNDBUFFORCE
            try:
                self.udp.setsockopt(socket.SOL_SOCKET, forced, rcvbuf)
            except OSError:
                self.udp.setsockopt(socket.SOL_SOCKET, plain, rcvbuf)
        self.rcvbuf = self.udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
        self.ipv6 = family == socket.AF_INET6
        # The address as the kernel writes it, without the padding behind an IPv4 one.
        self.key_length = 24 if self.ipv6 else 8
        self.name_length = 28 if self.ipv6 else 16
        self.inbound = Batch(IN_ROWS, self.name_length)
        self.port: int = self.udp.getsockname()[1]
        self._fd = self.udp.fileno()
        self.send_failures = 0

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        self.udp.close()

    def receive(self) -> int:
        """Fills the inbound rows; returns how many. Sizes are in `size(i)`."""
        n: int = libc.recvmmsg(self._fd, self.inbound.headers, IN_ROWS, 0x40, ffi.NULL)  # MSG_DONTWAIT
        return max(n, 0)

    def size(self, row: int) -> int:
        """Bytes of inbound row `row`."""
        size: int = self.inbound.header_words[row * _HEADER_WORDS + _LEN_WORD]
        return size

    def address_key(self, row: int) -> bytes:
        """The sender of inbound row `row`, as bytes that can be looked up."""
        return bytes(self.inbound.names[row * _NAME : row * _NAME + self.key_length])

    def send_one(self, data: bytes, address: Address) -> None:
        """A datagram outside the batches."""
        host, port = address
        if self.ipv6 and ":" not in host:
            host = "::ffff:" + host
        try:
            self.udp.sendto(data, (host, port))
        except OSError:
            self.send_failures += 1

    def pack_address(self, address: Address) -> bytes:
        """`address` as the kernel's sockaddr, padded to 32 bytes; its first `key_length`
        bytes are what `address_key` gives for a packet from there.
        """
        ip = ipaddress.ip_address(address[0])
        family = struct.pack("=H", socket.AF_INET6 if self.ipv6 else socket.AF_INET)
        port = struct.pack("!H", address[1])
        if not self.ipv6:
            return (family + port + ip.packed).ljust(_NAME, b"\0")
        packed = ip.packed if ip.version == 6 else b"\0" * 10 + b"\xff\xff" + ip.packed
        return (family + port + b"\0" * 4 + packed).ljust(_NAME, b"\0")

    def unpack_address(self, key: bytes) -> Address:
        """The inverse of `pack_address`."""
        port = int.from_bytes(key[2:4], "big")
        if not self.ipv6:
            return socket.inet_ntoa(key[4:8]), port
        ip = ipaddress.IPv6Address(key[8:24])
        return str(ip.ipv4_mapped or ip), port


HEADER_LONGS = _HEADER_LONGS
"""Index step of `Batch.header_longs` from one row to the next; its first long is the address
of the destination (msg_name)."""

if sys.platform != "linux":  # pragma: no cover - recvmmsg is Linux's
    raise ImportError("the packet engine needs Linux (recvmmsg, sendmmsg)")
