#!/usr/bin/env python3
"""Checks the export of a court record offline, with nothing but Python 3.8 or later: `python3 verify.py [BAG] --court-key FILE`.

Law: made from recording/FORMAT.md alone (its § are cited), it shares no code with the court's programs. Every file is read
and none is trusted; a key found inside proves nothing; what was not checked is said. Exit 0 holds, 1 altered, 2 cannot check.

In this order: the words of the report; signatures; leaves; notes, proofs and the tree; certificates and time-stamps; then
`Check`, which goes through an export in the order of §7; and the report. It is one file so that a stranger needs no other.
"""

from __future__ import annotations

import argparse
import base64
import collections
import hashlib
import json
import locale
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time

MAX_INT, LEAF_MAX, FILE_MAX, DEPTH, SHOWN, SHIFT_MS = 2**53 - 1, 4096, 1 << 24, 8, 50, 60_000
BENCH = ("judge/", "clerk/")
TAGS = ("bag-info.txt", "bagit.txt", "manifest-sha256.txt")
BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
VIEWS = [
    "data/README.txt",
    "data/verify/verify.html",
    "data/verify/verify.py",
    *("data/transcript.%s.%s" % (a, b) for a in ("en", "zh") for b in ("html", "txt")),
    *(
        "data/view/" + v
        for v in ("index.csv", "record.jsonl", "replay-data.js", "replay.css", "replay.html", "replay.js")
    ),
]
KNOWN = re.compile(  # §6: every name an export may hold besides VIEWS and tiles
    r"data/(record/(checkpoint|policy\.txt|redactions|keys/(log|court)\.vkey|keys/court\.pem|keys/court-key\.p7s|keys/rotation-[1-9][0-9]{0,5}\.note|witnessed/(0|[1-9][0-9]{0,15}))"
    r"|record/tile/.*|content/[0-9a-f]{64}\.(aac|bin|gif|jpg|json|m4a|mkv|mp3|mp4|ogg|pdf|png|txt|wav|weba|webm|webp)|salts/[0-9a-f]{64}"
    r"|register/(checkpoint|policy\.txt|(opening|head)\.(tlog-proof|leaf|salt)|head\.checkpoint-body|query\.tsq|token\.tsr|tsa-chain\.pem"
    r"|anchors/[1-9][0-9]{0,15}/(checkpoint|consistency|token\.tsr))|verify/verify\.(py|html)|media/[a-z0-9_-]+\.(webm|mkv))", re.ASCII)  # fmt: skip
TYPE, ACTOR = (
    re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", re.ASCII),
    re.compile(r"[a-z][a-z_]*(/[0-9]{1,4})?", re.ASCII),
)

CODES = {  # code: (property, zh, en); property: a authenticity, i integrity, u usability, s security; small = cannot be checked
    "not_a_bundle": ("i?", "这不是一份导出的卷宗", "this is not an export of a record"),
    "unreadable": ("u?", "文件无法读取", "a file cannot be read"),
    "verifier_error": ("i?", "核验程序自身出错", "the verifier itself failed"),
    "key_unreadable": ("a?", "给出的公钥或证书无法读取", "a key or certificate that was given cannot be read"),
    "content_absent": ("u?", "内容未随卷宗导出，也未说明原因", "a content is absent and no reason is stated"),
    "not_a_file": ("s!", "不是普通文件（链接等）", "a link or the like lies where only files may be"),
    "extra_file": ("s!", "多出的文件", "a file does not belong to the export"),
    "missing_file": ("i!", "缺少文件", "a file is missing"),
    "file_differs": ("i!", "文件与应有内容不符", "a file is not what it must be"),
    "manifest_differs": ("i!", "文件清单与文件不符", "a manifest does not agree with the files"),
    "note_malformed": ("i!", "签名文书格式有误", "a signed note is malformed"),
    "signature_bad": ("a!", "法院签名不成立", "the court's signature does not hold"),
    "key_differs": ("a!", "不是该法院（或该记录）的公钥", "another key than the court's"),
    "certificate_bad": ("a!", "法院证书与公钥不符，或所给证书不能确认它", "the court's certificate does not bind this key, or none given vouches for it"),
    "empty_record": ("i!", "记录中没有条目", "the record has no entries"),
    "bundle_malformed": ("i!", "条目文件不完整", "an entry bundle cannot be split into entries"),
    "leaf_malformed": ("i!", "条目不合规范格式", "an entry is not in canonical form"),
    "leaf_differs": ("i!", "条目与其哈希不符", "an entry is not the one its tile commits to"),
    "tile_differs": ("i!", "哈希树文件不符", "a tile is not what the tiles below give"),
    "root_differs": ("i!", "全部条目与签名的根值不符", "the entries are not the ones that were signed"),
    "out_of_order": ("i!", "条目顺序有误", "an entry is out of order"),
    "after_seal": ("i!", "封存之后另有条目", "an entry follows the seal"),
    "seal_differs": ("i!", "封存条目与记录不符", "the seal does not agree with the record"),
    "content_missing": ("u!", "内容与随机数缺其一", "a content or its salt is missing"),
    "content_differs": ("i!", "内容与承诺值不符", "a content is not what its entry commits to"),
    "redaction_bad": ("a!", "删节说明与卷宗不符", "the note of redactions does not agree with the export"),
    "act_unsigned": ("a!", "当事人行为没有其设备签名", "a person's act is not signed by a device"),
    "act_signature_bad": ("a!", "当事人行为的签名不成立", "the signature of a person's act does not hold"),
    "key_unknown": ("a!", "签名公钥未登记给该席位", "the key is not the one enrolled for this seat"),
    "cosignature_bad": ("a!", "见证签名不成立", "a cosignature does not hold"),
    "policy_differs": ("a!", "见证规则与记录不符", "policy.txt is not that of this record"),
    "register_differs": ("a!", "与法院总登记不符", "the court's register does not agree"),
    "anchor_differs": ("a!", "登记回写与总登记不符", "an anchor does not agree with the register"),
    "time_shifted": ("a?", "法院所记时间与时间戳相差超过一分钟", "the court's times lie more than a minute outside what time-stamps allow"),
    "timestamp_bad": ("a!", "时间戳不成立", "a time-stamp does not hold"),
    "token_missing": ("a!", "有时间戳请求或时间戳机构证书，却没有时间戳", "a time-stamp request or an authority's certificates are there without a time-stamp"),
}  # fmt: skip
WORDS = {  # key: (zh, en)
    "holds": ("成立", "holds"), "altered": ("已被改动", "altered"), "cannot": ("无法核验", "cannot check"),
    "only": ("仅前后一致（未给出法院公钥）", "internally consistent only (no court key was given)"),
    "sealed": ("已封存，共 %d 条", "sealed, %d entries"), "open": ("未封存，截至第 %d 条", "open as of #%d"),
    "first": ("首个问题条目：第 %d 条", "first bad entry #%d"), "file": ("首个问题文件：%s", "first bad file %s"),
    "a": ("真实性", "authenticity"), "i": ("完整性", "integrity"), "u": ("可用性", "usability"), "s": ("安全性", "security"),
    "checked": ("已核验", "checked"), "unchecked": ("未核验", "not checked"), "entry": ("第 %d 条", "entry #%d"),
    "signatures": ("设备签名 %d 个（%s）", "%d device signatures (%s)"), "entries": ("条目 %d 条，逐条", "%d entries, each of them"),
    "contents": ("内容与附件 %d 件，逐件", "%d contents and files, each of them"), "files": ("文件 %d 个，%d 字节", "%d files, %d bytes"),
    "court": ("法院签名（公钥 %s）", "the court's signature (public key %s)"), "stated": ("说明不在卷内的内容 %d 件", "%d contents stated as absent"),
    "cosigned": ("见证签名 %d 个：%s", "%d cosignatures: %s"), "quorum": ("见证人数已足", "the quorum of witnesses is met"),
    "no_quorum": ("见证人数不足（已注明，不视为改动）", "the quorum of witnesses is NOT met (marked, not altered)"),
    "seal_ok": ("封存规则（%d 人）", "the rules of the seal (%d pairs of eyes)"),
    "register": ("总登记：%s", "register: %s"), "anchors": ("登记回写 %d 处", "%d anchors of the register"),
    "stamp": ("时间戳：总登记第 %d 条，不晚于 %s（%s）", "time-stamp: register #%d, not later than %s (%s)"), "tsa_given": ("由给出的时间戳机构证书", "by the authority given"),
    "tsa_inside": ("证书取自卷内，本身不足为凭", "by certificates found inside, which prove nothing"),
    "bound": ("卷内证书（%s）对公钥的签名；证书本身未经确认", "the certificate in the export (%s) binds this key; it is not confirmed"),
    "vouched": ("法院证书（%s）对公钥的签名；该证书由所给证书确认，未查吊销", "the court's certificate (%s) binds this key, and one that was given vouches for it; revocation was not looked up"),
    "not_named": ("证书 %s 是否属于该法院：证书未载其域名", "whether the certificate %s is that court's: it does not name its host"),
    "no_certificate": ("法院证书：卷内没有", "the court's certificate: there is none in the export"),
    "no_openssl_here": ("法院证书（本机没有 openssl）", "the court's certificate (there is no openssl here)"),
    "no_key": ("法院公钥未由别处给出：不能说明出自该法院", "no court key from elsewhere: it is not shown that the record comes from that court"),
    "no_register": ("总登记：卷内没有（%s）", "register: not in the export (%s)"), "no_anchor": ("登记回写 %d 处（卷内没有相应证明）", "%d anchors (the export has no proof for them)"),
    "no_stamp": ("时间戳：卷内没有", "time-stamp: there is none in the export"), "no_authority": ("时间戳的签名（没有时间戳机构的证书）", "the signature of a time-stamp (no certificate of its authority)"), "no_openssl": ("时间戳（本机没有 openssl）", "time-stamps (there is no openssl here)"),
    "views": ("笔录、回放、拼接媒体与核验程序：只对照文件清单", "transcripts, views, joined media and verifiers: against the manifest alone"),
    "case": ("删节所依据的案件条目、登记公钥所依据的案件条目", "entries of the case that orders and enrolments refer to"),
    "unfinished": ("记录未能读完，其后各项未核验", "the record could not be read to its end; what follows was not checked"),
    "reading": ("读取文件", "reading files"), "walking": ("核验条目", "checking entries"), "more": ("另有 %d 项", "%d more"),
}  # fmt: skip


# --- Ed25519 (RFC 8032), strict and without the cofactor: R = S·B - k·A as bytes

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
BASE = (15112221349535400772501151409588531511454012693041857206046113283949847762202,
        46316835694926478169428394003475163141307993866256225615783033603165251855960)  # fmt: skip


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def add(p, q):
    """Extended coordinates, Hisil and others 2008; complete for this curve."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * D * p[3] * q[3] % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point(raw):
    """The affine point of 32 bytes, or None: not canonical, not on the curve, or of small order (anybody could sign for it)."""
    y, sign = int.from_bytes(raw, "little") & (2**255 - 1), raw[31] >> 7
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    if v * x * x % P == P - u:
        x = x * pow(2, (P - 1) // 4, P) % P
    if v * x * x % P != u or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    eight = (x, y, 1, x * y % P)
    for _ in range(3):
        eight = add(eight, eight)
    return None if eight[0] % P == 0 else (x, y)


def table(x, y):
    """d·16^i·(x, y) for i < 64 and 0 < d < 16, each as (y+x, y-x, 2dxy)."""
    rows, base = [], (x, y, 1, x * y % P)
    for _ in range(64):
        rows.append(base)
        for _ in range(14):
            rows.append(add(rows[-1], base))
        base = add(rows[-1], base)
    products = [1]
    for each in rows:  # one inversion for all
        products.append(products[-1] * each[2] % P)
    inverse, made = pow(products[-1], -1, P), [None] * len(rows)
    for at in range(len(rows) - 1, -1, -1):
        one = products[at] * inverse % P
        inverse = inverse * rows[at][2] % P
        x, y = rows[at][0] * one % P, rows[at][1] * one % P
        made[at] = ((y + x) % P, (y - x) % P, 2 * D * x * y % P)
    return made


class Keys:
    """Public keys ready for many signatures: by `cryptography` where it is installed, else in Python (about 1 ms each)."""

    def __init__(self, pure=False):
        self.ready, self.base, self.foreign = collections.OrderedDict(), None, None
        self.how = "pure Python"
        if not pure:
            try:
                from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

                self.foreign, self.how = Ed25519PublicKey.from_public_bytes, "cryptography"
            except Exception:
                pass

    def _ready(self, public):
        if public not in self.ready:
            if len(self.ready) > 63:  # a table takes 300 kB
                self.ready.popitem(last=False)
            found = point(public) if len(public) == 32 else None
            self.ready[public] = found and (self.foreign(public) if self.foreign else table(P - found[0], found[1]))
        return self.ready[public]

    def usable(self, public):
        return self._ready(public) is not None

    def holds(self, public, signature, message):
        ready = self._ready(public)
        if ready is None or len(signature) != 64 or int.from_bytes(signature[32:], "little") >= L:
            return False
        if self.foreign:
            try:
                ready.verify(signature, message)
            except Exception:
                return False
            return True
        self.base = self.base or table(*BASE)
        k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
        x, y, z, t = 0, 1, 1, 0
        for rows, scalar in ((self.base, int.from_bytes(signature[32:], "little")), (ready, k)):
            at = -1
            while scalar:
                digit = scalar & 15
                if digit:
                    plus, minus, xy = rows[at + digit]
                    a, b, c, d = (y - x) * minus % P, (y + x) * plus % P, t * xy % P, 2 * z
                    e, f, g, h = b - a, d - c, d + c, b + a
                    x, y, z, t = e * f % P, g * h % P, f * g % P, e * h % P
                scalar >>= 4
                at += 15
        inverse = pow(z, -1, P)
        return (y * inverse % P | (x * inverse % P & 1) << 255).to_bytes(32, "little") == signature[:32]


# --- msgpack in its one canonical form (§1)


class Malformed(Exception):
    """Bytes that are not what they must be; in place of a traceback."""


def decode(raw):
    """The 14 fields of a leaf, and the bytes a device signs for it: seven of them as they stand (§1.1)."""
    if len(raw) > LEAF_MAX or raw[:1] != b"\x9e":
        raise Malformed
    fields, ends = [], [1]
    try:
        while len(fields) < 14:
            field, end = value(raw, ends[-1], 1)
            fields.append(field)
            ends.append(end)
    except (IndexError, UnicodeDecodeError):
        raise Malformed from None
    if ends[-1] != len(raw):
        raise Malformed
    version, kind, seq, stream, ts, epoch, actor, key, dseq, client, commit, refs, facts, csig = fields
    good = (
        type(version) is int and version == 1 and type(kind) is type(actor) is str and len(kind) <= 64 >= len(actor)
        and TYPE.fullmatch(kind) and ACTOR.fullmatch(actor) and octets(stream, 16)
        and all(type(each) is int and each >= 0 for each in (seq, ts, epoch))
        and (dseq is None or (type(dseq) is int and dseq >= 0)) and (client is None or type(client) is int)
        and (commit is None or octets(commit, 32)) and (csig is None or octets(csig, 64))
        and (key is None or (type(key) is bytes and 1 <= len(key) <= 32)) and type(refs) is type(facts) is tuple
        and all((type(r) is int and r >= 0) or (type(r) is tuple and len(r) == 3 and octets(r[0], 16)
                and type(r[1]) is int and r[1] >= 0 and octets(r[2], 32)) for r in refs)
    )  # fmt: skip
    if not good:
        raise Malformed
    said = b"".join(raw[ends[n] : ends[n + 1]] for n in (3, 8, 1, 12, 11, 10, 9))
    return fields, b"palm/client/v1\x00\x97" + said


def octets(value_, length):
    return type(value_) is bytes and len(value_) == length


def value(raw, at, depth):
    """(value, end) of the msgpack value at `at`; arrays become tuples. A spelling that is not the shortest is refused."""
    tag = raw[at]
    at += 1
    if tag < 0x80:
        return tag, at
    if tag >= 0xE0:
        return tag - 256, at
    if tag in (0xC0, 0xC2, 0xC3):
        return (None if tag == 0xC0 else tag == 0xC3), at
    if tag in (0xCC, 0xCD, 0xCE, 0xCF, 0xD0, 0xD1, 0xD2, 0xD3):
        width, signed = 1 << (tag & 3), tag >= 0xD0
        number = int.from_bytes(taken(raw, at, width), "big", signed=signed)
        least = {1: 0x80, 2: 0x100, 4: 0x10000, 8: 0x100000000}[width]
        most = {1: -33, 2: -0x81, 4: -0x8001, 8: -0x80000001}[width]
        if abs(number) > MAX_INT or (number > most if signed else number < least):
            raise Malformed
        return number, at + width
    if 0xA0 <= tag <= 0xBF:
        kind, length = "str", tag & 31
    elif 0x90 <= tag <= 0x9F:
        kind, length = "array", tag & 15
    else:
        sizes = {0xD9: ("str", 1, 32), 0xDA: ("str", 2, 256), 0xDB: ("str", 4, 65536), 0xC4: ("bin", 1, 0), 0xC5: ("bin", 2, 256),
                 0xC6: ("bin", 4, 65536), 0xDC: ("array", 2, 16), 0xDD: ("array", 4, 65536)}  # fmt: skip
        if tag not in sizes:
            raise Malformed  # floats, maps, extension types
        kind, width, least = sizes[tag]
        length = int.from_bytes(taken(raw, at, width), "big")
        at += width
        if length < least:
            raise Malformed
    if kind != "array":
        part = bytes(taken(raw, at, length))
        return (part.decode() if kind == "str" else part), at + length
    if depth > DEPTH or length > len(raw):
        raise Malformed
    parts = []
    for _ in range(length):
        part, at = value(raw, at, depth + 1)
        parts.append(part)
    return tuple(parts), at


def taken(raw, at, length):
    if at + length > len(raw):
        raise Malformed
    return raw[at : at + length]


# --- notes, keys and proofs (§3, §4, §7.1)


def unbase64(text):
    try:
        raw = base64.b64decode(text.encode(), validate=True)
    except ValueError:
        raise Malformed from None
    if base64.b64encode(raw).decode() != text:
        raise Malformed
    return raw


def key_id(name, kind, public):
    return sha(name.encode(), b"\n", bytes([kind]), public)[:4]


def vkey(name, public, kind=1):
    return "%s+%s+%s" % (name, key_id(name, kind, public).hex(), base64.b64encode(bytes([kind]) + public).decode())


def read_vkey(text, kind=1):
    """(name, public key) of a verifier key."""
    name, _, rest = text.strip().partition("+")
    raw = unbase64(rest.partition("+")[2])
    if len(raw) != 33 or raw[0] != kind or not named(name) or vkey(name, raw[1:], kind) != text.strip():
        raise Malformed
    return name, raw[1:]


def named(name):
    return bool(name) and "+" not in name and not any(c.isspace() or ord(c) < 32 or ord(c) == 127 for c in name)


def read_note(raw):
    """(text with its last newline, [(name, key id, signature)])."""
    try:
        head, blank, tail = raw.decode().rpartition("\n\n")
    except UnicodeDecodeError:
        raise Malformed from None
    lines = tail.split("\n")
    if not blank or lines.pop() or not 0 < len(lines) <= 64 or any(ord(c) < 32 and c != "\n" for c in head):
        raise Malformed
    found = []
    for line in lines:
        name, space, encoded = line[2:].partition(" ")
        blob = unbase64(encoded)
        if line[:2] != "\u2014 " or not space or not named(name) or len(blob) < 5:
            raise Malformed
        found.append((name, blob[:4], blob[4:]))
    return head + "\n", found


def read_body(text):
    """(origin, size, root) of the three lines of a checkpoint."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1], re.ASCII):
        raise Malformed
    root = unbase64(lines[2])
    if len(root) != 32 or not lines[0]:
        raise Malformed
    return lines[0], int(lines[1]), root


def node(left, right):
    return sha(b"\x01", left, right)


def fold(hashes):
    """The root of the roots of complete subtrees, largest first."""
    found = hashes[-1] if hashes else sha()
    for each in reversed(hashes[:-1]):
        found = node(each, found)
    return found


def included(leaf_hash, index, size, path, root):
    """RFC 9162 §2.1.3.2."""
    if not 0 <= index < size:
        return False
    fn, sn, found = index, size - 1, leaf_hash
    for each in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            found = node(each, found)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node(found, each)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and found == root


def consistent(old, old_root, size, root, path):
    """RFC 9162 §2.1.4.2; from 0 and between equal sizes the proof is empty."""
    if old == size or old == 0:
        return not path and (old == 0 or old_root == root)
    if old > size or not path:
        return False
    path = [old_root, *path] if old & (old - 1) == 0 else path
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    one = two = path[0]
    for each in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            one, two = node(each, one), node(each, two)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            two = node(two, each)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and one == old_root and two == root


def hash_lines(text):
    lines = [unbase64(line) for line in text.split("\n")[:-1]]
    if (text and not text.endswith("\n")) or len(lines) > 63 or any(len(each) != 32 for each in lines):
        raise Malformed
    return lines


def read_proof(raw):
    """(index, path, note) of a tlog-proof."""
    try:
        head, blank, note = raw.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise Malformed from None
    found = re.fullmatch(
        r"c2sp\.org/tlog-proof@v1\n(?:extra (\S*)\n)?index (0|[1-9][0-9]{0,15})((?:\n\S+)*)", head, re.ASCII
    )
    if not found or not blank:
        raise Malformed
    unbase64(found[1] or "")
    return int(found[2]), hash_lines(found[3][1:] + "\n" if found[3] else ""), note.encode()


def tile_name(level, index, width):
    groups = ["%03d" % (index % 1000)]
    while index > 999:
        index //= 1000
        groups.insert(0, "x%03d" % (index % 1000))
    return "data/record/tile/%s/%s%s" % (level, "/".join(groups), "" if width == 256 else ".p/%d" % width)


class Tree:
    """Takes leaf hashes; gives each tile as it fills, and the root at any time."""

    def __init__(self, emit):
        self.emit, self.levels, self.done, self.peaks, self.size = emit, [], [], [], 0

    def add(self, leaf_hash):
        self.size += 1
        self.peaks.append(leaf_hash)
        count = self.size
        while not count & 1:
            self.peaks[-2:] = [node(*self.peaks[-2:])]
            count >>= 1
        self._climb(0, leaf_hash)

    def _climb(self, level, each):
        if level == len(self.levels):
            self.levels.append([])
            self.done.append(0)
        self.levels[level].append(each)
        if len(self.levels[level]) == 256:
            row = self.levels[level]
            self.emit(level, self.done[level], row)
            self.done[level], self.levels[level] = self.done[level] + 1, []
            while len(row) > 1:
                row = [node(row[at], row[at + 1]) for at in range(0, len(row), 2)]
            self._climb(level + 1, row[0])

    def finish(self):
        for level, row in enumerate(self.levels):
            if row:
                self.emit(level, self.done[level], row)


# --- certificates and time-stamps, by openssl where it is installed (§4.5, §9.3)


def openssl(*arguments):
    try:
        done = subprocess.run(
            ["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False, ""
    return done.returncode == 0, done.stdout.decode("utf-8", "replace")


def certificates_of(path):
    with open(path, "rb") as file:
        return pem_blocks(file.read(1 << 20))


def pem_blocks(raw):
    """The bytes of each certificate of a PEM file."""
    found = re.findall(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----", raw)
    try:
        return [base64.b64decode(re.sub(rb"\s", b"", each), validate=True) for each in found]
    except ValueError:
        return []


def der(raw):
    """[(tag, content)] of a row of DER elements."""
    found, at = [], 0
    while at + 1 < len(raw):
        tag, length, at = raw[at], raw[at + 1], at + 2
        if length > 127:
            width = length & 127
            length, at = int.from_bytes(raw[at : at + width], "big"), at + width
        found.append((tag, raw[at : at + length]))
        at += length
    if at != len(raw):
        raise Malformed
    return found


def certificate_names(raw, host):
    """(common name, whether it is for this host): by its alternative names, or by the common name where it has none."""
    try:
        parts = [each for each in der(der(der(raw)[0][1])[0][1]) if each[0] != 0xA0]
        pairs = [der(each) for _, row in der(parts[4][1]) for _, each in der(row)]
        common = [pair[1][1].decode("utf-8", "replace") for pair in pairs if pair[0][1] == b"\x55\x04\x03"]
        more = [der(each) for tag, body in parts if tag == 0xA3 for _, row in der(body) for _, each in der(row)]
        alternatives = [each[-1][1] for each in more if each[0][1] == b"\x55\x1d\x11"]
        hosts = [
            name.decode("utf-8", "replace")
            for each in alternatives
            for tag, name in der(der(each)[0][1])
            if tag == 0x82
        ]
    except (Malformed, IndexError):
        return "?", False
    shown = "".join(c if c.isprintable() else "?" for c in (common or ["?"])[0])[:200]
    return shown, any(each.lower() == host.lower() for each in hosts or common)


# --- small things of facts and policies


def whole(facts, one, two):
    """Two whole numbers of facts; 0 for what is none."""
    return tuple(facts[at] if at < len(facts) and type(facts[at]) is int else 0 for at in (one, two))


def met(policy, signed):
    """C2SP tlog-policy: whether these witnesses are enough."""
    good = set(signed)
    for line in policy.split("\n"):
        part = line.split(" ")
        if part[0] == "group":
            needed = {"all": len(part) - 3, "any": 1}.get(part[2]) or int(part[2])
            good |= {part[1]} if sum(each in good for each in part[3:]) >= needed else set()
        elif part[0] == "quorum":
            return None if part[1] == "none" else part[1] in good
    return None


# --- what an interrupted run leaves to the next


class Resume:
    """What an interrupted run has read, in a file of the reader's own: digests, and up to where signatures held."""

    def __init__(self, path):
        self.path, self.files, self.was, self.saved = path, {}, None, time.monotonic()
        try:
            with open(path, encoding="utf-8") as file:
                kept = json.load(file)
            self.files, self.was = dict(kept["files"]), kept["signed"]
        except (OSError, ValueError, KeyError, TypeError):
            pass

    def digest(self, name, status):
        kept = self.files.get(name)
        good = (
            type(kept) is list
            and kept[:2] == [status.st_size, status.st_mtime_ns]
            and re.fullmatch("[0-9a-f]{64}", str(kept[2]))
        )
        return kept[2] if good else None

    def keep(self, name, status, digest):
        self.files[name] = [status.st_size, status.st_mtime_ns, digest]
        self.save(10)

    def signed(self, origin):
        good = type(self.was) is list and len(self.was) == 3 and self.was[0] == origin and type(self.was[1]) is int
        return self.was[1] if good else 0

    def agrees(self, root):
        return self.was[2] == root.hex()

    def reached(self, origin, size, root, bad):
        if not bad and size > self.signed(origin):
            self.was = [origin, size, root.hex()]
            self.save(10)

    def save(self, every=0):
        if time.monotonic() - self.saved < every:
            return
        self.saved = time.monotonic()
        try:
            with open(self.path + ".part", "w", encoding="utf-8") as file:
                json.dump({"files": self.files, "signed": self.was}, file)
            os.replace(self.path + ".part", self.path)
        except OSError:
            pass


# --- the check: files, whose signature, entries, what needs the whole record, the register


class Check:
    """One export under test. Findings gather; nothing stops but what makes the next step senseless."""

    def __init__(self, bag, court, tsa, ca, progress, resume, pure):
        # what the reader brought
        self.bag, self.court, self.tsa, self.ca, self.progress, self.resume = bag, court, tsa, ca, progress, resume
        self.keys = Keys(pure)
        # what was found, and what is said of it
        self.found, self.dropped, self.said, self.not_said = [], 0, [], []
        self.whole = self.sealed = self.trusted = False
        self.bytes = self.files = self.stated = self.register_size = 0
        self.cosigned, self.quorum = [], None
        # the checkpoint, the court's key and those before it
        self.origin, self.size, self.root, self.public, self.old = None, 0, None, None, []
        # the files: names, {commitment: (extension, digest)} and {commitment: salt}
        self.names, self.content, self.salts = set(), {}, {}
        self.reset()

    def reset(self):
        """What one pass over the entries gathers."""
        self.first, self.kind, self.heads, self.anchors, self.mentions, self.absent = None, None, {}, [], set(), {}
        # keys: (slot, key) as enrolled, {slot: (id, key)} of this moment, slots in their order, {id: last dseq}
        self.enrolled, self.now, self.order, self.dseqs, self.signed, self.contents = [], {}, [], {}, 0, 0
        # what the seal counts: entries of each type, recorded time, gaps; who is on the bench, and the acts of sealing
        self.counts, self.media, self.gaps, self.gap_ms = collections.Counter(), 0, 0, 0
        self.bench, self.acts, self.eyes_said, self.spans = set(), {}, 0, []

    def add(self, code, file=None, seq=None):
        item = (
            code,
            file and file.encode("ascii", "backslashreplace").decode().translate(dict.fromkeys((*range(32), 127), "?")),
            seq,
        )
        if item not in self.found:
            if len(self.found) < 200:
                self.found.append(item)
            else:
                self.dropped += 1

    def run(self):
        if not os.path.isdir(os.path.join(self.bag, "data", "record")):
            return self.add("not_a_bundle")
        self.check_files()
        signed = self.checkpoint()
        if signed:
            self.redacted = self.redactions()
            self.witnessed = {int(n.rpartition("/")[2]) for n in self.names if n.startswith("data/record/witnessed/")}
            skip = self.resume.signed(self.origin) if self.resume else 0
            skip = skip if skip <= self.size else 0  # notes of a longer record cannot be held against this one
            if self.entries(skip) is False:  # the entries are not those of the interrupted run
                self.reset()
                self.entries(0)
            if self.whole:
                self.after()
                self.register()
        return None

    def read(self, name, limit=FILE_MAX, seq=None, needed=True):
        """The bytes of a plain file of the export, or None with a finding."""
        path = os.path.join(self.bag, *name.split("/"))
        try:
            status = os.lstat(path)
            if not stat.S_ISREG(status.st_mode):
                return self.add("not_a_file", name, seq)
            if status.st_size > limit:
                return self.add("file_differs", name, seq)
            with open(path, "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return self.add("missing_file", name, seq) if needed else None
        except OSError:
            return self.add("unreadable", name, seq)

    # -- files (§6.1)

    def walk(self, path, name):
        """Every file below, in the byte order of its path. No recursion: how deep a stranger's directories go is his choice."""
        rows = [self.listed(path, name)]
        while rows:
            for raw, entry, below in rows[-1]:
                if entry.is_symlink() or not (
                    entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
                ):
                    self.add("not_a_file", below)
                elif raw.endswith(b"/"):
                    rows.append(self.listed(entry.path, below + "/"))
                    break
                else:
                    yield below, entry.path
            else:
                rows.pop()

    def listed(self, path, name):
        try:
            with os.scandir(path) as entries:
                found = sorted(
                    (os.fsencode(e.name) + (b"/" if e.is_dir(follow_symlinks=False) else b""), e, name + e.name)
                    for e in entries
                )
        except OSError:
            self.add("unreadable", name)
            return iter(())
        if not found:
            self.add("extra_file", name)
        return iter(found)

    def check_files(self):
        info = self.read("bag-info.txt", 1 << 16) or b""
        oxum = re.search(rb"Payload-Oxum: ([0-9]{1,16})\.([0-9]{1,16})\n\Z", info)
        limit, made, sure = (
            max(1 << 30, int(oxum[1]) if oxum else 0),
            hashlib.sha256(),
            not any(c == "not_a_file" for c, _, _ in self.found),
        )
        listed = open(os.path.join(self.bag, TAGS[2]), "rb") if self.read(TAGS[2], 1 << 28) is not None else None
        line, last = None, b""
        for name, path in self.walk(os.path.join(self.bag, "data"), "data/"):
            digest = self.digest(name, path, limit)
            if digest is None:
                sure = False
                continue
            self.known(name, digest)
            raw = os.fsencode(name.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D"))
            made.update(digest.hex().encode() + b"  " + raw + b"\n")
            while listed is not None and (line is None or last < raw):  # both are in byte order: they are merged
                line = listed.readline()
                following = line[66:-1] if line else None
                if following is None:
                    break
                last = following
                if last < raw:
                    self.add("missing_file", os.fsdecode(last))
            if listed is not None and last != raw:
                self.add("extra_file", name)
            elif listed is not None and line[:64] != digest.hex().encode():
                self.add("file_differs", name)
        if listed is not None:
            for line in listed:
                self.add("missing_file", os.fsdecode(line[66:-1]))
            listed.close()
        sure = sure and not any(code in ("not_a_file", "unreadable") for code, _, _ in self.found)
        tags = [(name, self.read(name, 1 << 28)) for name in TAGS]
        if sure and tags[2][1] is not None and sha(tags[2][1]) != made.digest():
            self.add("manifest_differs", TAGS[2])
        if oxum is None or (sure and (int(oxum[1]), int(oxum[2])) != (self.bytes, self.files)):
            self.add("file_differs", "bag-info.txt")
        if tags[1][1] is not None and tags[1][1] != BAGIT:
            self.add("file_differs", "bagit.txt")
        listing = self.read("tagmanifest-sha256.txt", 1 << 16)
        if listing is not None and listing != b"".join(
            sha(raw or b"").hex().encode() + b"  " + name.encode() + b"\n" for name, raw in tags
        ):
            self.add("manifest_differs", "tagmanifest-sha256.txt")
        for name in sorted(set(os.listdir(self.bag)) - {*TAGS, "tagmanifest-sha256.txt", "data"}):
            self.add("extra_file", name)
        if os.path.islink(os.path.join(self.bag, "data")):
            self.add("not_a_file", "data")
        for name in VIEWS:
            if name not in self.names:
                self.add("missing_file", name)
        self.info = info

    def digest(self, name, path, limit):
        """The SHA-256 of a file, read in pieces; None with a finding where it cannot be had."""
        try:
            status = os.lstat(path)
            if status.st_size > limit:  # a sparse file costs its maker nothing and its reader hours
                return self.add("file_differs", name)
            kept = self.resume and self.resume.digest(name, status)
            digest = hashlib.sha256()
            if not kept:
                with open(path, "rb") as file:
                    for block in iter(lambda: file.read(1 << 20), b""):
                        digest.update(block)
                        self.progress("reading", self.bytes + file.tell())
                if self.resume:
                    self.resume.keep(name, status, digest.hexdigest())
            self.bytes, self.files = self.bytes + status.st_size, self.files + 1
            return bytes.fromhex(kept) if kept else digest.digest()
        except OSError:
            return self.add("unreadable", name)

    def known(self, name, digest):
        """Whether a file of this name belongs to an export; contents and salts are remembered."""
        if name not in VIEWS and not KNOWN.fullmatch(name):
            return self.add("extra_file", name)
        if name.startswith("data/content/"):
            commit = bytes.fromhex(name[13:77])
            if commit in self.content:
                self.add("extra_file", name)
            self.content[commit] = (name[78:], digest)
        elif name.startswith("data/salts/"):
            salt = self.read(name, 32)
            self.salts[bytes.fromhex(name[11:])] = salt or b""
        elif not name.startswith("data/record/tile/"):
            self.names.add(name)
        return None

    # -- whose signature (§4)

    def note(self, name):
        raw = self.read(name, 1 << 20)
        try:
            return raw if raw is None else read_note(raw)
        except Malformed:
            return self.add("note_malformed", name)

    def by_court(self, text, line, name, publics):
        """Whether one of these public keys of the court made this line under this name."""
        return any(
            line[:2] == (name, key_id(name, 1, key)) and self.keys.holds(key, line[2], text.encode())
            for key in publics
            if key
        )

    def checkpoint(self):
        where, note = "data/record/checkpoint", self.note("data/record/checkpoint")
        if note is None:
            return False
        try:
            self.origin, self.size, self.root = read_body(note[0])
        except Malformed:
            return self.add("note_malformed", where)
        self.host, _, stream = self.origin.rpartition("/")
        self.stream = bytes.fromhex(stream) if re.fullmatch("[0-9a-f]{32}", stream) and self.host else None
        if self.stream is None:
            return self.add("note_malformed", where)
        if b"External-Identifier: %s\n" % self.origin.encode() not in self.info:
            self.add("file_differs", "bag-info.txt")
        raw, inside = self.read("data/record/keys/log.vkey", 4096), None
        if raw is not None:
            try:
                inside = read_vkey(raw.decode("utf-8", "replace"))
            except Malformed:
                inside = None
            if inside is None or inside[0] != self.origin or raw != (vkey(*inside) + "\n").encode():
                self.add("key_differs", "data/record/keys/log.vkey")
        self.public = inside and inside[1]
        reached = self.rotations()
        if self.court:
            good = self.court[0] in (self.host, self.origin) and (reached == self.public or self.public is None)
            self.public = self.public or self.court[1]
            if not good:
                self.add("key_differs", where)
            self.trusted = good
        if self.public:
            if note[1][0][:2] != (self.origin, key_id(self.origin, 1, self.public)):
                self.add("key_differs", where)
                self.trusted = False
            elif not self.by_court(note[0], note[1][0], self.origin, [self.public]):
                self.add("signature_bad", where)
                self.trusted = False
        vouched = self.certificate()
        if self.court is None and not any(code in ("key_differs", "signature_bad") for code, _, _ in self.found):
            self.trusted = vouched
        self.head = note
        if self.size == 0:
            self.add("empty_record", where)
        return True

    def certificate(self):
        """§4.5: the court's certificate over its key; gives whether one that the reader brought vouches for it."""
        top = "data/record/keys/"
        names = [top + each for each in ("court.vkey", "court.pem", "court-key.p7s")]
        if not any(name in self.names for name in names):
            if self.ca:
                self.not_said.append(("no_certificate", None))
            return False
        line, pem, signed = [self.read(name, 1 << 16) for name in names]
        if None in (line, pem, signed) or self.public is None:
            return False
        if line != (vkey(self.host, self.public) + "\n").encode():
            self.add("certificate_bad", names[0])
            return False
        if not shutil.which("openssl"):
            self.not_said.append(("no_openssl_here", None))
            return False
        paths = [os.path.join(self.bag, *name.split("/")) for name in names]
        with tempfile.TemporaryDirectory() as aside:
            signer = os.path.join(aside, "signer.pem")
            trust = ["-CAfile", self.ca, "-partial_chain", "-no-CApath", "-no-CAstore"] if self.ca else ["-noverify"]
            holds, _ = openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", paths[2], "-content", paths[0], "-certfile", paths[1],
                               "-nointern", "-signer", signer, "-purpose", "any", "-no_check_time", *trust)  # fmt: skip
            try:
                with open(signer, "rb") as file:
                    by = pem_blocks(file.read(1 << 16))
            except OSError:
                by = []
        first = pem_blocks(pem)[:1]
        if not holds or not first or by != first:
            self.add("certificate_bad", names[1] if self.ca else names[2])
            return False
        subject, named_here = certificate_names(first[0], self.host)
        if not named_here:
            self.not_said.append(("not_named", subject))
        if not self.ca:
            self.said.append(("bound", subject))
            return False
        named_here = named_here or first[0] in certificates_of(self.ca)
        self.said.append(("vouched" if named_here else "bound", subject))
        return named_here

    def rotations(self):
        """§4.3: checks the chain; gives the public key that the given one leads to."""
        names = sorted((n for n in self.names if "/rotation-" in n), key=lambda n: int(n[26:-5]))
        reached, before = self.court and self.court[1], None
        for at, name in enumerate(names):
            note = self.note(name)
            try:
                lines = note[0].split("\n") if note else []
                if (
                    len(lines) != 7
                    or lines[0] != "palm/key-rotation/v1"
                    or lines[1] != self.host
                    or name != "data/record/keys/rotation-%d.note" % (at + 1)
                ):
                    raise Malformed
                (one, old), (two, new) = read_vkey(lines[2]), read_vkey(lines[3])
                signers = [old, new] if lines[5] == "scheduled" else [new]
                if one != self.host or two != self.host or lines[5] not in ("scheduled", "compromised", "lost") or not lines[4].isdigit() \
                        or len(note[1]) != len(signers) or before not in (None, old):  # fmt: skip
                    raise Malformed
            except Malformed:
                self.add("note_malformed", name)
                return None
            if not all(self.by_court(note[0], line, self.host, [key]) for line, key in zip(note[1], signers)):
                self.add("signature_bad", name)
                return None
            self.old.append(old)
            reached = new if reached == old and lines[5] == "scheduled" else None if reached == old else reached
            before = new
        if before is not None and before != self.public:
            self.add("key_differs", names[-1])
        return reached

    def redactions(self):
        """§4.4: {commitment: (seq, ground)}."""
        name, found = "data/record/redactions", {}
        if name not in self.names:
            return found
        note = self.note(name)
        if note is None:
            return found
        rows = note[0].split("\n")
        if rows[:3] != ["palm/redactions/v1", self.origin, str(self.size)] or len(note[1]) != 1 or \
                (self.public and not self.by_court(note[0], note[1][0], self.origin, [self.public])):  # fmt: skip
            self.add("redaction_bad", name)
            return found
        last = (-1, b"")
        if not rows[3:-1]:
            self.add("redaction_bad", name)
        for row in rows[3:-1]:
            part = re.fullmatch(
                r"(0|[1-9][0-9]{0,15}) ([0-9a-f]{64}) (shredded|restricted) (-|[0-9a-f]{32}/(?:0|[1-9][0-9]{0,15}))",
                row,
                re.ASCII,
            )
            if part is None or (int(part[1]), bytes.fromhex(part[2])) <= last:
                self.add("redaction_bad", name)
                continue
            last = (int(part[1]), bytes.fromhex(part[2]))
            found[last[1]] = (last[0], part[3])
        return found

    # -- entries (§1, §3, §5)

    def entries(self, skip):
        self.tree, self.sealed_at, self.last, self.tiles = Tree(self.tile), None, (0, 0), set()
        for index in range((self.size + 255) // 256):
            width = min(256, self.size - 256 * index)
            name = tile_name("entries", index, width)
            raw = self.read(name, 256 * 65537, 256 * index)
            if raw is None:
                return None
            self.tiles.add(name)
            at, leaves = 0, []
            while at + 2 <= len(raw):
                end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
                leaves.append(raw[at + 2 : end])
                at = end
            if at != len(raw) or len(leaves) != width:
                self.add("bundle_malformed", name, 256 * index)
                return None
            for leaf in leaves:
                seq, digest = self.tree.size, sha(b"\x00", leaf)
                self.first = self.first or digest
                self.tree.add(digest)
                self.leaf(seq, leaf, name, seq < skip)
                if self.tree.size in self.witnessed or self.tree.size in self.head_sizes():
                    self.heads[self.tree.size] = (fold(self.tree.peaks), len(self.enrolled), self.last[0])
                if self.tree.size == skip and not self.resume.agrees(fold(self.tree.peaks)):
                    return False
                if self.resume and self.tree.size % 1000 == 0:
                    self.resume.reached(
                        self.origin, self.tree.size, fold(self.tree.peaks), any(s is not None for _, _, s in self.found)
                    )
            self.progress("walking", self.tree.size)
        self.tree.finish()
        if fold(self.tree.peaks) != self.root:
            self.add("root_differs", "data/record/checkpoint")
        for name, _ in self.walk(os.path.join(self.bag, "data", "record", "tile"), "data/record/tile/"):
            if name not in self.tiles:
                self.add("extra_file", name)
        self.whole, self.sealed = True, self.sealed_at is not None and self.sealed_at == self.size - 1
        return None

    def head_sizes(self):
        """The size that the register's newest head speaks of, if it can be read."""
        if not hasattr(self, "_head"):
            self._head = ()
            if "data/register/head.checkpoint-body" in self.names:
                try:
                    self._head = (
                        read_body(
                            (self.read("data/register/head.checkpoint-body", 4096) or b"").decode("utf-8", "replace")
                        )[1],
                    )
                except Malformed:
                    pass
        return self._head

    def tile(self, level, index, row):
        name = tile_name(level, index, len(row))
        raw, built = self.read(name, 8192), b"".join(row)
        self.tiles.add(name)
        if raw is None or raw == built:
            return
        wrong = next((n for n in range(len(row)) if raw[32 * n : 32 * n + 32] != row[n]), None)
        self.add(
            "tile_differs" if level else "leaf_differs",
            name,
            256 * index + wrong if level == 0 and wrong is not None else None,
        )

    def leaf(self, seq, raw, file, skip):
        try:
            leaf, said = decode(raw)
        except Malformed:
            return self.add("leaf_malformed", file, seq)
        _, kind, number, stream, ts, epoch, actor, device, dseq, client, commit, refs, facts, csig = leaf
        if self.sealed_at is not None:
            self.add("after_seal", file, seq)
        if number != seq or stream != self.stream or ts < self.last[0] or epoch < self.last[1]:
            self.add("out_of_order", file, seq)
        self.last = (ts, epoch)
        self.counts[kind] += 1
        signing = (device, dseq, client, csig)
        if actor == "court":
            if signing != (None, None, None, None):
                self.add("act_signature_bad", file, seq)
        elif None in signing:
            self.add("act_unsigned", file, seq)
        elif self.now.get(actor, (None,))[0] != device:
            self.add("key_unknown", file, seq)
        elif not skip and not self.keys.holds(self.now[actor][1], csig, said):
            self.add("act_signature_bad", file, seq)
        else:
            self.signed += 1
        if actor != "court" and device is not None and dseq is not None and self.now.get(actor, (None,))[0] == device:
            if dseq <= self.dseqs.get(device, -1):
                self.add("out_of_order", file, seq)
            self.dseqs[device] = dseq
        if kind in ("key.add", "key.revoke"):
            self.key(kind, seq, actor, refs, facts, file)
        self.meaning(kind, seq, actor, ts, refs, facts, file)
        group, _, what = kind.partition(".")
        named = group in ("msg", "statement") and what in ("voice", "image", "video", "file")
        where = 6 if kind == "rec.segment" else 0 if named else MAX_INT
        blob = facts[where] if len(facts) > where and octets(facts[where], 32) else None
        span = facts[4:6] if kind == "rec.segment" and [type(each) for each in facts[4:6]] == [int, int] else None
        for each in (commit, blob):
            if each is not None and each not in self.mentions:
                self.mentions.add(each)
                self.one_content(each, seq, each == commit, (kind, span if each == blob and each != commit else None))
        return None

    def key(self, kind, seq, actor, refs, facts, file):
        """§1.1: who signs for a slot from here on."""
        slot, public, why = facts if len(facts) == 3 else (None, None, None)
        by_leave = why == "first" or (why == "clerk" and len(refs) == 1 and type(refs[0]) is tuple)
        by_leave = (
            (why == "operator" and not refs) if slot == "registry" else by_leave
        )  # the desk has nobody above it here
        if actor != "court" or type(slot) is not str or slot == "court" or not ACTOR.fullmatch(slot):
            self.add("key_unknown", file, seq)
        elif kind == "key.add" and by_leave and octets(public, 32) and self.keys.usable(public):
            self.now[slot] = (sha(b"palm/device-key/v1\x00", public)[:16], public)
            if slot not in self.order:
                self.order.append(slot)
            self.enrolled.append((slot, public))
        elif kind == "key.revoke" and why == "replaced" and self.now.get(slot, (None,))[0] == public:
            del self.now[slot]
        else:
            self.add("key_unknown", file, seq)

    def meaning(self, kind, seq, actor, ts, refs, facts, file):
        """What else a verifier reads in facts (§1.2)."""
        if kind == "rec.segment":
            start, end = whole(facts, 4, 5)
            self.media += max(0, end - start)
        elif kind == "rec.gap":
            start, end = whole(facts, 2, 3)
            self.gaps, self.gap_ms = self.gaps + 1, self.gap_ms + max(0, end - start)
        elif kind == "anchor":
            good = (
                actor == "court"
                and len(facts) == 4
                and octets(facts[0], 16)
                and type(facts[1]) is int
                and facts[1] > 0
                and octets(facts[2], 32)
                and (facts[3] is None or type(facts[3]) is int)
            )
            if good:
                self.anchors.append((seq, *facts, ts))
            else:
                self.add("anchor_differs", file, seq)
        elif kind == "act.restrict" and not (self.spans and self.spans[-1][2] is None):
            self.spans.append([seq, ts, None, None])
        elif kind in ("act.unrestrict", "act.close") and self.spans and self.spans[-1][2] is None:
            self.spans[-1][2:] = [seq, ts]
        elif kind in ("act.propose_seal", "act.seal"):
            self.acts[seq] = (kind, actor)
        elif kind == "open" and seq == 0:
            self.kind = facts[0] if facts else None
        elif kind == "seat" and actor == "court" and facts and type(facts[0]) is str and facts[0].startswith(BENCH):
            self.bench.add(facts[0])
        elif kind == "seal":
            self.sealed_at = seq
            said = (seq + 1, tuple(sorted(self.counts.items())), self.media, self.gaps, self.gap_ms)
            if actor != "court" or repr(facts[:5]) != repr(said) or len(facts) != 6 or not self.eyes(facts[5], refs):
                self.add("seal_differs", file, seq)
            self.eyes_said = facts[5] if len(facts) > 5 else 0

    def eyes(self, eyes, refs):
        """§10: who sealed."""
        acts = [self.acts.get(ref, (None, "")) if type(ref) is int else (None, "") for ref in refs]
        if type(eyes) is not int:
            return False
        if eyes == 0:
            return self.kind == "supplement" and not acts
        if [kind for kind, _ in acts] != {
            1: ["act.seal"],
            2: ["act.propose_seal", "act.seal"],
        }.get(eyes):
            return False
        actors = {actor for _, actor in acts}
        by_bench = all(actor.startswith(BENCH) for actor in actors) and any(a.startswith("judge/") for a in actors)
        return by_bench and len(actors) == eyes and (eyes == 2 or self.bench <= actors)

    def one_content(self, commit, seq, first_hand, named_by):
        here, salt = self.content.get(commit), self.salts.get(commit)
        file = "data/content/%s" % commit.hex()
        if here is None and salt is None:
            self.absent[commit] = (seq, *named_by)
        elif here is None or salt is None:
            self.add("content_missing", file, seq)
        else:
            if (
                len(salt) != 32
                or sha(b"palm/content/v1\x00", salt, here[1]) != commit
                or (first_hand and here[0] != "json")
            ):
                self.add("content_differs", "%s.%s" % (file, here[0]), seq)
            self.contents += 1

    # -- what needs the whole record

    def after(self):
        self.check_absences()
        lines = self.policy_lines()
        raw = self.read("data/record/policy.txt", 1 << 20)
        if raw is not None and self.public and raw != "".join(lines).encode():
            self.add("policy_differs", "data/record/policy.txt")
        last = dict(self.enrolled)
        known = [(slot, last[slot]) for slot in self.order]
        self.cosigned = self.cosignatures(self.head, "data/record/checkpoint", known, True)
        self.quorum = met("".join(lines), {slot.replace("/", "-") for slot in self.cosigned})
        for size in sorted(self.witnessed):
            self.check_witnessed(size)

    def check_absences(self):
        """§4.4: what no entry names is too much; what is named and absent is listed, or nobody knows why."""
        for commit in self.content:
            if commit not in self.mentions:
                self.add("extra_file", "data/content/%s.%s" % (commit.hex(), self.content[commit][0]))
        for commit in self.salts:
            if commit not in self.mentions:
                self.add("extra_file", "data/salts/" + commit.hex())
        for commit, (seq, ground) in self.redacted.items():
            named_by = self.absent.get(commit)
            if named_by is None or named_by[0] != seq or (ground == "restricted" and not self.inside(*named_by)):
                self.add("redaction_bad", "data/record/redactions", seq)
            else:
                self.stated += 1
        for commit, (seq, _, _) in self.absent.items():
            if commit not in self.redacted:
                self.add("content_absent", "data/content/%s" % commit.hex(), seq)

    def check_witnessed(self, size):
        """§4.1: a smaller head that somebody cosigned, with the keys enrolled by then."""
        name = "data/record/witnessed/%d" % size
        note, (root, keys, _) = self.note(name), self.heads.get(size, (None, 0, 0))
        if note is None:
            return
        body = "%s\n%d\n%s\n" % (self.origin, size, base64.b64encode(root or b"").decode())
        good = note[0] == body and size < self.size and len(note[1]) > 1
        if not good or not self.by_court(note[0], note[1][0], self.origin, [self.public, *self.old]):
            self.add("cosignature_bad", name)
        self.cosignatures(note, name, self.enrolled[:keys], False)

    def inside(self, seq, kind, span):
        """§6.3: whether what is left out of this copy lies in a restricted span, or is a note of the bench."""
        if kind == "bench.note":
            return span is None
        if kind.startswith("msg."):
            return any(one < seq < (MAX_INT if two is None else two) for one, _, two, _ in self.spans)
        return span is not None and any(
            span[0] < (MAX_INT if end is None else end) and span[1] > start for _, start, _, end in self.spans
        )

    def policy_lines(self):
        last = dict(self.enrolled)
        dashed = {slot: slot.replace("/", "-") for slot in self.order}
        lines = ["log %s\n" % vkey(self.origin, self.public or bytes(32))]
        lines += [
            "witness %s %s\n" % (dashed[s], vkey("%s/%s" % (self.origin, dashed[s]), last[s], 4)) for s in self.order
        ]
        bench = [dashed[s] for s in self.order if s.partition("/")[0] in ("judge", "clerk")]
        parties = [dashed[s] for s in self.order if dashed[s] not in bench]
        lines += ["group bench all %s\n" % " ".join(bench)] if bench else []
        lines += ["group parties any %s\n" % " ".join(parties)] if parties else []
        lines += ["group everybody all bench parties\n"] if bench and parties else []
        return [
            *lines,
            "quorum %s\n"
            % ("everybody" if bench and parties else "bench" if bench else "parties" if parties else "none"),
        ]

    def cosignatures(self, note, name, known, ordered):
        """The slots whose keys signed a checkpoint after the log; every line must be one of them."""
        by, at = [], -1
        for who, number, blob in note[1][1:]:
            match = next((n for n, (slot, public) in enumerate(known) if who == "%s/%s" % (self.origin, slot.replace("/", "-"))
                          and number == key_id(who, 4, public)), None)  # fmt: skip
            if (
                match is None
                or known[match][0] in by
                or len(blob) != 72
                or (ordered and match <= at)
                or not self.cosigns(known[match][1], blob, note[0])
            ):
                self.add("cosignature_bad", name)
                continue
            at = match
            by.append(known[match][0])
        return by

    def cosigns(self, public, blob, body):
        text = "cosignature/v1\ntime %d\n%s" % (int.from_bytes(blob[:8], "big"), body)
        return blob[0] < 128 and self.keys.holds(public, blob[8:], text.encode())

    # -- the register (§9.3)

    def register(self):
        top, has = "data/register/", lambda name: "data/register/" + name in self.names
        publics = [each for each in (self.public, *self.old) if each]
        if not has("checkpoint"):
            self.not_said.append(("no_register", "checkpoint"))
            for name in self.names:
                if name.startswith(top):
                    self.add("missing_file", top + "checkpoint")
                    break
            if self.anchors:
                self.not_said.append(("no_anchor", len(self.anchors)))
            return None
        note = self.note(top + "checkpoint")
        try:
            origin, size, root = read_body(note[0]) if note else (None, 0, b"")
        except Malformed:
            return self.add("note_malformed", top + "checkpoint")
        if origin is None:
            return None
        stream = origin.rpartition("/")[2]
        if origin.rpartition("/")[0] != self.host or not re.fullmatch("[0-9a-f]{32}", stream) or not self.by_court(note[0], note[1][0], origin, [self.public]) \
                or any(anchor[1].hex() != stream for anchor in self.anchors):  # fmt: skip
            return self.add("register_differs", top + "checkpoint")
        self.register_size = size
        self.outside(note, origin, has)
        done = []
        for part in ("opening", "head"):
            names = [part + each for each in (".tlog-proof", ".leaf", ".salt")] + (
                ["head.checkpoint-body"] if part == "head" else []
            )
            if not any(map(has, names)):
                self.not_said.append(("no_register", part))
            elif not all(map(has, names)):
                self.add("missing_file", top + next(n for n in names if not has(n)))
            elif self.in_register(part, top, origin, size, root, note[0]):
                done.append(part)
        self.said.append(("register", "%s #%d %s" % (stream[:8], size, " ".join(done))))
        self.tokenless(top, has)
        if not has("token.tsr"):
            self.not_said.append(("no_stamp", None))
        else:
            told, head = self.stamp(top, None), self.heads.get((self.head_sizes() or (0,))[0])
            if told is not None and head and "head" in done and head[2] - told > SHIFT_MS:
                self.add("time_shifted", None, self.head_sizes()[0] - 1)
        sizes = {n[len(top + "anchors/") :].partition("/")[0] for n in self.names if n.startswith(top + "anchors/")}
        checked = 0
        for number in sorted(sizes, key=int):
            for anchor in [each for each in self.anchors if each[2] == int(number)] or [None]:
                checked += self.anchor(top + "anchors/%s/" % number, anchor, origin, size, root, publics)
        if checked:
            self.said.append(("anchors", checked))
        if checked < len(self.anchors):
            self.not_said.append(("no_anchor", len(self.anchors) - checked))
        return None

    def tokenless(self, top, has):
        """What belongs to a token and lies there without one."""
        if has("query.tsq") and not has("token.tsr"):
            self.add("token_missing", top + "query.tsq")
        if has("tsa-chain.pem") and not any(name.startswith(top) and name.endswith("token.tsr") for name in self.names):
            self.add("token_missing", top + "tsa-chain.pem")

    def outside(self, note, origin, has):
        """The register's own policy: outside witnesses."""
        raw = self.read("data/register/policy.txt", 1 << 20) if has("policy.txt") else b""
        known, logs, quorums, called = {}, 0, 0, {"none"}
        for line in (raw or b"").decode("utf-8", "replace").split("\n"):
            part = line.split(" ")
            try:
                if part[0] == "log" and part[1:] == [vkey(origin, self.public)]:
                    logs += 1
                elif part[0] == "witness" and len(part) > 2:
                    name, public = read_vkey(part[2], 4)
                    known[name, key_id(name, 4, public)] = public
                    called.add(part[1])
                elif part[0] == "group" and len(part) > 3 and called.issuperset(part[3:]):
                    called.add(part[1])
                elif part[0] == "quorum" and len(part) == 2 and part[1] in called:
                    quorums += 1
                elif part != [""]:
                    raise Malformed
            except Malformed:
                logs = 2
        if raw and (logs, quorums) != (1, 1) or raw == b"" and has("policy.txt"):
            self.add("policy_differs", "data/register/policy.txt")
        for name, number, blob in note[1][1:]:
            public = known.get((name, number))
            if public is None or len(blob) != 72 or not self.cosigns(public, blob, note[0]):
                self.add("cosignature_bad", "data/register/checkpoint")

    def in_register(self, part, top, origin, size, root, body):
        raw, salt = self.read(top + part + ".leaf", LEAF_MAX), self.read(top + part + ".salt", 32)
        try:
            index, path, note = read_proof(self.read(top + part + ".tlog-proof", 1 << 20) or b"")
            text, lines = read_note(note)
            leaf, _ = decode(raw or b"")
            if part == "opening":
                content = "palm/opening/v1\n%s\n%s\n" % (self.origin, base64.b64encode(self.first or b"").decode())
                follows = True
            else:
                content = (self.read(top + "head.checkpoint-body", 4096) or b"").decode("utf-8", "replace")
                about, told, its_root = read_body(content)
                follows = (
                    about == self.origin and 0 < told <= self.size and (self.heads.get(told) or (None,))[0] == its_root
                )
            good = (
                follows and leaf[1] == "reg." + ("open" if part == "opening" else "head") and leaf[2] == index
                and origin.endswith("/" + leaf[3].hex()) and leaf[6] == "court" and len(salt or b"") == 32
                and leaf[10] == sha(b"palm/content/v1\x00", salt, sha(content.encode())) and text == body
                and self.by_court(text, lines[0], origin, [self.public]) and included(sha(b"\x00", raw), index, size, path, root)
            )  # fmt: skip
        except Malformed:
            good = False
        if not good:
            self.add("register_differs", top + part + ".tlog-proof")
        return good

    def anchor(self, top, anchor, origin, size, root, publics):
        """One state of the register that an entry names: signed, consistent with the newest, and its time-stamp."""
        note, proof = self.note(top + "checkpoint"), self.read(top + "consistency", 1 << 16)
        try:
            its, old, old_root = read_body(note[0]) if note else (None, 0, b"")
            path = hash_lines((proof or b"").decode("utf-8", "replace"))
        except Malformed:
            its = None
        if its != origin or anchor is None or anchor[2:4] != (old, old_root) or not self.by_court(note[0], note[1][0], origin, publics) \
                or not consistent(old, old_root, size, root, path):  # fmt: skip
            self.add("anchor_differs", top + "checkpoint", anchor and anchor[0])
            return False
        if top + "token.tsr" in self.names:
            told = self.stamp(top, anchor)
            if told is not None and anchor[4] is not None and told - anchor[5] > SHIFT_MS:
                self.add("time_shifted", None, anchor[0])
        return True

    def stamp(self, top, anchor):
        """RFC 3161 through openssl, at the token's own time, since certificates end; gives that time in milliseconds."""
        where, raw, data = (
            top + "token.tsr",
            self.read(top + "token.tsr", 1 << 20),
            self.read(top + "checkpoint", 1 << 20),
        )
        if raw is None or data is None:
            return None
        if sha(data) not in raw:
            return self.add("timestamp_bad", where, anchor and anchor[0])
        chain = os.path.join(self.bag, "data", "register", "tsa-chain.pem")
        with_chain = "data/register/tsa-chain.pem" in self.names
        missing = None if shutil.which("openssl") else "no_openssl"
        missing = missing or (None if self.tsa or with_chain else "no_authority")
        if missing:
            return None if (missing, None) in self.not_said else self.not_said.append((missing, None))
        path = [os.path.join(self.bag, *(top + each).split("/")) for each in ("checkpoint", "token.tsr")]
        shown = openssl("ts", "-reply", "-in", path[1], "-text")
        when = re.search(r"Time stamp: (\w{3}) +(\d+) (\d\d:\d\d:\d\d)(\.\d+)? (\d{4}) GMT", shown[1])
        seconds = None
        if when:
            months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
            clock = [int(each) for each in when[3].split(":")]
            import calendar

            seconds = calendar.timegm((int(when[5]), months.index(when[1]) + 1, int(when[2]), *clock, 0, 0, 0))
        more = ["-untrusted", chain] if with_chain else []
        trust = ["-CAfile", self.tsa, *more] if self.tsa else ["-CAfile", chain, "-partial_chain"]
        verify = ("ts", "-verify", "-in", path[1], "-attime", str(seconds), *trust)
        if seconds is None or "Status: Granted." not in shown[1] or not openssl(*verify, "-data", path[0])[0]:
            return self.add("timestamp_bad", where, anchor and anchor[0])
        query = "data/register/query.tsq"
        if anchor is None and query in self.names:
            if not openssl(*verify, "-queryfile", os.path.join(self.bag, *query.split("/")))[0]:
                self.add("timestamp_bad", query)
        told = 1000 * seconds + round(1000 * float(when[4] or 0))
        if anchor and anchor[4] not in (None, told):
            return self.add("timestamp_bad", where, anchor[0])
        moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
        self.said.append(
            ("stamp", (anchor[2] if anchor else self.register_size, moment, "tsa_given" if self.tsa else "tsa_inside"))
        )
        return told


# --- the report


def status_of(check):
    kinds = {CODES[code][0][1] for code, _, _ in check.found}
    return 1 if "!" in kinds else 2 if kinds else 0


def report(check, zh):
    """The report as a value; `text` shows it."""
    word = lambda key, *of: WORDS[key][not zh] % of if of else WORDS[key][not zh]  # noqa: E731
    status, colon = status_of(check), "：" if zh else ": "
    mark = "!" if status == 1 else "?"
    seqs = [seq for code, _, seq in check.found if seq is not None and CODES[code][0][1] == mark]
    files = [file for code, file, _ in check.found if file]
    state = word("sealed", check.size) if check.sealed else word("open", check.size - 1)
    if status:
        place = word("first", min(seqs)) if seqs else word("file", files[0]) if files else ""
        headline = word("altered" if status == 1 else "cannot") + (colon + place if place else "")
        verdict = "altered" if status == 1 else "cannot check"
    else:
        headline = word("holds" if check.trusted else "only") + colon + state
        verdict = "holds" if check.trusted else "internally consistent only"
    checked, unchecked = done(check, word)
    properties = {letter: state_of(check, letter, status) for letter in "aius"}
    names = {"a": "authenticity", "i": "integrity", "u": "usability", "s": "security"}
    return {
        "status": status,
        "headline": headline,
        "verdict": verdict,
        "court_key_given": check.court is not None,
        "trusted": check.trusted and status == 0,
        "origin": check.origin,
        "size": check.size,
        "root": check.root.hex() if check.root else None,
        "sealed": check.sealed,
        "quorum": check.quorum,
        "signatures": check.signed,
        "contents": check.contents,
        "stated_absent": check.stated,
        "first_bad_seq": min(seqs) if seqs else None,
        "first_bad_file": files[0] if files else None,
        "properties": {names[letter]: said for letter, said in properties.items()},
        "property_lines": [word(letter) + colon + word(said) for letter, said in properties.items()],
        "checked": checked,
        "not_checked": unchecked,
        "findings": [{"code": c, "sentence": CODES[c][2 - zh], "file": f, "seq": s} for c, f, s in check.found],
        "more": check.dropped,
    }


def done(check, word):
    """(what was checked, what was not), in sentences."""
    checked = [word("files", check.files, check.bytes)] if check.files else []
    unchecked = []
    if check.trusted:
        checked.append(word("court", check.public.hex()))
    elif check.court is None:
        unchecked.append(word("no_key"))
    if not check.whole:
        return checked, [*unchecked, word("unfinished"), word("views"), word("case")]
    checked += [
        word("entries", check.size),
        word("signatures", check.signed, check.keys.how),
        word("contents", check.contents),
    ]
    if check.stated:
        checked.append(word("stated", check.stated))
    if check.cosigned:
        checked.append(word("cosigned", len(check.cosigned), " ".join(check.cosigned)))
    if check.sealed and not any(code == "seal_differs" for code, _, _ in check.found):
        checked.append(word("seal_ok", check.eyes_said))
    if check.quorum is not None:
        checked.append(word("quorum" if check.quorum else "no_quorum"))
    for key, of in check.said:
        checked.append(word(key, *((of[0], of[1], word(of[2])) if key == "stamp" else (of,))))
    unchecked += [word(key, *(() if of is None else (of,))) for key, of in check.not_said]
    return checked, [*unchecked, word("views"), word("case")]


def state_of(check, letter, status):
    """What is said of one of the four properties."""
    kinds = {CODES[code][0][1] for code, _, _ in check.found if CODES[code][0][0] == letter}
    if "!" in kinds:
        return "altered"
    if kinds or (not check.whole and letter != "s") or (status == 2 and not check.files):
        return "cannot"
    return "only" if letter == "a" and not check.trusted else "holds"


def text(said, zh):
    lines = [said["headline"], "", *said["property_lines"], ""]
    for each in said["findings"][:SHOWN]:
        place = [] if each["seq"] is None else [WORDS["entry"][not zh] % each["seq"]]
        place = " ".join(place + [each["file"]] * (each["file"] is not None))
        lines.append(
            "! %s: %s [%s]" % (place, each["sentence"], each["code"])
            if place
            else "! %s [%s]" % (each["sentence"], each["code"])
        )
    more = said["more"] + max(0, len(said["findings"]) - SHOWN)
    lines += [WORDS["more"][not zh] % more] if more else []
    for title in ("checked", "not_checked"):
        lines += [
            "",
            WORDS["checked" if title == "checked" else "unchecked"][not zh] + (":" if not zh else "："),
            *("  - " + each for each in said[title]),
        ]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


class Progress:
    """One line on the terminal, renewed twice a second; nothing where nobody looks."""

    def __init__(self, zh):
        self.zh, self.last, self.on = zh, time.monotonic(), sys.stderr.isatty()

    def __call__(self, step, done):
        if self.on and time.monotonic() - self.last > 0.5:
            self.last = time.monotonic()
            sys.stderr.write(
                "\r%s %s\x1b[K" % (WORDS[step][not self.zh], "%d MB" % (done >> 20) if step == "reading" else done)
            )

    def end(self):
        if self.on:
            sys.stderr.write("\r\x1b[K")


def main(arguments=None):
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description="核验导出的电子卷宗 / Check the export of a court record.")
    parser.add_argument(
        "bag", nargs="?", default=os.path.dirname(os.path.dirname(here)), help="卷宗目录 / directory of the export"
    )
    parser.add_argument(
        "--court-key", metavar="FILE|VKEY", help="法院公钥，由别处取得 / the court's key, had from elsewhere"
    )
    parser.add_argument(
        "--tsa-ca", metavar="FILE", help="时间戳机构根证书 / certificates of the time-stamp authority (PEM)"
    )
    parser.add_argument(
        "--court-ca",
        metavar="FILE",
        help="法院或其签发机构的证书，由别处取得 / certificate of the court or its issuers (PEM)",
    )
    parser.add_argument("--json", action="store_true", help="以 JSON 输出 / print JSON")
    parser.add_argument("--lang", choices=("zh", "en"), help="语言 / language")
    parser.add_argument("--resume", metavar="FILE", help="中断后继续 / keep here what was read, to go on after a break")
    parser.add_argument(
        "--pure", action="store_true", help="不用已安装的密码库 / use no installed library for signatures"
    )
    given = parser.parse_args(arguments)
    tongue = given.lang or (
        os.environ.get("LC_ALL")
        or os.environ.get("LC_MESSAGES")
        or os.environ.get("LANG")
        or (locale.getlocale()[0] or "")
    )
    zh, progress = tongue.lower().startswith(("zh", "chinese")), Progress(tongue.lower().startswith("zh"))
    court = resume = None
    check = Check(given.bag, None, given.tsa_ca, given.court_ca, progress, None, given.pure)
    try:
        if given.court_key is not None:
            raw = given.court_key
            if os.path.isfile(raw):
                with open(raw, encoding="utf-8", errors="replace") as file:
                    raw = file.read(4096)
            court = read_vkey(raw)
        for file in (given.tsa_ca, given.court_ca):
            if file is not None and not (os.path.isfile(file) and certificates_of(file)):
                raise Malformed
        resume = Resume(given.resume) if given.resume else None
        check.court, check.resume = court, resume
        check.run()
    except Malformed:
        check.add("key_unreadable")
    except KeyboardInterrupt:
        check.add("verifier_error")
    except Exception as error:
        check.add("verifier_error", type(error).__name__)
    finally:
        progress.end()
        if resume:
            resume.save()
    said = report(check, zh)
    shown = json.dumps(said, ensure_ascii=True, indent=1) + "\n" if given.json else text(said, zh)
    sys.stdout.buffer.write(shown.encode("utf-8", "backslashreplace"))
    sys.stdout.flush()
    return said["status"]


if __name__ == "__main__":
    sys.exit(main())
