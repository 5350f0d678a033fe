"""`/metrics`: metrics of this process in the text format of Prometheus. docs/http.md lists names and labels.

Labels have few values: route templates, never addresses, texts, file names or client identity.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.search.timing import Timing, observe
from artsim.ui.context import Context
from artsim.ui.http.traffic import Exchange
from artsim.version import VERSION

_STATES = ("loading", "ready", "failed")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_FAST = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)


class Metrics:
    """Counters and histograms in a registry of their own; `seen` records HTTP exchanges, `took` the steps of searches."""

    def __init__(self, context: Context) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "artsim_http_requests", "HTTP requests answered.", ["method", "route", "status"], registry=registry
        )
        self._latency = Histogram(
            "artsim_http_request_seconds",
            "Time to answer an HTTP request, excluding event streams.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._searches = Counter(
            "artsim_searches",
            "Searches by kind of query and outcome, including the one that warms up the encoder at the start.",
            ["kind", "outcome"],
            registry=registry,
        )
        self._search = Histogram(
            "artsim_search_seconds",
            "Time of an answered search: decoding, encoding and ranking.",
            ["kind"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._encode = Histogram(
            "artsim_encode_seconds",
            "Time until the encoder has embedded one picture or text of a query.",
            ["kind"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._index = Histogram(
            "artsim_index_seconds",
            "Time to find and rank the nearest works.",
            ["ranking"],
            buckets=_FAST,
            registry=registry,
        )
        works = Gauge("artsim_works", "Works in the collection.", registry=registry)
        works.set_function(lambda: len(context.collection))
        encoder = Gauge("artsim_encoder_state", "1 for the current state of the encoder.", ["state"], registry=registry)
        for state in _STATES:
            encoder.labels(state).set_function(_is_state(context, state))
        built = Gauge("artsim_build_info", "Always 1.", ["version", "encoder"], registry=registry)
        built.labels(VERSION, context.collection.state.spaces[0].encoder).set(1)
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

    def seen(self, exchange: Exchange) -> None:
        self._requests.labels(exchange.method, exchange.route, exchange.status).inc()
        if not exchange.streamed:
            self._latency.labels(exchange.method, exchange.route).observe(exchange.seconds)

    def took(self, timing: Timing) -> None:
        if timing.step == "search":
            self._searches.labels(timing.kind, timing.outcome).inc()
        if timing.outcome == "answered":
            histogram = {"search": self._search, "encode": self._encode, "index": self._index}[timing.step]
            histogram.labels(timing.kind).observe(timing.seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)


def _is_state(context: Context, state: str) -> Callable[[], float]:
    return lambda: float(context.readiness.state == state)


def start_metrics(context: Context) -> Metrics:
    """Create metrics that observe the searches of this process from now on."""
    disable_created_metrics()  # a creation time per series would double the number of series
    metrics = Metrics(context)
    observe(metrics)
    return metrics


def metrics_route(metrics: Metrics) -> Route:
    def endpoint(request: Request) -> Response:
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})

    return Route("/metrics", endpoint)
