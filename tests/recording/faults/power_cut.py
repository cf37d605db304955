"""From a trace of system calls to the states in which a power cut may leave a disk.

*Law*: only what a finished fsync covers is certain. A file's bytes are certain if they were written before an fsync of
that file began which has ended; a name is certain if the same holds for its directory. Each write after that may be
there, be absent, be torn at 512 bytes, or have lengthened the file with zeros; names may be there or not; all of it
independently, in any order and across files. After an fsync of a file that failed, the bytes it should have covered are
gone for good, whatever a later fsync says, unless they are written again (the kernel marks the pages clean). Names
stay on their way then, since they are in the file system's journal, which stops when it fails; SQLite relies on that:
it does not look at the answer of a directory's fsync.

The shared-memory index (-shm) is left out of images: it is rebuilt by whoever opens the file first.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent.parent
CHILD = Path(__file__).parent / "traced_child.py"
SECTOR = 512
CALLS = (
    "open,openat,creat,close,dup,dup2,dup3,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,ftruncate,truncate,"
    "fallocate,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,copy_file_range,sendfile"
)
_LINE = re.compile(r"^(\d+) +(?:<\.\.\. (\w+) resumed>(.*)|(\w+)\((.*))$")
_END = re.compile(r"^(.*)\) += (-?\d+|\?)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def trace(directory: Path, control: str, *, sittings: int, entries: int, seed: int, inject: str = "") -> Path:
    """Run the child in `directory/disk` under strace; returns the trace. A second run goes on from the first one."""
    disk = directory / "disk"
    disk.mkdir(parents=True, exist_ok=True)
    written = directory / f"trace-{len(list(directory.glob('trace-*')))}"
    strace = ["strace", "-f", "-xx", "-s", str(1 << 22), "-e", f"trace={CALLS}", "-e", "signal=none"]
    strace += ["-o", str(written)]
    if inject:
        strace += ["-e", f"inject={inject}"]
    child = [sys.executable, str(CHILD), str(disk / "court"), control, str(sittings), str(entries), str(seed)]
    ended = subprocess.run(
        [*strace, *child], check=False, stdout=subprocess.DEVNULL, env={"PYTHONPATH": str(ROOT)}, timeout=600
    )
    assert ended.returncode == (-9 if "signal=KILL" in inject else 0)
    return written


@dataclass(slots=True)
class Node:
    """A file (`data`) or a directory (`names`): what is certain, and what is on its way since when."""

    is_directory: bool
    data: bytearray = field(default_factory=bytearray)
    writes: list[tuple[int, int, bytes | None]] = field(default_factory=list)
    """(moment, offset, bytes); bytes None: the file is cut to `offset`."""
    names: dict[str, Node] = field(default_factory=dict)
    live: dict[str, Node] = field(default_factory=dict)
    changes: list[tuple[int, list[tuple[str, Node | None]]]] = field(default_factory=list)

    def synced(self, moment: int, *, held: bool) -> None:
        covered = [each for each in self.writes if each[0] <= moment]
        self.writes = [each for each in self.writes if each[0] > moment]
        if held:
            for _, offset, data in covered:
                put(self.data, offset, data)
            for _, change in (each for each in self.changes if each[0] <= moment):
                enter(self.names, change)
            self.changes = [each for each in self.changes if each[0] > moment]


def put(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


def enter(names: dict[str, Node], change: list[tuple[str, Node | None]]) -> None:
    for name, node in change:
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


class Disk:
    """Follows a trace call by call."""

    def __init__(self, root: Path) -> None:
        self.root = Node(is_directory=True)
        self._prefix = f"{root}/"
        self._open: dict[int, Node] = {}
        self._moment = 0
        self._begun: dict[str, tuple[str, int]] = {}

    def follow(self, *traces: Path) -> Iterator[str]:
        """One step per finished call: what was told by it, else an empty string."""
        for written in traces:
            self._open.clear()
            self._begun.clear()
            yield from self._follow(written)

    def _follow(self, written: Path) -> Iterator[str]:
        with written.open() as lines:
            for line in lines:
                found = _LINE.match(line.rstrip("\n"))
                if found is None:
                    continue
                thread, resumed, rest, name, arguments = found.groups()
                if resumed is None and arguments.endswith("<unfinished ...>"):
                    self._begun[thread] = (arguments.removesuffix("<unfinished ...>").rstrip(), self._moment)
                    continue
                begun = self._moment
                if resumed is not None:
                    before, begun = self._begun.pop(thread)
                    name, arguments = resumed, before + rest
                ended = _END.match(arguments)
                if ended is None or ended[2] == "?":
                    continue
                yield self._call(name, ended[1], int(ended[2]), begun)

    def _call(self, name: str, arguments: str, result: int, begun: int) -> str:
        self._moment += 1
        paths = [bytes.fromhex(each.replace("\\x", "")) for each in _TEXT.findall(arguments)]
        number = int(first) if (first := arguments.split(",", maxsplit=1)[0].strip()).isdigit() else -1
        node = self._open.get(number)
        if name in ("fsync", "fdatasync"):
            if node is not None:
                node.synced(begun, held=result == 0)
        elif result < 0:
            pass
        elif name in ("write", "pwrite64"):
            if number == 1:
                return paths[0].decode()
            if node is not None:
                # Only what the call says it wrote; `write` makes whole new files here, so it follows the last one.
                length = sum(len(each[2] or b"") for each in node.writes) + len(node.data)
                offset = int(arguments.rsplit(",", 1)[1]) if name == "pwrite64" else length
                assert len(paths[0]) >= result, "the trace was cut short"
                node.writes.append((self._moment, offset, paths[0][:result]))
        elif name == "ftruncate":
            if node is not None:
                node.writes.append((self._moment, int(arguments.rsplit(",", 1)[1]), None))
        elif name == "close":
            self._open.pop(number, None)
        else:
            self._named(name, arguments, [each.decode() for each in paths], result, node)
        return ""

    def _named(self, name: str, arguments: str, paths: list[str], result: int, node: Node | None) -> None:
        inside = [each for each in paths if each.startswith(self._prefix) or f"{each}/" == self._prefix]
        if name == "openat":
            self._open.pop(result, None)
            if inside:
                self._open[result] = self._opened(inside[0], arguments)
        elif not inside:
            assert node is None, f"{name} on a file of the record is not modelled"
        elif name == "mkdir":
            parent, base = self._parent(inside[0])
            self._change(parent, [(base, Node(is_directory=True))])
        elif name == "unlink":
            parent, base = self._parent(inside[0])
            self._change(parent, [(base, None)])
        elif name == "rename":
            parent, base = self._parent(inside[0])
            target, other = self._parent(inside[1])
            assert parent is target, "a rename between directories is not modelled"
            self._change(parent, [(base, None), (other, parent.live[base])])
        else:
            raise AssertionError(f"{name} on a file of the record is not modelled")

    def _opened(self, path: str, arguments: str) -> Node:
        if f"{path}/" == self._prefix:
            return self.root
        parent, base = self._parent(path)
        if base not in parent.live:
            assert "O_CREAT" in arguments, path
            self._change(parent, [(base, Node(is_directory=False))])
        elif "O_TRUNC" in arguments:
            parent.live[base].writes.append((self._moment, 0, None))
        return parent.live[base]

    def _parent(self, path: str) -> tuple[Node, str]:
        *above, base = path.removeprefix(self._prefix).split("/")
        node = self.root
        for each in above:
            node = node.live[each]
        return node, base

    def _change(self, parent: Node, change: list[tuple[str, Node | None]]) -> None:
        enter(parent.live, change)
        parent.changes.append((self._moment, change))

    def cut(self, target: Path, seeded: random.Random) -> None:
        """Write one of the states after a power cut at this moment into the new directory `target`."""
        _materialize(self.root, target, seeded, seeded.choice([*POLICIES, "none", "none", "mixed"]))


POLICIES = ("none", "all", "some", "torn", "zeros")


def _materialize(node: Node, target: Path, seeded: random.Random, policy: str) -> None:
    own = seeded.choice(POLICIES) if policy == "mixed" else policy
    if not node.is_directory:
        target.write_bytes(_content(node, seeded, own))
        target.chmod(0o600)
        return
    target.mkdir(mode=0o700)
    names = dict(node.names)
    for _, change in node.changes:
        if own == "all" or (own != "none" and seeded.random() < 0.5):
            enter(names, change)
    for name, each in names.items():
        if not name.endswith("-shm"):
            _materialize(each, target / name, seeded, policy)


def _content(node: Node, seeded: random.Random, policy: str) -> bytes:
    content = bytearray(node.data)
    for _, offset, data in node.writes:
        if policy == "none" or (policy != "all" and seeded.random() < 0.5):
            continue
        if data is None or policy in ("all", "some"):
            put(content, offset, data)
        elif policy == "zeros":
            content.extend(bytes(max(0, offset + len(data) - len(content))))
        else:
            for at in _sectors(offset, len(data)):
                if seeded.random() < 0.5:
                    start, end = max(at, offset), min(at + SECTOR, offset + len(data))
                    put(content, start, data[start - offset : end - offset])
    return bytes(content)


def _sectors(offset: int, length: int) -> range:
    return range(offset // SECTOR * SECTOR, offset + length, SECTOR)
