"""To which stream a new SSRC belongs: by mid and rid, as its first packets carry them.

What a packet says about itself is believed only inside its own leg and only if it fits what
was negotiated; a kind that is not published, a mid of a receive line, a rid nobody agreed to
belong to nothing.
"""

from typing import NamedTuple

from media.engine.layer import Layer
from media.engine.leg import Leg
from media.engine.publication import Publication
from media.engine.rtp import extension
from media.events import KINDS


class Belongs(NamedTuple):
    """`layer` gets the packets; `rtx`: as repairs."""

    layer: Layer
    rtx: bool


def identify(leg: Leg, number: int, extensions: memoryview) -> Belongs | None:
    """By payload type and the header extensions it carries."""
    spec = leg.spec
    codec = spec.codecs.get(number)
    rtx = codec is None
    if codec is None:
        codec = spec.codecs.get(spec.rtx.get(number, -1))
    if codec is None:
        return None
    publication = _publication(leg, extension(extensions, 0, len(extensions), spec.ext_mid), audio=codec == "opus")
    if publication is None:
        return None
    if len(publication.layers) == 1:
        return Belongs(publication.layers[0], rtx)
    rid = extension(extensions, 0, len(extensions), spec.ext_rrid if rtx else spec.ext_rid)
    return Belongs(publication.layers[publication.rids.index(rid)], rtx) if rid in publication.rids else None


def _publication(leg: Leg, mid: bytes, *, audio: bool) -> Publication | None:
    if mid and leg.spec.mids:
        kind = leg.spec.mids.get(mid)
        return leg.publications.get(kind) if kind is not None and (kind == "audio") == audio else None
    fitting = [kind for kind in KINDS if kind in leg.publications and (kind == "audio") == audio]
    return leg.publications[fitting[0]] if len(fitting) == 1 else None
