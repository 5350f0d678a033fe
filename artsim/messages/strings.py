"""All texts that the app shows, by key, from `locales/LANGUAGE/*.json`: one folder per language, one file per area."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from artsim.messages.message import Message, MessageFormatter, Translated

DEFAULT_LANGUAGE = "en"
_WIDE_STOPS = ("。", "！", "？")
_ERRORS = "errors.json"
"""The file that maps the English templates of `Message`s to their translations. English has none."""


class Strings:
    """The texts of one language. `strings("results.count", count=3)` formats the text of a key; `KeyError` if unknown."""

    def __init__(self, language: str, texts: Mapping[str, str], errors: Mapping[str, str] | None = None) -> None:
        """`texts`: text by key; `errors`: translation by `Message` template."""
        self.language = language
        self._texts = texts
        self._errors = errors or {}

    def __call__(self, key: str, **values: Any) -> str:
        return self._texts[key].format(**values)

    @property
    def direction(self) -> str:
        """ "ltr" or "rtl": the writing direction of the language."""
        return self("language.direction")

    def number(self, count: int) -> str:
        """`count` with its digits grouped as in this language; some do not group four digits."""
        is_grouped = len(str(abs(count))) >= int(self("number.grouped-digits"))
        return self._localized(f"{count:,}" if is_grouped else str(count))

    def works(self, count: int) -> str:
        """A number of works, as `1 work` or `174 works`."""
        return self("header.work") if count == 1 else self("header.works", count=self.number(count))

    def decimal(self, value: float, digits: int) -> str:
        """`value` with `digits` decimals and this language's decimal sign; "–" for NaN."""
        return "–" if value != value else self._localized(f"{value:.{digits}f}")

    def plain(self, value: float) -> str:
        """`value` with at most six decimals, without grouping or trailing zeros: for years and weights."""
        return self._localized(f"{round(value, 6):.12g}")

    def percent(self, value: float, digits: int = 0) -> str:
        """A percentage such as `99.7 %`, with the spacing of this language."""
        return self("match.share", value=self.decimal(value, digits))

    def century(self, start: int) -> str:
        """The century that begins with the year `start`: `11th century` for 1000, `1st century BCE` for -100."""
        key, number = ("results.century", start // 100 + 1) if start >= 0 else ("results.century.bce", -start // 100)
        return self(key, century=_ORDINALS[self("number.ordinal")](number))

    def _localized(self, number: str) -> str:
        """A number in Python's notation, with the separators of this language."""
        signs = {",": self("number.group"), ".": self("number.point")}
        return "".join(signs.get(letter, letter) for letter in number)

    @staticmethod
    def sentences(*texts: str) -> str:
        """Sentences as one text. Full-width stops, of Chinese and Japanese, have no space after them."""
        return "".join(text if text.endswith(_WIDE_STOPS) else f"{text} " for text in texts if text).rstrip()

    def message(self, message: str) -> str:
        """The translation of a `Message`, looked up by its template; English where there is none."""
        if not isinstance(message, Message) or message.template not in self._errors:
            return str(message)
        template = self._errors[message.template]
        return _TranslationFormatter(self).format(template, **message.values) if message.values else template

    def begins_with_words(self, message: str) -> bool:
        """Whether `message` begins with words, which are capitalized, and not with a name that is filled in."""
        if not isinstance(message, Message) or not message.values:
            return True
        template = self._errors.get(message.template, message.template)
        literal, name, _, _ = next(iter(_TranslationFormatter(self).parse(template)))
        return bool(literal) or name == "column" or isinstance(message.values.get(name or ""), Message)

    def translates(self, message: str) -> bool:
        """Whether `message` can be shown in this language."""
        known = isinstance(message, Translated) or getattr(message, "template", "") in self._errors
        return self.language == DEFAULT_LANGUAGE or known

    def column(self, name: str) -> str:
        """The heading of a metadata column: its translation if there is one, else its name made readable."""
        key = f"column.{name}"
        return self._texts[key] if key in self._texts else name.replace("_", " ").strip().capitalize()

    def aspect(self, name: str) -> str:
        """The display name of an aspect."""
        return self._texts.get(f"aspect.{name}", name.capitalize())

    def aspect_info(self, name: str) -> str:
        """The description of an aspect; empty for an unknown one."""
        return self._texts.get(f"aspect.{name}.info", "")

    def starting_with(self, prefix: str) -> dict[str, str]:
        """All texts whose key starts with `prefix`, which is removed from the keys: for the scripts of a page."""
        return {key[len(prefix) :]: text for key, text in self._texts.items() if key.startswith(prefix)}


class _TranslationFormatter(MessageFormatter):
    """Formats a translation; columns, aspects, numbers and messages among its values are translated too."""

    def __init__(self, strings: Strings) -> None:
        self._strings = strings
        self.comma = strings("results.comma")

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        value = super().get_value(key, args, kwargs)
        translate = {
            "column": self._strings.column,
            "columns": self._strings.column,
            "aspects": self._strings.aspect,
        }.get(str(key))
        if translate is None:
            return value
        return [translate(str(item)) for item in value] if isinstance(value, list | tuple) else translate(str(value))

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Message):
            return self._strings.message(value)
        text = super().format_field(value, format_spec)
        return self._strings._localized(text) if isinstance(value, float) or "," in format_spec else text


def _in_english(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _in_roman(number: int) -> str:
    """A number below 90 as centuries are written: 19 as XIX."""
    tens, ones = divmod(number, 10)
    high = "L" * (tens >= 5) + "X" * (tens % 5) if tens != 4 else "XL"
    return high + ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")[ones]


_ORDINALS: Mapping[str, Callable[[int], str]] = {
    "1": str,
    "1.": lambda number: f"{number}.",
    "1st": _in_english,
    "I": _in_roman,
    "Ier": lambda number: _in_roman(number) + ("er" if number == 1 else "e"),
}
"""How languages number centuries, by how they write the first one: the values of `number.ordinal`."""


@cache
def languages() -> dict[str, str]:
    """Language code -> name in that language, the default first; one for each folder of `locales`."""
    folders = sorted((item for item in _locales().iterdir() if item.is_dir()), key=lambda item: item.name)
    names = {folder.name: _read(folder)["language.name"] for folder in folders}
    return {DEFAULT_LANGUAGE: names.pop(DEFAULT_LANGUAGE), **names}


@cache
def load_strings(language: str = DEFAULT_LANGUAGE) -> Strings:
    """The texts of a language, with English for those that it lacks."""
    texts = {**_read(_locales() / DEFAULT_LANGUAGE), **_read(_locales() / language)}
    errors = _locales() / language / _ERRORS
    return Strings(language, texts, json.loads(errors.read_text(encoding="utf-8")) if errors.is_file() else {})


def _read(folder: Traversable) -> dict[str, str]:
    files = [item for item in folder.iterdir() if item.name.endswith(".json") and item.name != _ERRORS]
    files.sort(key=lambda item: item.name)
    return {key: text for file in files for key, text in json.loads(file.read_text(encoding="utf-8")).items()}


def _locales() -> Traversable:
    return resources.files("artsim.messages") / "locales"
