"""Every language translates every English message, with the same placeholders."""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from artsim.columns import COLUMNS
from artsim.messages.strings import DEFAULT_LANGUAGE, languages, load_strings

LOCALES = Path(__file__).parents[2] / "artsim" / "messages" / "locales"
AREAS = sorted(file.stem for file in (LOCALES / DEFAULT_LANGUAGE).glob("*.json"))
OTHERS = [language for language in languages() if language != DEFAULT_LANGUAGE]

SAME_EVERYWHERE = {
    "language.direction",
    "page.title",
    "column.sha256",
}  # ltr; the collection's title and the name artsim
SAME = {  # texts that are the same as in English
    "de": "browse.filter column.material column.museum filters.title",
    "fr": "aspect.style column.attribution column.culture column.dimensions column.genre column.license column.style "
    "column.technique column.type how.word.style map.buttons path.js.pause preset.style why.palette",
    "es": "collection.work.no column.material map.buttons word.similar",
}
NARROW, FIXED = "\u202f", "\u00a0"  # no-break spaces
NUMBERS = {  # 1234567 works, 99.7 %: separators as in Unicode's CLDR, es as its academy asks
    "de": ("1.234.567", f"99,7{FIXED}%"),
    "es": (f"1{FIXED}234{FIXED}567", f"99,7{FIXED}%"),
    "fr": (f"1{NARROW}234{NARROW}567", f"99,7{NARROW}%"),
    "ja": ("1,234,567", "99.7%"),
    "zh": ("1,234,567", "99.7%"),
}
CENTURIES = {
    "en": ("1st century BCE", "11th century", "22nd century"),
    "de": ("1. Jahrhundert v. Chr.", "11. Jahrhundert", "22. Jahrhundert"),
    "es": ("Siglo I a. C.", "Siglo XI", "Siglo XXII"),
    "fr": ("Ier siècle av. J.-C.", "XIe siècle", "XXIIe siècle"),
    "ja": ("紀元前1世紀", "11世紀", "22世紀"),
    "zh": ("公元前 1 世纪", "11 世纪", "22 世纪"),
}

every_language = pytest.mark.parametrize("language", OTHERS)


@cache
def messages(language: str, area: str) -> dict[str, str]:
    """The messages of one file; empty if there is no file."""
    file = LOCALES / language / f"{area}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def placeholders(text: str) -> Counter[str]:
    """How often each placeholder occurs. Raises `ValueError` for an unbalanced brace."""
    return Counter(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def has_words(text: str) -> bool:
    return any(letter.isalpha() for letter in re.sub(r"\{\w+\}", "", text))


def test_all_languages_have_the_same_files() -> None:
    assert {"de", "es", "fr", "ja", "zh"} <= set(OTHERS)
    for language in OTHERS:
        assert {file.stem for file in (LOCALES / language).iterdir()} <= {*AREAS, "errors"}, language


def test_every_column_of_the_table_has_a_heading() -> None:
    assert {f"column.{name}" for name in COLUMNS} <= set(messages(DEFAULT_LANGUAGE, "page"))


@every_language
def test_a_language_has_the_keys_of_english_and_no_others(language: str) -> None:
    missing, extra = [], []
    for area in AREAS:
        english, own = messages(DEFAULT_LANGUAGE, area), messages(language, area)
        missing += [f"{area}.json: {key}" for key in english if key not in own]
        extra += [f"{area}.json: {key}" for key in own if key not in english]
    assert (missing, extra) == ([], [])


@every_language
def test_a_message_has_the_placeholders_of_the_english_one(language: str) -> None:
    for area in AREAS:
        english, own = messages(DEFAULT_LANGUAGE, area), messages(language, area)
        other = {
            key: own[key] for key in own if key in english and placeholders(own[key]) != placeholders(english[key])
        }
        assert other == {}, area


@every_language
def test_no_translation_is_the_english_text(language: str) -> None:
    english, shown = (load_strings(code).starting_with("") for code in (DEFAULT_LANGUAGE, language))
    same = {key for key, text in shown.items() if has_words(text) and text == english.get(key)}
    assert same - SAME_EVERYWHERE == set(SAME.get(language, "").split())
    assert "" not in shown.values()


@every_language
def test_numbers_have_the_separators_of_the_language(language: str) -> None:
    strings = load_strings(language)
    assert (strings.number(1234567), strings.percent(99.7, 1)) == NUMBERS[language]


def test_centuries_are_numbered_as_the_language_does() -> None:
    said = {code: tuple(map(load_strings(code).century, (-100, 1000, 2100))) for code in languages()}
    assert said == CENTURIES


@every_language
def test_no_message_breaks_before_its_punctuation_or_has_typewriter_quotes(language: str) -> None:
    torn = {"de": r"[\d}] %", "es": r"[\d}] %", "fr": r" [;:!?%»]|« |\w'\w"}.get(language, r"(?!)")
    shown = load_strings(language).starting_with("")
    assert {key: text for key, text in shown.items() if '"' in text or re.search(torn, text)} == {}
