"""The views of what the collection can tell, as visitors use them: likeness in time, evaluation."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_work_is_set_in_time_and_the_next_one_too(visit: Callable[..., Any]) -> None:
    one = visit("timeline")
    title = one.page.locator(".grid .title").first.inner_text()
    one.press(".grid a.card-face")
    one.page.locator("h1", has_text=f"{title}, in time").wait_for()
    assert one.page.locator(".timeline-plot").count() > 0
    assert not one.scrolls_sideways()
    one.press(one.page.locator(".choices-row a").nth(1))
    one.page.wait_for_url("**decay=50**")
    assert one.page.locator(".choices-row a[aria-current]").inner_text() == "half for every 50 years between"
    listed = one.page.locator(".timeline-list .title").first.inner_text()
    one.press(".timeline-list a.card-face")
    one.page.locator("h1", has_text=f"{listed}, in time").wait_for()
    one.press(one.page.get_by_text("Search with this work"))
    one.page.wait_for_selector('[data-state="matches"]')
    assert listed in one.heading()


def test_the_answers_are_measured_and_a_failure_is_looked_at(visit: Callable[..., Any]) -> None:
    one = visit("evaluation")
    label = one.page.locator("[name=label] option").first.get_attribute("value")
    one.page.select_option("[name=label]", label)
    one.press("form.row [type=submit]")
    table = one.page.locator(".scrolling table").first
    table.wait_for()
    assert table.locator("tbody tr").count() > 2
    assert 0 < float(table.locator("tbody td").first.inner_text()) <= 1
    assert not one.scrolls_sideways()
    title = one.page.locator(".grid .title").first.inner_text()
    one.press(".grid a.card-face")
    one.page.wait_for_selector('[data-state="matches"]')
    assert title in one.heading()


def test_the_whole_collection_is_looked_through_for_duplicates(visit: Callable[..., Any]) -> None:
    one = visit("duplicates")
    one.page.locator("main p:has-text('is there twice'), .duplicate-group").first.wait_for()
    assert not one.scrolls_sideways()
