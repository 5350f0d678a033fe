"""Errors in the visitor's language: templates in the code, their translations, and the pages that show them."""

import ast
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from html import unescape
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from owners import HERE, context_of, headers_of, visitor
from served import context_over
from starlette.applications import Starlette
from starlette.testclient import TestClient

from artsim.analysis.influence import DIRECTIONS
from artsim.columns import KINDS
from artsim.errors import ArtsimError, QueryError
from artsim.messages.message import Message, Translated
from artsim.messages.strings import DEFAULT_LANGUAGE, languages, load_strings
from artsim.search.query import Part
from artsim.ui.auth import Owner, OwnerTools
from artsim.ui.context import Context
from artsim.ui.error_text import error_markup, error_text
from artsim.ui.http.routes import extra_routes
from artsim.ui.pages.registry import page_routes
from artsim.ui.query_string import ParsedLink, read_query_string
from artsim.ui.readiness import Readiness
from artsim.ui.search_form import SearchForm
from artsim.ui.search_page.results import page_of

PACKAGE = Path(__file__).parents[2] / "artsim"
OTHERS = [language for language in languages() if language != DEFAULT_LANGUAGE]
GERMAN = load_strings("de")
KINDS_OF_ERROR = {
    "ArtsimError", "BusyError", "CollectionError", "EncoderError", "HubError", "ImageError", "QueryError", "SourceError",
    "UploadTooLarge",
}  # fmt: skip
COMMAND_LINE = tuple(
    """
    analysis/heatmap building/ cli/ embedding/ encoders/efficientnet encoders/finetuned encoders/presets
    encoders/style_head errors evaluation/ federation/ hub/fetch hub/hosting index/milvus_ index/registry opening search/many
    snapshot/generations snapshot/groups snapshot/milvus_files snapshot/plain_dataset snapshot/space_files
    snapshot/works_map sources/fetched_pictures sources/folder sources/hub/ sources/iiif/ sources/met sources/nga/
    sources/protocol sources/registry storage/card_figures ui/api/ ui/gradio_overrides/
""".split()
)  # what no page causes; every message of an error elsewhere is translated, or listed below
NOT_TRANSLATED = {  # messages of these modules that no page causes
    "This machine's processor does not compute in {precision}: leave --precision out, or give float32.",
    "Pictures cannot be classified by {column}: all works with a label are by one artist, so nothing says how often it"
    " would be right for another.",
    "The batch size must be at least 1; it is {batch_size}.",
    "PyTorch has no device {device!r} on this machine; it has {present}.",
    "The encoder {encoder} was fine-tuned by an older version of artsim, which kept no probabilities. Train it again.",
    "There is no column {column!r} to take labels from; there are {columns}.",
    "The column {column!r} holds {kind}, which cannot be a label; give a column of text or numbers.",
    "Pictures cannot be classified by {column}: it has {labels} labels on {works} works, and at least 2 on {fewest} are needed.",
    "A search for details compares regions only; leave aspects, preset and ranking out.",
    "This collection was opened from the Hub ({origin}): give save() a folder.",
    "This collection was never saved: give save() a folder.",
    "This collection is not saved yet: call save(folder) first.",
    "There is no result of the encoder {encoder!r}; there are results of {encoders}.",
    "Give exactly one query to explain the match: an image, or a work of the collection.",
    "Give exactly one query: a work of the collection, or an image and its year.",
    "There is no direction {direction!r} in time; choose earlier or later.",
    "k must be a whole number from 1 to {most}; it is {k}.",
    "year must be a number, such as 1642; it is {year!r}.",
    "The year of an image is not known: give year=, the year in which it was made.",
    "A search for details cannot be grouped by {column}; leave detail out, or filter with where.",
    "There is no ranking {ranking!r}; choose among {choices}.",
    "There is no rule {rule!r} to select an encoder; choose among {choices}.",
    "There is no fusion {fusion!r}; choose among {choices}.",
    "All weights of encoders are 0; give at least one of them more than 0.",
    "The weight of an encoder must be a number of 0 or more; that of {encoder} is {weight!r}.",
    "There is no aspect {unknown}; choose among {aspects}.",
    "The weights of aspects must be numbers; they are {weights}.",
    "{path} {problem}. Build or download the collection again.",
    "{folder} is being saved again and again; open it later.",
    "{path} is a link, which is not followed; remove it.",
    "{path} is not {what} ({reason}); fetch or build the collection again.",
    "Another process is building {out} now; wait until it is done.",
    "{name} must be a text.",
    "The size of the file must be given.",
    "numbers must be a list of whole numbers.",
    "values must be texts by column.",
    "ids must be a list of texts.",
    "files must be a list of objects with name, size and head, in base64.",
    "The request must be a JSON object.",
    "{name} is larger than its declared size.",
    "{name} was made with the encoder {made_with} and can only be searched with that. Omit --encoder, or build the "
    "collection again: python -m artsim build --encoder {encoder} ...",
}

every_language = pytest.mark.parametrize("language", OTHERS)


def calls() -> Iterator[tuple[str, ast.Call]]:
    """(location, call) of every error and every `Message` that a visitor may see."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        if module.startswith(COMMAND_LINE):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
                continue
            if node.func.id in KINDS_OF_ERROR | {"Message"}:
                yield f"{module}:{node.lineno}", node


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_no_template_is_an_f_string_and_every_placeholder_has_a_value() -> None:
    for where, call in calls():
        template = call.args[0]
        assert not isinstance(template, ast.JoinedStr), where
        given = {keyword.arg for keyword in call.keywords}
        if isinstance(template, ast.Constant) and isinstance(template.value, str) and None not in given:
            assert (placeholders(template.value) if given else set()) == given, where


@every_language
def test_every_template_is_translated_with_its_placeholders(language: str) -> None:
    firsts = [(call.args[0], where) for where, call in calls()]
    found = {
        first.value: where
        for first, where in firsts
        if isinstance(first, ast.Constant) and isinstance(first.value, str)
    }
    file = PACKAGE / "messages" / "locales" / language / "errors.json"
    known: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    missing = {where: template for template, where in found.items() if template not in known}
    assert {where: text for where, text in missing.items() if text not in NOT_TRANSLATED} == {}
    names = {*KINDS, *DIRECTIONS}  # translated by their names
    assert [text for text in known if text not in found and text not in names] == []
    assert {*found} >= NOT_TRANSLATED
    strings = load_strings(language)
    for template, text in known.items():
        assert placeholders(text) == placeholders(template), template
        assert '"' not in text and "!r}" not in text.replace("{condition!r}", ""), text
        values = dict.fromkeys(placeholders(template), 7)
        assert strings.message(Message(template, **values))


def test_braces_in_values_and_in_messages_without_values_are_text() -> None:
    plain = QueryError("Write {curly} and {0!r} as they are.")
    assert str(plain) == "Write {curly} and {0!r} as they are." == error_text(plain, GERMAN)
    braced = QueryError("There is no work {work!r} in this collection.", work="{evil} {0!r}")
    assert str(braced) == "There is no work '{evil} {0!r}' in this collection."
    assert error_text(braced, GERMAN) == "In dieser Sammlung gibt es kein Werk „{evil} {0!r}“."
    assert error_text(deepcopy(braced), GERMAN) == error_text(braced, GERMAN)


def test_columns_aspects_numbers_and_errors_among_the_values_are_translated() -> None:
    empty = QueryError("The range for {column} is empty: {low} is more than {high}.", column="year", low=1.5, high=1)
    assert error_text(empty, GERMAN) == "Der Bereich für „Jahr“ ist leer: 1,5 ist mehr als 1."
    zero = QueryError(
        "All aspect weights are 0; give at least one of {aspects} more than 0.", aspects=("style", "color")
    )
    assert error_text(zero, GERMAN).endswith("der Seiten Stil, Farbe mehr als 0.")
    much = ArtsimError("At most {most:,} files can be added at once; add the rest afterwards.", most=20000)
    assert "20.000 Dateien" in error_text(much, GERMAN)
    assert "20,000 files" in str(much)
    inner = QueryError("{column} is a {kind}, not {text!r}.", column="year", kind=Message("number"), text="alt")
    outer = ArtsimError("{name}: {problem}", name="a.jpg", problem=inner.message)
    assert error_text(outer, GERMAN) == "a.jpg: „Jahr“ muss eine Zahl sein, nicht „alt“."
    assert str(outer) == "a.jpg: year is a number, not 'alt'."
    assert error_text(ArtsimError("{name}: {problem}", name="a.jpg", problem=inner), GERMAN).endswith("nicht „alt“.")


def test_english_on_a_page_in_another_language_is_marked_as_english() -> None:
    assert error_markup(QueryError("Nobody <translated> this."), GERMAN) == (
        '<span data-error="query" lang="en">Nobody &lt;translated&gt; this.</span>'
    )
    assert error_markup(QueryError(Translated("Das steht schon da.")), GERMAN) == (
        '<span data-error="query">Das steht schon da.</span>'
    )


@pytest.fixture(scope="module")
def context(collection: Any, tmp_path_factory: pytest.TempPathFactory) -> Context:
    german = context_over(collection, tmp_path_factory.mktemp("errors")).in_language("de")
    return replace(german, encoder_reason=Message("the one this collection was made with"))


def notice(page: str) -> str:
    found = re.search(r'class="notice" role="alert">(.*?)</(?:div|p)>(?!<ul)', page, re.DOTALL)
    assert found is not None, page
    return unescape(re.sub(r"<[^>]*>", " ", found[1]))


def test_problems_of_a_link_are_reported_in_german(context: Context) -> None:
    link = read_query_string("work=nowhere&preset=Cubist&w.mood=1&k=many", context)
    assert link.problems[0] == "In dieser Sammlung gibt es kein Werk nowhere."
    assert "zur Wahl stehen balanced (Insgesamt), style (Stil), subject (Motiv)" in link.problems[1]
    assert "es gibt subject (Motiv), style (Stil)" in link.problems[2]
    assert "keine ganze Zahl von 1 bis 100" in link.problems[3]
    assert "In dieser Sammlung gibt es kein Werk nowhere." in page_of(context, link)


def test_a_filter_without_matching_works_is_reported_in_german(context: Context) -> None:
    work = Part(work="05.jpg")
    page = page_of(context, ParsedLink(SearchForm(parts=(work,), where={"year": (3000, 4000)})))
    assert "Kein Werk passt zu diesen Filtern." in page
    empty = page_of(context, ParsedLink(SearchForm(parts=(work,), where={"year": (1900, 1800)})))
    assert "Der Bereich für „Jahr“ ist leer: 1900 ist mehr als 1800." in notice(empty)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/timeline?work=nowhere", "In dieser Sammlung gibt es kein Werk „nowhere“."),
        (
            "/timeline?work=05.jpg&decay=-3",
            "Decay ist eine Halbwertszeit in ganzen Jahren ab 1; angegeben ist „-3“.",
        ),
        ("/why?work=05.jpg&match=05.jpg", "Ein Werk lässt sich nicht mit sich selbst erklären"),
    ],
)
def test_an_error_page_is_in_german(context: Context, address: str, words: str) -> None:
    client = TestClient(Starlette(routes=page_routes(context)), raise_server_exceptions=False)
    answer = client.get(f"{address}&lang=de")
    assert answer.status_code == 400
    assert words.casefold() in notice(answer.text).casefold()
    assert 'role="alert"><span lang="en"' not in answer.text


def test_what_is_said_of_the_encoder_is_translated_or_marked_as_english(context: Context) -> None:
    context = replace(context, owner_tools=OwnerTools(Owner(None), None))  # type: ignore[arg-type]  # others are not told
    for reason, words in (
        (context.encoder_reason, "der, mit dem diese Sammlung aufgebaut wurde"),
        (Message("nobody knows"), '<span lang="en">nobody knows</span>'),
    ):
        routes = page_routes(replace(context, encoder_reason=reason))
        assert words in TestClient(Starlette(routes=routes), base_url=HERE).get("/how?lang=de").text
    failing = replace(context, readiness=Readiness(context.collection))
    failing.readiness.state = "failed"
    failing.readiness.reason = Message("The encoder {name} embeds texts, but its tokenizer cannot be loaded ({reason}).",
                                        name="x", reason="?")  # fmt: skip
    client = TestClient(Starlette(routes=extra_routes(failing)), base_url=HERE)
    assert client.get("/encoder?lang=de").json()["reason"].startswith("Der Encoder x kann Texte lesen")
    assert client.get("/encoder?lang=en").json()["reason"].startswith("The encoder x embeds texts")


def test_errors_of_the_owner_page_are_in_german(copy: Path, tmp_path: Path) -> None:
    client = visitor(context_of(copy, tmp_path / "cache", Owner(None)), HERE)
    client.headers.update({**headers_of(client), "Accept-Language": "de"})
    nothing = client.post("/collection/undo", json={})
    assert nothing.json()["error"] == "Es gibt nichts rückgängig zu machen: Alle Änderungen sind gespeichert."
