"""Base of our own components: HTML, a script, and a value that is a model.

Gradio: tried with 6.31.0.
Reason: `gr.HTML` can be subclassed (gradio-app/gradio#12098), but it runs what looks like code in its markup, its schema
    says "string" whatever its value is, and `GradioModel`, the base of a value with files in it, is in no public module.
    `redraw_as` sets attributes that Gradio reads when the pages are computed again (see `refresh`).
Remove when: `gr.HTML` takes markup that is not a template and reads its schema from `data_model`, and `gr.GradioModel` exists.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

import gradio as gr
from gradio.data_classes import GradioModel
from markupsafe import Markup

from artsim.ui.assets import read_script
from artsim.ui.gradio_overrides.no_stubs import WithoutStub


class PageValue(GradioModel):
    """Base of a value that a page sends: a pydantic model, in which Gradio finds files (`gr.FileData`)."""

    @classmethod
    @cache
    def schema_once(cls) -> dict[str, Any]:
        """The JSON schema, kept: Gradio asks for it some hundred times before the page is up."""
        return cls.model_json_schema()


class HtmlComponent(gr.HTML, metaclass=WithoutStub):
    """Markup with a script of `artsim/ui/assets`.

    The script sees `element`, `props` and `trigger`, as Gradio's guide on HTML components describes them. A subclass may
    set `data_model` to a `PageValue`; `preprocess` then gets an instance of it.
    """

    data_model: type[PageValue] | None = None
    html_template: str
    props: dict[str, Any]

    def __init__(self, markup: Markup | str, script: str, *, apply_default_css: bool = False, **more: Any) -> None:
        super().__init__(
            html_template=script_template(markup),
            js_on_load=read_script(script),
            apply_default_css=apply_default_css,
            **more,
        )

    def redraw_as(self, other: HtmlComponent) -> None:
        """Take the markup and the properties of another component, for pages that are opened from now on."""
        self.html_template, self.props = other.html_template, other.props

    def api_info(self) -> dict[str, Any]:
        return super().api_info() if self.data_model is None else deepcopy(self.data_model.schema_once())


def script_template(markup: Markup | str) -> str:
    """Markup as `gr.HTML(html_template=...)` takes it: Gradio reads that as Handlebars, then as a JavaScript template."""
    text = str(markup)
    for special in ("\\", "`", "${"):
        text = text.replace(special, "\\" + special)
    return text.replace("{{", "&#123;&#123;")
