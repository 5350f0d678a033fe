"""Every sentence that the app shows, by key, from `locales/LANGUAGE/*.json`: one folder a language, one file an area."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

DEFAULT_LANGUAGE = "en"


class Strings:
    """`strings("results.count", count=3)`: the sentence of a key, filled in. `KeyError` when there is no such key."""

    def __init__(self, language: str, sentences: Mapping[str, str]) -> None:
        self.language = language
        self._sentences = sentences

    def __call__(self, key: str, **values: Any) -> str:
        return self._sentences[key].format(**values)

    @property
    def direction(self) -> str:
        """ "ltr" or "rtl": which way the language is written."""
        return self("language.direction")

    def number(self, count: int) -> str:
        """Digits grouped as this language does."""
        return f"{count:,}".replace(",", self("number.group"))

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


@cache
def languages() -> dict[str, str]:
    """Language code -> what its speakers call it, the default first: every folder of `locales` is one."""
    folders = sorted((item for item in _locales().iterdir() if item.is_dir()), key=lambda item: item.name)
    names = {folder.name: _read(folder)["language.name"] for folder in folders}
    return {DEFAULT_LANGUAGE: names.pop(DEFAULT_LANGUAGE), **names}


@cache
def load_strings(language: str = DEFAULT_LANGUAGE) -> Strings:
    """The sentences of a language; those that it lacks are English."""
    return Strings(language, {**_read(_locales() / DEFAULT_LANGUAGE), **_read(_locales() / language)})


def _read(folder: Traversable) -> dict[str, str]:
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".json")), key=lambda item: item.name)
    return {key: text for file in files for key, text in json.loads(file.read_text(encoding="utf-8")).items()}


def _locales() -> Traversable:
    return resources.files("artsim.ui") / "locales"
