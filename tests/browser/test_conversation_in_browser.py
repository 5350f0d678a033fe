"""The search as a conversation: for and against, parts of pictures, steps back and forward, links, files; large and small."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.slow]

desktop_only = pytest.mark.parametrize("size", ["desktop"], indirect=True)


def start(one: Any, place: int = 3) -> str:
    """Searches with one of the works that the empty page offers; returns its title."""
    title = one.titles()[place]
    one.press(one.page.locator("#results .card-face").nth(place))
    one.page.wait_for_selector('[data-state="matches"] .badge')
    one.settle()
    one.show_all()
    return title


def press(one: Any, place: int, act: str) -> str:
    """The button at a card; returns the title of its work."""
    card = one.page.locator("#results .card").nth(place)
    if not one.touch:  # there the buttons always stand
        card.hover()
    before, title = one.heading(), card.get_attribute("data-title")
    one.press(card.locator(f'.card-actions [data-act="{act}"]'))
    one.page.wait_for_function("(before) => document.querySelector('#results h1')?.innerText !== before", arg=before)
    one.settle()
    return title


def names(one: Any) -> list[str]:
    return one.page.locator(".tray .part-name").all_inner_texts()


def form(one: Any) -> dict[str, Any]:
    """What all the controls say; those in closed groups are opened for it."""
    for group in ("#filters", "#advanced"):
        if one.page.locator(f"{group} > button.open").count() == 0:
            one.press(f"{group} > button")
    one.page.wait_for_selector("#advanced .amount")
    one.still()
    return one.page.evaluate(
        """() => ({
            parts: [...document.querySelectorAll(".tray .part")].map((part) => part.innerText),
            preset: document.querySelector("#presets input:checked")?.value ?? null,
            k: document.querySelector('#k input[type="number"]').value,
            ranking: document.querySelector("#ranking input:checked").value,
            weights: [...document.querySelectorAll('#advanced .amount input[type="number"]:not(#k *)')].map((one) => one.value),
            variety: [...document.querySelectorAll("#variety [data-field]")].map((one) => one.value),
            ranges: [...document.querySelectorAll(".range input")].map((one) => one.value),
            picked: [...document.querySelectorAll(".choices .picked")].map((one) => one.textContent),
        })"""
    )


def test_more_like_these_and_less_like_that(visit: Callable[..., Any]) -> None:
    one = visit()
    first = start(one)
    second = press(one, 2, "for")
    third = press(one, 4, "against")
    assert names(one) == [first, second, third]
    assert one.page.locator(".part[data-against] .part-name").all_inner_texts() == [third]
    assert not {first, second, third} & set(one.titles()[:1])
    one.page.wait_for_url(lambda url: (url.count("work="), url.count("not=")) == (2, 1))
    one.unfold()
    slider = one.page.locator(".part-weight input").nth(2)
    slider.focus()
    one.page.keyboard.press("Home")
    one.page.wait_for_url("**weight=0.1**")
    one.press(one.page.locator('.part [data-part="remove"]').nth(1))
    one.page.wait_for_function("document.querySelectorAll('.tray .part').length === 2")
    one.settle()
    assert names(one) == [first, third]


@desktop_only
def test_all_of_it_works_from_the_keyboard(visit: Callable[..., Any]) -> None:
    one = visit()
    start(one)
    one.page.locator("#results .card-face").nth(1).focus()
    one.page.keyboard.press("Tab")
    assert one.page.evaluate("document.activeElement.dataset.act") == "for"
    one.page.wait_for_function("getComputedStyle(document.activeElement.parentElement).opacity === '1'")
    one.page.keyboard.press("Enter")
    one.page.wait_for_function("document.querySelectorAll('.tray .part').length === 2")
    one.settle()
    against = one.page.locator('.part [data-part="against"]').nth(1)
    against.focus()
    one.page.keyboard.press("Space")
    one.page.wait_for_selector(".part[data-against]")
    assert one.page.evaluate("document.activeElement.dataset.part") == "against", "focus stays where it was"


def test_back_and_forward_bring_controls_and_works_again_without_a_reload(visit: Callable[..., Any]) -> None:
    one = visit()
    empty = one.titles()
    start(one)
    seen = [(one.page.url, one.heading(), one.titles(), form(one))]
    one.page.evaluate("window.sameVisit = true")
    one.press(one.page.locator("#presets label", has_text="Colour"))
    one.page.wait_for_url("**preset=color**")
    one.settle()
    seen.append((one.page.url, one.heading(), one.titles(), form(one)))
    press(one, 1, "against")
    seen.append((one.page.url, one.heading(), one.titles(), form(one)))
    assert len({url for url, *_ in seen}) == 3
    for move, steps in (("back", (1, 0)), ("forward", (1, 2))):
        for step in steps:
            getattr(one.page, f"go_{move}")()
            one.page.wait_for_function("(url) => location.href === url", arg=seen[step][0])
            one.settle()
            assert (one.page.url, one.heading(), one.titles(), form(one)) == seen[step]
    for _ in range(3):
        one.page.go_back()
        one.settle()
    one.page.wait_for_selector('#results [data-state="empty"] .card')
    assert one.titles() == empty
    assert names(one) == []
    assert one.page.evaluate("window.sameVisit") is True


def test_a_link_gives_the_same_view_in_another_browser(
    visit: Callable[..., Any], app: Any, met_works: list[dict[str, Any]]
) -> None:
    work, other = (met_works[number]["id"] for number in (2, 5))
    link = (
        f"?work={work}&region=0.1,0.1,0.8,0.7&not={other}&weight=0.5&w.style=1&w.color=0.3&ranking=likeness&k=12"
        "&where.year=1400..1900&where.culture=French&where.culture=Italian&other=artist&most.artist=2"
    )
    one = visit(link)
    said = form(one)
    assert said["k"] == "12"
    assert said["preset"] is None
    assert said["ranking"] == "likeness"
    assert sorted(said["weights"]) == ["0", "0", "0.3", "1"]
    assert said["variety"] == ["artist", "2", "artist", ""]
    assert said["ranges"] == ["1400", "1900"]
    assert "2" in said["picked"]
    assert one.page.locator(".frame-box:not([hidden])").count() == 1
    assert "Culture: French, Italian" in one.page.locator(".within").inner_text()
    again = visit(one.page.url.removeprefix(app.url))
    assert (again.heading(), again.titles(), form(again)) == (one.heading(), one.titles(), said)


def test_an_upload_lasts_through_the_visit_and_is_no_part_of_a_link(
    visit: Callable[..., Any], app: Any, mine: Any
) -> None:
    data, work = mine
    one = visit()
    one.upload(name="mine.jpg", data=data)
    assert one.titles()[0] == work["title"]
    one.page.wait_for_url(f"{app.url}?upload=1")
    one.press(one.page.locator("#results .card-face").nth(3))
    one.press('dialog.detail [data-act="search"]')
    one.page.wait_for_url("**?work=*")
    one.settle()
    one.page.go_back()  # to the detail that was open
    one.page.wait_for_selector("dialog.detail[open]")
    one.page.go_back()
    one.settle()
    for reload in (False, True):
        if reload:
            one.page.reload()
            one.page.wait_for_selector('#results [data-restored="link"]')
            one.settle()
        assert one.titles()[0] == work["title"]
        assert names(one) == ["mine.jpg"]
        assert one.page.wait_for_function("document.querySelector('.part-picture img').naturalWidth > 0")
    elsewhere = visit("?upload=1")
    assert "not part of a link" in elsewhere.page.locator(".notice").inner_text()
    assert elsewhere.page.locator("#results .card").count() == 12


def test_several_pictures_at_once_and_one_more(
    visit: Callable[..., Any], mine: Any, met_works: list[dict[str, Any]]
) -> None:
    one = visit()
    files = [
        {"name": f"{number}.jpg", "mimeType": "image/jpeg", "buffer": met_works[number]["image"]["bytes"]}
        for number in (1, 2)
    ]
    with one.page.expect_file_chooser() as chooser:
        one.press('.field [data-action="choose"]')
    chooser.value.set_files(files)
    one.page.wait_for_selector('[data-state="matches"] .badge')
    one.settle()
    assert names(one) == ["1.jpg", "2.jpg"]
    one.unfold()
    with one.page.expect_file_chooser() as chooser:
        one.press('[data-action="add"]')
    chooser.value.set_files([{"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": mine[0]}])
    one.page.wait_for_url("**?upload=1&upload=1&upload=1")
    assert names(one) == ["1.jpg", "2.jpg", "mine.jpg"]


def test_a_part_of_the_query_and_of_a_result_is_cropped_as_it_is_seen(visit: Callable[..., Any], mine: Any) -> None:
    data, work = mine
    one = visit()
    one.upload(name="mine.jpg", data=data)
    one.unfold()
    one.press('.part [data-part="crop"]')
    one.page.wait_for_function("document.querySelector('dialog.crop img').naturalWidth > 0")
    upright = Image.open(io.BytesIO(work["image"]["bytes"])).size
    shown = one.page.locator("dialog.crop img").evaluate("(image) => [image.naturalWidth, image.naturalHeight]")
    assert tuple(shown) == upright, "turned as the EXIF data say"
    for key in ("ArrowLeft", "ArrowUp"):
        for _ in range(12):
            one.page.keyboard.press(key)
    corner = one.page.locator('.crop-frame [data-corner="se"]').bounding_box()
    picture = one.page.locator(".crop-picture").bounding_box()
    one.drag(
        (corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2),
        (picture["x"] + 0.9 * picture["width"], picture["y"] + 0.8 * picture["height"]),
    )
    one.page.keyboard.press("Shift+ArrowRight")
    said = one.page.locator(".crop-said").inner_text()
    assert said.startswith("From 0 % across and 0 % down")
    wide, high = (int(word) for word in said.split() if word.isdigit() and int(word))
    assert abs(wide - 92) <= 2, "where mouse or finger let go, and one step of the keyboard"
    assert abs(high - 80) <= 2
    assert not one.scrolls_sideways()
    one.press('[data-action="use-crop"]')
    one.page.wait_for_url("**region=0,0,0.*,0.*")
    one.settle()
    assert one.heading() == "Works like a part of your picture"
    assert one.titles()[0] == work["title"]
    assert one.page.locator(".frame-box:not([hidden])").count() == 1
    one.press('.part [data-part="crop"]')
    one.press('[data-action="whole"]')
    one.page.wait_for_url("**?upload=1")
    one.settle()

    one.press(one.page.locator("#results .card-face").nth(1))
    title = one.page.locator("dialog.detail h2").inner_text()
    one.press('dialog.detail [data-act="crop"]')
    assert one.page.evaluate("document.activeElement.className") == "crop-frame"
    one.page.keyboard.press("Escape")
    assert one.page.locator("dialog.detail").is_visible(), "one step back, not two"
    one.press('dialog.detail [data-act="crop"]')
    one.page.keyboard.press("Enter")
    one.page.wait_for_url("**region=0.2,0.2,0.8,0.8")
    one.settle()
    assert one.heading() == f"Works like a part of {title}"
    assert not one.page.locator("dialog.detail").is_visible()


def test_an_open_work_is_a_step_and_a_link(visit: Callable[..., Any], app: Any) -> None:
    one = visit()
    start(one)
    url = one.page.url
    one.press(one.page.locator("#results .card-face").nth(1))
    title = one.page.locator("dialog.detail h2").inner_text()
    one.page.wait_for_url("**&detail=*")
    opened = one.page.url
    one.page.go_back()
    one.page.wait_for_selector("dialog.detail", state="hidden")
    assert one.page.url == url
    one.page.go_forward()
    one.page.wait_for_selector("dialog.detail[open]")
    one.press("dialog.detail .close")
    one.page.wait_for_function("(url) => location.href === url", arg=url)
    again = visit(opened.removeprefix(app.url))
    again.page.wait_for_selector("dialog.detail[open]")
    assert again.page.locator("dialog.detail h2").inner_text() == title
    identity = opened.rsplit("detail=", 1)[1]
    again.go(f"?detail={identity}")
    again.page.wait_for_selector("dialog.detail[open]")
    assert again.page.locator("dialog.detail h2").inner_text() == title
    assert again.page.locator("dialog.detail .bars").count() == 0, "not an answer to anything"
    again.page.keyboard.press("Escape")
    again.page.wait_for_function("!location.search")


def test_other_artists_few_of_each_and_the_nearest_in_each(visit: Callable[..., Any]) -> None:
    one = visit()
    start(one)
    one.press("#advanced > button")
    one.page.select_option('[data-field="other"]', "artist")
    one.page.wait_for_url("**other=artist**")
    one.page.fill('[data-field="most"]', "1")
    one.page.select_option('[data-field="column"]', "artist")
    one.page.wait_for_url("**most.artist=1**")
    one.page.select_option('[data-field="by"]', "century")
    one.page.wait_for_selector("#results .group")
    one.settle()
    cards = one.page.locator(".group").first.locator(".card")
    tops = cards.evaluate_all("(cards) => cards.map((card) => card.offsetTop)")  # at once: the page may be scrolling
    assert len(set(tops)) == 1, "side by side"


def test_results_are_taken_along_as_files_and_as_a_link(visit: Callable[..., Any], mine: Any) -> None:
    one = visit(permissions=["clipboard-read", "clipboard-write"])
    start(one)
    one.press('[data-act="copy-view"]')
    one.page.wait_for_selector("text=Copied")
    assert one.page.evaluate("navigator.clipboard.readText()") == one.page.url

    def downloaded(label: str) -> str:
        one.press(".downloads summary")
        with one.page.expect_download() as download:
            one.press(one.page.get_by_text(label))
        return download.value.path().read_text(encoding="utf-8-sig")

    assert [work["title"] for work in json.loads(downloaded("Data (JSON)"))["works"]] == one.titles()
    one.upload(name="mine.jpg", data=mine[0])
    one.page.wait_for_url("**?upload=1")
    assert mine[1]["title"] in downloaded("Table (CSV)").splitlines()[1]
    assert one.page.url.endswith("?upload=1"), "the page stayed"


def test_words_are_explained_where_they_stand(visit: Callable[..., Any]) -> None:
    one = visit()
    start(one)
    one.press("#advanced > button")
    text = one.page.locator("#presets-meaning .what-text")
    assert not text.is_visible()
    one.press(one.page.locator("#presets-meaning").get_by_role("button", name="What these mean"))
    assert "brushwork" in text.inner_text()
    one.press("#results .card-face")
    detail = one.page.locator("dialog.detail")
    ask = detail.get_by_role("button", name="What does “Style” mean?")
    ask.focus()
    one.page.keyboard.press("Enter")
    assert "brushwork" in detail.locator(".what-text:visible").inner_text()
