"""`docs/examples/alerts.yaml`: rules of Prometheus over metrics and labels that the app has."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

RULES = Path(__file__).resolve().parents[3] / "docs" / "examples" / "alerts.yaml"
OF_PROMETHEUS = {"job", "instance", "le"}  # labels that it adds, or that histograms have
OUTCOMES = {"answered", "refused", "failed"}

pytestmark = pytest.mark.slow  # it starts the app


def test_every_alert_is_over_metrics_and_labels_of_the_app(address: str) -> None:
    httpx.post(f"{address}gradio_api/run/search_by_work", json={"data": ["05.jpg", 1]})
    labels: dict[str, set[str]] = {"up": set()}
    values: set[tuple[str, str, str]] = set()
    for family in text_string_to_metric_families(httpx.get(f"{address}metrics").text):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
            values |= {(sample.name, name, value) for name, value in sample.labels.items()}
    rules: list[dict[str, Any]] = [
        rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]
    ]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 5
    for rule in rules:
        assert rule.keys() == {"alert", "expr", "for", "annotations"} and re.fullmatch(r"\d+m", rule["for"])
        asked = re.findall(r"\b(up|artsim_\w+|process_\w+)\b(?:\{([^}]*)\})?", rule["expr"])
        assert asked, rule["expr"]
        for metric, selector in asked:
            assert metric in labels, metric
            for name, value in re.findall(r'(\w+)="([^"]*)"', selector):
                assert name in labels[metric] | OF_PROMETHEUS, (metric, name)
                assert name in {"job", "status"} or (metric, name, value) in values or value in OUTCOMES
        shown = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        grouped = [set(re.findall(r"\w+", by)) for by in re.findall(r"by \(([^)]*)\)", rule["expr"])]
        kept = grouped[0] if grouped else OF_PROMETHEUS
        assert shown <= kept, f"{rule['alert']} shows labels that its sum has not"
