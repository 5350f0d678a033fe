"""axe-core over every view, in light and dark: nothing that it calls serious or critical."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCHEMES = ("light", "dark")
PAGES = ("map", "browse", "path", "timeline", "duplicates", "evaluation", "collection", "how")


def violations(page: Any) -> list[str]:
    """What axe-core finds serious or critical, each with the element that it is about."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{item['id']}: {item['nodes'][0]['html'][:160]} ({item['nodes'][0].get('failureSummary', '')[:200]})"
        for item in found
        if item["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_search_with_and_without_results(visit: Callable[..., Any], scheme: str) -> None:
    one = visit(color_scheme=scheme, reduced_motion="reduce")
    assert violations(one.page) == []
    one.page.locator("#results .card-face").first.click()
    one.page.wait_for_selector('[data-state="matches"]')
    one.settle()
    for title in ("#filters", "#mix", "#advanced"):
        one.page.locator(f"{title} > button").click()
    assert violations(one.page) == []
    one.page.locator("#results .card-face").first.click()
    one.page.wait_for_selector("dialog.detail[open]")
    assert violations(one.page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_page(visit: Callable[..., Any], app: Any, scheme: str) -> None:
    one = visit(color_scheme=scheme, reduced_motion="reduce")
    identity = one.page.locator("#results .card").first.get_attribute("data-work")
    found = {}
    for address in (*PAGES, f"timeline?work={identity}", "timeline?work=nothing"):
        one.page.goto(f"{app.url}{address}")
        found[address] = violations(one.page)
    one.complaints.clear()  # the last page is an error, and the browser says so
    assert {address: problems for address, problems in found.items() if problems} == {}


@pytest.mark.parametrize("width", [390, 768, 1920])
def test_no_page_scrolls_sideways(visit: Callable[..., Any], app: Any, width: int) -> None:
    one = visit(width=width)
    wide = []
    for address in ("", "de", *PAGES):
        one.page.goto(f"{app.url}{address}")
        one.page.wait_for_selector("h1")
        if one.scrolls_sideways():
            wide.append(address)
    assert wide == []
