"""In a Space: the app in a frame of huggingface.co, without cookies and storage, with the page around it as the Hub makes it."""

from typing import Any

import pytest
from app_process import RunningApp

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SPACE = "https://huggingface.co/spaces/artsim/paintings"
AROUND = """<!doctype html><html><body style="margin:0"><iframe style="border:0;width:100vw;height:100vh"></iframe><script>
const app = "APP", given = location.search.slice(1);
window.scrolls = null;
document.querySelector("iframe").src = app + "?" + [given, "__theme=dark"].filter(Boolean).join("&") + location.hash;
addEventListener("message", ({ origin, data }) => {
  if (!app.startsWith(origin) || typeof data !== "object") return;
  if (data.type === "SET_SCROLLING") window.scrolls = data.enabled;
  if (!("queryString" in data)) return;
  const shown = new URL(location);
  [shown.search, shown.hash] = [data.queryString, data.hash];
  history.replaceState(null, "", shown);
});
</script></body></html>"""
"""The page of a Space: it passes its query on to the frame, with its own theme, and shows the query that it is told."""
DENIED = """if (self !== top) {
    const denied = { get() { throw new DOMException("denied", "SecurityError"); } };
    for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, denied);
}"""
PAPER = "getComputedStyle(document.querySelector('.gradio-container')).backgroundColor"
DARK, LIGHT = "rgb(20, 19, 17)", "rgb(251, 250, 247)"


def test_language_theme_links_and_back_in_a_frame_without_cookies_and_storage(
    chromium: Any, app: RunningApp, size: dict[str, Any]
) -> None:
    options = dict(size)
    viewport = {name: options.pop(name) for name in ("width", "height")}
    context = chromium.new_context(viewport=viewport, locale="es-ES", **options)
    context.route(
        f"{SPACE}**", lambda route: route.fulfill(body=AROUND.replace("APP", app.url), content_type="text/html")
    )
    context.add_init_script(DENIED)
    page, complaints = context.new_page(), []
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    frame = page.frame_locator("iframe")

    def paper() -> str:
        frame.locator(".masthead").wait_for()
        return page.frames[1].evaluate(PAPER)

    page.goto(SPACE)
    card = frame.locator("#results .card").nth(2)
    card.wait_for()
    assert page.frames[1].evaluate("document.documentElement.lang") == "es", "as the browser asks"
    assert paper() == DARK, "as the page around it asks"
    assert page.evaluate("scrolls") is True
    work, title = card.get_attribute("data-work"), card.get_attribute("data-title")
    card.locator(".card-face").click(position={"x": 30, "y": 30})
    page.wait_for_url(f"{SPACE}?*work={work}*")

    for language, words in (("en", "Works like"), ("de", "Werke wie")):
        frame.locator("[data-action=language]").select_option(language)
        frame.locator("#results h1", has_text=f"{words} {title}").wait_for()
        assert page.evaluate("new URLSearchParams(location.search).get('lang')") == language
    frame.locator(".masthead nav a[href*='map']").first.click()
    frame.locator(".page-map h1").wait_for()
    page.wait_for_url(f"{SPACE}?*show=map*")
    assert page.frames[1].evaluate("document.documentElement.lang") == "de"
    assert paper() == DARK
    assert app.url not in context.cookies() and context.cookies() == [], "nothing was stored"

    page.goto(page.url)  # the link, elsewhere
    frame.locator(".page-map h1").wait_for()
    assert page.frames[1].evaluate("document.documentElement.lang") == "de"
    frame.locator("[data-action=theme]").click()
    assert paper() == LIGHT
    frame.locator(".masthead .home").click()
    frame.locator("#results .card").nth(1).wait_for()
    assert paper() == LIGHT, "what was chosen goes along"
    assert page.frames[1].evaluate("document.documentElement.lang") == "de"
    frame.locator("#results .card-face").nth(1).click(position={"x": 30, "y": 30})
    page.wait_for_url(f"{SPACE}?*work=*")
    frame.locator("#results .badge").first.wait_for()
    page.go_back()
    frame.locator('#results [data-state="empty"]').wait_for()
    page.wait_for_url(lambda url: "work=" not in url)
    frame.locator("#results .card-face").nth(1).click(position={"x": 30, "y": 30})
    frame.locator("[data-act=restart]").click()
    frame.locator(".masthead nav a[href*='map']").first.click()
    frame.locator(".page-map h1").wait_for()
    assert paper() == LIGHT, "starting again keeps it"
    context.close()
    assert complaints == []


def test_no_site_has_the_owners_pages_in_a_frame_and_only_the_hub_has_the_others(
    chromium: Any, app: RunningApp, size: dict[str, Any]
) -> None:
    options = dict(size)
    context = chromium.new_context(viewport={name: options.pop(name) for name in ("width", "height")}, **options)
    page = context.new_page()

    def framed(site: str, address: str) -> bool:
        body = f'<iframe src="{app.url}{address}"></iframe>'
        context.route(f"{site}/**", lambda route: route.fulfill(body=body, content_type="text/html"))
        page.goto(f"{site}/around")
        return page.frames[1].url.startswith(app.url)

    assert framed("https://huggingface.co", "how")
    for site, address in (
        ("https://huggingface.co", "collection"), ("https://elsewhere.example", "collection"), ("https://elsewhere.example", ""),
    ):  # fmt: skip
        assert not framed(site, address), (site, address)
    context.close()
