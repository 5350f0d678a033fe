"""What stands above and in the results: which work a photograph shows, where closeness ends, and their order."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from artsim.evaluation.distortions import generator
from artsim.evaluation.museum_photographs import framed
from artsim.images.decode import load_image

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CARD = ".recognition .recognised"


@pytest.fixture(scope="module")
def photograph(met_works: list[dict[str, Any]]) -> tuple[bytes, dict[str, Any]]:
    """A framed painting on a wall, askew; and the work that it is of."""
    work = met_works[27]
    buffer = io.BytesIO()
    framed(load_image(work["image"]["bytes"]), generator(3, "27", "framed")).image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue(), work


def says(one: Any) -> str:
    return one.page.locator(".recognition > p").inner_text()


def wait_for_heading(one: Any, text: str) -> None:
    one.page.wait_for_function("(text) => document.querySelector('#results h1')?.innerText === text", arg=text)
    one.settle()


def test_a_photograph_is_recognised_after_its_results_and_these_become_those_of_the_work(
    visit: Callable[..., Any], photograph: Any
) -> None:
    data, work = photograph
    title = work["title"]
    one = visit()
    held: list[Any] = []
    one.page.route("**/recognition?*", lambda route: held.append(route))
    one.upload(name="museum.jpg", data=data)
    assert one.heading() == "Works like your picture", "the results do not wait"
    assert one.titles()
    assert says(one) == "Is it in this collection? Looking …"
    one.page.wait_for_function("document.querySelector('.recognition > p').role === 'status'")
    held[0].continue_()
    one.page.wait_for_selector(CARD)
    wait_for_heading(one, f"Works like {title}")
    assert says(one) == f"This is {title}, {work['artist']}, {work['date']}"
    assert one.page.locator(f"{CARD} a.visit").get_attribute("href") == work["url"]
    one.page.wait_for_function(
        "[...document.querySelectorAll('.recognised img')].filter((image) => image.naturalWidth > 99).length === 2"
    )
    shapes = one.page.locator(f"{CARD} img").evaluate_all(
        "(images) => images.map((image) => image.naturalWidth / image.naturalHeight)"
    )
    assert shapes[0] == pytest.approx(shapes[1], rel=0.02), "straightened"
    assert "upload" not in one.page.url
    assert f"work={work['id']}" in one.page.url
    assert title not in one.titles()
    assert not one.scrolls_sideways()

    one.press(f"{CARD} [data-act=open]")
    one.page.wait_for_selector("dialog.detail[open]")
    one.page.keyboard.press("Escape")
    one.closed()

    one.press(f"{CARD} [data-act=photograph]")  # undone in one tap
    wait_for_heading(one, "Works like your picture")
    assert one.page.url.endswith("?upload=1")
    assert says(one).startswith("This is ")
    one.press(f"{CARD} [data-act=search]")
    wait_for_heading(one, f"Works like {title}")
    for heading in ("Works like your picture", f"Works like {title}", "Works like your picture"):
        one.page.go_back()
        wait_for_heading(one, heading)
        one.still(300)
        assert one.heading() == heading, "a step back leads no further"
        assert says(one).startswith("This is ")
    one.page.go_forward()
    wait_for_heading(one, f"Works like {title}")
    one.page.unroute("**/recognition?*")
    one.page.reload()
    one.page.wait_for_selector(CARD)
    assert one.heading() == f"Works like {title}"
    one.page.locator("[data-action=language]").select_option("de")
    one.page.wait_for_selector(CARD)
    assert says(one).startswith("Das ist "), "another language keeps the picture"
    assert one.page.locator(f"{CARD} [data-act=photograph]").is_visible()
    one.press("[data-act=restart]")
    one.page.wait_for_selector('#results [data-state="empty"] .card')
    assert says(one) == ""
    assert len(held) == 1, "asked once before the reload"


def test_a_picture_of_no_work_is_said_to_be_none_and_a_changed_query_is_not_overtaken(
    visit: Callable[..., Any], mine: Any, photograph: Any
) -> None:
    one = visit()
    one.upload(name="mine.jpg", data=mine[0])
    one.page.wait_for_function("document.querySelector('.recognition cite')")
    assert says(one) == "Not among the 174 works of Paintings of The Met"
    assert one.heading() == "Works like your picture"
    assert one.page.locator(CARD).count() == 0

    held: list[Any] = []
    one.page.route("**/recognition?*", lambda route: held.append(route))
    one.upload(name="museum.jpg", data=photograph[0])
    title = one.titles()[1]
    with one.page.expect_event("requestfailed"):
        one.press(one.page.locator("#results .card-face").nth(1))
        one.press("dialog.detail [data-act=search]")
    wait_for_heading(one, f"Works like {title}")
    assert (says(one), one.page.locator(CARD).count(), len(held)) == ("", 0, 1)


def test_the_list_says_where_closeness_ends_and_is_sorted(visit: Callable[..., Any], met_works: Any) -> None:
    identity = met_works[3]["id"]
    one = visit(f"?work={identity}&k=100")
    assert "most similar first" in one.page.locator(".results-count").inner_text()
    assert "%" not in one.page.locator("#results").inner_text()
    words = one.page.locator("#results .badge").all_text_contents()
    order = ["very similar", "similar", "loosely similar"]
    assert [order.index(word) for word in words] == sorted(order.index(word) for word in words)
    folded = one.page.locator(".beyond .card")
    assert 0 < folded.count() < 100
    assert not folded.first.is_visible()
    one.press(".beyond > summary")
    assert "No close match beyond this point" in one.page.locator(".beyond > summary").inner_text()
    assert folded.first.is_visible()

    one.page.locator("[data-order]").focus()
    one.page.locator("[data-order]").select_option("year")
    one.page.wait_for_url("**&sort=year")
    one.settle()
    assert one.page.evaluate("document.activeElement.matches('[data-order]')"), "the field that was used"
    year_of = {work["id"]: work["year"] for work in met_works}
    shown = one.page.locator("#results .grid").first.locator(".card")
    years = [year_of[work] for work in shown.evaluate_all("(cards) => cards.map((card) => card.dataset.work)")]
    assert years == sorted(years)
    one.go(f"?work={identity}&min_score=0.3")
    assert "at least similar" in one.page.locator(".within").inner_text()
    assert set(one.page.locator("#results .badge").all_text_contents()) <= set(order[:2])
    one.press("[data-least]")
    one.page.wait_for_url(lambda url: "min_score" not in url)
