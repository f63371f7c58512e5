"""Figures for operators, in Prometheus form; worker processes share the folder PROMETHEUS_MULTIPROC_DIR."""

import os

from prometheus_client import REGISTRY as DEFAULT_REGISTRY
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

REQUESTS = Counter(
    "hall_requests_total", "Answers by endpoint, method and status.", ["endpoint", "method", "status"]
)
SECONDS = Histogram(
    "hall_request_seconds",
    "Seconds until the answer.",
    ["endpoint"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1, 3),
)
REFUSALS = Counter("hall_refusals_total", "Refusals by code.", ["code"])


def render() -> bytes:
    """All figures of all worker processes."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(DEFAULT_REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
