"""The search page: the query, options and results, and the events that connect them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from artsim.encoders.presets import PRESETS, RANKINGS
from artsim.encoders.protocol import Aspect
from artsim.errors import QueryError
from artsim.images.thumbnails import LARGE, SMALL
from artsim.search.query import ENCODER_MODES, Part
from artsim.snapshot.facets import Facet
from artsim.ui.addresses import picture_address
from artsim.ui.assets import read_script
from artsim.ui.context import Context
from artsim.ui.gradio_overrides.refresh import change, follow, following_html
from artsim.ui.labels import label_of
from artsim.ui.query_string import ParsedLink, read_query_string
from artsim.ui.search_form import (
    MOST_SHOWN,
    SHOWN,
    SearchForm,
    columns_offered,
    encoders_offered,
    has_regions,
)
from artsim.ui.search_page.fields import AmountInput, ChoicesInput, OrderInput, RangeInput, VarietyInput
from artsim.ui.search_page.query_input import AddressInput, PartData, QueryInput
from artsim.ui.search_page.results import page_of, start_page
from artsim.ui.templates import render

_CONCURRENCY = 16  # searches wait for a seat: see `artsim.ui.seats`
_BEFORE = "(...inputs) => { window.artsim.busy(); return inputs; }"
_AFTER = "() => { window.artsim.settle(); }"
_AFTER_LINK = "() => { window.artsim.settle(); setTimeout(window.artsim.restored, 200); }"  # if results are unchanged


@dataclass(frozen=True)
class _Controls:
    """The components that make up the search form."""

    query: QueryInput
    preset: gr.Radio
    k: AmountInput
    ranking: gr.Radio
    variety: VarietyInput
    encoder: gr.Radio
    contains: gr.Checkbox
    order: OrderInput
    weights: Mapping[Aspect, AmountInput]
    filters: Mapping[str, Any]
    """By column, including hidden ones: those of columns that do not distinguish works yet."""

    @property
    def all(self) -> list[Any]:
        plain = [self.query, self.preset, self.k, self.ranking, self.variety, self.encoder, self.contains, self.order]
        return [*plain, *self.weights.values(), *self.filters.values()]

    def form(self, values: Sequence[Any]) -> SearchForm:
        """The search form of the component values, which are in the order of `all`."""
        parts, preset, k, ranking, variety, encoder, contains, order, *rest = values
        shares, conditions = rest[: len(self.weights)], rest[len(self.weights) :]
        preset = preset if preset in PRESETS else None
        return replace(
            variety,
            parts=parts,
            preset=preset,
            weights={} if preset else dict(zip(self.weights, shares, strict=True)),
            ranking=ranking,
            k=int(k),
            where={column: value for column, value in zip(self.filters, conditions, strict=True) if value},
            encoder=encoder or None,
            contains=bool(contains),
            sort=order.sort,
            min_score=order.min_score,
        )

    def values(self, context: Context, form: SearchForm) -> list[Any]:
        """The component values of a search form, in the order of `all`."""
        weights = context.presets[form.preset] if form.preset else form.weights
        return [
            [_part_data(context, part) for part in form.parts],
            form.preset,
            form.k,
            form.ranking,
            form,
            form.encoder or "",
            form.contains,
            form,
            *(weights.get(aspect, 0) for aspect in self.weights),
            *(form.where.get(column) for column in self.filters),
        ]


def search_page(context: Context) -> None:
    """Lay out the search page and connect its events."""
    strings = context.strings
    with gr.Row(elem_id="search", equal_height=False):
        with gr.Column(elem_id="controls", scale=0, min_width=300):
            query = QueryInput(context.strings)
        with gr.Column(elem_id="found", min_width=280):
            with gr.Row(elem_id="options", equal_height=False):
                controls, clear = _options(context, query)
            results = following_html(
                lambda: start_page(context),
                html_template='<div class="results-root"></div>',
                js_on_load=read_script("results.js"),
                elem_id="results",
            )
    address = AddressInput(strings)
    _connect(context, controls, clear, results, address)


def _connect(
    context: Context, controls: _Controls, clear: gr.Button | None, results: gr.HTML, address: AddressInput
) -> None:
    def search(*values: Any) -> str:
        return page_of(context, ParsedLink(controls.form(values)))

    def restore(value: tuple[str, list[Path]]) -> list[Any]:
        query, uploads = value
        link = read_query_string(query, context, uploads)
        return [*controls.values(context, link.form), page_of(context, link, restored="link")]

    common: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    run: dict[str, Any] = {
        "fn": search, "inputs": controls.all, "outputs": results, "js": _BEFORE, "concurrency_limit": _CONCURRENCY, **common
    }  # fmt: skip
    preset, weights, filters = controls.preset, list(controls.weights.values()), list(controls.filters.values())
    fields = [field for field in controls.all if field not in weights]
    gr.on([field.input for field in fields], trigger_mode="always_last", **run).then(None, js=_AFTER, **common)
    weight_event = gr.on([weight.input for weight in weights], None, js="() => null", outputs=preset, **common)
    weight_event.then(**run).then(None, js=_AFTER, **common)
    preset.input(None, preset, weights, js="(name) => window.artsim.presets[name]", **common)
    if clear is not None:
        clear_event = clear.click(None, None, filters, js=f"() => {json.dumps([None] * len(filters))}", **common)
        clear_event.then(**run).then(None, js=_AFTER, **common)
    outputs = [*controls.all, results]
    address_event = address.input(
        restore, address, outputs, js=_BEFORE, concurrency_limit=_CONCURRENCY, trigger_mode="always_last", **common
    )
    address_event.then(None, js=_AFTER_LINK, **common)


def _part_data(context: Context, part: Part) -> PartData:
    data = PartData(weight=part.weight, region=list(part.region) if part.region else None, text=part.text)
    if part.image is not None:
        return data.model_copy(update={"upload": str(part.image)})
    if part.work is None:
        return data
    try:
        work = context.collection.work(part.work)
    except QueryError:  # removed from the collection since the link was read
        return data.model_copy(update={"work": part.work, "title": part.work})
    preview = {"address": picture_address(work, SMALL), "large": picture_address(work, LARGE)}
    return data.model_copy(update={"work": part.work, "title": label_of(work).title, **preview})


def _options(context: Context, query: QueryInput) -> tuple[_Controls, gr.Button | None]:
    """The line of options, which follows a query, and the button that clears the filters."""
    strings, finds_details = context.strings, has_regions(context)
    with gr.Row(elem_id="matching"):
        preset = gr.Radio(
            [(strings(f"preset.{name}"), name) for name in PRESETS],
            value="balanced",
            label=strings("presets.label"),
            elem_id="presets",
        )
        contains = gr.Checkbox(label=strings("contains.label"), visible=finds_details, elem_id="contains")
    filters, clear = _filters(context)
    with gr.Accordion(strings("advanced.title"), open=False, elem_id="advanced"):
        meanings = render("search_page/presets.html", strings, presets=PRESETS, finds_details=finds_details)
        gr.HTML(meanings, apply_default_css=False, elem_id="presets-meaning")
        weights = {aspect: _weight(context, aspect) for aspect in context.aspects}
        k = AmountInput(strings("k.label"), strings, low=1, high=MOST_SHOWN, step=1, value=SHOWN, elem_id="k")
        ranking = gr.Radio(
            [(strings(f"ranking.{name}"), name) for name in RANKINGS],
            value="tuned",
            label=strings("ranking.label"),
            info=strings("ranking.info"),
            elem_id="ranking",
        )
        encoder = _encoder(context)
        variety = _variety(context)
    order = OrderInput()
    return _Controls(query, preset, k, ranking, variety, encoder, contains, order, weights, filters), clear


def _filters(context: Context) -> tuple[dict[str, Any], gr.Button | None]:
    """One control per possible facet, by column, and the button that clears them."""
    if not context.possible_facets:
        return {}, None
    strings = context.strings
    with gr.Accordion(
        strings("filters.title"), open=False, elem_id="filters", visible=bool(context.facets)
    ) as all_of_them:
        filters = {facet.column: _filter(facet, context) for facet in context.possible_facets}
        clear = gr.Button(strings("filters.clear"), elem_id="clear-filters", size="sm")
    follow(all_of_them, lambda accordion: change(accordion, visible=bool(context.facets)))
    return filters, clear


def _filter(facet: Facet, context: Context) -> ChoicesInput | RangeInput:
    """The control of a facet; hidden while its column does not distinguish works."""

    kind = RangeInput if facet.kind == "range" else ChoicesInput

    def renew(field: ChoicesInput | RangeInput) -> None:
        now = next((other for other in context.facets if other.column == facet.column), None)
        change(field, visible=now is not None)
        if now is not None:
            field.redraw_as(kind(now, context.strings, render=False))

    return follow(kind(facet, context.strings, visible=facet in context.facets), renew)


def _variety(context: Context) -> VarietyInput:
    def field(**more: Any) -> VarietyInput:
        return VarietyInput(columns_offered(context.facets), context.strings, centuries=context.has_years, **more)

    def offers_any() -> bool:
        return bool(columns_offered(context.facets) or context.has_years)

    def renew(shown: VarietyInput) -> None:
        change(shown, visible=offers_any())
        shown.redraw_as(field(render=False))

    return follow(field(visible=offers_any()), renew)


def _weight(context: Context, aspect: Aspect) -> AmountInput:
    strings = context.strings
    value, info = context.presets["balanced"].get(aspect, 0), strings.aspect_info(aspect)
    return AmountInput(strings.aspect(aspect), strings, info=info, low=0, high=1, step=0.05, value=value)


def _encoder(context: Context) -> gr.Radio:
    """Visible only with several encoders."""
    strings, offered = context.strings, encoders_offered(context)
    names = [(strings(f"encoder.{name}") if name in ENCODER_MODES else name, name) for name in offered]
    return gr.Radio(
        [(strings("encoder.first"), ""), *names],
        value="",
        label=strings("encoder.label"),
        info=strings("encoder.info"),
        visible=bool(offered),
        elem_id="encoder",
    )
