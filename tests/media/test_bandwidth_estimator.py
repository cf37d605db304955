"""What a link carries, found out from reports alone, in virtual time."""

import statistics

import pytest
from simulated import Hearing, profile, told

from media.bandwidth.estimator import LEAST_BPS, Estimator

SEEDS = range(1, 8)
LINKS = [  # one way delay, jitter, loss
    pytest.param(25, 5, 0.0, id="near"),
    pytest.param(50, 20, 0.02, id="mobile"),
    pytest.param(150, 10, 0.05, id="far and lossy"),
]


@pytest.mark.parametrize(("delay", "jitter", "loss"), LINKS)
def test_it_follows_a_link_from_500_to_50_and_back_to_500_kbps(delay: float, jitter: float, loss: float) -> None:
    fallen, risen = [], []
    for seed in SEEDS:
        wide, thin = profile(500, delay, loss, jitter), profile(50, delay, loss, jitter)
        hearing = Hearing(wide, seed)
        hearing.run(30)
        hearing.change(thin)
        hearing.run(40)
        hearing.change(wide)
        hearing.run(20)
        fallen.append(hearing.bps(35, 35.2)[0])
        risen.append(hearing.bps(85, 85.2)[0])
    assert statistics.median(fallen) == pytest.approx(50_000, rel=0.3)
    assert statistics.median(risen) == pytest.approx(500_000, rel=0.3)


def test_at_50_kbps_with_300_ms_and_5_percent_loss_it_stays_for_minutes_and_the_voice_comes_through() -> None:
    off, worst_voice = [], []
    for seed in SEEDS:
        hearing = Hearing(profile(50, 150, 0.05, 10), seed)
        hearing.run(240)
        values = hearing.bps(20, 240)
        off.append(sum(not 35_000 <= v <= 65_000 for v in values) / len(values))
        lost, delay = hearing.voice_between(20, 240)
        assert lost < 0.08  # the link's own 5 %, not ours on top
        worst_voice.append(delay - 150)
        pictures = [picture for at, picture in hearing.chosen if at > 20_000]
        assert sum(1 for picture in pictures if picture) > 0.1 * len(pictures)  # a picture now and then at least
    assert statistics.median(off) < 0.2
    assert statistics.median(worst_voice) < 400  # ms of queue before 95 % of the words


def test_a_queue_of_seconds_is_drained_and_not_only_kept_from_growing() -> None:
    hearing = Hearing(profile(500, 50, queue_ms=1000))
    hearing.run(20)
    hearing.change(profile(50, 50, queue_ms=6000))
    hearing.run(25)
    assert max(e.queue_ms for at, e in hearing.trace if at > 20_000) > 500
    assert hearing.voice_between(35, 45)[1] < 400


def test_a_longer_way_is_not_taken_for_a_queue_for_long() -> None:
    hearing = Hearing(profile(500, 10))
    hearing.run(20)
    hearing.change(profile(500, 160))
    hearing.run(15)
    assert hearing.trace[-1][1].queue_ms < 40
    assert hearing.bps(34, 35)[-1] > 350_000


def test_a_telephone_that_stands_still_for_a_moment_is_not_a_thin_link() -> None:
    for seed in SEEDS:
        hearing = Hearing(profile(500, 40), seed, stalls=[(t, t + 250 + t % 170) for t in range(10_000, 60_000, 1700)])
        hearing.run(60)
        assert min(hearing.bps(12, 60)) > 300_000


def test_loss_without_a_queue_is_the_radio_s_and_costs_nothing() -> None:
    hearing = Hearing(profile(500, 50, loss=0.05))
    hearing.run(30)
    assert hearing.bps(20, 30)[-1] > 350_000


def test_a_policer_that_drops_without_delay_is_followed_too() -> None:
    hearing = Hearing(profile(500, 50))
    hearing.run(20)
    hearing.change(profile(60, 50, queue_ms=1))
    hearing.run(20)
    assert statistics.median(hearing.bps(30, 40)) < 110_000


def test_without_room_for_more_being_of_use_no_padding_is_sent() -> None:
    hearing = Hearing(profile(2000, 50), pictures=((0, 1), (40_000, 7)))
    hearing.run(60)
    assert hearing.probes < 5


def test_an_outage_is_no_congestion() -> None:
    hearing = Hearing(profile(500, 50))
    hearing.run(30)
    before = hearing.bps(29, 30)[-1]
    hearing.down.is_cut = True
    hearing.run(20)
    assert hearing.trace[-1][1].send_bps < 0.3 * before
    hearing.down.is_cut = False
    hearing.run(2)
    assert hearing.trace[-1][1].send_bps > 0.6 * before


def test_a_peer_without_transport_wide_reports_is_believed_its_own_estimate_when_that_is_a_limit() -> None:
    estimator = Estimator(0.0, 20_000_000)
    estimator.remb(30_000, 20_000, 50.0)  # one and a half of the little it gets: no limit
    assert estimator.estimate(50.0).bps == 20_000_000
    estimator.remb(120_000, 150_000, 100.0)
    assert estimator.estimate(100.0).bps == 120_000
    estimator.remb(180_000, 120_000, 1100.0)
    assert estimator.estimate(1100.0).bps == 180_000
    for n in range(20):
        estimator.report_loss(0.3, 1200.0 + 1100 * n)
    assert estimator.estimate(30_000.0).bps < 60_000
    assert estimator.probe(1_000_000, 30_000.0) is None


def test_nonsense_is_survived() -> None:
    estimator = Estimator(0.0)
    estimator.feedback(told([(5.0, 1e12, 100), (4.0, -1e12, 0), (4.0, None, 1 << 20), (1e12, 5.0, 1)] * 30), 10.0)
    estimator.remb(0, 1e9, 20.0)
    estimator.feedback(told([(30.0 + n, 30.0, 1200) for n in range(50)]), 100.0)
    assert estimator.estimate(100.0).bps >= LEAST_BPS
