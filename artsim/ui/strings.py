"""Every sentence that the app shows, from `locales/*.json`, by key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any


class Strings:
    """`strings("results.count", count=3)`: the sentence of a key, filled in. `KeyError` when there is no such key."""

    def __init__(self, language: str, sentences: Mapping[str, str]) -> None:
        self.language = language
        self._sentences = sentences

    def __call__(self, key: str, **values: Any) -> str:
        return self._sentences[key].format(**values)

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
        """All sentences whose key starts with `prefix`, without it: what the page's scripts need."""
        return {key[len(prefix) :]: text for key, text in self._sentences.items() if key.startswith(prefix)}


@cache
def load_strings(language: str = "en") -> Strings:
    path = resources.files("artsim.ui") / "locales" / f"{language}.json"
    return Strings(language, json.loads(path.read_text(encoding="utf-8")))
