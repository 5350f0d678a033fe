"""Explore without a query, as visitors do: zoom into the map, browse, follow a path, compare two works."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

desktop_only = pytest.mark.parametrize("size", ["desktop"], indirect=True)
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


def zoom(one: Any) -> float:
    """How near the map is, as its address says."""
    return float(one.page.evaluate("location.hash").split(",")[2])


PAINTED = """() => {
    const canvas = document.querySelector("#map canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let place = 0; place < data.length; place += 4004) if (data[place + 3] > 200) colours.add(data[place] >> 4);
    return colours.size > 5;
}"""
"""Whether the map shows pictures: many colours where the canvas is."""
IN_THE_MIDDLE = """async () => {
    const { columns } = JSON.parse(facts.textContent);
    const [x, y] = location.hash.slice(1).split(",").map((place) => Math.floor(columns * place));
    const works = await fetch("map/works/0").then((answer) => answer.json());
    return works[y * columns + x][1];
}"""
"""The title of the work where the address says that one is."""


def test_the_map_shows_pictures_and_a_click_searches(visit: Callable[..., Any]) -> None:
    from playwright.sync_api import TimeoutError as TooLate

    one = visit("map", reduced_motion="reduce")
    ready(one)
    one.page.wait_for_function(PAINTED)
    assert not one.scrolls_sideways()
    x, y = middle_of_the_map(one)
    if one.touch:
        one.page.wait_for_function("() => location.hash")
        before = zoom(one)
        one.spread(x, y)
        one.page.wait_for_function("(before) => Number(location.hash.split(',')[2]) > 1.2 * before", arg=before)
        title = one.page.evaluate(IN_THE_MIDDLE)
    else:
        one.page.mouse.move(x, y)
        title = title_pointed_at(one)
    for _ in range(3):  # a click on what is small goes nearer first, and that then is in the middle
        one.press_at(x, y)
        try:
            one.page.wait_for_url("**work=**", timeout=1500, wait_until="commit")
            break
        except TooLate:
            continue
    one.page.wait_for_selector('[data-state="matches"]')
    assert title in one.heading()
    one.page.go_back()
    ready(one)


@desktop_only
def test_the_map_is_used_by_keyboard_alone(visit: Callable[..., Any]) -> None:
    one = visit("map", reduced_motion="reduce")
    ready(one)
    one.page.locator(CANVAS).focus()
    titles = []
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        one.page.keyboard.press(key)
        one.still()
        titles.append(title_pointed_at(one))
    assert titles[0] == titles[4] and len(set(titles[:4])) == 4, "four steps lead around and back"
    one.page.wait_for_function("() => location.hash")
    whole = zoom(one)
    one.page.keyboard.press("+")
    one.page.wait_for_function("(whole) => Number(location.hash.split(',')[2]) > 1.2 * whole", arg=whole)
    one.page.keyboard.press("0")
    one.page.wait_for_function("(whole) => Number(location.hash.split(',')[2]) < 1.2 * whole", arg=whole)
    one.page.keyboard.press("Enter")
    one.page.wait_for_selector('[data-state="matches"]')
    assert titles[4] in one.heading()


def test_a_place_on_the_map_is_a_link(visit: Callable[..., Any], app: Any) -> None:
    one = visit("map", reduced_motion="reduce")
    ready(one)
    columns, rows = one.page.evaluate("(({ columns, rows }) => [columns, rows])(JSON.parse(facts.textContent))")
    works = one.page.evaluate("fetch('map/works/0').then((answer) => answer.json())")
    identity, title, _ = works[rows // 2 * columns + columns // 2]
    one.page.goto(f"{app.url}map?work={identity}")
    assert title_pointed_at(one) == title
    one.page.wait_for_function("() => location.hash")
    one.page.goto(f"{app.url}map{one.page.evaluate('location.hash')}")
    ready(one)
    if one.touch:
        one.press_at(*middle_of_the_map(one))
        one.page.wait_for_url("**work=**", wait_until="commit")
        one.page.wait_for_selector('[data-state="matches"]')
        assert title in one.heading()
    else:
        one.page.mouse.move(*middle_of_the_map(one))
        assert title_pointed_at(one) == title


def test_browsing_narrows_down_and_searches(visit: Callable[..., Any]) -> None:
    one = visit("browse")
    assert one.page.locator(".grid .card").count() == 60
    assert not one.scrolls_sideways()
    if one.touch:
        assert not one.page.locator(".browse-facets nav").is_visible()
        one.press(".browse-facets > summary")
    facet = one.page.locator(".browse-facets nav section").first.locator("li a").first
    count = int(facet.locator(".count").inner_text())
    one.press(facet)
    one.page.wait_for_url("**where.**")
    assert one.page.locator(".grid .card").count() == count
    title = one.page.locator(".grid .title").first.inner_text()
    one.press(".grid a.card-face")
    one.page.wait_for_selector('[data-state="matches"]')
    assert title in one.heading()


def test_a_path_fades_from_picture_to_picture(visit: Callable[..., Any]) -> None:
    one = visit("path?steps=5")
    titles = one.page.locator(".path-steps .title").all_inner_texts()
    assert len(titles) == 5
    assert not one.scrolls_sideways()
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
    assert not one.scrolls_sideways()
    shots = [one.page.locator(f"#view-{side}") for side in "ab"]
    before = seen(one, shots)
    nearer(one, shots[0])
    zoomed = seen(one, shots)
    assert before[0] != zoomed[0] and before[1] != zoomed[1], "both went nearer"
    one.page.uncheck("#together")
    alone = seen(one, shots)
    nearer(one, shots[0])
    after = seen(one, shots)
    assert alone[0] != after[0] and alone[1] == after[1], "only the one that was asked to went nearer"
    one.press(one.page.locator(".compare-zoom [data-zoom=whole]"))
    assert seen(one, shots)[1] == before[1]


def nearer(one: Any, view: Any) -> None:
    """By two fingers, or by the keyboard."""
    if one.touch:
        box = view.bounding_box()
        one.spread(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    else:
        view.locator(".openseadragon-canvas").focus()
        one.page.keyboard.press("+")


def seen(one: Any, views: list[Any]) -> list[str]:
    """What each viewer has drawn, once it moves no more: a busy machine may take a while from one frame to the next."""
    drawn: list[str] = []
    rests = 0
    for _ in range(40):
        before, drawn = drawn, [view.locator("canvas").first.evaluate("(one) => one.toDataURL()") for view in views]
        rests = rests + 1 if before == drawn else 0
        if rests == 3:
            break
        one.page.evaluate("() => new Promise((done) => setTimeout(() => requestAnimationFrame(done), 60))")
    return drawn
