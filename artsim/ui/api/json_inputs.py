"""JSON inputs and outputs of the HTTP API with their schemas, and the parser of a JSON query."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from artsim.encoders.presets import PRESETS, RANKINGS
from artsim.errors import QueryError
from artsim.search.query import MAX_K
from artsim.snapshot.filters import Where
from artsim.ui.gradio_overrides.json_component import Schema, Typed

LONGEST_TEXT = 1000
"""Maximum characters of a query text; encoders read fewer."""
_MOST_VALUES = 1000

_PLAIN: Schema = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}
_BOUND: Schema = {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]}

K: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_K}
TEXT: Schema = {"type": "string", "maxLength": LONGEST_TEXT}
WORK: Schema = {"type": "string"}
PRESET: Schema = {"type": "string", "enum": list(PRESETS)}
RANKING: Schema = {"type": "string", "enum": list(RANKINGS)}
ASPECTS: Schema = {"type": "object", "additionalProperties": {"type": "number"}}
COLUMNS: Schema = {"type": "array", "items": {"type": "string"}}
LIMITS: Schema = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}
WHERE: Schema = {
    "type": "object",
    "additionalProperties": {
        "anyOf": [
            *_PLAIN["anyOf"],
            {"type": "array", "items": _PLAIN, "maxItems": _MOST_VALUES},
            {"type": "object", "properties": {"from": _BOUND, "to": _BOUND}, "additionalProperties": _BOUND},
        ]
    },
}


def answers_of(kind: Any) -> Typed:
    """The output component of an endpoint that returns `kind`, such as `list[MatchAnswer]`."""
    return Typed({"description": "", **_without_defaults(TypeAdapter(kind).json_schema())})


def _without_defaults(schema: Any) -> Any:
    """Without `additionalProperties: true`, which is what JSON Schema assumes anyway."""
    if isinstance(schema, list):
        return [_without_defaults(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_defaults(value) for key, value in schema.items() if (key, value) != ("additionalProperties", True)
    }


def read_k(k: Any) -> int:
    """`k` as an int. Raises `QueryError` unless it is a whole number; the search checks its range."""
    if isinstance(k, bool) or not isinstance(k, int | float) or (isinstance(k, float) and not k.is_integer()):
        raise QueryError(f"k must be a whole number from 1 to {MAX_K}; it is {_shown(k)}.")
    return int(k)


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


def read_where(where: Any) -> Where:
    """Conditions as `artsim.snapshot.filters` takes them: `{"from": low, "to": high}` becomes `(low, high)`."""
    if where is None:
        return {}
    if not isinstance(where, dict):
        raise QueryError(
            'The parameter where must be an object such as {"artist": "Degas", "year": {"from": 1870, "to": 1880}}.'
        )
    return {str(column): _condition(str(column), value) for column, value in where.items()}


def _condition(column: str, value: Any) -> Any:
    if isinstance(value, dict):
        if not value or set(value) - {"from", "to"} or not all(_is_plain(bound) for bound in value.values()):
            raise QueryError(f'The range for {column} must be an object such as {{"from": 1870, "to": 1880}}.')
        return (value.get("from"), value.get("to"))
    values = value if isinstance(value, list) else [value]
    if len(values) > _MOST_VALUES or not all(_is_plain(item) for item in values):
        raise QueryError(f"The filter {column} takes a string, a number, or a list of at most {_MOST_VALUES} of them.")
    return value


def read_columns(columns: Any) -> tuple[str, ...]:
    if columns is None:
        return ()
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
        raise QueryError('The parameter other must be a list of columns, such as ["artist"].')
    return tuple(columns)


def read_limits(limits: Any) -> dict[str, int]:
    if limits is None:
        return {}
    if not isinstance(limits, dict) or not all(type(limit) is int for limit in limits.values()):
        raise QueryError('The parameter at_most must be an object of whole numbers, such as {"artist": 2}.')
    return limits


def read_aspects(aspects: Any) -> dict[Any, float] | None:
    """None for an empty object: the weights are then the preset's."""
    if not aspects:
        return None
    if not isinstance(aspects, dict) or not all(type(weight) in (int, float) for weight in aspects.values()):
        raise QueryError('The parameter aspects must be an object of numbers, such as {"style": 0.8, "color": 0.2}.')
    return aspects


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
