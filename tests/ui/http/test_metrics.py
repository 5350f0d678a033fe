"""`/metrics`, read with the parser of Prometheus, and request ids."""

from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from served import served

from artsim.ui.http.traffic import UNKNOWN_ROUTE

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(address: str) -> Samples:
    text = httpx.get(f"{address}metrics").text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics: Samples, name: str, **labels: str) -> float:
    return metrics.get((name, frozenset(labels.items())), 0.0)


def growth(address: str, method: str, path: str, **body: Any) -> Samples:
    """By how much each sample grows with a request."""
    before = samples(address)
    httpx.request(method, f"{address}{path}", **body)
    return {key: number - before.get(key, 0.0) for key, number in samples(address).items()}


def search(address: str, kind: str, query: str) -> Samples:
    return growth(address, "POST", f"gradio_api/run/search_by_{kind}", json={"data": [query, 1]})


def test_a_search_is_counted_and_timed(address: str) -> None:
    grown = search(address, "work", "05.jpg")
    assert value(grown, "artsim_searches_total", kind="work", outcome="answered") == 1
    assert value(grown, "artsim_search_seconds_count", kind="work") == 1
    assert value(grown, "artsim_index_seconds_count", ranking="tuned") == 1
    assert value(grown, "artsim_index_seconds_sum", ranking="tuned") > 0
    assert value(grown, "artsim_encode_seconds_count", kind="image") == 0  # a work needs no encoder
    assert value(search(address, "text", "zyzzyq"), "artsim_encode_seconds_count", kind="text") == 1


def test_a_refused_search_is_counted_and_not_timed(address: str) -> None:
    grown = search(address, "work", "nothing")
    assert value(grown, "artsim_searches_total", kind="work", outcome="refused") == 1
    assert value(grown, "artsim_search_seconds_count", kind="work") == 0


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("thumbnails/400/nothing", "/thumbnails/{size:int}/{identity:text}", "404"),
        ("no/such/page", UNKNOWN_ROUTE, "404"),
        ("gradio_api/info", "/gradio_api/info", "200"),
    ],
)
def test_requests_are_counted_by_template_and_status(address: str, path: str, route: str, status: str) -> None:
    grown = growth(address, "GET", path)
    assert value(grown, "artsim_http_requests_total", method="GET", route=route, status=status) == 1
    assert value(grown, "artsim_http_request_seconds_count", method="GET", route=route) == 1


def test_unknown_paths_methods_and_works_add_no_labels(address: str) -> None:
    before = len(samples(address))
    for name in ("one", "two", "three"):
        httpx.get(f"{address}{name}")
        httpx.request(name.upper(), address)
        search(address, "work", name)
    after = samples(address)
    assert len(after) <= before + 40  # one series for each kind of unknown value, not for each value
    assert not any(name in str(key).lower() for key in after for name in ("'one'", "'two'", "'three'"))


def test_works_encoder_and_build_are_gauges_and_every_response_has_a_request_id(address: str) -> None:
    metrics = samples(address)
    assert value(metrics, "artsim_works") == 40
    assert value(metrics, "artsim_encoder_state", state="ready") == 1
    assert value(metrics, "artsim_encoder_state", state="failed") == 0
    assert any(name == "artsim_build_info" for name, _ in metrics)
    ids = {httpx.get(f"{address}healthz").headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3 and all(len(identity) == 32 for identity in ids)


def test_without_metrics_there_is_no_route(collection: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    with served(collection, tmp_path_factory.mktemp("unwatched"), metrics=False) as (address, _):
        assert httpx.get(f"{address}metrics").status_code == 404
