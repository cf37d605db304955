"""Which engine a worker gets. `auto` takes the native one where it is built and loads, else the
Python one, which does the same work at about twice the cost; the operator is told in a line.
"""

from media.config import MediaConfig
from media.engine.packet_engine import PacketEngine
from media.engine.py_engine import PyEngine
from media.native.engine import NativeEngine, NoNative, load


def shortfall(config: MediaConfig) -> str:
    """For the operator: why `auto` means the Python engine here; empty when it does not."""
    if config.engine != "auto":
        return ""
    try:
        load()
    except NoNative as missing:
        return f"media: the Python engine is used: {missing}"
    return ""


def make_engine(config: MediaConfig, port: int) -> PacketEngine:
    """The configured engine. NoNative when `native` is demanded and cannot be had; OSError when
    the port cannot.
    """
    maker = PyEngine if config.engine == "py" or shortfall(config) else NativeEngine
    return maker(
        config.bind_address,
        port,
        rcvbuf=config.rcvbuf_bytes,
        silent_ms=config.silent_ms,
        gone_ms=config.gone_ms,
    )
