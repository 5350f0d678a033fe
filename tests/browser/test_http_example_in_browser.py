"""The JavaScript example of docs/http.md as a module in a page: it has no dependencies."""

import base64
from typing import Any

import pytest
from app_process import ROOT, RunningApp

pytestmark = pytest.mark.browser

_RUN = """async ([source, picture]) => {
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const { show } = await import(address);
    const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
    const lines = [];
    await show(new URL("/", location.href), new Blob([bytes]), (line) => lines.push(line));
    return lines;
}"""


def test_the_example_searches_from_a_page(chromium: Any, app: RunningApp, met_works: list[dict[str, Any]]) -> None:
    source = (ROOT / "docs" / "examples" / "client.mjs").read_text(encoding="utf-8")
    page = chromium.new_page()
    page.goto(f"{app.url}healthz")
    lines = page.evaluate(_RUN, [source, base64.b64encode(met_works[50]["image"]["bytes"]).decode()])
    page.close()
    assert lines[0].startswith(f"1. {met_works[50]['title']} (")
    assert "embeds pictures, not text" in lines[-1]
