"""`python app.py` as a subprocess: first start, second start, the HTTP API, and starts that fail."""

import io
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from app_process import RunningApp, run_app, shared_cache
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from served import settings_of

from artsim.errors import ArtsimError
from artsim.ui.http.address import check_address
from artsim.ui.startup import open_or_build

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_cache(tmp_path_factory)


@pytest.fixture(scope="module")
def client(app: RunningApp) -> Client:
    return Client(app.url, verbose=False)


@pytest.fixture(scope="module")
def painting_file(met_works: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The picture of `met_works[50]` at half its size and with another JPEG quality."""
    image = Image.open(io.BytesIO(met_works[50]["image"]["bytes"]))
    image.thumbnail((image.width // 2, image.height // 2))
    path = tmp_path_factory.mktemp("pictures") / "mine.jpg"
    image.save(path, quality=80)
    return path


def test_the_log_names_the_encoder_and_the_reason(app: RunningApp) -> None:
    assert "Encoder: embedded (openai/clip-vit-base-patch16 is not in the local cache" in app.said()


def test_a_picture_finds_its_own_work_over_http(
    client: Client, painting_file: Path, met_works: list[dict[str, Any]]
) -> None:
    matches = client.predict(image=handle_file(painting_file), k=3, api_name="/search_by_image")
    assert [match["rank"] for match in matches] == [1, 2, 3]
    first = matches[0]
    assert (first["id"], first["title"]) == (met_works[50]["id"], met_works[50]["title"])
    assert first["artist"] == met_works[50]["artist"]
    assert first["url"].startswith("https://www.metmuseum.org/")
    assert first["cosine"] > matches[1]["cosine"] and first["percentile"] > 99 and first["close"] is True
    assert first["angular_distance"] == pytest.approx((2 * (1 - first["cosine"])) ** 0.5, abs=1e-3)


def test_thumbnails_are_cacheable_files(app: RunningApp, client: Client, painting_file: Path) -> None:
    [match] = client.predict(image=handle_file(painting_file), k=1, api_name="/search_by_image")
    answer = httpx.get(app.url + match["thumbnail"])
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    assert max(Image.open(io.BytesIO(answer.content)).size) <= 400
    assert httpx.get(app.url + "thumbnails/400/no-such-work").status_code == 404
    assert httpx.get(app.url + "thumbnails/401/met-1").status_code == 404


def test_a_file_that_is_no_picture_gives_one_message_without_its_path(client: Client, tmp_path: Path) -> None:
    disguised = tmp_path / "letter.png"
    disguised.write_text("Dear museum,", encoding="utf-8")
    with pytest.raises(AppError, match="The picture is not an image") as refusal:
        client.predict(image=handle_file(disguised), k=5, api_name="/search_by_image")
    assert "/" not in str(refusal.value)


def test_a_second_start_opens_what_the_first_one_built(
    app: RunningApp, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        opened = open_or_build(settings_of("--encoder", "embedded", ARTSIM_CACHE=str(cache)))
    assert len(opened.collection) == 174
    assert "First start" not in caplog.text and "again" not in caplog.text


def test_a_start_that_fails_gives_one_message_and_no_traceback(cache: Path) -> None:
    run = run_app(cache, "--collection", "no/such/folder")
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    [message] = [line for line in run.stderr.splitlines() if line.startswith("Error: ")]
    assert "no/such/folder" in message


def test_what_cannot_be_served_is_refused_with_the_reason(
    cache: Path, paintings: Path, saved: Path, copy: Path
) -> None:
    def refusal(*arguments: str) -> str:
        with pytest.raises(ArtsimError) as error:
            open_or_build(settings_of(*arguments, ARTSIM_CACHE=str(cache)))
        return str(error.value)

    assert "artsim build" in refusal("--collection", str(paintings))  # pictures: the command that builds a collection
    assert "was made with" in refusal("--collection", str(saved), "--encoder", "embedded")
    (copy / "artsim.json").write_text("{", encoding="utf-8")
    assert "artsim.json" in refusal("--collection", str(copy))


def test_a_host_and_a_port_that_cannot_be_used_are_refused() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ArtsimError, match=f"Port {port} is taken"):
            check_address(None, port)
    with pytest.raises(ArtsimError, match=r"no-such-host\.invalid"):
        check_address("no-such-host.invalid", None)
