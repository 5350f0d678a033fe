"""The pages timeline and evaluation as visitors use them."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_timeline_leads_to_another_timeline_and_to_the_search(visit: Callable[..., Any]) -> None:
    visitor = visit("timeline")
    title = visitor.page.locator(".grid .title").first.inner_text()
    visitor.press(".grid a.card-face")
    visitor.page.locator("h1", has_text=f"{title}, in time").wait_for()
    assert visitor.page.locator(".timeline-plot").count() > 0
    assert not visitor.scrolls_sideways()
    visitor.press(visitor.page.locator(".choices-row a").nth(1))
    visitor.page.wait_for_url("**decay=50**")
    assert visitor.page.locator(".choices-row a[aria-current]").inner_text() == "half for every 50 years between"
    listed = visitor.page.locator(".timeline-list .title").first.inner_text()
    visitor.press(".timeline-list a.card-face")
    visitor.page.locator("h1", has_text=f"{listed}, in time").wait_for()
    visitor.press(visitor.page.get_by_text("Search with this work"))
    visitor.page.wait_for_selector('[data-state="matches"]')
    assert listed in visitor.heading()


def test_an_evaluation_shows_figures_and_leads_to_a_failure(visit: Callable[..., Any]) -> None:
    visitor = visit("evaluation")
    label = visitor.page.locator("[name=label] option").first.get_attribute("value")
    visitor.page.select_option("[name=label]", label)
    visitor.press("form.row [type=submit]")
    table = visitor.page.locator(".scrolling table").first
    table.wait_for()
    assert table.locator("tbody tr").count() > 2
    assert 0 < float(table.locator("tbody td").first.inner_text()) <= 1
    assert not visitor.scrolls_sideways()
    title = visitor.page.locator(".grid .title").first.inner_text()
    visitor.press(".grid a.card-face")
    visitor.page.wait_for_selector('[data-state="matches"]')
    assert title in visitor.heading()
