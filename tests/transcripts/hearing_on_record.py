"""A hearing as the court's record would hold it, made by hand: fixed keys, fixed salts, fixed times.

Two parties, a witness, a judge and a clerk, each with a device that signs; words, a picture, a voice clip, a video
clip and a file; a recess, a mute, a lost connection with its gap in the recording, a phone that was replaced, a part
behind closed doors, the register's state written back, and the seal by judge and clerk.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording import checkpoint, csig, leaf, merkle
from recording.checkpoint import Checkpoint
from recording.content import commitment
from recording.leaf import Leaf
from recording.note import Signer, parse
from recording.policy import cosigner_name
from transcripts.bundle import Blob, Kept
from transcripts.items import Entry

STREAM = bytes.fromhex("5f0e4c1d9a8b47c2b3a1f06e7d2c9b48")
ORIGIN = f"yuyao.court.example/{STREAM.hex()}"
CASE = bytes.fromhex("00112233445566778899aabbccddeeff")
REGISTER = bytes.fromhex("4b1d3a7709c24e5f8a6b0c1d2e3f4a5b")
TWO_O_CLOCK = 1_536_559_200_000  # 10 September 2018, 14:00 in Yuyao


def png(width: int = 160, height: int = 120) -> bytes:
    """A picture of a stamp on paper, without any library."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            far = ((x - width / 2) ** 2 + (y - height / 2) ** 2) ** 0.5
            ring = abs(far - height / 3) < 3 or far < 6
            rows += bytes((158, 42, 43)) if ring else bytes((244, 245, 242))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    body = zlib.compress(bytes(rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@dataclass
class Hearing:
    """A record under construction, and a source that the bundle can be made from."""

    stream_id: bytes = STREAM
    origin: str = ORIGIN
    kept: list[Kept] = field(default_factory=list)
    blobs: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)
    now_ms: int = TWO_O_CLOCK
    counts: dict[str, int] = field(default_factory=dict)
    media_ms: int = 0
    gaps: list[tuple[str, str, int, int, str]] = field(default_factory=list)
    dseq: int = 0
    devices: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    cosigners: tuple[str, ...] = ()
    """Whose devices cosign the checkpoint, in the order of their first enrolment."""
    signer: Signer = field(
        default_factory=lambda: Signer(
            "yuyao.court.example", Ed25519PrivateKey.from_private_bytes(sha256(b"court").digest())
        )
    )

    def salt(self) -> bytes:
        return sha256(f"salt {len(self.kept)} {len(self.blobs)}".encode()).digest()

    def put(
        self,
        kind: str,
        actor: str,
        *facts: Any,
        content: object = None,
        after_s: float = 5,
        refs: Sequence[Any] = (),
    ) -> Leaf:
        """One entry; `content` is an object, or bytes as a hostile phone sends them. A person's is signed by the device
        that was last enrolled for him, or by one that nobody knows.
        """
        self.now_ms += int(after_s * 1000)
        salt = data = commit = None
        if content is not None:
            data = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
            salt = self.salt()
            commit = commitment(salt, data)
        person = actor != "court"
        self.dseq += person
        made = Leaf(
            version=1,
            type=kind,
            seq=len(self.kept),
            stream_id=self.stream_id,
            ts_ms=self.now_ms,
            epoch=1,
            actor=actor,
            device_key_id=csig.key_id_of(self.device(actor).public_key().public_bytes_raw()) if person else None,
            dseq=self.dseq if person else None,
            ts_client_ms=self.now_ms - 180 if person else None,
            commit=commit,
            refs=refs,
            facts=facts,
            csig=None,
        )
        made = self.signed(made) if person else made
        self.kept.append(Kept(leaf.encode(made), salt, data))
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return made

    def device(self, actor: str) -> Ed25519PrivateKey:
        """The one that was last enrolled for this seat, or a stranger's."""
        return self.devices.get(actor) or Ed25519PrivateKey.from_private_bytes(sha256(b"stranger").digest())

    def signed(self, made: Leaf) -> Leaf:
        """The leaf with its person's signature."""
        return made._replace(csig=csig.sign(self.device(made.actor), csig.message_of_leaf(made)))

    def enrol(self, slot: str, why: str = "first", after_s: float = 0) -> None:
        """A device for the seat; by the clerk's word it ends the one before."""
        device = Ed25519PrivateKey.from_private_bytes(sha256(f"{slot} {why}".encode()).digest())
        before = self.devices.get(slot)
        if before is not None:
            key_id = csig.key_id_of(before.public_key().public_bytes_raw())
            self.put("key.revoke", "court", slot, key_id, "replaced", after_s=after_s)
        by_clerk = ((CASE, 9, sha256(b"link.released").digest()),) if why == "clerk" else ()
        self.put("key.add", "court", slot, device.public_key().public_bytes_raw(), why, after_s=0, refs=by_clerk)
        self.devices[slot] = device

    def blob(self, data: bytes) -> bytes:
        salt = sha256(b"blob" + self.salt()).digest()
        commit = commitment(salt, data)
        self.blobs[commit] = (salt, data)
        return commit

    def segment(self, slot: str, track: str, n: int, span: tuple[int, int], data: bytes) -> None:
        start_ms, end_ms = span
        mime = {"audio": "audio/webm", "video": "video/webm"}[track]
        codec = {"audio": "opus", "video": "vp8"}[track]
        content = {"mime": mime, "size": len(data)}
        self.put("rec.segment", "court", slot, track, codec, n, start_ms, end_ms, self.blob(data), content=content)
        self.media_ms += end_ms - start_ms

    def gap(self, slot: str, track: str, start_ms: int, end_ms: int, cause: str) -> None:
        self.gaps.append((slot, track, start_ms, end_ms, cause))
        self.put("rec.gap", "court", *self.gaps[-1], after_s=0)

    def seal(self, *by: str) -> None:
        """By two of the bench, clerk and judge if nobody is named, or by one alone."""
        by = by or ("clerk/1", "judge/1")
        acts = [self.put("act.propose_seal", who, after_s=70) for who in by[:-1]]
        acts.append(self.put("act.seal", by[-1], after_s=25))
        counts = tuple(sorted({**self.counts, "seal": 1}.items()))
        gap_ms = sum(gap[3] - gap[2] for gap in self.gaps)
        closing = (len(self.kept) + 1, counts, self.media_ms, len(self.gaps), gap_ms, len(by))
        self.put("seal", "court", *closing, after_s=0, refs=[act.seq for act in acts])

    # -- what the bundle asks of a source
    @property
    def vkey(self) -> str:
        return str(self.signer.under(self.origin).key)

    @property
    def checkpoint(self) -> bytes:
        return self.head(len(self.kept), *self.cosigners).encode()

    def head(self, size: int, *cosigners: str) -> str:
        """The signed checkpoint of the first `size` entries, cosigned by the present devices of these seats."""
        frontier = merkle.Frontier()
        for each in self.kept[:size]:
            frontier.append(merkle.leaf_hash(each.leaf))
        note = checkpoint.sign(Checkpoint(self.origin, frontier.size, frontier.root()), self.signer)
        text = parse(note).text
        by = (Signer(cosigner_name(self.origin, slot), self.devices[slot]) for slot in cosigners)
        return note + "".join(each.cosign(text, self.now_ms // 1000).line() for each in by)

    def entries(self) -> Iterator[Kept]:
        return iter(self.kept)

    def open_blob(self, commit: bytes) -> Blob | None:
        found = self.blobs.get(commit)
        if found is None:
            return None
        salt, data = found
        return Blob(salt, (data[at : at + 1000] for at in range(0, len(data), 1000)))

    # -- what the timeline reads
    def read(self) -> list[Entry]:
        return [Entry(leaf.decode(each.leaf), merkle.leaf_hash(each.leaf), each.content) for each in self.kept]


def hearing(segment: bytes = b"\x1aE\xdf\xa3 a segment of ", *, sealed: bool = True, segments: int = 3) -> Hearing:
    """The hearing; `segment` stands for the recording's bytes, to which each segment's name is added."""
    it = Hearing()
    it.now_ms -= 45 * 60_000
    it.put(
        "open",
        "court",
        "hearing",
        CASE,
        TWO_O_CLOCK,
        content={
            "court": "余姚市人民法院",
            "case_number": "(2018)浙0281民初1234号",
            "cause": "装饰装修合同纠纷",
            "language": "zh",
        },
    )
    for slot, role, name in (
        ("judge/1", "judge", "陈静"),
        ("clerk/1", "clerk", "吴敏"),
        ("party/1", "plaintiff", "宁波安居装饰有限公司"),
        ("party/2", "defendant", "方建国"),
        ("witness/1", "witness", "李 <b>四</b>"),
    ):
        it.put("seat", "court", slot, role, content={"name": name}, after_s=0)
    it.now_ms = TWO_O_CLOCK - 12 * 60_000
    it.put("act.check_in", "court")
    for slot in ("clerk/1", "judge/1", "party/1", "party/2", "witness/1"):
        it.enrol(slot)
        it.put("join", "court", slot, "first", after_s=21)
    for slot in ("party/1", "party/2"):
        it.put("act.admit", "clerk/1", slot)
    it.now_ms = TWO_O_CLOCK
    it.put("act.open", "judge/1", after_s=2)
    it.put("rec.start", "court", after_s=0, refs=(len(it.kept) - 1,))
    it.put("anchor", "court", REGISTER, 4_211, sha256(b"register").digest(), TWO_O_CLOCK - 40_000, after_s=1)
    start = it.now_ms
    it.put("msg.text", "judge/1", content={"text": "现在核对双方当事人身份。请原告陈述诉讼请求。", "lang": "zh"})
    it.put("act.floor", "judge/1", "party/1")
    it.put(
        "msg.text",
        "party/1",
        content={
            "text": "请求判令被告支付装修余款72,607.00元。\n事实与理由：\n"
            "一、合同约定2017年12月完工；\n二、工程已经验收。"
        },
        after_s=24,
    )
    stamp = it.blob(png())
    image = {"mime": "image/png", "name": "验收单.png", "size": len(png()), "width": 160, "height": 120}
    it.put("msg.image", "party/1", stamp, content={**image, "text": "验收单，有被告盖章。"}, after_s=31)
    it.put("hand", "party/2", True)
    it.put("act.floor", "judge/1", "party/2")
    voice = it.blob(b"OggS a voice, twelve seconds of it")
    it.put(
        "msg.voice",
        "party/2",
        voice,
        content={"mime": "audio/webm;codecs=opus", "size": 34, "duration_ms": 12_300},
        after_s=18,
    )
    it.put("leave", "court", "party/2", "network", after_s=40)
    it.enrol("party/2", "clerk", after_s=15)
    it.put("join", "court", "party/2", "return", after_s=2)
    for slot in ("judge/1", "party/1", "party/2"):
        for track in ("audio", "video"):
            for n in range(segments):
                begin = start + n * 60_000
                if slot == "party/2" and n == 2:
                    continue
                it.segment(slot, track, n, (begin, begin + 60_000), segment + f"{slot} {track} {n}".encode())
    it.gap("party/2", "audio", start + 120_000, start + 137_400, "network")
    it.gap("party/2", "video", start + 120_000, start + 137_400, "network")
    it.put("act.mute", "judge/1", "party/1")
    it.put("act.unmute", "judge/1", "party/1", after_s=9)
    it.put("act.recess", "judge/1", content={"reason": "被告请求核对原件"})
    it.put("act.resume", "judge/1", after_s=600)
    it.put("act.admit", "clerk/1", "witness/1")
    clip = it.blob(b"\x1aE\xdf\xa3 a clip of the bathroom wall")
    it.put(
        "msg.video",
        "witness/1",
        clip,
        content={"mime": "video/webm", "size": 33, "duration_ms": 4000, "text": "卫生间墙面现状"},
        after_s=44,
    )
    paper = it.blob(b"%PDF-1.7 the contract")
    it.put("msg.file", "party/1", paper, content={"mime": "application/pdf", "name": "合同.pdf", "size": 21})
    it.put("msg.text", "party/2", content={"text": "我同意分两期支付。<script>alert(1)</script>\u202e期两分"})
    it.put("act.restrict", "judge/1", ("party/1",), content={"reason": "涉及商业秘密"})
    it.put("msg.text", "party/1", content={"text": "我方进货价为每平方米41元。"}, after_s=12)
    it.put("act.unrestrict", "judge/1", after_s=9)
    _close(it)
    if sealed:
        it.seal()
    return it


def _close(it: Hearing) -> None:
    it.put("act.close", "judge/1", after_s=60)
    it.put("rec.stop", "court", after_s=1)
    it.put("anchor", "court", REGISTER, 4_260, sha256(b"later").digest(), None, after_s=2)


def join(directory: Path) -> Callable[[Sequence[tuple[int, Path]]], Path]:
    """Joins segments as a remuxer would, without understanding them."""
    made = directory / "joined"
    made.mkdir()

    def remux(segments: Sequence[tuple[int, Path]]) -> Path:
        path = made / f"{len(list(made.iterdir()))}.webm"
        path.write_bytes(b"".join(segment.read_bytes() for _start_ms, segment in segments))
        return path

    return remux
