"""Blocks that fetch no address, and refuse input that does not fit with one sentence.

Gradio: tried with 6.31.0.
Reason: Gradio looks for files in the value of every input, those of numbers and texts too, and downloads the addresses that
    it finds there. Private addresses are refused, but a caller can still make the server fetch any public one
    (gradio-app/gradio#5768, #9589). Input of the wrong shape is answered with `{"error": null}`, and logged with its values
    and a traceback; half a surrogate pair in a text breaks the answer.
Remove when: Gradio has a setting that turns off downloads for callers, and answers input that does not fit with a message.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from artsim.ui.gradio_overrides.refusal import Refusal
from artsim.ui.gradio_overrides.uploads import FILE_MARK

log = logging.getLogger(__name__)

NO_FIT = "The values of this request do not fit the parameters; gradio_api/info describes them."
NO_TEXT = "A text of this request is not valid Unicode."


class GuardedBlocks(gr.Blocks):
    """`gr.Blocks` that answers an address in place of an upload with `refusal`, and values that do not fit with `NO_FIT`.

    All calls pass `preprocess_data`: queued, direct, and those of MCP tools.
    """

    def __init__(self, *, refusal: str, **more: Any) -> None:
        super().__init__(**more)
        self._refusal = refusal

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *more: Any, **options: Any) -> list[Any]:
        try:
            if any("://" in path for path in _paths_in(inputs)):
                raise Refusal(self._refusal)
            if not all(map(_is_unicode, _texts_in(inputs))):
                raise Refusal(NO_TEXT)
            return await super().preprocess_data(block_fn, inputs, *more, **options)
        except gr.Error:
            raise
        except Exception as error:  # whatever it is: nothing but the caller's values is read here
            log.info("Input of %s is refused (%s).", block_fn.name, type(error).__name__)
            raise Refusal(NO_FIT) from error


def _paths_in(value: Any) -> Iterator[str]:
    """The paths of what Gradio takes for files in a JSON value, at any depth."""
    if isinstance(value, dict):
        meta, path = value.get("meta"), value.get("path")
        if isinstance(path, str) and isinstance(meta, dict) and meta.get("_type") == FILE_MARK["_type"]:
            yield path
        for item in value.values():
            yield from _paths_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _paths_in(item)


def _texts_in(value: Any) -> Iterator[str]:
    """The texts and keys in a JSON value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from _texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts_in(item)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
