"""Names in the pages that Gradio draws, which our stylesheets and scripts rely on."""

import re
from pathlib import Path

import gradio
import pytest

ASSETS = Path(__file__).parents[3] / "artsim" / "ui" / "assets"
CLASSES = (
    "gradio-container", "app", "fillable", "contain",  # the frame of a page
    "wrap", "translucent",  # "Loading"
    "nav-holder",  # the list of pages
    "block", "form", "html-container", "icon", "selected",  # parts of components
)  # fmt: skip


def sources_of_gradio() -> str:
    """Styles of all components, and the script that draws the frame."""
    folder = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
    return "\n".join(path.read_text(encoding="utf-8") for glob in ("*.css", "core-*.js") for path in folder.glob(glob))


def test_gradio_still_draws_what_our_styles_select() -> None:
    sources = sources_of_gradio()
    gone = [name for name in CLASSES if not re.search(rf"[.`\"' ]{name}(?![\w-])", sources)]
    assert gone == [], "Gradio's pages have no such classes any more: adapt artsim/ui/assets"


@pytest.mark.parametrize("name", CLASSES)
def test_our_styles_still_select_it(name: str) -> None:
    styles = "\n".join(path.read_text(encoding="utf-8") for path in ASSETS.glob("*.css"))
    assert re.search(rf"\.{name}(?![\w-])", styles), "no longer used: take it out of this list"
