"""Form fields that Gradio lacks: choices with counts, a range, a slider with keyboard support, and the order of the results.

Each fires `input` when its value is settled (not at every step of a drag), and follows its value when that is set.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from artsim.messages.strings import Strings
from artsim.snapshot.facets import Facet
from artsim.ui.gradio_overrides.html_component import HtmlComponent
from artsim.ui.search_form import MOST_ALIKE, SORTS, SearchForm
from artsim.ui.templates import render


class ChoicesInput(HtmlComponent):
    """Choose among the values of a column. Its value is a list of them, or None."""

    def __init__(self, facet: Facet, strings: Strings, **more: Any) -> None:
        markup, options = (
            render("search_page/choices.html", strings, facet=facet),
            [list(pair) for pair in facet.values],
        )
        super().__init__(markup, "choices.js", value=None, options=options, **more)

    def preprocess(self, payload: Any) -> list[str] | None:
        return [value for value in payload if isinstance(value, str)] or None if isinstance(payload, list) else None


class RangeInput(HtmlComponent):
    """A range of two numbers, either of which may be empty. Its value is (low, high) or None."""

    def __init__(self, facet: Facet, strings: Strings, **more: Any) -> None:
        low, high = _plain(facet.low), _plain(facet.high)
        markup = render("search_page/range.html", strings, column=facet.column, low=low, high=high)
        super().__init__(markup, "range.js", value=None, **more)

    def preprocess(self, payload: Any) -> tuple[float | None, float | None] | None:
        if not isinstance(payload, list) or len(payload) != 2:
            return None
        low, high = (_number(item) for item in payload)
        return None if low is None and high is None else (low, high)


class VarietyInput(HtmlComponent):
    """Options for variety: other artists only, a limit per value, or the best matches per value. Its value is a `SearchForm`."""

    def __init__(self, columns: Sequence[str], strings: Strings, *, centuries: bool, **more: Any) -> None:
        grouped = (*columns, "century") if centuries else tuple(columns)
        offered: dict[str, Any] = {"columns": tuple(columns), "grouped": grouped}
        markup = render("search_page/variety.html", strings, most_alike=MOST_ALIKE, **offered)
        super().__init__(markup, "variety.js", value=None, elem_id="variety", **offered, **more)

    def preprocess(self, payload: Any) -> SearchForm:
        if not isinstance(payload, dict):
            return SearchForm()
        other, column, by, most = (payload.get(name) for name in ("other", "column", "by", "most"))
        number = most if isinstance(most, int) and 1 <= most <= MOST_ALIKE else 1
        columns: tuple[str, ...] = self.props["columns"]
        return SearchForm(
            other=other if other in columns else None,
            at_most=(column, number) if column in columns else None,
            by=by if by in self.props["grouped"] else None,
        )

    def postprocess(self, value: SearchForm | None) -> dict[str, Any] | None:
        if value is None:
            return None
        column, most = value.at_most or (None, None)
        return {"other": value.other, "column": column, "most": most, "by": value.by}


class OrderInput(HtmlComponent):
    """The order of the results, and their least score: the fields are in the results. Its value is a `SearchForm`."""

    def __init__(self, **more: Any) -> None:
        super().__init__("", "order.js", value=None, elem_id="order", **more)

    def preprocess(self, payload: Any) -> SearchForm:
        sort, least = (payload.get(name) for name in ("sort", "min_score")) if isinstance(payload, dict) else (None, 0)
        number = _number(least)
        return SearchForm(
            sort=sort if sort in SORTS else SORTS[0],
            min_score=float(number) if number is not None and 0 <= number <= 1 else 0.0,
        )

    def postprocess(self, value: SearchForm | None) -> dict[str, Any] | None:
        return None if value is None else {"sort": value.sort, "min_score": value.min_score}


class AmountInput(HtmlComponent):
    """A number in a range, as a slider with its value in figures."""

    def __init__(
        self,
        label: str,
        strings: Strings,
        *,
        low: float,
        high: float,
        step: float,
        value: float,
        info: str = "",
        **more: Any,
    ) -> None:
        self.initial = value
        bounds = {"min": _plain(low), "max": _plain(high), "step": _plain(step), "value": _plain(value)}
        markup = render("search_page/amount.html", strings, label=label, info=info, bounds=bounds)
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
