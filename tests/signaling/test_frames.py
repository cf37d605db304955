import contextlib
import shutil
import subprocess
from pathlib import Path

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from signaling import frames, typescript
from signaling.batch import frame_of, pack
from signaling.frames import Delivered, Hidden, Malformed
from tests.signaling.examples import BAD_CLIENT, BAD_SERVER, CLIENT, HASH, SALT, SERVER, VECTORS, vectors

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("frame", CLIENT, ids=lambda frame: type(frame).__name__)
def test_every_frame_of_a_phone_survives_the_wire(frame):
    assert frames.decode_client(frames.encode(frame)) == frame


@pytest.mark.parametrize("frame", SERVER, ids=lambda frame: type(frame).__name__)
def test_every_frame_of_the_room_survives_the_wire(frame):
    assert frames.decode_server(frames.encode(frame)) == frame


def test_every_frame_has_an_example():
    assert {type(frame) for frame in CLIENT} == set(frames.ClientFrame.__args__)
    assert {type(frame) for frame in SERVER} == set(frames.ServerFrame.__args__)


@pytest.mark.parametrize(("why", "value"), BAD_CLIENT.items())
def test_what_a_phone_may_not_send_is_malformed(why, value):
    with pytest.raises(Malformed) as caught:
        frames.decode_client(msgpack.packb(value))
    assert caught.value.code == 4400


@pytest.mark.parametrize(("why", "value"), BAD_SERVER.items())
def test_what_a_room_may_not_send_is_malformed(why, value):
    with pytest.raises(Malformed):
        frames.decode_server(msgpack.packb(value))


def test_a_frame_over_the_limit_is_too_large_before_anything_is_decoded():
    with pytest.raises(Malformed) as caught:
        frames.decode_client(b"\xc1" * (frames.MAX_CLIENT_FRAME + 1))
    assert caught.value.code == 4413


def test_the_largest_honest_submit_fits_into_a_frame():
    args = ["x" * frames.MAX_ARG_TEXT] * 8
    refs = [frames.EntryRef(b"s" * 16, frames.MAX_INT, HASH)] * frames.MAX_REFS
    big = frames.Submit(
        frames.MAX_INT, "m" * 64, args, refs, SALT, b"x" * frames.MAX_CONTENT, frames.MAX_INT, b"s" * 64
    )
    assert frames.decode_client(frames.encode(big)) == big


def test_a_complaint_never_repeats_what_was_sent():
    with pytest.raises(Malformed) as caught:
        frames.decode_client(msgpack.packb(["negotiate", "my secret words", ""]))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",  # a list of 4 billion
        b"\xdf\xff\xff\xff\xff",
        b"\x92\xa4ping\xc6\xff\xff\xff\xff",  # 4 GB of bytes
        b"\x92\xa4ping\xdb\xff\xff\xff\xff",
        b"\x91" * 130_000,
        b"\x93\xa6signal\xa1a" + b"\x91" * 120_000 + b"\xc0",
        b"\x93\xa6signal\xa1a" + b"\x81\xa1a" * 40_000 + b"\xc0",
        b"\x92\xa4ping\x01\x00",  # trailing byte
        b"\x93\xa6signal\xa1a\xa2\xff\xfe",  # not UTF-8
        b"\x93\xa6signal\xa1a\xd6\xff\x00\x00\x00\x01",  # msgpack's timestamp
        b"\x93\xa6signal\xa1a\xd4\x05\x00",  # an extension nobody knows
        b"\x98\xa6submit\x01\xa1a\xdc\xff\xff",
    ],
)
def test_hostile_bytes_are_malformed(data):
    with pytest.raises(Malformed):
        frames.decode_client(data)


@settings(deadline=None)
@given(st.binary(max_size=4_000))
def test_random_bytes_are_a_frame_or_malformed(data):
    for decode in (frames.decode_client, frames.decode_server):
        try:
            frame = decode(data)
        except Malformed as error:
            assert error.code in (4400, 4413)  # noqa: PT017 - either outcome is fine, no third is
        else:
            assert decode(frames.encode(frame)) == frame


_plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.sampled_from(["hello", "submit", "negotiate", "signal", "history", "ping"]), st.lists(_plain))
@example("submit", [1, "a", [[[]]], [], None, None, 5])
def test_any_shape_behind_a_known_tag_is_a_frame_or_malformed(tag, fields):
    try:
        frame = frames.decode_client(msgpack.packb([tag, *fields]))
    except Malformed:
        return
    assert frames.decode_client(frames.encode(frame)) == frame


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CLIENT + SERVER), st.data())
def test_a_frame_with_changed_bytes_is_a_frame_or_malformed(frame, data):
    raw = bytearray(frames.encode(frame))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "double", "insert"])):
            case "flip":
                raw[at] ^= 1 << data.draw(st.integers(0, 7))
            case "cut":
                del raw[at : at + data.draw(st.integers(1, 9))]
            case "double":
                raw[at:at] = raw[at : at + data.draw(st.integers(1, 99))]
            case "insert":
                raw[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        if not raw:
            break
    for decode in (frames.decode_client, frames.decode_server):
        with contextlib.suppress(Malformed):
            decode(bytes(raw))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, frames.MAX_INT), st.binary(min_size=1, max_size=300)), min_size=1, max_size=70)
)
def test_entries_packed_once_and_joined_are_a_deliver_frame(rows):
    entries = [Delivered(seq, leaf, SALT, leaf) for seq, leaf in rows]
    assert frames.decode_server(frame_of([pack(entry) for entry in entries])) == frames.Deliver(entries)
    hidden = [Hidden(seq, HASH) for seq, _ in rows]
    assert frames.decode_server(frame_of([pack(entry) for entry in hidden])) == frames.Withheld(hidden)


def test_the_vectors_are_up_to_date():
    assert VECTORS.read_text(encoding="utf-8") == vectors(), "run python tests/signaling/examples.py"


def test_the_browsers_frames_are_up_to_date():
    committed = (ROOT / typescript.OUTPUT).read_text(encoding="utf-8")
    assert committed == typescript.generate(), "run python -m signaling.typescript"


_NODE_CHECK = """
import { readFileSync } from 'node:fs';
import { decode, encode } from '@msgpack/msgpack';
import * as f from './frames.gen.mjs';
const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
const real = (v) => v === null || typeof v !== 'object' ? v : Array.isArray(v) ? v.map(real)
  : typeof v.hex === 'string' ? bytes(v.hex) : Object.fromEntries(Object.entries(v).map(([k, x]) => [k, real(x)]));
const show = (v) => JSON.stringify(v, (_, x) => x instanceof Uint8Array ? { hex: Buffer.from(x).toString('hex') } : x);
const same = (a, b, why) => { if (show(a) !== show(b)) throw new Error(`${why}: ${show(a)} is not ${show(b)}`); };
const throws = (act, why) => { try { act(); } catch (e) { if (e instanceof f.FrameError) return; throw e; }
  throw new Error(`accepted ${why}`); };
const all = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const sides = { client: [f.encodeFrame, f.decodeClientFrame], server: [f.encodeServerFrame, f.decodeFrame] };
let n = 0;
for (const [side, [enc, dec]] of Object.entries(sides)) {
  for (const v of all.good[side]) {
    const frame = real(v.frame);
    same(dec(decode(bytes(v.msgpack))), frame, 'decoded');
    same(decode(encode(enc(frame))), decode(bytes(v.msgpack)), 'encoded');
    n += 2;
  }
  for (const v of all.bad[side]) { throws(() => dec(decode(bytes(v.msgpack))), v.why); n += 1; }
}
console.log(n);
"""


def test_the_browsers_frames_agree_with_the_vectors(tmp_path):
    modules = ROOT / "web_client" / "node_modules"
    compiler = modules / ".bin" / "tsc"
    if shutil.which("node") is None or not compiler.exists() or not (modules / "@msgpack").exists():
        pytest.skip("node or the client's packages are missing: run `make install` to check the browser's frames")
    options = "--ignoreConfig --strict --noUncheckedIndexedAccess --target es2019 --module esnext"
    subprocess.run(
        [compiler, *options.split(), "--moduleResolution", "bundler", "--outDir", tmp_path, ROOT / typescript.OUTPUT],
        check=True,
    )
    (tmp_path / "frames.gen.js").rename(tmp_path / "frames.gen.mjs")
    (tmp_path / "check.mjs").write_text(_NODE_CHECK)
    (tmp_path / "node_modules").symlink_to(modules)
    done = subprocess.run(
        ["node", tmp_path / "check.mjs", VECTORS], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 60
