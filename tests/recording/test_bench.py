"""The bench gives the figures that the command line prints, and nothing else."""

from __future__ import annotations

from pathlib import Path

from recording.bench import append_figures


async def test_a_short_run_gives_every_figure(tmp_path: Path) -> None:
    figures = await append_figures(tmp_path, writers=20, seconds=0.3)
    assert list(figures) == ["writers", "appends_per_s", "p50_ms", "p99_ms", "floor_fdatasync_per_s"]
    assert figures["writers"] == 20
    assert figures["appends_per_s"] > 0  # how fast is `make bench`'s to say: a busy disk stalls for half a second
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
