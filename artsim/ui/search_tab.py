"""The search: a query and its controls on one side, works on the other."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from artsim.errors import ArtsimError, QueryError
from artsim.facets import Facet
from artsim.filters import Where
from artsim.search import PRESETS, RANKINGS, Match
from artsim.ui.assets import read_script
from artsim.ui.context import Context
from artsim.ui.fields import AmountInput, ChoicesInput, RangeInput
from artsim.ui.inputs import Chosen, QueryInput
from artsim.ui.labels import label_of, sentence_of
from artsim.ui.markup import Markup
from artsim.ui.results import empty_page, matches_page
from artsim.ui.strings import Strings

log = logging.getLogger(__name__)

SHOWN, MOST_SHOWN = 24, 100
_AT_ONCE = 4  # searches that may run side by side; the encoder itself takes one picture at a time
_BEFORE = "(...inputs) => { window.artsim.busy(); return inputs; }"
_AFTER = "() => { window.artsim.settle(); }"


@dataclass(frozen=True)
class Asked:
    """One search as the controls stand."""

    chosen: Chosen
    text: str
    preset: str | None
    """None when the weights were set by hand."""
    weights: tuple[float, ...]
    """Of the aspects of the space, in its order."""
    ranking: str
    k: int
    where: Where


def search_tab(context: Context) -> gr.Textbox:
    """Lays out the search and connects its events. Returns the box for words, which a text encoder makes visible."""
    strings, sides = context.strings, len(context.aspects)
    with gr.Row(elem_id="search", equal_height=False):
        with gr.Column(elem_id="controls", scale=0, min_width=300):
            query = QueryInput(strings)
            text = _text_box(context)
            preset = gr.Radio(
                [(strings(f"preset.{name}"), name) for name in PRESETS],
                value="balanced",
                label=strings("presets.label"),
                elem_id="presets",
            )
            k = AmountInput(strings("k.label"), low=1, high=MOST_SHOWN, step=1, value=SHOWN, elem_id="k")
            facets, clear = _filters(context)
            weights, ranking = _advanced(context)
        with gr.Column(elem_id="found", min_width=280):
            results = gr.HTML(
                empty_page(context),
                html_template='<div class="results-root"></div>',
                js_on_load=read_script("results.js"),
                apply_default_css=False,
                elem_id="results",
            )

    def search(chosen: Chosen, words: str, name: str | None, *more: Any) -> str:
        shares, (by, count), values = more[:sides], more[sides : sides + 2], more[sides + 2 :]
        where = _where(context.facets, values)
        return answer(context, Asked(chosen, (words or "").strip(), name, shares, by, int(count), where))

    inputs = [query, text, preset, *weights, ranking, k, *facets]
    common: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    run: dict[str, Any] = {
        "fn": search, "inputs": inputs, "outputs": results, "js": _BEFORE, "concurrency_limit": _AT_ONCE, **common
    }  # fmt: skip
    triggers = [query.input, text.submit, preset.input, ranking.input, k.input, *(facet.input for facet in facets)]
    gr.on(triggers, trigger_mode="always_last", **run).then(None, js=_AFTER, **common)
    by_hand = gr.on([weight.input for weight in weights], None, js="() => null", outputs=preset, **common)
    by_hand.then(**run).then(None, js=_AFTER, **common)
    preset.input(None, preset, weights, js="(name) => window.artsim.presets[name]", **common)
    if clear is not None:
        emptied = clear.click(None, None, facets, js=f"() => {json.dumps([None] * len(facets))}", **common)
        emptied.then(**run).then(None, js=_AFTER, **common)
    return text


def _text_box(context: Context) -> gr.Textbox:
    """Shown at once for encoders that are known by their name to read words; else when the loaded encoder says so."""
    strings = context.strings
    return gr.Textbox(
        label=strings("query.text"),
        placeholder=strings("query.text.placeholder"),
        visible=any(family in context.encoder.lower() for family in ("clip", "siglip")),
        elem_id="words",
        max_lines=1,
        max_length=500,
    )


def _filters(context: Context) -> tuple[list[Any], gr.Button | None]:
    """One control per facet, and the button that clears them."""
    if not context.facets:
        return [], None
    strings = context.strings
    with gr.Accordion(strings("filters.title"), open=False, elem_id="filters"):
        controls = [_filter(facet, strings) for facet in context.facets]
        clear = gr.Button(strings("filters.clear"), elem_id="clear-filters", size="sm")
    return controls, clear


def _filter(facet: Facet, strings: Strings) -> Any:
    return RangeInput(facet, strings) if facet.kind == "range" else ChoicesInput(facet, strings)


def _advanced(context: Context) -> tuple[list[AmountInput], gr.Radio]:
    strings = context.strings
    with gr.Accordion(strings("advanced.title"), open=False, elem_id="advanced"):
        weights = [
            AmountInput(
                strings.aspect(aspect),
                info=strings.aspect_info(aspect),
                low=0,
                high=1,
                step=0.05,
                value=PRESETS["balanced"].get(aspect, 0),
            )
            for aspect in context.aspects
        ]
        ranking = gr.Radio(
            [(strings(f"ranking.{name}"), name) for name in RANKINGS],
            value="tuned",
            label=strings("ranking.label"),
            info=strings("ranking.info"),
            elem_id="ranking",
        )
    return weights, ranking


def _where(facets: tuple[Facet, ...], values: tuple[Any, ...]) -> Where:
    return {facet.column: value for facet, value in zip(facets, values, strict=True) if value}


def answer(context: Context, asked: Asked) -> Markup:
    """The page for a search. Whatever goes wrong is on that page as a sentence."""
    if asked.chosen == Chosen() and not asked.text:
        return empty_page(context)
    return guarded(context, lambda: _matches_page(context, asked))


def guarded(context: Context, page: Callable[[], Markup]) -> Markup:
    """`page()`, or the empty page with a notice why not."""
    try:
        return page()
    except ArtsimError as error:
        return empty_page(context, sentence_of(error))
    except Exception:
        log.exception("A search failed.")
        return empty_page(context, context.strings("notice.internal"))


def _matches_page(context: Context, asked: Asked) -> Markup:
    matches = find(context, asked)
    by_text = asked.chosen == Chosen()
    return matches_page(context, matches, heading=_heading(context, asked), filtered=bool(asked.where), by_text=by_text)


def find(context: Context, asked: Asked) -> list[Match]:
    """The matches of a search. `ArtsimError` with a sentence when there can be none."""
    preset = asked.preset if asked.preset in PRESETS else None
    return context.collection.search(
        image=read_upload(asked.chosen.upload, context.strings) if asked.chosen.upload else None,
        work=asked.chosen.work,
        text=asked.text or None,
        k=asked.k,
        preset=preset,
        aspects=None if preset else dict(zip(context.aspects, asked.weights, strict=True)),
        where=asked.where,
        ranking=asked.ranking,  # type: ignore[arg-type]  # checked by the search
    )


def read_upload(path: Path, strings: Strings) -> bytes:
    """The bytes of an upload, so that no message can name where it lay."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise QueryError(strings("notice.gone")) from error


def _heading(context: Context, asked: Asked) -> str:
    strings, chosen = context.strings, asked.chosen
    if chosen == Chosen():
        return strings("results.of.text", text=asked.text)
    if asked.text:
        return strings("results.of.both", text=asked.text)
    if chosen.work is not None:
        return strings("results.of.work", title=label_of(context.collection.work(chosen.work)).title)
    return strings("results.of.upload")
