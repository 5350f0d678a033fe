"""Explore without a query, as visitors do: zoom into the map, browse, follow a path, compare two works."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DESKTOP, PHONE = (1280, 900), (390, 844)
CANVAS = "#map .openseadragon-canvas"


def ready(one: Any) -> None:
    """Until the map can be used."""
    one.page.wait_for_selector('#map:not([aria-busy]) .openseadragon-canvas[role="application"]')


def title_pointed_at(one: Any) -> str:
    one.page.wait_for_selector(".map-caption a:not([hidden])")
    return one.page.locator(".map-caption .title").inner_text()


def middle_of_the_map(one: Any) -> tuple[float, float]:
    box = one.page.locator("#map").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def painted(one: Any) -> bool:
    """Whether the map shows pictures: many colours where the canvas is."""
    return one.page.evaluate(
        """() => {
            const canvas = document.querySelector("#map canvas");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const colours = new Set();
            for (let place = 0; place < data.length; place += 4004) if (data[place + 3] > 200) colours.add(data[place] >> 4);
            return colours.size > 5;
        }"""
    )


@pytest.mark.parametrize(("width", "height"), [DESKTOP, PHONE])
def test_the_map_shows_pictures_and_a_click_searches(visit: Callable[..., Any], width: int, height: int) -> None:
    from playwright.sync_api import TimeoutError as TooLate

    one = visit(width=width, height=height, start="map", reduced_motion="reduce")
    ready(one)
    for _ in range(100):
        if painted(one):
            break
        one.page.wait_for_timeout(150)
    else:
        pytest.fail("the map stayed empty")
    assert not one.scrolls_sideways()
    x, y = middle_of_the_map(one)
    one.page.mouse.move(x + 4, y + 4)
    title = title_pointed_at(one)
    for _ in range(3):  # a click on what is small goes nearer first, and that then is in the middle
        one.page.mouse.click(x + 4, y + 4)
        try:
            one.page.wait_for_url("**work=**", timeout=1500, wait_until="commit")
            break
        except TooLate:
            continue
    one.page.wait_for_selector('[data-state="matches"]')
    assert title in one.heading()
    one.page.go_back()
    ready(one)


def test_the_map_is_used_by_keyboard_alone(visit: Callable[..., Any]) -> None:
    one = visit(start="map", reduced_motion="reduce")
    ready(one)
    one.page.locator(CANVAS).focus()
    titles = []
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        one.page.keyboard.press(key)
        one.page.wait_for_timeout(250)
        titles.append(title_pointed_at(one))
    assert titles[0] == titles[4] and len(set(titles[:4])) == 4, "four steps lead around and back"
    one.page.wait_for_function("() => location.hash")
    whole = float(urlsplit(one.page.url).fragment.split(",")[2])
    one.page.keyboard.press("+")
    one.page.wait_for_function("(whole) => Number(location.hash.split(',')[2]) > 1.2 * whole", arg=whole)
    one.page.keyboard.press("0")
    one.page.wait_for_function("(whole) => Number(location.hash.split(',')[2]) < 1.2 * whole", arg=whole)
    one.page.keyboard.press("Enter")
    one.page.wait_for_selector('[data-state="matches"]')
    assert titles[4] in one.heading()


def test_a_place_on_the_map_is_a_link(visit: Callable[..., Any], app: Any) -> None:
    one = visit(start="map", reduced_motion="reduce")
    ready(one)
    columns, rows = one.page.evaluate("(({ columns, rows }) => [columns, rows])(JSON.parse(facts.textContent))")
    works = one.page.evaluate("fetch('map/works/0').then((answer) => answer.json())")
    identity, title, _ = works[rows // 2 * columns + columns // 2]
    one.page.goto(f"{app.url}map?work={identity}")
    assert title_pointed_at(one) == title
    one.page.wait_for_function("() => location.hash")
    one.page.goto(f"{app.url}map#{urlsplit(one.page.url).fragment}")
    ready(one)
    one.page.mouse.move(*middle_of_the_map(one))
    assert title_pointed_at(one) == title


@pytest.mark.parametrize(("width", "height"), [DESKTOP, PHONE])
def test_browsing_narrows_down_and_searches(visit: Callable[..., Any], width: int, height: int) -> None:
    one = visit(width=width, height=height, start="browse")
    assert one.page.locator(".grid .card").count() == 60
    assert not one.scrolls_sideways()
    if width < 900:
        assert not one.page.locator(".browse-facets nav").is_visible()
        one.page.locator(".browse-facets > summary").click()
    facet = one.page.locator(".browse-facets nav section").first.locator("li a").first
    count = int(facet.locator(".count").inner_text())
    facet.click()
    one.page.wait_for_url("**where.**")
    assert one.page.locator(".grid .card").count() == count
    title = one.page.locator(".grid .title").first.inner_text()
    one.page.locator(".grid a.card-face").first.click()
    one.page.wait_for_selector('[data-state="matches"]')
    assert title in one.heading()


@pytest.mark.parametrize(("width", "height"), [DESKTOP, PHONE])
def test_a_path_fades_from_picture_to_picture(visit: Callable[..., Any], width: int, height: int) -> None:
    one = visit(width=width, height=height, start="path?steps=5")
    titles = one.page.locator(".path-steps .title").all_inner_texts()
    assert len(titles) == 5
    assert not one.scrolls_sideways()
    slider = one.page.locator(".path-controls input")
    slider.focus()
    for title in titles[1:]:
        one.page.keyboard.press("ArrowRight")
        assert one.page.locator(".path-title").inner_text().startswith(title)
    assert "5 of 5" in slider.get_attribute("aria-valuetext")
    one.page.click('[data-action="play"]')
    one.page.wait_for_function("() => Number(document.querySelector('.path-controls input').value) > 0.1")
    one.page.click('[data-action="play"]')
    address = one.page.url
    one.page.click(".way-first")
    one.page.wait_for_url(lambda url: url != address and "from=" in url)
    assert one.page.locator(".path-steps .card").count() == 5


@pytest.mark.parametrize(("width", "height"), [DESKTOP, PHONE])
def test_two_works_zoom_together_until_told_not_to(visit: Callable[..., Any], width: int, height: int) -> None:
    one = visit(width=width, height=height, start="compare", reduced_motion="reduce")
    one.page.wait_for_function("() => document.querySelectorAll('.compare-view[data-shown]').length === 2")
    assert not one.scrolls_sideways()
    shots = [one.page.locator(f"#view-{side}") for side in "ab"]
    before = [shot.screenshot() for shot in shots]
    shots[0].locator(".openseadragon-canvas").focus()
    one.page.keyboard.press("+")
    one.page.wait_for_timeout(500)
    zoomed = [shot.screenshot() for shot in shots]
    assert before[0] != zoomed[0] and before[1] != zoomed[1], "both went nearer"
    one.page.uncheck("#together")
    shots[0].locator(".openseadragon-canvas").focus()
    one.page.wait_for_timeout(200)
    alone = [shot.screenshot() for shot in shots]
    one.page.keyboard.press("+")
    one.page.wait_for_timeout(500)
    after = [shot.screenshot() for shot in shots]
    assert alone[0] != after[0] and alone[1] == after[1], "only the one with the focus went nearer"
