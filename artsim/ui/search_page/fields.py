"""Form fields that Gradio lacks: choices with counts, a range, and a slider with keyboard support.

Each fires `input` when its value is settled (not at every step of a drag), and follows its value when that is set.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from artsim.messages.strings import Strings
from artsim.snapshot.facets import Facet
from artsim.ui.gradio_overrides.html_component import HtmlComponent
from artsim.ui.markup import Markup, button, element
from artsim.ui.search_form import MOST_ALIKE

_FIND_FROM = 12  # values: from here on a column can be searched


class ChoicesInput(HtmlComponent):
    """Choose among the values of a column. Its value is a list of them, or None."""

    def __init__(self, facet: Facet, strings: Strings, **more: Any) -> None:
        self._strings = strings
        options = [list(pair) for pair in facet.values]
        super().__init__(self._markup(facet), "choices.js", value=None, options=options, **more)

    def _markup(self, facet: Facet) -> Markup:
        strings, label = self._strings, self._strings.column(facet.column)
        find = strings("filters.find", column=label)
        return element(
            "details",
            element("summary", element("span", label), element("span", "", class_="picked")),
            element("input", type="search", placeholder=find, aria_label=find, hidden=len(facet.values) < _FIND_FROM),
            element("ul"),
            button(strings("filters.all", count=strings.number(len(facet.values))), class_="link", hidden=True),
            class_="choices", data_column=facet.column,
        )  # fmt: skip

    def offer(self, facet: Facet) -> None:
        """Set new values or counts, for pages opened from now on."""
        self.redraw(self._markup(facet), options=[list(pair) for pair in facet.values])

    def preprocess(self, payload: Any) -> list[str] | None:
        return [value for value in payload if isinstance(value, str)] or None if isinstance(payload, list) else None


class RangeInput(HtmlComponent):
    """A range of two numbers, either of which may be empty. Its value is (low, high) or None."""

    def __init__(self, facet: Facet, strings: Strings, **more: Any) -> None:
        self._strings = strings
        super().__init__(self._markup(facet), "range.js", value=None, **more)

    def _markup(self, facet: Facet) -> Markup:
        strings, label = self._strings, self._strings.column(facet.column)
        bounds = {"type": "number", "step": "any", "inputmode": "decimal"}
        return element(
            "div",
            element("span", label, class_="field-label"),
            element("div",
                element("input", **bounds, placeholder=_plain(facet.low),
                        aria_label=strings("filters.from", column=label)),
                element("span", strings("filters.and")),
                element("input", **bounds, placeholder=_plain(facet.high),
                        aria_label=strings("filters.to", column=label)),
                class_="range-fields"),
            class_="range", role="group", aria_label=label, data_column=facet.column,
        )  # fmt: skip

    def offer(self, facet: Facet) -> None:
        """Set a new range, for pages opened from now on."""
        self.redraw(self._markup(facet))

    def preprocess(self, payload: Any) -> tuple[float | None, float | None] | None:
        if not isinstance(payload, list) or len(payload) != 2:
            return None
        low, high = (_number(item) for item in payload)
        return None if low is None and high is None else (low, high)


class VarietyInput(HtmlComponent):
    """Options for variety: other artists only, a limit per value, or the best matches per value. Its value is a `Variety`."""

    def __init__(self, columns: Sequence[str], strings: Strings, *, centuries: bool) -> None:
        self._strings = strings
        super().__init__(self._markup(columns, centuries=centuries), "variety.js", value=None, elem_id="variety")

    def offer(self, columns: Sequence[str], *, centuries: bool) -> None:
        """Set new columns, for pages opened from now on."""
        self.redraw(self._markup(columns, centuries=centuries))

    def _markup(self, columns: Sequence[str], *, centuries: bool) -> Markup:
        strings = self._strings
        self.columns = tuple(columns)
        self.grouped = (*columns, "century") if centuries else tuple(columns)
        most = element(
            "input", type="number", min="1", max=str(MOST_ALIKE), step="1", value="2", data_field="most",
            aria_label=strings("variety.most"),
        )  # fmt: skip
        return element(
            "div",
            _choice("other", strings("variety.other"), strings("variety.any"), self.columns, strings),
            _choice("column", strings("variety.at-most"), strings("variety.any"), self.columns, strings, before=most),
            _choice("by", strings("variety.by"), strings("variety.one"), self.grouped, strings),
            class_="variety",
        )

    def preprocess(self, payload: Any) -> Variety:
        if not isinstance(payload, dict):
            return Variety()
        other, column, by, most = (payload.get(name) for name in ("other", "column", "by", "most"))
        number = most if isinstance(most, int) and 1 <= most <= MOST_ALIKE else 1
        return Variety(
            other if other in self.columns else None,
            (column, number) if column in self.columns else None,
            by if by in self.grouped else None,
        )

    def postprocess(self, value: Variety | None) -> dict[str, Any] | None:
        if value is None:
            return None
        column, most = value.at_most or (None, None)
        return {"other": value.other, "column": column, "most": most, "by": value.by}


@dataclass(frozen=True)
class Variety:
    """See `artsim.ui.search_form.SearchForm`."""

    other: str | None = None
    at_most: tuple[str, int] | None = None
    by: str | None = None


def _choice(
    field: str, label: str, none: str, columns: Sequence[str], strings: Strings, *, before: Markup | str = ""
) -> Markup:
    options = [
        element("option", none, value=""),
        *(element("option", strings.column(name), value=name) for name in columns),
    ]
    select = element("select", *options, data_field=field, aria_label=label, autocomplete="off")
    return element("div", element("span", label, class_="field-label"), element("div", before, select), class_="choice")


class AmountInput(HtmlComponent):
    """A number in a range, as a slider with its value in figures."""

    def __init__(
        self, label: str, *, low: float, high: float, step: float, value: float, info: str = "", **more: Any
    ) -> None:
        self.initial = value
        bounds = {"min": _plain(low), "max": _plain(high), "step": _plain(step), "value": _plain(value)}
        markup = element(
            "div",
            element("span", label, class_="field-label"),
            element("input", type="number", **bounds, aria_label=label),
            element("input", type="range", **bounds, aria_label=label),
            element("span", info, class_="fine") if info else "",
            class_="amount",
        )
        super().__init__(markup, "amount.js", value=value, **more)

    def preprocess(self, payload: Any) -> float:
        number = _number(payload)
        return self.initial if number is None else number


def _number(item: Any) -> float | int | None:
    if isinstance(item, bool) or not isinstance(item, int | float) or not math.isfinite(item):
        return None
    return int(item) if float(item).is_integer() else item


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else f"{number:g}"
