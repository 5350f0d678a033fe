"""Components of our own, as HTML with a script. Their templates in a browser: tests/browser/test_gradio_in_browser.py."""

from pathlib import Path

import gradio as gr
from tiny_apps import app_of, ask, components_of, launched, still_needed

from artsim.ui.gradio_overrides.html_component import HtmlComponent, PageValue, script_template
from artsim.ui.gradio_overrides.no_stubs import WithoutStub
from artsim.ui.gradio_overrides.uploads import file_json, save_upload


class Query(PageValue):
    picture: gr.FileData | None = None
    text: str = ""


class Ours(HtmlComponent):
    data_model = Query


class Plain(gr.HTML, metaclass=WithoutStub):
    data_model = Query


def told(query: Query) -> str:
    assert isinstance(query, Query) and query.picture is not None
    return f"{query.text} {Path(query.picture.path).read_text(encoding='utf-8')}"


def test_it_is_drawn_as_html_and_its_value_is_a_model_with_files_in_it(uploads: Path) -> None:
    ours = Ours("<p>5 ${less} than</p>", "amount.js", options=[1])
    ours.api_info().clear()  # each caller has one of its own
    with launched(app_of(told=(told, [ours], gr.Textbox()))) as address:
        given = {"text": "a storm", "picture": file_json(save_upload(b"at sea"))}
        assert ask(address, "told", given)["data"] == ["a storm at sea"]
        drawn = components_of(address)[0]
    assert drawn["api_info"]["properties"]["text"]["type"] == "string"
    assert (drawn["type"], drawn["props"]["html_template"]) == ("html", "<p>5 \\${less} than</p>")
    assert (drawn["props"]["apply_default_css"], drawn["props"]["props"]) == (False, {"options": [1]})


def test_gradio_still_calls_every_value_a_string_and_has_no_public_base_of_values_with_files() -> None:
    still_needed(Plain().api_info() == {"type": "string"}, "HtmlComponent.api_info in html_component")
    still_needed(not hasattr(gr, "GradioModel"), "PageValue in html_component")


def test_it_can_be_redrawn() -> None:
    box = HtmlComponent("<p></p>", "amount.js", options=[1])
    box.redraw_as(HtmlComponent("<b></b>", "amount.js", options=[3], render=False))
    config = box.get_config()
    assert (config["html_template"], config["props"]) == ("<b></b>", {"options": [3]})


def test_a_template_cannot_run_what_is_in_its_text() -> None:
    assert script_template("${alert(1)} `x` {{y}} \\") == "\\${alert(1)} \\`x\\` &#123;&#123;y}} \\\\"
