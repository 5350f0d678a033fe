"""Names in the pages that Gradio draws, which our stylesheets and scripts rely on."""

import re
from pathlib import Path

import gradio

CLASSES = (
    "gradio-container", "app", "fillable", "contain",  # the frame of a page
    "wrap", "translucent",  # "Loading"
    "nav-holder",  # the list of pages
    "block", "form", "html-container", "icon",  # parts of components
)  # fmt: skip


def test_gradio_still_draws_what_our_styles_select() -> None:
    folder = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
    files = [path for glob in ("*.css", "core-*.js") for path in folder.glob(glob)]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in files)
    gone = [name for name in CLASSES if not re.search(rf"[.`\"' ]{name}(?![\w-])", sources)]
    assert gone == [], "Gradio's pages have no such classes any more: adapt artsim/ui/assets"
