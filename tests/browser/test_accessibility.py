"""axe-core over every view, in light and dark, finds nothing serious or critical; and no view is wider than the screen."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = ("map", "browse", "path", "compare", "timeline", "duplicates", "evaluation", "collection", "how")
WIDTHS = (390, 768, 1920)


def violations(page: Any) -> list[str]:
    """What axe-core finds serious or critical, each with the element that it is about."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{item['id']}: {item['nodes'][0]['html'][:160]} ({item['nodes'][0].get('failureSummary', '')[:200]})"
        for item in found
        if item["impact"] in ("serious", "critical")
    ]


@pytest.fixture
def one(visit: Callable[..., Any], size: dict[str, Any]) -> Any:
    """A visitor with a desktop in the light, or a phone in the dark: axe-core takes longer than all else here, and no
    colour depends on the width."""
    return visit(color_scheme="dark" if size.get("is_mobile") else "light", reduced_motion="reduce")


def test_the_search_with_and_without_results(one: Any) -> None:
    assert violations(one.page) == []
    one.press("#results .card-face")
    one.page.wait_for_selector('[data-state="matches"]')
    one.settle()
    one.settings()
    for title in ("#filters", "#mix", "#advanced"):
        one.press(f"{title} > button")
    assert violations(one.page) == []
    one.press("#results .card-face")
    one.page.wait_for_selector("dialog.detail[open]")
    assert violations(one.page) == []


def test_every_page(one: Any) -> None:
    identity = one.page.locator("#results .card").first.get_attribute("data-work")
    found = {}
    for address in (*PAGES, f"timeline?work={identity}", f"encoders?work={identity}", "timeline?work=nothing"):
        one.go(address)
        found[address] = violations(one.page)
    one.complaints.clear()  # the last page is an error, and the browser says so
    assert {address: problems for address, problems in found.items() if problems} == {}


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_no_page_scrolls_sideways(visit: Callable[..., Any]) -> None:
    one = visit(width=WIDTHS[0])
    wide = []
    for address in ("", "de", *PAGES):
        one.page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        one.go(address)
        for width in WIDTHS:
            one.page.set_viewport_size({"width": width, "height": 900})
            if one.scrolls_sideways():
                wide.append((address, width))
    assert wide == []
