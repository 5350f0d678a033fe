"""Nothing on the search page jumps: what stays in place while answers come and go, measured as browsers measure it."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST = 0.02
"""The sum of layout shifts at one step. Browsers call 0.1 good for a whole visit; here a button of the query panel is
allowed to move within it (0.008), and the panel itself, or all controls (0.03 to 0.5), are not."""

_WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) {
    const box = ({ node }) => node?.closest?.("#found, [id]:not(#found [id])")?.id ?? node?.nodeName ?? "something gone";
    const moved = shift.sources.map(box);
    window.shifts.push([shift.value, moved.join(", ")]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""


_REST = """() => new Promise((done) => {
    const places = () => [scrollX, scrollY, shifts.length].join();
    let [before, rests] = [places(), 0];
    const look = () => {
        rests = places() === before ? rests + 1 : 0;
        before = places();
        if (rests < 6) setTimeout(look, 40);
        else done();
    };
    look();
})"""
"""Until scrolling is over and nothing has moved for a quarter of a second."""


class Stillness:
    """Layout shifts of a visit since the last look, those right after a touch of the page included."""

    def __init__(self, visit: Any) -> None:
        self._page = visit.page

    def shifted(self) -> tuple[float, list[str]]:
        self._page.evaluate(_REST)
        shifts = self._page.evaluate("shifts.splice(0)")
        return round(sum(value for value, _ in shifts), 4), [moved for _, moved in shifts]


def test_nothing_jumps_while_answers_come_and_go_and_options_follow_a_query(
    visit: Callable[..., Any], mine: Any
) -> None:
    one = visit(init=_WATCH)
    one.page.wait_for_selector("body[data-drawn]")
    top = "document.querySelector('#results').getBoundingClientRect().top + scrollY"
    panel = "document.querySelector('.query').offsetHeight"
    still, found = Stillness(one), {}
    found["load"] = still.shifted()
    one.upload(name="first.jpg", data=mine[0])
    found["first picture"] = still.shifted()
    before = one.page.evaluate(f"[{top}, {panel}]")
    one.upload(name="second.jpg", data=mine[0])
    found["second picture"] = still.shifted()
    assert one.page.evaluate(f"[{top}, {panel}]") == before
    one.press(one.page.locator("#results .card-face").nth(1))
    one.page.wait_for_selector("dialog.detail[open] .detail-body[data-work]")
    found["detail"] = still.shifted()
    one.page.keyboard.press("Escape")
    found["detail closed"] = still.shifted()
    one.press("[data-act=restart]")
    one.page.wait_for_selector('#results [data-state="empty"] .card')
    one.settle()
    found["start again"] = still.shifted()
    assert {step: shifted for step, shifted in found.items() if shifted[0] > MOST} == {}

    assert not one.page.locator("#presets").is_visible(), "options follow a query"
    one.press(one.page.locator("#results .card-face").first)
    one.page.wait_for_selector('[data-state="matches"]')
    one.press(one.page.locator("#presets label").nth(3))
    one.page.wait_for_url("**preset=color**")
