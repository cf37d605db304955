"""Figures for Prometheus, read from the court at the moment of the scrape. No label names a person or a case."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from hearing_server.runtime.court import Court

HELP = {
    "rooms": "Sittings that are open on this node",
    "connections": "Phones and desks connected now",
    "halted": "Streams that do not verify and are halted: look at once",
    "entries": "Entries in the streams that are open on this node",
    "clock_behind_s": "Seconds by which the machine's clock is behind the record: set it right",
    "register_entries": "Entries of the court's register",
    "time_stamps_failed": "Tries in vain for a time-stamp since the start: look at the authority",
    "witnesses_failed": "Tries in vain for a cosignature since the start: look at the witness",
}


class CourtMetrics:
    """One registry per server, so that tests and benches may run several in a process."""

    def __init__(self, court: Court) -> None:
        self._court = court
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """The court's figures (prometheus_client's collector protocol)."""
        for name, value in self._court.figures().items():
            yield GaugeMetricFamily(f"palmcourt_{name}", HELP[name], value=value)

    def text(self) -> bytes:
        """The exposition."""
        return generate_latest(self._registry)
