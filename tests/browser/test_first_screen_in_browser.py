"""The frame of the pages: the first screen, the way by keyboard to the first picture, and what a phone needs."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

both = pytest.mark.parametrize("size", ["desktop", "phone"], indirect=True)
phone_only = pytest.mark.parametrize("size", ["phone"], indirect=True)
MOST_STOPS = 25
"""Stops of the tab key before the first picture."""

_COVERED = """() => [...document.querySelectorAll("#results .card .frame img")].flatMap((image) => {
    const { left, top, width, height, bottom } = image.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight || !image.complete) return [];
    const points = [.1, .5, .9].flatMap((x) => [.1, .5, .9].map((y) => [left + x * width, top + y * height]));
    return points.map(([x, y]) => document.elementFromPoint(x, y))
        .filter((over) => !image.closest(".card-face").contains(over)).map((over) => over?.className ?? "nothing");
})"""
"""What lies over the pictures that are on the screen."""

_SMALL = """() => {
    const seen = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest(".unseen, .skip");
    const inText = (one) => one.matches("a") && one.closest("p, dd, figcaption, .fine");
    const target = (one) => (one.matches("[type=checkbox], [type=radio]") ? one.closest("label") ?? one : one);
    const controls = [...document.querySelectorAll("a[href], button, input, select, summary")];
    return controls.filter((one) => seen(target(one)) && !inText(one)).map((one) => [one, target(one).getBoundingClientRect()])
        .filter(([, { width, height }]) => width && (width < 43.9 || height < 43.9))
        .map(([one, { width, height }]) => `${one.outerHTML.slice(0, 90)}: ${Math.round(width)} x ${Math.round(height)}`);
}"""
"""The controls that a finger would miss. Links in running text may be smaller."""


def whole_works(one: Any) -> int:
    """How many works, with their labels and buttons, are whole on the screen."""
    cards = "[...document.querySelectorAll('#results .card')].map((card) => card.getBoundingClientRect())"
    return int(one.page.evaluate(f"{cards}.filter(({{ top, bottom }}) => top >= 0 && bottom <= innerHeight).length"))


def stops(one: Any) -> int:
    """How many things take the focus before the first picture."""
    one.page.evaluate("document.activeElement.blur()")
    for count in range(60):
        one.page.keyboard.press("Tab")
        if one.page.evaluate("Boolean(document.activeElement.closest('.card'))"):
            return count
    return 60


@both
def test_few_things_take_the_focus_before_the_first_picture_and_the_first_skips_the_rest(
    visit: Callable[..., Any], size: dict[str, Any]
) -> None:
    one = visit(**({} if size.get("is_mobile") else {"width": 1366, "height": 768}))
    assert one.page.locator("h1:visible").count() == 1
    assert whole_works(one) > 0
    assert stops(one) <= MOST_STOPS
    one.press("#results .card-face")
    one.page.wait_for_selector('[data-state="matches"] .badge')
    one.settle()
    assert stops(one) <= MOST_STOPS
    for address in ("explore", "?work=nothing"):
        one.go(address)
        one.page.keyboard.press("Tab")
        assert "skip" in one.page.evaluate("document.activeElement.className")
        one.page.keyboard.press("Enter")
        assert one.page.evaluate("document.activeElement.id") in ("content", "results")
    one.go("timeline")
    assert one.page.locator("nav [aria-current]").all_inner_texts() == ["Explore", "Timeline"]


@phone_only
def test_on_a_phone_the_query_stays_in_sight_and_nothing_covers_the_pictures(visit: Callable[..., Any]) -> None:
    one = visit()
    assert one.page.evaluate(_COVERED) == []
    one.press("#results .card-face")
    one.page.wait_for_selector('[data-state="matches"] .badge')
    one.settle()
    assert whole_works(one) > 0
    assert one.page.evaluate(_COVERED) == []
    preset = one.page.locator("#presets label", has_text="Style").bounding_box()
    assert preset and preset["x"] > 0 and preset["x"] + preset["width"] < 390 and preset["y"] < 400, "a tap away"
    one.page.evaluate("window.scrollTo(0, 1500)")
    one.still()
    box = one.page.locator(".part-picture img").bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] < 100, "the query"
    one.press(one.page.locator("#results .card-face").nth(10))
    one.page.wait_for_selector("dialog.detail[open]")
    before = one.page.evaluate("scrollY")
    for _ in range(2):
        one.drag((195, 700), (195, 200))
    one.still()
    assert one.page.evaluate("scrollY") == before, "the dialog holds the scroll"


@phone_only
def test_on_a_phone_every_control_is_large_enough_for_a_finger(visit: Callable[..., Any]) -> None:
    one = visit()
    small = {"start": one.page.evaluate(_SMALL)}
    identity = one.page.locator("#results .card").first.get_attribute("data-work")
    one.go(f"?work={identity}&not={one.page.locator('#results .card').nth(1).get_attribute('data-work')}")
    small["results"] = one.page.evaluate(_SMALL)
    one.unfold()
    for panel in ("#filters", "#advanced"):
        one.press(f"{panel} > button")
    one.press('[data-column="culture"] summary')
    one.still()
    small["options"] = one.page.evaluate(_SMALL)
    one.press("#results .card-face")
    one.page.wait_for_selector("dialog.detail[open]")
    small["detail"] = one.page.evaluate(_SMALL)
    for address in (
        "map",
        "explore",
        "browse",
        "path?steps=5",
        "compare",
        f"timeline?work={identity}",
        "how",
        "collection",
    ):
        one.go(address)
        small[address] = one.page.evaluate(_SMALL)
        assert one.page.locator("header nav [aria-current]:visible").count() > 0, "where one is"
    assert {where: found for where, found in small.items() if found} == {}


@both
def test_the_map_opens_whole(visit: Callable[..., Any]) -> None:
    one = visit("map", reduced_motion="reduce")
    one.page.wait_for_selector('#map:not([aria-busy]) .openseadragon-canvas[role="application"]')
    bounds = "(({ x, y, width, height }) => [x, y, x + width, y + height])"
    shown = one.page.evaluate(f"{bounds}(OpenSeadragon.getViewer('map').viewport.getBounds())")
    whole = one.page.evaluate(f"{bounds}(OpenSeadragon.getViewer('map').world.getHomeBounds())")
    beyond = [shown[0] - whole[0], shown[1] - whole[1], whole[2] - shown[2], whole[3] - shown[3]]
    assert max(beyond) < 1e-6
