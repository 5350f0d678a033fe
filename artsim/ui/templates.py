"""Templates of the pages: Jinja2, each file beside the module that renders it. All text is escaped that is not `Markup`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from artsim.images.thumbnails import LARGE, SMALL, WHOLE
from artsim.messages.strings import Strings
from artsim.ui.addresses import page_address, picture_address, search_address
from artsim.ui.assets import asset_address
from artsim.ui.labels import aspect_word, label_of, metadata_of, page_text, safe_link, word_of, word_text


def render(template: str, strings: Strings, **values: Any) -> Markup:
    """The template at `template`, a path below `artsim/ui`, in the language of `strings`."""
    return Markup(_environment().get_template(template).render(strings=strings, **values))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {}  # scripts rely on the order of keys
    environment.globals |= {
        "LARGE": LARGE,
        "SMALL": SMALL,
        "WHOLE": WHOLE,
        "asset_address": asset_address,
        "label_of": label_of,
        "metadata_of": metadata_of,
        "page_address": page_address,
        "page_text": page_text,
        "picture_address": picture_address,
        "safe_link": safe_link,
        "search_address": search_address,
        "aspect_word": aspect_word,
        "word_of": word_of,
        "word_text": word_text,
    }
    return environment
