"""Explore without a query, as visitors do: zoom into the map, browse, follow a path, compare two works."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ZOOM = "(id) => OpenSeadragon.getViewer(id).viewport.getZoom()"
PAINTED = """() => {
    const canvas = document.querySelector("#map canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let place = 0; place < data.length; place += 4004) if (data[place + 3] > 200) colours.add(data[place] >> 4);
    return colours.size > 5;
}"""
"""Whether the map shows pictures: many colours where the canvas is."""


def ready(one: Any) -> None:
    """Until the map can be used."""
    one.page.wait_for_selector('#map:not([aria-busy]) .openseadragon-canvas[role="application"]')


def middle(view: Any) -> tuple[float, float]:
    box = view.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def zoom(one: Any, viewer: str) -> float:
    """How near the viewer with this id is, or goes."""
    return float(one.page.evaluate(ZOOM, viewer))


def nearer(one: Any, viewer: str) -> None:
    """Zoom in by two fingers, or by the wheel of the mouse."""
    (x, y), before = middle(one.page.locator(f"#{viewer}")), zoom(one, viewer)
    if one.touch:
        one.spread(x, y)
    else:
        one.page.mouse.move(x, y)
        one.page.mouse.wheel(0, -100)
    one.page.wait_for_function(f"([id, before]) => ({ZOOM})(id) > 1.05 * before", arg=[viewer, before])


def test_a_work_on_the_map_is_a_link_and_a_click_searches(visit: Callable[..., Any], app: Any) -> None:
    one = visit("map", reduced_motion="reduce")
    ready(one)
    one.page.wait_for_function(PAINTED)
    columns, rows = one.page.evaluate("(({ columns, rows }) => [columns, rows])(JSON.parse(facts.textContent))")
    works = one.page.evaluate("fetch('map/works/0').then((answer) => answer.json())")
    identity, title, _ = works[rows // 2 * columns + columns // 2]
    one.page.goto(f"{app.url}map?work={identity}")
    one.page.wait_for_selector(".map-caption a:not([hidden])")
    assert one.page.locator(".map-caption .title").inner_text() == title
    one.page.wait_for_function("() => location.hash")
    one.page.goto(f"{app.url}map{one.page.evaluate('location.hash')}")
    ready(one)
    nearer(one, "map")
    one.press_at(*middle(one.page.locator("#map")))
    one.page.wait_for_url("**work=**", wait_until="commit")
    one.page.wait_for_selector('[data-state="matches"]')
    assert title in one.heading()
    one.page.go_back()
    ready(one)


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_the_map_is_used_by_keyboard_alone(visit: Callable[..., Any]) -> None:
    one = visit("map", reduced_motion="reduce")
    ready(one)
    one.page.locator("#map .openseadragon-canvas").focus()
    caption = one.page.locator(".map-caption a")
    shown = [caption.get_attribute("href")]
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        one.page.keyboard.press(key)
        one.page.wait_for_function(
            "(before) => document.querySelector('.map-caption a').getAttribute('href') !== before", arg=shown[-1]
        )
        shown.append(caption.get_attribute("href"))
    assert shown[1] == shown[5] and len(set(shown[1:5])) == 4, "four steps lead around and back"
    one.page.keyboard.press("0")
    whole = zoom(one, "map")
    one.page.keyboard.press("+")
    assert zoom(one, "map") > 1.2 * whole
    one.page.keyboard.press("0")
    assert zoom(one, "map") == whole
    title = caption.locator(".title").inner_text()
    one.page.keyboard.press("Enter")
    one.page.wait_for_selector('[data-state="matches"]')
    assert title in one.heading()


def test_a_path_fades_from_picture_to_picture(visit: Callable[..., Any]) -> None:
    one = visit("path?steps=5")
    titles = one.page.locator(".path-steps .title").all_inner_texts()
    assert len(titles) == 5
    slider = one.page.locator(".path-controls input")
    slider.focus()
    for title in titles[1:]:
        one.page.keyboard.press("ArrowRight")
        assert one.page.locator(".path-title").inner_text().startswith(title)
    assert "5 of 5" in slider.get_attribute("aria-valuetext")
    one.press('[data-action="play"]')
    one.page.wait_for_function("() => Number(document.querySelector('.path-controls input').value) > 0.1")
    one.press('[data-action="play"]')
    address = one.page.url
    one.press(".way-first")
    one.page.wait_for_url(lambda url: url != address and "from=" in url)
    assert one.page.locator(".path-steps .card").count() == 5


def test_two_works_are_chosen_and_zoom_together_until_told_not_to(visit: Callable[..., Any]) -> None:
    one = visit(reduced_motion="reduce")
    one.press("#results .card-face")
    one.page.wait_for_selector('[data-state="matches"] .badge')
    one.settle()
    pair = [one.page.locator("#results .card").nth(place).get_attribute("data-work") for place in (0, 5)]
    one.press("#results .card-face")
    one.press('dialog.detail [data-act="compare"]')
    one.closed()
    assert "open another work" in one.page.locator(".compare-bar").inner_text()
    one.press(one.page.locator("#results .card-face").nth(5))
    one.page.wait_for_url(f"**/compare?a={pair[0]}&b={pair[1]}")
    one.page.wait_for_function("() => document.querySelectorAll('.compare-view[data-shown]').length === 2")

    def zooms() -> list[float]:
        return [zoom(one, viewer) for viewer in ("view-a", "view-b")]

    whole = zooms()
    nearer(one, "view-a")
    together = zooms()
    assert together[0] > whole[0] and together[1] > whole[1], "both went nearer"
    one.page.uncheck("#together")
    nearer(one, "view-a")
    assert zooms()[1] == together[1], "only the one that was asked to went nearer"
    one.press(".compare-zoom [data-zoom=whole]")
    assert zooms() == pytest.approx(whole)
