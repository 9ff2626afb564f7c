"""/api/metrics in Prometheus' text format: requests as they happen, the rest read from the lab when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from backends.registry.status import RegistryStatus
from backends.runtime.executor import RuntimeStatus
from backends.runtime.lab import Lab

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class Metrics:
    """Counts requests and reads the lab's status."""

    def __init__(self, lab: Lab) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        names = ["method", "route", "status"]
        self._requests = Counter("vitrine_requests", "Requests answered.", names, registry=self._registry)
        self._latency = Histogram(
            "vitrine_request_seconds",
            "Seconds from a request to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._registry.register(_Lab(lab))

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. Streams (WebSockets, events) count, but say nothing about latency."""
        self._requests.labels(method, route, str(status)).inc()
        if method != "WEBSOCKET" and not route.endswith(("/events", "/data", "/heartbeat", "/queue")):
            self._latency.labels(route).observe(seconds)

    def text(self) -> bytes:
        """The whole exposition."""
        return bytes(generate_latest(self._registry))


class _Lab(Collector):
    """What registry and runtime say of themselves."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def collect(self) -> Iterator[Metric]:
        """Metric families, read now."""
        yield from _of_registry(self._lab.registry.status())
        yield from _of_runtime(self._lab.runtime.status())


def _of_registry(status: RegistryStatus) -> Iterator[Metric]:
    for memory in (status.ram, status.vram):
        where = memory.name.lower()
        for name in ("budget", "resident", "loading", "allocated"):
            text = f"Bytes of {memory.name}: {name}."
            yield GaugeMetricFamily(f"vitrine_models_{where}_{name}_bytes", text, value=getattr(memory, name))
    yield GaugeMetricFamily("vitrine_model_leases", "Leases held now.", value=status.leases)
    yield GaugeMetricFamily("vitrine_model_leases_waiting", "Leases waiting now.", value=status.queue_depth)
    yield CounterMetricFamily("vitrine_model_hits", "Leases that found their model in memory.", value=status.hits)
    yield CounterMetricFamily("vitrine_model_misses", "Leases that waited for a load.", value=status.misses)
    yield CounterMetricFamily("vitrine_model_load_seconds", "Seconds spent loading.", value=status.load_seconds)
    yield CounterMetricFamily("vitrine_model_oom", "Times memory ran out.", value=status.oom_total)
    evictions = CounterMetricFamily("vitrine_model_evictions", "Models that left memory.", labels=["reason"])
    for reason, count in sorted(status.evictions.items()):
        evictions.add_metric([reason], count)
    loads = CounterMetricFamily("vitrine_model_loads", "Loads that succeeded.", labels=["model"])
    resident = GaugeMetricFamily("vitrine_model_bytes", "Bytes held by a model now.", labels=["model", "memory"])
    for model in status.models:
        loads.add_metric([model.id], model.loads)
        resident.add_metric([model.id, model.memory], model.bytes)
    yield from (evictions, loads, resident)


def _of_runtime(status: RuntimeStatus) -> Iterator[Metric]:
    yield GaugeMetricFamily("vitrine_runs_queued", "Runs that wait.", value=status.queued)
    yield GaugeMetricFamily("vitrine_runs_running", "Runs being computed.", value=status.running)
    yield GaugeMetricFamily("vitrine_live_running", "Live changes being computed.", value=status.live_running)
    yield GaugeMetricFamily("vitrine_visitors_waiting", "Visitors with runs under way.", value=len(status.visitors))
    yield GaugeMetricFamily("vitrine_workers", "Worker threads alive.", value=status.workers)
    yield GaugeMetricFamily("vitrine_workers_silent", "Worker threads without a sign of life.", value=status.silent)
    yield GaugeMetricFamily("vitrine_oldest_wait_seconds", "How long a run has waited.", value=status.oldest_wait)
    ended = CounterMetricFamily("vitrine_runs", "Runs that ended.", labels=["state"])
    for state, count in sorted(status.ended.items()):
        ended.add_metric([state], count)
    yield ended
