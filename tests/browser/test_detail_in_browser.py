"""The detail of a work while it is fetched, and where it cannot be."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Visit = Callable[..., Any]


def test_a_detail_says_that_it_is_loaded_and_why_it_is_not(visit: Visit) -> None:
    one = visit()
    one.go(f"?work={one.page.locator('#results .card').first.get_attribute('data-work')}")
    held: list[Any] = []
    one.page.route("**/detail?*", lambda route: held.append(route))
    one.page.locator("#results .card-face").first.focus()
    one.page.keyboard.press("Enter")
    dialog = one.page.locator("dialog.detail")
    said = dialog.locator("[role=status]:visible")
    assert (dialog.locator("h2").inner_text(), said.inner_text()) == (one.titles()[0], "Loading the details …")
    one.page.wait_for_function("document.querySelector('dialog.detail img').naturalWidth > 0")
    held.pop().continue_()
    dialog.locator(".detail-body[data-work] .bars").wait_for()
    assert one.page.evaluate("document.activeElement.matches('.detail-body[data-work] h2')")

    one.page.keyboard.press("ArrowRight")  # to the next work, while there is no connection
    assert (dialog.locator("h2").inner_text(), said.inner_text()) == (one.titles()[1], "Loading the details …")
    held.pop().abort()
    dialog.get_by_text("The details cannot be loaded: There is no answer.").wait_for()
    one.press(dialog.get_by_role("button", name="Try again"))
    held.pop().continue_(url=one.page.url.split("?")[0] + "detail?part=1&work=removed")
    dialog.get_by_text("There is no work").wait_for()
    one.page.unroute("**/detail?*")
    one.press(dialog.get_by_role("button", name="Try again"))
    dialog.locator(".detail-body[data-work] .bars").wait_for()
    assert one.page.evaluate("document.activeElement.matches('.detail-body[data-work] h2')")
    one.page.keyboard.press("ArrowLeft")
    assert dialog.locator(".bars").is_visible(), "what was fetched is there at once"
    one.complaints.clear()  # of the browser, about the answers that did not come
