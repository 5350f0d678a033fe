"""Values of tables: missing ones, evened texts, and one type per column.

Texts stay texts unless nothing of them is lost as numbers: 00123 and 99999999999999999999 do not become numbers, nor 1998.10
beside 1998.1. The owner decides otherwise by naming a column's type.
"""

from __future__ import annotations

import datetime
import math
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from artsim.columns import column_of

ColumnType = Literal["text", "number"]
COLUMN_TYPES: tuple[ColumnType, ...] = ("text", "number")

_MISSING = frozenset(
    ("", "NULL", "Null", "null", "None", "NONE", "none", "N/A", "n/a", "#N/A", "NA", "<NA>", "NaN", "nan", "NAN", "NaT")
)
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_FRACTION = re.compile(r"-?(?:0|[1-9]\d{0,14})\.(\d{1,15})")
_YES_NO = {"true": True, "false": False}


def even_text(text: str) -> str | None:
    """A text in one Unicode form, without spaces around and double ones, and with its lines; None if it marks nothing."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").split("\n")
    even = "\n".join(" ".join(line.split()) for line in lines).strip()
    return None if even in _MISSING else even


def even_value(value: Any) -> Any:
    """A value as it is kept: a text, a number that is finite, yes or no, a list of these, or None. `TypeError` for others."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return even_text(value)
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()  # as spreadsheets keep days
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list | tuple) and not any(isinstance(item, list | tuple) for item in value):
        return [even for item in value if (even := even_value(item)) is not None]
    raise TypeError(f"values of the type {type(value).__name__} are not kept")


def typed_column(
    name: str, values: Sequence[Any], *, written: bool, wanted: ColumnType | None = None
) -> tuple[Any, list[Any], int]:
    """The `datasets` feature of a column, its values of that type, and how many of them are lost as they do not fit `wanted`.

    `values` are those of `even_value`; `written`: whether they all come from texts, so that texts may be numbers.
    """
    from datasets import List, Value

    present = [value for value in values if value is not None]
    if wanted == "number":
        numbers = [None if value is None else _as_number(value) for value in values]
        lost = sum(number is None for number in numbers) - sum(value is None for value in values)
        return (*_numbers(numbers), lost)
    if any(isinstance(value, list) for value in present) and wanted is None:
        return _lists(values, List, Value)
    is_known_text = wanted == "text" or column_of(name).kind == "text"
    if not is_known_text and present:
        if written and all(value.lower() in _YES_NO for value in present):
            return Value("bool"), [None if value is None else _YES_NO[value.lower()] for value in values], 0
        if written and _are_numbers(present):
            return (
                *_numbers(
                    [None if value is None else float(value) if "." in value else int(value) for value in values]
                ),
                0,
            )
        if all(isinstance(value, bool) for value in present):
            return Value("bool"), list(values), 0
        if all(_is_number(value) for value in present):
            return (*_numbers(values), 0)
    return Value("string"), [None if value is None else _as_text(value) for value in values], 0


def _lists(values: Sequence[Any], of: Any, value_of: Any) -> tuple[Any, list[Any], int]:
    """Lists of numbers, if all items are, else of texts; a single value is a list of one."""
    lists = [value if value is None or isinstance(value, list) else [value] for value in values]
    items = [item for value in lists for item in value or ()]
    if items and all(_is_number(item) for item in items):
        kind, _ = _numbers(items)
        return of(kind), lists, 0
    texts = [None if value is None else [_as_text(item) for item in value] for value in lists]
    return of(value_of("string")), texts, 0


def _are_numbers(texts: Sequence[str]) -> bool:
    """Whether texts lose nothing as numbers: no zeros in front, and behind the point only where all have as many digits."""
    digits = set()
    for text in texts:
        if _WHOLE.fullmatch(text):
            continue
        fraction = _FRACTION.fullmatch(text)
        if fraction is None:
            return False
        if fraction[1] != "0":  # 1503.0 is what pandas writes
            digits.add((len(fraction[1]), fraction[1].endswith("0")))
    return len({length for length, _ in digits}) <= 1 or not any(ends for _, ends in digits)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63)


def _numbers(values: Sequence[Any]) -> tuple[Any, list[Any]]:
    """The feature and the values of numbers: whole, if all are (1503.0 is what pandas writes beside missing ones)."""
    from datasets import Value

    whole = all(
        value is None or (float(value).is_integer() and abs(value) < 2**53) or isinstance(value, int)
        for value in values
    )
    kind = int if whole else float
    return Value("int64" if whole else "float64"), [None if value is None else kind(value) for value in values]


def _as_number(value: Any) -> float | int | None:
    """A value as a number, if its owner says that it is one; `12,5` is one, too."""
    if isinstance(value, bool | list):
        return None
    text = str(value).replace("\u00a0", "").replace(" ", "")
    if re.fullmatch(r"[-+]?\d+,\d+", text):
        text = text.replace(",", ".")
    try:
        number = int(text) if re.fullmatch(r"[-+]?\d{1,18}", text) else float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(_as_text, value))
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)
