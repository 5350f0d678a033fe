"""JSON inputs and outputs of the HTTP API with their schemas, and the parser of a JSON query."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from artsim.encoders.presets import PRESETS, RANKINGS
from artsim.errors import QueryError
from artsim.search.query import MAX_K, TextMode
from artsim.search.text_search import MOST_SUGGESTIONS
from artsim.snapshot.filters import Where
from artsim.ui.gradio_overrides.json_component import Schema, Typed

T = TypeVar("T")
LONGEST_TEXT = 1000
"""Maximum characters of a query text; encoders read fewer."""
_MOST_VALUES = 1000

_STRICT = ConfigDict(strict=True)
_Plain = str | int | float | bool | None
_Values = Annotated[list[_Plain], Field(max_length=_MOST_VALUES)]
_Range = Annotated[dict[Literal["from", "to"], _Plain], Field(min_length=1)]
_COLUMNS: TypeAdapter[list[str]] = TypeAdapter(list[str], config=_STRICT)
_LIMITS = TypeAdapter(dict[str, int], config=_STRICT)
_WEIGHTS = TypeAdapter(dict[str, float], config=_STRICT)
_CONDITIONS = TypeAdapter(dict[str, _Plain | _Values | _Range], config=_STRICT)

K: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_K}
MIN_SCORE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
TEXT: Schema = {"type": "string", "maxLength": LONGEST_TEXT}
TEXT_MODE: Schema = {"type": "string", "enum": list(get_args(TextMode))}
LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": MOST_SUGGESTIONS}
WORK: Schema = {"type": "string"}
COLUMN: Schema = {"type": "string"}
PRESET: Schema = {"type": "string", "enum": list(PRESETS)}
RANKING: Schema = {"type": "string", "enum": list(RANKINGS)}
ASPECTS: Schema = _WEIGHTS.json_schema()
COLUMNS: Schema = _COLUMNS.json_schema()
LIMITS: Schema = _LIMITS.json_schema()
WHERE: Schema = _CONDITIONS.json_schema()


def answers_of(kind: Any) -> Typed:
    """The output component of an endpoint that returns `kind`, such as `list[MatchAnswer]`."""
    return Typed({"description": "", **TypeAdapter(kind).json_schema()})


def read_k(k: Any) -> Any:
    """`k`, with 10.0 as 10; the search checks it."""
    return int(k) if isinstance(k, float) and k.is_integer() else k


def read_text(text: Any) -> str:
    if not isinstance(text, str):
        raise QueryError(f"The text to search for must be a string; it is {_shown(text)}.")
    if len(text) > LONGEST_TEXT:
        raise QueryError(f"The text to search for has {len(text)} characters; the most is {LONGEST_TEXT}.")
    return text


def read_work(work: Any) -> str:
    if not isinstance(work, str) or not work:
        raise QueryError("Give the id of a work: a string, as every match of a search has it.")
    return work


def read_column(column: Any) -> str:
    if not isinstance(column, str):
        raise QueryError(f"The column must be a string, such as style; it is {_shown(column)}.")
    return column


def read_where(where: Any) -> Where:
    """Conditions as `artsim.snapshot.filters` takes them: `{"from": low, "to": high}` becomes `(low, high)`."""
    try:
        conditions = _CONDITIONS.validate_python({} if where is None else where)
    except ValidationError as error:
        raise QueryError(_problem(where, *error.errors()[0]["loc"][:1])) from error
    return {
        column: (value.get("from"), value.get("to")) if isinstance(value, dict) else value
        for column, value in conditions.items()
    }


def _problem(where: Any, column: Any = None) -> str:
    if column is None:
        return 'The parameter where must be an object such as {"artist": "Degas", "year": {"from": 1870, "to": 1880}}.'
    if isinstance(where[column], dict):
        return f'The range for {column} must be an object such as {{"from": 1870, "to": 1880}}.'
    return f"The filter {column} takes a string, a number, or a list of at most {_MOST_VALUES} of them."


def read_columns(columns: Any) -> tuple[str, ...]:
    problem = 'The parameter other must be a list of columns, such as ["artist"].'
    return (*_read(_COLUMNS, columns or [], problem),)


def read_limits(limits: Any) -> dict[str, int]:
    problem = 'The parameter at_most must be an object of whole numbers, such as {"artist": 2}.'
    return _read(_LIMITS, limits or {}, problem)


def read_aspects(aspects: Any) -> dict[Any, float] | None:
    """None for an empty object: the weights are then the preset's."""
    problem = 'The parameter aspects must be an object of numbers, such as {"style": 0.8, "color": 0.2}.'
    return _read(_WEIGHTS, aspects or {}, problem) or None


def _read(kind: TypeAdapter[T], value: Any, problem: str) -> T:
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        raise QueryError(problem) from error


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
