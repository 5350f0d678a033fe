"""The search as visitors use it, in a real browser."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

desktop_only = pytest.mark.parametrize("size", ["desktop"], indirect=True)
PAPER = "getComputedStyle(document.querySelector('.gradio-container')).backgroundColor"


def test_an_empty_page_offers_works_to_start_from(visit: Callable[..., Any]) -> None:
    one = visit()
    titles = one.titles()
    assert len(titles) == 12
    assert "the encoder embedded (openai/clip-vit-base-patch16 is not" in one.page.locator(".about").inner_text()
    one.page.evaluate(
        """() => {
            window.seen = [];
            const look = () => {
                const results = document.querySelector("#results .results");
                window.seen.push([results.classList.contains("skeleton"), results.querySelectorAll(".frame").length]);
            };
            new MutationObserver(look).observe(document.querySelector(".results-root"), { childList: true });
        }"""
    )
    one.press(one.page.locator("#results .card-face").nth(3))
    one.page.wait_for_selector('[data-state="matches"]')
    assert one.page.evaluate("window.seen") == [[True, 12], [False, 24]], "first its shape, then the answer"
    assert one.heading() == f"Works like {titles[3]}"
    assert titles[3] not in one.titles()[:1]
    one.show_all()
    lefts = {box["x"] for card in one.page.locator("#results .card").all()[:6] if (box := card.bounding_box())}
    assert len(lefts) == 2 if one.touch else len(lefts) > 2


@pytest.mark.parametrize("size", ["desktop", "phone"], indirect=True)
def test_an_uploaded_picture_finds_its_work_and_what_is_found_is_looked_at_and_searched_with(
    visit: Callable[..., Any], mine: Any
) -> None:
    data, work = mine
    one = visit()
    one.upload(name="mine.jpg", data=data)
    assert one.heading() == "Works like your picture"
    assert one.titles()[0] == work["title"]
    assert len(one.titles()) == 24
    assert "similar" in one.page.locator("#results .badge").first.inner_text()

    one.press(one.page.locator("#results .card-face").nth(2))
    dialog = one.page.locator("dialog.detail")
    assert dialog.is_visible()
    if one.touch:
        box = dialog.bounding_box()
        assert (box["x"], box["width"]) == (0, 390)
        one.press(dialog.locator(".close"))
    else:
        one.page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    one.closed()
    assert one.page.evaluate("document.activeElement.closest('.card').dataset.title") == one.titles()[2]

    one.page.locator("#results .card-face").first.focus()
    one.page.keyboard.press("Enter")
    assert dialog.locator("h2").inner_text() == work["title"]
    dialog.locator(".detail-body[data-work]").wait_for()
    text = dialog.locator(".detail-text").inner_text()
    assert text.index(work["medium"]) < text.index("Search with this work"), "facts first"
    assert "CC0-1.0" in text
    bars = dialog.locator(".bars .bar-name > span").all_inner_texts()
    assert bars[:4] == ["Overall", "Subject", "Style", "Colour"]
    assert work["medium"] in dialog.inner_text()
    link = dialog.locator("a.visit")
    assert link.get_attribute("href") == work["url"]
    assert "noopener" in link.get_attribute("rel")
    one.press(dialog.locator("button.next"))
    second = dialog.locator("h2").inner_text()
    assert second == one.titles()[1]
    one.press(dialog.locator("[data-act='why']"))
    dialog.locator(".why-maps img").first.wait_for()
    assert dialog.locator(".why-palette").count() == 2
    assert not one.scrolls_sideways()
    one.page.keyboard.press("ArrowLeft")
    assert dialog.locator("h2").inner_text() == work["title"]
    one.page.keyboard.press("ArrowRight")
    one.press(dialog.get_by_text("Search with this work"))
    one.page.wait_for_function("(title) => document.querySelector('#results h1').innerText.includes(title)", arg=second)
    assert one.heading() == f"Works like {second}"
    assert not dialog.is_visible()


def test_the_detail_zooms_to_the_last_pixel_turns_and_leads_to_works_that_share_a_fact(
    visit: Callable[..., Any], met_works: list[dict[str, Any]]
) -> None:
    work = next(work for work in met_works if work["artist"] == "Rembrandt (Rembrandt van Rijn)")
    one = visit(f"?work={work['id']}", reduced_motion="reduce")
    titles = one.titles()
    one.press("#results .card-face")
    dialog, picture = one.page.locator("dialog.detail"), one.page.locator(".detail-stage img")
    one.page.wait_for_function("document.querySelector('.detail-stage img').complete")
    boxes = [part.bounding_box() for part in (*dialog.locator(".detail-bar button").all(), picture)]
    assert not any(overlap(a, b) for number, a in enumerate(boxes) for b in boxes[:number])
    assert min(min(box["width"], box["height"]) for box in boxes) >= 44
    one.press(picture)
    one.page.wait_for_selector(".zoom-view canvas")
    for _ in range(6):
        one.press(dialog.get_by_role("button", name="Zoom in"))
    assert "pixels; beyond this, it shows no more" in dialog.locator(".zoom-note").inner_text()
    one.page.keyboard.press("Escape")
    assert dialog.is_visible() and not dialog.locator(".zoom-view").is_visible(), "one step back"
    if one.touch:
        box = picture.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        one.drag((x + 60, y), (x - 60, y))
    else:
        one.page.keyboard.press("ArrowRight")
    assert dialog.locator("h2").inner_text() == titles[1]

    one.go(f"?detail={work['id']}")
    one.press(dialog.get_by_role("link", name=work["artist"], exact=True))
    one.page.wait_for_selector(".page-browse h1")
    shown = set(one.page.locator(".card .title").all_inner_texts())
    assert shown == {other["title"] for other in met_works if other["artist"] == work["artist"]}
    one.go(f"?detail={work['id']}")
    one.press(dialog.get_by_role("link", name=work["date"], exact=True))
    one.page.wait_for_selector(".page-browse h1")
    assert work["title"] in one.page.locator(".card .title").all_inner_texts()


def overlap(a: dict[str, float], b: dict[str, float]) -> bool:
    """Whether two boxes share more than an edge."""
    sides = (("x", "width"), ("y", "height"))
    return all(a[at] + a[long] > b[at] + 1 and b[at] + b[long] > a[at] + 1 for at, long in sides)


@desktop_only
def test_a_picture_pasted_with_nothing_focused_or_dropped_anywhere_is_searched(
    visit: Callable[..., Any], mine: Any
) -> None:
    data, work = mine
    one = visit()
    for event in (
        'document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: files, bubbles: true }))',
        'document.querySelector("footer").dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true }))',
    ):
        one.page.evaluate(
            f"""(data) => {{
                const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
                const files = new DataTransfer();
                files.items.add(new File([bytes], "image.jpg", {{ type: "image/jpeg" }}));
                {event};
            }}""",
            base64.b64encode(data).decode(),
        )
        one.settle()
        assert one.titles()[0] == work["title"]
        one.press("[data-act=restart]")
        one.page.wait_for_selector('#results [data-state="empty"] .card')
        one.settle()


def test_the_camera_takes_a_picture_and_searches_with_it(visit: Callable[..., Any], mine: Any) -> None:
    one = visit(permissions=["camera"])
    if one.touch:  # the phone's own
        with one.page.expect_file_chooser() as chooser:
            one.press('[data-action="camera"]')
        assert chooser.value.element.get_attribute("capture") == "environment"
        chooser.value.set_files([{"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": mine[0]}])
        one.page.wait_for_selector('[data-state="matches"] .badge')
        assert one.titles()[0] == mine[1]["title"]
        return
    one.press('[data-action="camera"]')
    one.page.wait_for_function("document.querySelector('dialog.camera video').videoWidth > 0")
    one.press('[data-action="snap"]')
    one.page.wait_for_selector('[data-state="matches"]')
    assert one.heading() == "Works like your picture"


def test_filters_presets_sliders_and_how_many(visit: Callable[..., Any], mine: Any) -> None:
    one = visit()
    one.upload(name="mine.jpg", data=mine[0])
    one.press("#filters > button")
    one.press('[data-column="culture"] summary')
    one.press(one.page.locator('[data-column="culture"] label', has_text="China"))
    one.page.wait_for_url("**where.culture=China**")
    assert 0 < len(one.titles()) <= 10
    assert "No close match within your filters." in one.page.locator(".notice").inner_text()
    one.page.get_by_label("Year from").fill("1900")
    one.page.keyboard.press("Tab")
    one.page.wait_for_url("**where.year=1900**")
    assert one.titles() == []
    assert "No work fits these filters" in one.page.locator(".notice").inner_text()
    one.press("#clear-filters")
    one.page.wait_for_url(lambda url: "where." not in url)
    one.settle()
    assert len(one.titles()) == 24
    one.press("#filters > button")

    one.press("#advanced > button")
    one.press(one.page.locator("#presets label", has_text="Style"))
    one.settle()
    names = one.page.locator("#advanced .amount .field-label:not(#k *)").all_inner_texts()
    style = ",".join("1" if name == "Style" else "0" for name in names)
    sliders = "[...document.querySelectorAll('#advanced input[type=range]:not(#k *)')]"
    one.page.wait_for_function(f"(style) => {sliders}.map((one) => one.value).join() === style", arg=style)
    one.page.locator('#advanced input[type="range"]').nth(2).focus()
    one.page.keyboard.press("End")
    one.page.wait_for_function("!document.querySelector('#presets input:checked')")
    one.page.fill('#k input[type="number"]', "0")
    one.page.keyboard.press("Enter")
    one.page.wait_for_function("document.querySelectorAll('#results .card').length === 1")


def test_a_name_is_suggested_found_and_browsed_and_can_be_typed_on_every_page(visit: Callable[..., Any]) -> None:
    one = visit()
    box = one.page.get_by_role("combobox", name="Search by words")
    box.press_sequentially("rembr")
    option = one.page.get_by_role("option", name="Rembrandt (Rembrandt van Rijn) Artist · 3")
    option.wait_for()
    if one.touch:
        one.press(option)
    else:
        box.press("ArrowDown")
        assert option.get_attribute("aria-selected") == "true"
        box.press("Enter")
    one.page.wait_for_selector("[data-words]")
    assert one.heading() == "Works for “Rembrandt (Rembrandt van Rijn)”"
    assert len(one.titles()) == 3 and not one.page.locator("#results .badge").count()
    assert not one.page.locator("#matching").is_visible(), "words alone have no aspects"
    title = one.titles()[1]
    one.press(one.page.locator("#results .card [data-act=for]").nth(1))
    one.page.wait_for_selector('[data-state="matches"]:not([data-words])')
    assert one.heading() == f"Works like {title}", "this encoder reads no words: they do not stay beside a work"
    one.page.go_back()
    one.page.wait_for_selector("[data-words]")
    one.press(one.page.get_by_role("link", name="Browse them"))
    one.page.wait_for_url("**/browse?text=Rembrandt*")
    assert one.page.locator(".browse-count").inner_text() == "3 of 174 works"
    one.go("map")
    box = one.page.get_by_role("combobox", name="Search by words")
    box.fill("verm")
    one.page.wait_for_selector(".suggestions li")
    box.press("Escape")
    assert not one.page.locator(".suggestions li").count()
    box.fill("vermeer")
    box.press("Enter")
    one.page.wait_for_selector("[data-words] .card")
    assert one.heading() == "Works for “vermeer”"


def test_a_filter_without_a_query_opens_browse(visit: Callable[..., Any], met_works: list[dict[str, Any]]) -> None:
    one = visit(f"?work={met_works[0]['id']}&where.culture=China")
    one.unfold()
    one.press('.part [data-part="remove"]')
    one.page.wait_for_url("**/browse?where.culture=China")
    chosen = one.page.locator(".browse-chosen").inner_text()
    one.page.goto(one.page.url.replace("browse", ""))
    one.page.wait_for_url("**/browse?where.culture=China")
    assert one.page.locator(".browse-chosen").inner_text() == chosen
    one.page.goto(one.page.url.replace("browse", "de"))
    one.page.wait_for_url("**/browse?where.culture=China&lang=de")


def test_a_bad_upload_is_a_notice_leaves_the_query_and_the_next_one_works(visit: Callable[..., Any], mine: Any) -> None:
    one = visit()
    parts = one.page.locator(".tray .part-name")
    for name, data, words in (("cut.jpg", mine[0][:5000], "damaged"), ("empty.jpg", b"", "empty")):
        one.upload(name=name, data=data)
        one.page.locator(".notice, .query-note", has_text=words).first.wait_for()
        if data:
            assert "We could not open this file" in one.page.locator(".notice").inner_text()
            assert parts.count() == 0 and "upload" not in one.page.url
        one.upload(name="mine.jpg", data=mine[0])
        one.page.locator(".notice").first.wait_for(state="detached")
        assert one.titles()[0] == mine[1]["title"]
    one.unfold()
    with one.page.expect_file_chooser() as chooser:
        one.press('[data-action="add"]')
    chooser.value.set_files([{"name": "cut.jpg", "mimeType": "image/jpeg", "buffer": mine[0][:5000]}])
    one.page.locator(".notice", has_text="damaged").wait_for()
    one.settle()
    assert (parts.all_inner_texts(), one.titles()[0]) == (["mine.jpg"], mine[1]["title"]), (
        "the other one is still searched with"
    )


def test_dark_follows_the_system_until_the_switch_says_otherwise_on_every_page(visit: Callable[..., Any]) -> None:
    one = visit(color_scheme="dark")
    dark = one.page.evaluate(PAPER)
    one.press('[data-action="theme"]')
    light = one.page.evaluate(PAPER)
    assert light != dark
    one.go("how")
    assert one.page.evaluate(PAPER) == light
    one.press('[data-action="theme"]')
    assert one.page.evaluate(PAPER) == dark
    one.page.emulate_media(color_scheme="light")
    one.go("")
    assert one.page.evaluate(PAPER) == dark


def test_another_language_shows_the_same_view_and_stays(
    visit: Callable[..., Any], mine: Any, met_works: list[dict[str, Any]]
) -> None:
    one = visit(f"?work={met_works[2]['id']}&preset=color&k=7")
    titles = one.titles()
    one.page.locator('[data-action="language"]').select_option("de")
    one.page.wait_for_url("**/de?**")
    one.page.wait_for_selector('#results [data-restored="link"]')
    one.settle()
    assert one.titles() == titles
    assert one.heading().startswith("Werke wie ")
    assert one.page.locator("#presets input:checked").get_attribute("value") == "color"
    assert one.page.evaluate("document.documentElement.lang") == "de"
    one.go("timeline")
    assert one.page.evaluate("document.documentElement.lang") == "de", "it is remembered"
    one.go("de")
    one.upload(name="mine.jpg", data=mine[0])
    one.page.locator('[data-action="language"]').select_option("fr")
    one.page.wait_for_url("**/fr?upload=1")
    one.page.wait_for_selector('#results [data-restored="link"]')
    one.settle()
    assert one.page.locator(".tray .part-name").all_inner_texts() == ["mine.jpg"], "the upload comes along"
    assert one.titles()[0] == mine[1]["title"]


@desktop_only
def test_a_click_while_the_connection_drops_is_sent_again_and_a_lost_answer_is_said(visit: Callable[..., Any]) -> None:
    one = visit()
    one.press(one.page.locator("#results .card-face").first)
    one.page.wait_for_selector('[data-state="matches"]')
    one.settle()
    left = [2]  # attempts that do not arrive: one is cut off, one gets the answer of a proxy

    def drop(route: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            route.continue_()
        elif left[0]:
            route.abort()
        else:
            route.fulfill(status=502, body="<h1>Bad Gateway</h1>", content_type="text/html")

    one.page.route("**/queue/join*", drop)
    one.press("#presets label:nth-of-type(2)")
    one.page.wait_for_function("location.search.includes('preset=')")
    one.settle()
    assert left[0] < 0 and "There is no answer" not in one.page.locator("#query").inner_text()

    before = one.page.url
    one.page.route("**/queue/data*", lambda route: route.abort())  # the answers: Gradio loads the page again
    with one.page.expect_navigation():
        one.press("#presets label:nth-of-type(3)")
    one.page.unroute_all()
    one.page.wait_for_function("document.querySelector('.query-note')?.textContent.startsWith('There is no answer.')")
    assert one.page.url == before
    said = ("Failed to load resource", "Failed to fetch", "Connection errored out")  # by the browser, and by Gradio
    one.complaints[:] = [complaint for complaint in one.complaints if not any(words in complaint for words in said)]
