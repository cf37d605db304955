"""What only the native engine promises: a thread of its own, and memory that hostile input
cannot reach. That it gives the same bytes as the Python one is in test_engine_conformance.py.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_phones import KEYFRAME, Phone, spec

from media.config import MediaConfig
from media.engine.py_engine import PyEngine
from media.native import build, choose
from media.native.engine import NativeEngine, NoNative, load

HERE = Path(__file__).resolve().parent
SANITIZERS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("native") / "libengine.so"
    if trouble := build.compile_to(made):
        pytest.skip(trouble)
    return made


@pytest.fixture
def threaded(library: Path) -> Iterator[NativeEngine]:
    made = NativeEngine("127.0.0.1", 0, library=library)
    yield made
    made.close()


def waited_for(phone: Phone, packets: int, within: float = 3.0) -> int:
    """Listens until so much media has come; says how much came."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        phone.listen()
        media = [packet for packet in phone.transcript if not 191 < packet[1] < 224]
        if len(media) >= packets:
            break
        time.sleep(0.002)
    return len(media)


def test_packets_move_though_nobody_calls_the_engine(threaded: NativeEngine) -> None:
    a, b = Phone(threaded, 1, spec()), Phone(threaded, 2, spec())
    threaded.route(2, 0, "video", 1, "video")
    for n in range(40):
        a.send(n, 3000 * n, KEYFRAME)
        time.sleep(0.001)
    assert waited_for(b, 40) == 40
    assert threaded.stats().forwarded == 40
    for phone in (a, b):
        phone.socket.close()


def test_reports_and_keyframe_requests_go_out_though_nobody_ticks(threaded: NativeEngine) -> None:
    a, b = Phone(threaded, 1, spec()), Phone(threaded, 2, spec())
    threaded.route(2, 0, "video", 1, "video")
    a.send(1, 0, b"\x10\x01delta")
    for seq in range(2, 102):
        if threaded.stats().keyframe_requests >= 2:
            break
        a.send(seq, 0, b"\x10\x01delta")
        time.sleep(0.05)
    assert threaded.stats().keyframe_requests >= 2
    a.listen()
    assert any(191 < packet[1] < 224 for packet in a.transcript)
    for phone in (a, b):
        phone.socket.close()


def test_the_reader_is_woken_for_what_is_not_media(threaded: NativeEngine) -> None:
    import select
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"\x00\x01stun?", ("127.0.0.1", threaded.port))
        readable, _, _ = select.select([threaded.fileno()], [], [], 3)
        assert readable
        ((data, address),) = threaded.receive(0)
        assert (data, address) == (b"\x00\x01stun?", ("127.0.0.1", stranger.getsockname()[1]))
    assert select.select([threaded.fileno()], [], [], 0)[0] == []


def test_many_comings_and_goings_under_traffic_leave_nothing_behind(threaded: NativeEngine) -> None:
    a, b = Phone(threaded, 1, spec()), Phone(threaded, 2, spec())
    for n in range(300):
        threaded.route(2, 0, "video", 1 if n % 3 else None, "video")
        threaded.tap(1, "video", n % 2 == 0)
        threaded.open_leg(100 + n, spec(3))
        threaded.route(100 + n, 1, "video", 1, "video")
        a.send(n, 3000 * n, KEYFRAME)
        threaded.close_leg(100 + n)
        threaded.drain_taps()
    assert set(threaded.stats().legs) == {1, 2}
    for phone in (a, b):
        phone.socket.close()


def test_without_a_library_the_python_engine_is_taken_and_the_operator_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        load(tmp_path / "none.so")

    monkeypatch.setattr(choose, "load", missing)
    config = MediaConfig(recordings=tmp_path)
    assert "the Python engine is used" in choose.shortfall(config)
    engine = choose.make_engine(config, 0)
    assert isinstance(engine, PyEngine)
    engine.close()


def test_a_library_of_another_source_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.so"
    if trouble := build.compile_to(other, ("-O0", "-USOURCE_DIGEST", "-DSOURCE_DIGEST=1")):
        pytest.skip(trouble)
    with pytest.raises(NoNative, match="another version"):
        load(other)


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"no ELF")
    with pytest.raises(NoNative, match="cannot be loaded"):
        load(broken)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The engine with the sanitizers in it, and the library they need first."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc: its sanitizers are needed")
    library = tmp_path_factory.mktemp("watched") / "libengine.so"
    if trouble := build.compile_to(library, SANITIZERS):
        pytest.skip(trouble)
    found = subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    return library, found.stdout.strip()


@pytest.mark.parametrize("seed", range(2))
def test_hostile_input_under_the_sanitizers(watched: tuple[Path, str], seed: int) -> None:
    library, runtime = watched
    environment = {
        **os.environ,
        "LD_PRELOAD": runtime,
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0",  # Python itself frees little at its end
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONPATH": os.pathsep.join((str(HERE), str(HERE.parent.parent))),
    }
    done = subprocess.run(
        [sys.executable, str(HERE / "native_hostile.py"), str(library), str(seed), "600"],
        capture_output=True, text=True, check=False, env=environment, timeout=100,
    )  # fmt: skip
    assert done.stdout.strip() == "clean", done.stderr[-3000:]
