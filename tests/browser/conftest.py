"""A real Chromium on the real app. Without a Chromium these tests are skipped, or fail if ARTSIM_REQUIRE_BROWSER=1."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from app_process import RunningApp, running_app, shared_cache

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip


def find_chromium() -> str | None:
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, _NAMES), "/usr/bin/chromium"]
    return next((path for path in candidates if path and Path(path).exists()), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    path = find_chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        message = "no Chromium and playwright here (set CHROMIUM to the path of one; pip install playwright)"
        (pytest.fail if os.environ.get("ARTSIM_REQUIRE_BROWSER") == "1" else pytest.skip)(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def app(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with running_app(shared_cache(tmp_path_factory)) as app:
        yield app


class Visit:
    """One visitor: a page, and what it must never do (errors in the console, requests to elsewhere)."""

    def __init__(self, page: Any, app: RunningApp, start: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(60_000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)
        self._host = urlsplit(app.url).netloc
        page.goto(f"{app.url}{start}")
        page.wait_for_selector("h1" if start else "#results .card")

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self._host:
            self.complaints.append(f"asked {request.url}")

    def settle(self) -> None:
        """Until the running search has answered."""
        self.page.wait_for_timeout(80)
        self.page.wait_for_function("!document.body.dataset.busy")

    def upload(self, *, name: str, data: bytes, kind: str = "image/jpeg") -> None:
        file = {"name": name, "mimeType": kind, "buffer": data}
        self.page.set_input_files('#query input[type="file"]', files=[file])
        self.settle()

    def titles(self) -> list[str]:
        return self.page.locator("#results .card .title").all_inner_texts()

    def heading(self) -> str:
        return self.page.locator("#results :is(h1, h2)").first.inner_text()

    def scrolls_sideways(self) -> bool:
        return self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


@pytest.fixture
def visit(chromium: Any, app: RunningApp) -> Iterator[Callable[..., Visit]]:
    """`visit(width=390, height=844)`: a fresh visitor; at the end, nothing may have gone wrong unseen.

    They come to the search, or with `start="map"` to that page.
    """
    contexts, visits = [], []

    def make(width: int = 1280, height: int = 900, start: str = "", **more: Any) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        visits.append(Visit(context.new_page(), app, start))
        return visits[-1]

    yield make
    for context in contexts:
        context.close()
    assert [complaint for one in visits for complaint in one.complaints] == []
