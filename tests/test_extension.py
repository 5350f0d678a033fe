"""A new encoder, a new source and a new page are one file and one line in a registry, here from outside the package."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from app_process import free_port
from counting import Grid
from odd_pictures import encode
from PIL import Image
from served import served, settings_of
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from artsim import build_collection, open_collection, open_source
from artsim.encoders import EncoderFamily, load_encoder, register_encoder, registry
from artsim.sources import Source, SourceKind, register_source
from artsim.sources import registry as sources
from artsim.ui.pages import registry as pages
from artsim.ui.startup import open_or_build

SHADES = {"red": (200, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 200), "white": (250, 250, 250)}


def open_shades(address: str) -> Source:
    """Works of one shade each."""
    from datasets import Value

    def works(start: int) -> Iterator[dict[str, Any]]:
        for name, shade in list(SHADES.items())[start:]:
            image = encode(Image.new("RGB", (40, 40), shade), "PNG")
            yield {"id": name, "title": f"{address} {name}", "image": {"bytes": image}}

    features = {"id": Value("string"), "title": Value("string")}
    return Source(f"shades:{address}", "Shades", works, features, repr(SHADES), size=len(SHADES))


@pytest.fixture
def extended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registries with one more entry each, until the test is over."""
    monkeypatch.setattr(registry, "_FAMILIES", list(registry._FAMILIES))
    monkeypatch.setattr(sources, "_KINDS", dict(sources._KINDS))
    monkeypatch.setattr(pages, "_PAGES", list(pages._PAGES))
    register_encoder(EncoderFamily("grid", lambda name: name == "grid", lambda *_: Grid()))
    register_source(SourceKind("shades", open_shades, "NAME", "plain"))
    page = ModuleType("shades_page")
    page.routes = lambda context: [  # type: ignore[attr-defined]
        Route("/shades", lambda request: PlainTextResponse(f"{len(context.collection)} shades"))
    ]
    monkeypatch.setitem(sys.modules, "shades_page", page)
    pages.register_page(pages.Page("shades", module="shades_page", label="Shades"))


@pytest.mark.slow
@pytest.mark.usefixtures("extended")
def test_an_encoder_a_source_and_a_page_from_outside_serve_a_collection(tmp_path: Path) -> None:
    build_collection(open_source("shades:plain"), load_encoder("grid"), tmp_path / "shades")
    collection = open_collection(tmp_path / "shades")
    assert collection.ids == list(SHADES)
    assert collection.work("red")["title"] == "plain red"
    (best, *_) = collection.search(
        image=Image.new("RGB", (50, 50), (245, 245, 245)), preset="subject", ranking="cosine"
    )
    assert best.id == "white"
    with served(collection, tmp_path / "app") as (address, _):
        assert httpx.get(f"{address}shades").text == "4 shades"
        assert "Shades" in httpx.get(f"{address}explore").text, "the navigation leads to it"


@pytest.mark.usefixtures("extended")
def test_a_first_start_builds_with_an_encoder_from_outside_in_its_own_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsim.building.pipeline.build_collection", lambda source, encoder, *_, **__: encoder)
    opened = open_or_build(settings_of("--encoder", "grid", "--port", str(free_port()), ARTSIM_CACHE=str(tmp_path)))
    assert isinstance(opened.collection, Grid)
