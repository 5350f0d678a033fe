"""Accessibility: axe-core finds nothing serious or critical in any view, light or dark; no view scrolls sideways."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = ("map", "explore", "browse", "path", "compare", "timeline", "duplicates", "evaluation", "collection", "how")
WIDTHS = (390, 768, 1920)


def violations(page: Any) -> list[str]:
    """Serious and critical violations found by axe-core, each with its element."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{item['id']}: {item['nodes'][0]['html'][:160]} ({item['nodes'][0].get('failureSummary', '')[:200]})"
        for item in found
        if item["impact"] in ("serious", "critical")
    ]


@pytest.fixture
def come(visit: Callable[..., Any], size: dict[str, Any]) -> Callable[..., Any]:
    """`come(start)`: a visitor with a light desktop or a dark phone. Two combinations are enough, as no colour depends on
    the width; axe-core is the slowest test here."""
    return partial(visit, color_scheme="dark" if size.get("is_mobile") else "light", reduced_motion="reduce")


@pytest.mark.parametrize("size", ["desktop", "phone"], indirect=True)
def test_the_search_with_and_without_results(come: Callable[..., Any]) -> None:
    visitor = come()
    assert violations(visitor.page) == []
    visitor.press("#results .card-face")
    visitor.page.wait_for_selector('[data-state="matches"]')
    visitor.settle()
    visitor.unfold()
    for title in ("#filters", "#advanced"):
        visitor.press(f"{title} > button")
    assert violations(visitor.page) == []
    visitor.press("#results .card-face")
    visitor.page.wait_for_selector("dialog.detail[open]")
    assert violations(visitor.page) == []


def test_every_page(come: Callable[..., Any], met_works: list[dict[str, Any]]) -> None:
    identity = met_works[0]["id"]
    visitor, found = come("how"), {}
    for address in ("de", *PAGES, f"timeline?work={identity}", f"encoders?work={identity}", "timeline?work=nothing"):
        visitor.go(address)
        found[address] = violations(visitor.page)
        shown = visitor.page.viewport_size
        for width in WIDTHS:
            visitor.page.set_viewport_size({"width": width, "height": 900})
            found[address] += [f"scrolls sideways at {width}"] * visitor.scrolls_sideways()
        visitor.page.set_viewport_size(shown)
    visitor.complaints.clear()  # the last page is an error, which the browser reports
    assert {address: problems for address, problems in found.items() if problems} == {}
