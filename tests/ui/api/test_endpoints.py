"""The HTTP API: parameters, answers, errors, and agreement with docs/http.md."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from served import listening, settings_of

from artsim.analysis.classification import Classification
from artsim.images.decode import load_image
from artsim.search.query import MAX_K
from artsim.ui.api.schemas import (
    ClassificationAnswer,
    CollectionAnswer,
    ColumnAnswer,
    LabelAnswer,
    MatchAnswer,
    RecognitionAnswer,
    SuggestionAnswer,
    WorkAnswer,
)
from artsim.ui.search_service import read_upload

DOCS = (Path(__file__).resolve().parents[3] / "docs" / "http.md").read_text(encoding="utf-8")
ENDPOINTS = [
    "/classify", "/describe_collection", "/describe_work", "/recognize", "/search_by_image", "/search_by_text",
    "/search_by_work", "/search_combined", "/suggest",
]  # fmt: skip

Predict = Callable[..., Any]


@pytest.fixture(scope="module")
def predict(address: str) -> Predict:
    return Client(address, verbose=False).predict


@pytest.fixture(scope="module")
def info(address: str) -> dict[str, Any]:
    return httpx.get(f"{address}gradio_api/info").json()["named_endpoints"]


def test_exactly_these_endpoints_exist_and_the_docs_have_all_their_parameters(info: dict[str, Any]) -> None:
    assert sorted(info) == ENDPOINTS
    for endpoint, described in info.items():
        section = DOCS.split(f"### `{endpoint}`")[1].split("\n### ")[0]
        for parameter in described["parameters"]:
            assert re.search(rf"^\| `{parameter['parameter_name']}` \|", section, re.M), (endpoint, parameter)


@pytest.mark.parametrize(
    "answer",
    [
        MatchAnswer,
        SuggestionAnswer,
        RecognitionAnswer,
        ClassificationAnswer,
        LabelAnswer,
        WorkAnswer,
        ColumnAnswer,
        CollectionAnswer,
    ],
)
def test_every_field_of_an_answer_is_explained_in_its_schema_and_in_the_docs(answer: Any) -> None:
    for name, schema in answer.model_json_schema()["properties"].items():
        assert schema["description"]
        assert f"| `{name}` |" in DOCS


@pytest.mark.parametrize(
    ("endpoint", "given"),
    [
        ("/search_by_text", {"text": "a storm"}),
        ("/search_by_text", {"text": "oil"}),
        ("/suggest", {"text": "re"}),
        ("/search_by_work", {"work": "05.jpg", "k": 3}),
        ("/search_combined", {"work": "05.jpg", "text": "a storm"}),
        ("/describe_work", {"work": "05.jpg"}),
        ("/describe_collection", {}),
    ],
)
def test_answers_fit_their_schema(predict: Predict, info: dict[str, Any], endpoint: str, given: dict[str, Any]) -> None:
    [returned] = info[endpoint]["returns"]
    jsonschema.validate(predict(**given, api_name=endpoint), returned["type"])


def test_image_and_k_can_be_positional(predict: Predict, paintings: Path) -> None:
    matches = predict(handle_file(paintings / "05.jpg"), 2, api_name="/search_by_image")
    assert [match["rank"] for match in matches] == [1, 2]
    assert matches[0]["id"] == "05.jpg" and set(matches[0]) == set(MatchAnswer.model_fields)


@pytest.mark.slow
def test_a_work_is_recognised_and_another_picture_is_not(
    predict: Predict, info: dict[str, Any], paintings: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (90, 60), "white").save(tmp_path / "blank.png")
    answers = [
        predict(handle_file(path), api_name="/recognize") for path in (paintings / "05.jpg", tmp_path / "blank.png")
    ]
    for answer in answers:
        jsonschema.validate(answer, info["/recognize"]["returns"][0]["type"])
    assert [(answer["recognized"], answer["id"]) for answer in answers] == [(True, "05.jpg"), (False, None)]
    assert answers[0]["places"] >= 8 and answers[0]["thumbnail"].startswith("thumbnails/400/")
    assert answers[1]["corners"] == [] and answers[1]["thumbnail"] is None


def test_a_picture_is_classified_or_the_answer_says_that_it_is_unsure(
    predict: Predict, info: dict[str, Any], paintings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Classification([("Baroque", 0.70001), ("Rococo", 0.29999)], ("05.jpg",))
    picture = handle_file(paintings / "05.jpg")
    for classification, sure in ((found, True), (None, False)):
        monkeypatch.setattr(
            "artsim.ui.api.picture_endpoints.classify_with_works", lambda *_, found=classification: found
        )
        answer = predict(picture, api_name="/classify")
        jsonschema.validate(answer, info["/classify"]["returns"][0]["type"])
        assert (answer["by"], answer["sure"]) == ("style", sure)
    assert answer["labels"] == answer["works"] == []
    monkeypatch.undo()
    with pytest.raises(AppError, match="no column 'style'"):
        predict(picture, api_name="/classify")


def test_pictures_of_rare_formats_are_refused_unless_a_setting_allows_them(
    address: str, context: Any, tmp_path: Path
) -> None:
    file = tmp_path / "scan.jpg"  # whatever its name says
    Image.new("RGB", (40, 30), (200, 30, 30)).save(file, "TIFF")
    upload = {"files": ("scan.jpg", file.read_bytes())}
    [path] = httpx.post(f"{address}gradio_api/upload", files=upload).json()
    query = {"path": path, "meta": {"_type": "gradio.FileData"}}
    answer = httpx.post(f"{address}gradio_api/run/search_by_image", json={"data": [query, 1]})
    assert "in the format TIFF, which is not read here (JPEG, PNG, WEBP, GIF, AVIF are)" in answer.json()["error"]
    allowed = replace(context, all_formats=settings_of(ARTSIM_ALL_FORMATS="1").all_formats)
    assert load_image(read_upload(file, allowed)).size == (40, 30)


def test_searches_take_a_least_score_and_recognise_nothing(
    predict: Predict, paintings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsim.collection.Collection.recognize", None)
    picture = handle_file(paintings / "05.jpg")
    nearest = predict(picture, 40, api_name="/search_by_image")
    assert nearest[0]["id"] == "05.jpg" and len(nearest) == 40
    similar = predict(image=picture, k=40, min_score=0.3, api_name="/search_combined")
    assert similar == [match for match in nearest if match["score"] >= 0.3] and len(similar) < 40


def test_a_work_is_described_with_all_its_metadata(predict: Predict, collection: Any) -> None:
    work = predict(work="03.jpg", api_name="/describe_work")
    assert work["metadata"]["tags"] == collection.work("03.jpg")["tags"]
    assert (work["width"], work["height"]) == collection.image("03.jpg").size
    assert work["year"] == ""  # it has none


def test_pictures_in_answers_are_relative_to_the_app_and_cacheable(predict: Predict, address: str) -> None:
    work = predict(work="03.jpg", api_name="/describe_work")
    for name in ("thumbnail", "picture"):
        headers = httpx.get(address + work[name]).headers
        assert headers["content-type"] == "image/webp" and "immutable" in headers["cache-control"]
    for missing in ("thumbnails/400/no-such-work", "thumbnails/401/03.jpg"):
        assert httpx.get(address + missing).status_code == 404


def test_the_description_of_the_collection_has_its_filters(predict: Predict) -> None:
    described = predict(api_name="/describe_collection")
    assert described["works"] == 40 and described["reads_text"] is True
    [year] = [column for column in described["columns"] if column["column"] == "year"]
    assert year["kind"] == "range" and year["low"] < year["high"]


def test_conditions_leave_only_works_that_meet_them(predict: Predict, collection: Any) -> None:
    years = {"from": 1600, "to": 1700}
    found = predict(work="05.jpg", k=40, where={"year": years}, api_name="/search_combined")
    assert found and all(1600 <= collection.work(match["id"])["year"] <= 1700 for match in found)
    artist = [found[0]["artist"]]
    by_one = predict(work="05.jpg", where={"artist": artist}, api_name="/search_combined")
    assert {match["artist"] for match in by_one} == {*artist}
    found = predict(work="05.jpg", k=20, other=["artist"], at_most={"artist": 1}, api_name="/search_combined")
    artists = [match["artist"] for match in found]
    assert collection.work("05.jpg")["artist"] not in artists and len(set(artists)) == len(artists)


def test_a_text_finds_works_by_their_labels_then_by_their_looks(predict: Predict, collection: Any) -> None:
    artist = collection.work("05.jpg")["artist"]
    found = predict(text=artist, k=40, api_name="/search_by_text")
    kinds = [match["found_by"] for match in found]
    labels = kinds.count("label")
    assert len(found) == 40 and kinds == ["label"] * labels + ["likeness"] * (40 - labels)
    assert found[0]["artist"] == artist and found[0]["score"] is found[0]["word"] is found[0]["close"] is None
    only = predict(text=artist, k=40, text_mode="metadata", api_name="/search_combined")
    assert [match["id"] for match in only] == [match["id"] for match in found[:labels]]
    assert {"text": artist, "column": "artist", "works": sum(match["artist"] == artist for match in only)} in predict(
        text=artist[:4], limit=20, api_name="/suggest"
    )


def test_weights_replace_the_preset(predict: Predict) -> None:
    by_color = predict(work="05.jpg", aspects={"color": 1}, ranking="likeness", api_name="/search_combined")
    shares = [match["aspects"]["color"] for match in by_color]
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(
    ("endpoint", "given", "message"),
    [
        ("/search_by_work", {"work": "nothing"}, "There is no work 'nothing'"),
        ("/search_by_work", {"work": 7}, "Give the id of a work"),
        ("/search_by_work", {"work": "05.jpg", "k": MAX_K + 1}, "k must be a whole number"),
        ("/search_by_work", {"work": "05.jpg", "k": 2.5}, "k must be a whole number"),
        ("/search_by_work", {"work": "05.jpg", "k": "many"}, "k must be a whole number"),
        ("/search_by_work", {"work": "05.jpg", "k": True}, "k must be a whole number"),
        ("/search_by_text", {"text": "x" * 1001}, "the most is 1000"),
        ("/search_by_text", {"text": ["x"]}, "must be a string"),
        ("/search_combined", {"text": "x", "text_mode": "both"}, "There is no mode 'both' to search for a text"),
        ("/search_combined", {"work": "05.jpg", "text": "x", "text_mode": "metadata"}, "one text alone"),
        ("/suggest", {"text": "x", "limit": 0}, "from 1 to 100; it is 0"),
        ("/search_combined", {}, "There is nothing to search for"),
        ("/search_combined", {"work": "05.jpg", "preset": {"style": 1}}, "There is no preset"),
        ("/search_combined", {"work": "05.jpg", "where": ["artist"]}, "where must be an object"),
        ("/search_combined", {"work": "05.jpg", "where": {"year": {"low": 1}}}, "The range for year"),
        ("/search_combined", {"work": "05.jpg", "where": {"year": [[1]]}}, "The filter year takes"),
        ("/search_combined", {"work": "05.jpg", "other": "artist"}, "other must be a list"),
        ("/search_combined", {"work": "05.jpg", "at_most": {"artist": "two"}}, "at_most must be an object"),
        ("/search_combined", {"work": "05.jpg", "aspects": {"style": "much"}}, "aspects must be an object"),
        ("/describe_work", {"work": "nothing"}, "There is no work 'nothing'"),
    ],
)
def test_invalid_input_gives_one_message(predict: Predict, endpoint: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(AppError) as refusal:
        predict(**given, api_name=endpoint)
    assert message in str(refusal.value)
    assert str(refusal.value).endswith(".") and "\n" not in str(refusal.value)


NOT_VALUES = [
    "NaN", "Infinity", "1e400", "true", "-1", "2.5", "99999999999999999999999", '""', '"x"', '"\\ud800"', '"a\\u0000b"',
    "[[1]]", '["\\ud800"]', "{}", '{"a": 1}', '{"\\ud800": 1}', '{"path": 1}', '{"style": NaN}', '{"year": {"from": NaN}}',
    '{"artist": 99999999999999999999999}', '{"artist": "\\ud800"}', '{"path": "\\ud800", "meta": {"_type": "gradio.FileData"}}',
]  # fmt: skip
"""As JSON, in which some of them are not allowed and read nevertheless."""


@pytest.mark.slow
@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.sweep)])
def test_whatever_a_parameter_is_given_the_answer_is_a_result_or_a_code_and_a_sentence(
    step: int, address: str, info: dict[str, Any], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    good = {"text": '"oil"', "work": '"05.jpg"', "k": "3", "limit": "3", "text_mode": '"auto"', "preset": '"balanced"',
            "ranking": '"tuned"', "min_score": "0"}  # fmt: skip
    for endpoint, described in info.items():
        names = [parameter["parameter_name"] for parameter in described["parameters"]]
        for place, name in enumerate(names):
            for value in NOT_VALUES[place % step :: step]:
                data = ", ".join(value if other == name else good.get(other, "null") for other in names)
                answer = post(f"{address}gradio_api/run{endpoint}", f'{{"data": [{data}]}}')
                assert answer.status_code == 200 or is_sentence(answer, "title"), (endpoint, name, value, answer.text)
    assert "Traceback" not in capfd.readouterr().err and "failed" not in caplog.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("run/nothing", '{"data": []}'),
        ("run/suggest", '{"data": []}'),
        ("run/suggest", '{"data": ["a", 3], "fn_index": "a"}'),
        ("run/suggest", "{"),
        ("run/suggest", f'{{"data": [{"[" * 5000}{"]" * 5000}, 3]}}'),
        ("call/nothing", '{"data": []}'),
        ("call/v2/nothing", "{}"),
        ("call/v2/suggest", "{}"),
        ("call/v2/suggest", '{"text": "a", "colour": "a secret"}'),
        ("queue/join", '{"data": [], "fn_index": 99999, "session_hash": "a"}'),
        ("component_server", '{"data": [], "component_id": 99999, "fn_name": "x", "session_hash": "a"}'),
    ],
)
def test_a_call_that_cannot_be_read_is_answered_with_a_code_and_a_sentence(
    address: str, path: str, body: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = post(f"{address}gradio_api/{path}", body)
    assert is_sentence(answer, "title" if answer.status_code == 500 else "code"), answer.text
    assert "secret" not in answer.text + caplog.text
    assert "Traceback" not in capfd.readouterr().err + caplog.text


@pytest.mark.parametrize("path", ["call/suggest/nothing", "queue/data?session_hash=nothing"])
def test_a_stream_that_nobody_asked_for_ends_with_an_error(
    address: str, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "404: Not Found" in httpx.get(f"{address}gradio_api/{path}").text
    assert "Traceback" not in capfd.readouterr().err


def post(address: str, body: str) -> httpx.Response:
    return httpx.post(address, content=body, headers={"Content-Type": "application/json"}, timeout=60)


def is_sentence(answer: httpx.Response, code: str) -> bool:
    said = answer.json()
    return answer.status_code >= 400 and said[code] in ("query", "image") and said["error"].endswith(".")


@pytest.mark.slow
def test_no_input_of_the_whole_app_fetches_an_address(address: str) -> None:
    """Includes the events of the page, which Gradio accepts from anyone who knows their number."""
    config = httpx.get(f"{address}config").json()
    of_one_language = set(config["page"][""]["dependencies"])
    with listening() as (elsewhere, requests):
        file = {"path": f"{elsewhere}picture.jpg", "meta": {"_type": "gradio.FileData"}}
        tried = 0
        for event in config["dependencies"]:
            if event["id"] not in of_one_language or not event["inputs"] or not event["backend_fn"]:
                continue
            body = {"data": [file] * len(event["inputs"]), "fn_index": event["id"], "session_hash": f"s{event['id']}"}
            httpx.post(f"{address}gradio_api/queue/join", json=body).raise_for_status()
            answer = httpx.get(f"{address}gradio_api/queue/data", params={"session_hash": body["session_hash"]}).text
            assert "does not fetch addresses" in answer, event
            tried += 1
        assert tried > len(ENDPOINTS) - 1  # includes events of the page
        for route in ("file=", "file/", "proxy="):
            for scheme in ("http:", "HTTPS:"):
                answer = httpx.get(f"{address}gradio_api/{route}{scheme}{elsewhere.removeprefix('http:')}picture.jpg")
                assert (answer.status_code, answer.text) == (403, "This app does not fetch addresses."), route
        assert requests == []


@pytest.mark.parametrize("endpoint", ["search_by_image", "search_by_text", "search_by_work", "recognize", "classify"])
def test_no_file_of_the_server_is_opened(address: str, endpoint: str) -> None:
    path = {"path": str(Path(__file__).resolve())}
    for file in (path, path | {"meta": {"_type": "gradio.FileData"}}):
        answer = httpx.post(f"{address}gradio_api/run/{endpoint}", json={"data": [file, 1]})
        assert answer.status_code == 500 and not answer.json().get("data")
        assert Path(__file__).stem not in answer.text
