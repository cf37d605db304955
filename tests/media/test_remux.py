"""Segments joined into one file keep their packets and their places."""

import av

from hearing_server.rehearsal.props import clip_of_picture, clip_of_sound
from media.recorder.remux import remux


def packets(path):
    with av.open(str(path)) as file:
        track = file.streams[0]
        return [(float(p.pts * p.time_base), bytes(p)) for p in file.demux(track) if p.dts is not None]


def test_a_gap_between_segments_stays_a_gap_and_no_packet_changes(tmp_path):
    for name, data in (("sound", clip_of_sound(1.0)), ("picture", clip_of_picture(1.0))):
        segment = tmp_path / f"{name}.webm"
        segment.write_bytes(data)
        joined = remux([(500, segment), (4_500, segment)], tmp_path / f"joined-{name}")
        whole, one = packets(joined), packets(segment)
        assert [p for _, p in whole] == [p for _, p in one] * 2
        assert abs(whole[0][0] - 0.5) < 0.05
        assert abs(whole[len(one)][0] - 4.5) < 0.05


def test_segments_that_overlap_by_a_clocks_error_follow_one_another(tmp_path):
    segment = tmp_path / "sound.webm"
    segment.write_bytes(clip_of_sound(1.0))
    times = [at for at, _ in packets(remux([(0, segment), (900, segment)], tmp_path / "joined"))]
    assert times == sorted(times)
