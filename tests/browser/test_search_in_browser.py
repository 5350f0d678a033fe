"""The search as visitors use it, in a real browser."""

import base64
import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def mine(met_works: list[dict[str, Any]]) -> tuple[bytes, dict[str, Any]]:
    """A real painting as a visitor might have it, smaller and compressed again, and the work that it is of."""
    work = met_works[50]
    image = Image.open(io.BytesIO(work["image"]["bytes"]))
    image.thumbnail((image.width // 2, image.height // 2))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue(), work


def test_an_empty_page_offers_works_to_start_from(visit: Callable[..., Any]) -> None:
    one = visit()
    assert len(one.titles()) == 12
    titles = one.titles()
    one.page.locator("#results .card-face").nth(3).click()
    one.page.wait_for_selector('[data-state="matches"]')
    assert one.heading() == f"Works like {titles[3]}"
    assert titles[3] not in one.titles()[:1]


def test_an_uploaded_picture_finds_its_work_first(visit: Callable[..., Any], mine: Any) -> None:
    data, work = mine
    one = visit()
    one.upload(name="mine.jpg", data=data)
    assert one.heading() == "Works like your picture"
    assert one.titles()[0] == work["title"]
    assert len(one.titles()) == 24
    assert "closer than 99" in one.page.locator("#results .badge").first.inner_text()


def test_a_pasted_picture_is_searched_with_nothing_focused(visit: Callable[..., Any], mine: Any) -> None:
    data, work = mine
    one = visit()
    one.page.evaluate(
        """(data) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([bytes], "image.png", { type: "image/png" }));
            document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }""",
        base64.b64encode(data).decode(),
    )
    one.settle()
    assert one.titles()[0] == work["title"]


def test_a_picture_dropped_anywhere_is_searched(visit: Callable[..., Any], mine: Any) -> None:
    data, work = mine
    one = visit()
    one.page.evaluate(
        """(data) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], "dropped.jpg", { type: "image/jpeg" }));
            document.querySelector("footer, .about").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
        }""",
        base64.b64encode(data).decode(),
    )
    one.settle()
    assert one.titles()[0] == work["title"]


def test_the_camera_takes_a_picture_and_searches_with_it(visit: Callable[..., Any]) -> None:
    one = visit(permissions=["camera"])
    one.page.click('[data-action="camera"]')
    one.page.wait_for_function("document.querySelector('dialog.camera video').videoWidth > 0")
    one.page.click('[data-action="snap"]')
    one.page.wait_for_selector('[data-state="matches"]')
    assert one.heading() == "Works like your picture"


def test_a_result_opens_its_detail_and_is_searched_with(visit: Callable[..., Any], mine: Any) -> None:
    data, work = mine
    one = visit()
    one.upload(name="mine.jpg", data=data)
    one.page.locator("#results .card-face").first.focus()
    one.page.keyboard.press("Enter")
    dialog = one.page.locator("dialog.detail")
    assert dialog.locator("h2").inner_text() == work["title"]
    bars = dialog.locator(".bars .bar-name > span").all_inner_texts()
    assert bars[:4] == ["Overall", "Subject", "Style", "Colour"]
    assert work["medium"] in dialog.inner_text()
    link = dialog.locator("a.visit")
    assert link.get_attribute("href") == work["url"]
    assert "noopener" in link.get_attribute("rel")
    one.page.keyboard.press("ArrowRight")
    second = dialog.locator("h2").inner_text()
    assert second == one.titles()[1]
    dialog.get_by_text("Search with this work").click()
    one.page.wait_for_function("(title) => document.querySelector('#results h1').innerText.includes(title)", arg=second)
    assert one.heading() == f"Works like {second}"
    assert not dialog.is_visible()


def test_escape_closes_the_detail_and_focus_returns_to_its_card(visit: Callable[..., Any]) -> None:
    one = visit()
    one.page.locator("#results .card-face").first.click()
    one.page.wait_for_selector('[data-state="matches"]')
    one.page.locator("#results .card-face").nth(2).click()
    assert one.page.locator("dialog.detail").is_visible()
    one.page.keyboard.press("Escape")
    assert not one.page.locator("dialog.detail").is_visible()
    focused = one.page.evaluate("document.activeElement.closest('.card').dataset.title")
    assert focused == one.titles()[2]


def test_filters_come_from_the_collections_columns(visit: Callable[..., Any], mine: Any) -> None:
    one = visit()
    one.upload(name="mine.jpg", data=mine[0])
    one.page.click("#filters > button")
    one.page.click('[data-column="culture"] summary')
    one.page.locator('[data-column="culture"] label', has_text="China").click()
    one.settle()
    assert "within your filters" in one.page.locator(".results-head").inner_text()
    assert 0 < len(one.titles()) <= 10
    assert "Nothing here is really close." in one.page.locator(".notice").inner_text()
    one.page.get_by_label("Year from").fill("1900")
    one.page.keyboard.press("Tab")
    one.settle()
    assert one.titles() == []
    assert "No work fits these filters" in one.page.locator(".notice").inner_text()
    one.page.click("#clear-filters")
    one.settle()
    assert len(one.titles()) == 24


def test_presets_move_the_sliders_and_sliders_leave_the_presets(visit: Callable[..., Any], mine: Any) -> None:
    one = visit()
    one.upload(name="mine.jpg", data=mine[0])
    one.page.click("#advanced > button")
    one.page.locator("#presets label", has_text="Style").click()
    one.settle()
    sliders = one.page.locator('#advanced input[type="range"]')
    names = one.page.locator("#advanced .amount .field-label").all_inner_texts()
    style = ",".join("1" if name == "Style" else "0" for name in names)
    one.page.wait_for_function(
        "(style) => [...document.querySelectorAll('#advanced input[type=range]')].map((one) => one.value).join() === style",
        arg=style,
    )
    sliders.nth(2).focus()
    one.page.keyboard.press("End")
    one.settle()
    one.page.wait_for_function("!document.querySelector('#presets input:checked')")
    assert sliders.nth(2).input_value() == "1"


def test_k_is_how_many_works_are_shown(visit: Callable[..., Any]) -> None:
    one = visit()
    one.page.locator("#results .card-face").first.click()
    one.page.wait_for_selector('[data-state="matches"]')
    figures = one.page.locator('#k input[type="number"]')
    figures.fill("7")
    figures.press("Enter")
    one.page.wait_for_function("document.querySelectorAll('#results .card').length === 7")
    figures.fill("0")
    figures.press("Enter")
    one.page.wait_for_function("document.querySelectorAll('#results .card').length === 1")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("letter.png", b"Dear museum, this is no picture." * 9, "not an image"),
        ("cut.jpg", None, "damaged"),
        ("empty.jpg", b"", "empty"),
    ],
)
def test_a_bad_upload_is_a_notice_and_the_next_one_works(
    visit: Callable[..., Any], mine: Any, name: str, data: bytes | None, words: str
) -> None:
    one = visit()
    one.upload(name=name, data=mine[0][:5000] if data is None else data)
    assert words in one.page.locator(".notice, .query-note").all_inner_texts().__str__()
    one.upload(name="mine.jpg", data=mine[0])
    assert one.titles()[0] == mine[1]["title"]
    assert one.page.locator(".notice").count() == 0


def test_the_page_says_which_encoder_compares_and_why(visit: Callable[..., Any]) -> None:
    one = visit()
    assert "the encoder embedded (openai/clip-vit-base-patch16 is not" in one.page.locator(".about").inner_text()
    assert not one.page.locator(".words").is_visible()


def test_a_phone_shows_two_columns_and_never_scrolls_sideways(visit: Callable[..., Any]) -> None:
    one = visit(width=390, height=844, has_touch=True, is_mobile=True)
    assert not one.scrolls_sideways()
    one.page.locator("#results .card-face").first.tap()
    one.page.wait_for_selector('[data-state="matches"]')
    assert not one.scrolls_sideways()
    lefts = {box["x"] for card in one.page.locator("#results .card").all()[:6] if (box := card.bounding_box())}
    assert len(lefts) == 2
    one.page.locator("#results .card-face").nth(1).tap()
    box = one.page.locator("dialog.detail").bounding_box()
    assert (box["x"], box["width"]) == (0, 390)
    assert not one.scrolls_sideways()


def test_dark_follows_the_system_until_the_switch_says_otherwise(visit: Callable[..., Any]) -> None:
    one = visit(color_scheme="dark")
    paper = "getComputedStyle(document.querySelector('.gradio-container')).backgroundColor"
    dark = one.page.evaluate(paper)
    one.page.click('[data-action="theme"]')
    assert one.page.evaluate(paper) != dark
    one.page.reload()
    one.page.wait_for_selector("#results .card")
    assert one.page.evaluate(paper) != dark
