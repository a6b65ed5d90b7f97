"""The page in Prometheus' words."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from schedules.metrics.standing import Standing, look
from schedules.metrics.tally import BOUNDS, Key, count_ended
from schedules.models import Tally

MOST_SERIES = 5_000
"""Tallies by job that have a line of their own, the oldest first; the rest is one job "(others)".
Which job is which never changes, so that no line ever falls."""

OTHERS = "(others)"


def exposition(*, now: datetime) -> bytes:
    """Return the whole page. Its cost grows with what has ended since the last one, and no more."""
    counted_up_to = count_ended(now=now)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(now, counted_up_to))
    return generate_latest(registry)


class _Figures(Collector):
    """Everything there is to tell at one instant."""

    def __init__(self, now: datetime, counted_up_to: datetime) -> None:
        self._now = now
        self._counted_up_to = counted_up_to

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        yield from _grown(_tallies())
        yield from _standing(look(now=self._now))
        yield GaugeMetricFamily(
            "downbeat_counted_up_to_seconds",
            "Unix time up to which ends of runs are in the counters.",
            value=self._counted_up_to.timestamp(),
        )


def _tallies() -> dict[Key, float]:
    figures: dict[Key, float] = {}
    rows = Tally.objects.order_by("id").values_list("metric", "job_key", "label", "value")
    for number, (metric, job_key, label, value) in enumerate(rows):
        name = job_key if number < MOST_SERIES or not job_key else OTHERS
        key = Key(metric, name, label)
        figures[key] = figures.get(key, 0.0) + value
    return figures


def _grown(figures: dict[Key, float]) -> Iterator[Metric]:
    runs = CounterMetricFamily(
        "downbeat_runs", "Occurrences and calls by their outcome.", labels=["job", "state"]
    )
    took = SummaryMetricFamily(
        "downbeat_run_seconds", "How long bodies took, over all attempts.", labels=["job"]
    )
    for key, value in figures.items():
        if key.metric == "runs":
            runs.add_metric([key.job_key, key.label], value)
        elif key.metric == "timed":
            seconds = figures.get(Key("seconds", key.job_key), 0.0)
            took.add_metric([key.job_key], count_value=int(value), sum_value=seconds)
    yield runs
    yield took
    yield _lateness(figures)
    yield CounterMetricFamily(
        "downbeat_claims",
        "Times that a worker took a run that has ended by now.",
        value=figures.get(Key("claims"), 0.0),
    )
    yield CounterMetricFamily(
        "downbeat_republications",
        "Messages sent again for runs that have ended by now.",
        value=figures.get(Key("resends"), 0.0),
    )


def _lateness(figures: dict[Key, float]) -> Metric:
    buckets, total = [], 0.0
    for bound in [*map(str, BOUNDS), "+Inf"]:
        total += figures.get(Key("late", label=bound), 0.0)
        buckets.append((bound, total))
    return HistogramMetricFamily(
        "downbeat_lateness_seconds",
        "How long after its time a run began.",
        buckets=buckets,
        sum_value=figures.get(Key("late_sum"), 0.0),
    )


def _standing(found: Standing) -> Iterator[Metric]:
    def gauge(name: str, text: str, value: float) -> Metric:
        return GaugeMetricFamily(f"downbeat_{name}", text, value=value)

    def by(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
        family = GaugeMetricFamily(f"downbeat_{name}", text, labels=[label])
        for key, value in values.items():
            family.add_metric([key], value)
        return family

    yield by("runs_unfinished", "Runs without an outcome.", "state", dict(found.runs))
    yield gauge(
        "outbox_oldest_seconds",
        "Age of the oldest due run that the broker was not told of.",
        found.outbox_age,
    )
    yield gauge(
        "planning_lag_seconds",
        "How long the most overdue job waits to be planned.",
        found.planning_lag,
    )
    if found.beat_age is not None:
        yield gauge("beat_heartbeat_age_seconds", "Since a Beat was heard of.", found.beat_age)
    yield by("instances", "Beats and workers that are alive.", "kind", dict(found.instances))
    yield by("jobs", "Jobs by condition; one may have several.", "condition", dict(found.jobs))
    yield by("alert_deliveries", "Alerts under way.", "state", dict(found.deliveries))
    yield gauge("paused", "1 while everything is paused.", float(found.is_paused))
    yield gauge("broker_up", "1 if the broker answers.", float(found.broker_answers))
    yield by("queue_messages", "Messages in the broker.", "queue", dict(found.queues))
