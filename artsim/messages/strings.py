"""Every sentence that the app shows, by key, from `locales/LANGUAGE/*.json`: one folder a language, one file an area."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from artsim.messages.message import Message, MessageFormatter

DEFAULT_LANGUAGE = "en"
_ERRORS = "errors.json"
"""The one file whose keys are English: what `Message`s of the code are in this language. English needs none."""


class Strings:
    """`strings("results.count", count=3)`: the sentence of a key, filled in. `KeyError` when there is no such key."""

    def __init__(self, language: str, sentences: Mapping[str, str], errors: Mapping[str, str] | None = None) -> None:
        """`errors`: translations of what code says as a `Message`, by its template."""
        self.language = language
        self._sentences = sentences
        self._errors = errors or {}

    def __call__(self, key: str, **values: Any) -> str:
        return self._sentences[key].format(**values)

    @property
    def direction(self) -> str:
        """ "ltr" or "rtl": which way the language is written."""
        return self("language.direction")

    def number(self, count: int) -> str:
        """Digits grouped as this language does; some leave numbers of four digits whole."""
        is_grouped = len(str(abs(count))) >= int(self("number.grouped-digits"))
        return self._written(f"{count:,}" if is_grouped else str(count))

    def decimal(self, value: float, digits: int) -> str:
        """A number with `digits` decimals, with this language's decimal sign; "–" for nan."""
        return "–" if value != value else self._written(f"{value:.{digits}f}")

    def plain(self, value: float) -> str:
        """A number with as many decimals as it has, at most six, and none grouped: a year, a weight."""
        return self._written(f"{round(value, 6):.12g}")

    def percent(self, value: float, digits: int = 0) -> str:
        """`99.7 %`, with the space that the language asks for."""
        return self("match.share", value=self.decimal(value, digits))

    def _written(self, number: str) -> str:
        """Digits as Python writes them, with the separators of this language."""
        signs = {",": self("number.group"), ".": self("number.point")}
        return "".join(signs.get(letter, letter) for letter in number)

    def message(self, message: str) -> str:
        """What code says, in this language: the translation of its template, or English where there is none."""
        if not isinstance(message, Message) or message.template not in self._errors:
            return str(message)
        template = self._errors[message.template]
        return _TranslationFormatter(self).format(template, **message.values) if message.values else template

    def begins_with_words(self, message: str) -> bool:
        """Whether `message` begins with words of its own, which take a capital, and not with a name that is filled in."""
        if not isinstance(message, Message) or not message.values:
            return True
        template = self._errors.get(message.template, message.template)
        literal, name, _, _ = next(iter(_TranslationFormatter(self).parse(template)))
        return bool(literal) or name == "column" or isinstance(message.values.get(name or ""), Message)

    def translates(self, message: str) -> bool:
        """Whether `message` says it in this language."""
        return self.language == DEFAULT_LANGUAGE or getattr(message, "template", "") in self._errors

    def column(self, name: str) -> str:
        """The heading of a metadata column: a translation where there is one, else its name made readable."""
        key = f"column.{name}"
        return self._sentences[key] if key in self._sentences else name.replace("_", " ").strip().capitalize()

    def aspect(self, name: str) -> str:
        """What a side of likeness is called."""
        return self._sentences.get(f"aspect.{name}", name.capitalize())

    def aspect_info(self, name: str) -> str:
        """What it means; empty for one that these strings do not know."""
        return self._sentences.get(f"aspect.{name}.info", "")

    def starting_with(self, prefix: str) -> dict[str, str]:
        """All sentences whose key starts with `prefix`, without it: what a page's scripts need."""
        return {key[len(prefix) :]: text for key, text in self._sentences.items() if key.startswith(prefix)}


class _TranslationFormatter(MessageFormatter):
    """Fills the blanks of a translation: columns, aspects, numbers and sentences among them are said in the language too."""

    def __init__(self, strings: Strings) -> None:
        self._strings = strings
        self.comma = strings("results.comma")

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        value = super().get_value(key, args, kwargs)
        say = {
            "column": self._strings.column,
            "columns": self._strings.column,
            "aspects": self._strings.aspect,
        }.get(str(key))
        if say is None:
            return value
        return [say(str(item)) for item in value] if isinstance(value, list | tuple) else say(str(value))

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Message):
            return self._strings.message(value)
        text = super().format_field(value, format_spec)
        return self._strings._written(text) if isinstance(value, float) or "," in format_spec else text


@cache
def languages() -> dict[str, str]:
    """Language code -> what its speakers call it, the default first: every folder of `locales` is one."""
    folders = sorted((item for item in _locales().iterdir() if item.is_dir()), key=lambda item: item.name)
    names = {folder.name: _read(folder)["language.name"] for folder in folders}
    return {DEFAULT_LANGUAGE: names.pop(DEFAULT_LANGUAGE), **names}


@cache
def load_strings(language: str = DEFAULT_LANGUAGE) -> Strings:
    """The sentences of a language; those that it lacks are English."""
    sentences = {**_read(_locales() / DEFAULT_LANGUAGE), **_read(_locales() / language)}
    errors = _locales() / language / _ERRORS
    return Strings(language, sentences, json.loads(errors.read_text(encoding="utf-8")) if errors.is_file() else {})


def _read(folder: Traversable) -> dict[str, str]:
    files = [item for item in folder.iterdir() if item.name.endswith(".json") and item.name != _ERRORS]
    files.sort(key=lambda item: item.name)
    return {key: text for file in files for key, text in json.loads(file.read_text(encoding="utf-8")).items()}


def _locales() -> Traversable:
    return resources.files("artsim.messages") / "locales"
