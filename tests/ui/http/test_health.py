"""`/healthz` and `/readyz` while the encoder is loading, when it is ready, and after it has failed."""

from pathlib import Path
from typing import Any

import pytest
from served import context_over
from starlette.applications import Starlette
from starlette.testclient import TestClient

from artsim import open_collection
from artsim.ui.context import Context
from artsim.ui.http.health import health_routes
from artsim.version import VERSION


@pytest.fixture
def context(saved: Path, tmp_path: Path) -> Context:
    return context_over(open_collection(saved), tmp_path)


def get(context: Context, path: str, host: str = "127.0.0.1") -> tuple[int, dict[str, Any]]:
    answer = TestClient(Starlette(routes=health_routes(context)), base_url=f"http://{host}").get(path)
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()


def test_while_the_encoder_is_loading_the_app_is_healthy_and_then_it_is_ready_too(context: Context) -> None:
    expected = {"works": 40, "encoder": "loading", "version": VERSION}
    assert get(context, "/healthz") == (200, {"status": "ok", **expected})
    assert get(context, "/readyz") == (503, {"status": "loading", **expected})
    context.readiness.load()
    ready = (200, {"status": "ok", **expected, "encoder": "ready"})
    assert get(context, "/healthz") == get(context, "/readyz") == ready


def test_an_encoder_that_cannot_be_loaded_is_reported_to_this_machine_with_the_reason(
    copy: Path, context: Context, tmp_path: Path
) -> None:
    manifest = copy / "artsim.json"
    encoder = context.collection.state.spaces[0].encoder
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(encoder, encoder + "-gone"), encoding="utf-8")
    broken = context_over(open_collection(copy), tmp_path)
    broken.readiness.load()
    for path in ("/healthz", "/readyz"):
        status, body = get(broken, path)
        assert status == 503 and body["status"] == body["encoder"] == "failed" and body["reason"]
        elsewhere, said = get(broken, path, "museum.example")
        assert elsewhere == 503 and "reason" not in said
