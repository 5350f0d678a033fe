"""What Gradio makes of each page before the launch."""

import gradio as gr
from gradio import routes
from pytest import MonkeyPatch
from tiny_apps import app_of, ask, components_of, launched, still_needed

from artsim.ui.gradio_overrides.late_app import LateBlocks


def apps_of(kind: type[gr.Blocks], monkeypatch: MonkeyPatch) -> tuple[gr.Blocks, list[gr.Blocks]]:
    """Blocks of two pages, with one endpoint; and a list to which they are added for each app that is made of them."""
    made: list[gr.Blocks] = []
    create = routes.App.create_app

    def counted(blocks: gr.Blocks, *more: object, **options: object) -> routes.App:
        made.append(blocks)
        return create(blocks, *more, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(routes.App, "create_app", counted)
    blocks = app_of(kind, upper=(str.upper, [gr.Textbox("hello", label="Name")], gr.Textbox()))
    with blocks.route("Other", "/other"):
        gr.Textbox("on the other page")
    return blocks, made


def test_one_app_is_made_however_many_pages_there_are(monkeypatch: MonkeyPatch) -> None:
    blocks, made = apps_of(LateBlocks, monkeypatch)
    assert (made, blocks.config) == ([], {})
    with launched(blocks) as address:
        assert made == [blocks]
        assert components_of(address)[0]["props"]["label"] == "Name"
        assert ask(address, "upper", "hello")["data"] == ["HELLO"]


def test_gradio_still_makes_an_app_at_the_end_of_every_page(monkeypatch: MonkeyPatch) -> None:
    _, made = apps_of(gr.Blocks, monkeypatch)
    still_needed(len(made) > 2, "late_app")
