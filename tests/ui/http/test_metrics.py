"""`/metrics`, read with the parser of Prometheus, and request ids."""

from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from served import served

from artsim.ui.http.traffic import UNKNOWN_ROUTE

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


def increase(address: str, name: str, act: Any, **labels: str) -> float:
    before = value(samples(address), name, **labels)
    act()
    return value(samples(address), name, **labels) - before


def search(address: str, work: str, k: int = 1) -> None:
    httpx.post(f"{address}gradio_api/run/search_by_work", json={"data": [work, k]})


def test_a_search_is_counted_and_timed(address: str) -> None:
    def act() -> None:
        search(address, "05.jpg")

    assert increase(address, "artsim_searches_total", act, kind="work", outcome="answered") == 1
    assert increase(address, "artsim_search_seconds_count", act, kind="work") == 1
    assert increase(address, "artsim_index_seconds_count", act, ranking="tuned") == 1
    assert increase(address, "artsim_index_seconds_sum", act, ranking="tuned") > 0
    assert increase(address, "artsim_encode_seconds_count", act, kind="image") == 0  # a work needs no encoder


def test_a_text_is_encoded_and_a_refused_search_is_counted_and_not_timed(address: str) -> None:
    def ask_for_text() -> None:
        httpx.post(f"{address}gradio_api/run/search_by_text", json={"data": ["a storm", 1]})

    def ask_for_nothing() -> None:
        search(address, "nothing")

    assert increase(address, "artsim_encode_seconds_count", ask_for_text, kind="text") == 1
    assert increase(address, "artsim_searches_total", ask_for_nothing, kind="work", outcome="refused") == 1
    assert increase(address, "artsim_search_seconds_count", ask_for_nothing, kind="work") == 0


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("thumbnails/400/nothing", "/thumbnails/{size:int}/{identity:path}", "404"),
        ("no/such/page", UNKNOWN_ROUTE, "404"),
        ("gradio_api/info", "/gradio_api/info", "200"),
    ],
)
def test_requests_are_counted_by_template_and_status(address: str, path: str, route: str, status: str) -> None:
    def act() -> None:
        httpx.get(address + path)

    assert increase(address, "artsim_http_requests_total", act, method="GET", route=route, status=status) == 1
    assert increase(address, "artsim_http_request_seconds_count", act, method="GET", route=route) == 1


def test_unknown_paths_methods_and_works_add_no_labels(address: str) -> None:
    before = len(samples(address))
    for name in ("one", "two", "three"):
        httpx.get(f"{address}{name}")
        httpx.request(name.upper(), address)
        search(address, name)
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
