"""Pages that follow the collection while the app runs."""

from pathlib import Path

import gradio as gr
import httpx
from starlette.middleware import Middleware
from tiny_apps import app_of, launched, still_needed

from artsim import open_collection
from artsim.ui.gradio_overrides.refresh import Following, change, follow


def app_with(count: gr.HTML) -> gr.Blocks:
    return app_of(upper=(str.upper, [count], gr.Textbox()))


def test_a_page_that_is_opened_after_a_change_shows_it(copy: Path) -> None:
    collection = open_collection(copy)
    count = follow(gr.HTML("40 works"), lambda html: change(html, value=f"{len(collection)} works"))
    middleware = [Middleware(Following, collection=collection)]
    with launched(app_with(count), app_kwargs={"middleware": middleware}) as address:
        assert "40 works" in httpx.get(address).text
        collection.remove(collection.ids[:1])
        for page in ("", "config"):
            shown = httpx.get(f"{address}{page}").text
            assert '"value":"39 works"' in shown
            assert '"value":"40 works"' not in shown


def test_gradio_still_shows_every_visitor_what_was_there_at_the_launch() -> None:
    count = gr.HTML("40 works")
    with launched(app_with(count)) as address:
        change(count, value="39 works")
        still_needed("39 works" not in httpx.get(address).text, "refresh")
