"""`python app.py` as a subprocess: first start, second start, the HTTP API, and starts that fail."""

import http.server
import io
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from app_process import RunningApp, run_app, running_app, shared_cache
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

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
    import httpx

    [match] = client.predict(image=handle_file(painting_file), k=1, api_name="/search_by_image")
    answer = httpx.get(app.url + match["thumbnail"])
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    assert max(Image.open(io.BytesIO(answer.content)).size) <= 400
    assert httpx.get(app.url + "thumbnails/400/no-such-work").status_code == 404
    assert httpx.get(app.url + "thumbnails/401/met-1").status_code == 404


@pytest.mark.parametrize("k", [0, 10_000, 2.5])
def test_a_k_out_of_range_gives_one_message(client: Client, painting_file: Path, k: float) -> None:
    with pytest.raises(AppError, match="k must be a whole number"):
        client.predict(image=handle_file(painting_file), k=k, api_name="/search_by_image")


def test_a_text_for_an_encoder_without_text_gives_one_message(client: Client) -> None:
    with pytest.raises(AppError, match="embeds pictures, not text"):
        client.predict(text="a storm at sea", k=5, api_name="/search_by_text")


def test_a_file_that_is_no_picture_gives_one_message_without_its_path(client: Client, tmp_path: Path) -> None:
    disguised = tmp_path / "letter.png"
    disguised.write_text("Dear museum,", encoding="utf-8")
    with pytest.raises(AppError, match="The picture is not an image") as refusal:
        client.predict(image=handle_file(disguised), k=5, api_name="/search_by_image")
    assert "/" not in str(refusal.value)


def test_an_address_is_never_fetched(client: Client, app: RunningApp) -> None:
    import httpx

    requested: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested.append(self.path)
            self.send_error(404)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/picture.jpg"
        file = {"path": address, "meta": {"_type": "gradio.FileData"}}
        with pytest.raises(AppError, match="does not fetch addresses"):
            client.predict(image=file, k=5, api_name="/search_by_image")
        for route in ("gradio_api/file=", "gradio_api/file/", "gradio_api/proxy="):
            assert httpx.get(f"{app.url}{route}{address}").status_code == 403
        assert requested == []
    finally:
        server.shutdown()


def test_a_second_start_opens_what_the_first_one_built(app: RunningApp, cache: Path) -> None:
    with running_app(cache) as second:
        assert "are embedded" not in second.said()


def test_a_wrong_path_gives_one_message(cache: Path) -> None:
    assert_refused(run_app(cache, "--collection", "no/such/folder"), "no/such/folder")


def test_a_folder_of_pictures_gives_the_command_to_build_it(cache: Path, paintings: Path) -> None:
    assert_refused(run_app(cache, "--collection", str(paintings)), "artsim build")


def test_a_damaged_collection_gives_one_message(cache: Path, copy: Path) -> None:
    (copy / "artsim.json").write_text("{", encoding="utf-8")
    assert_refused(run_app(cache, "--collection", str(copy)), "artsim.json")


def test_another_encoder_than_that_of_the_collection_gives_one_message(cache: Path, saved: Path) -> None:
    assert_refused(run_app(cache, "--collection", str(saved), "--encoder", "embedded"), "was made with")


def test_a_port_in_use_gives_one_message(cache: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert_refused(run_app(cache, "--port", port), f"Port {port} is taken")


def test_an_unknown_host_gives_one_message(cache: Path) -> None:
    assert_refused(run_app(cache, "--host", "no-such-host.invalid"), "no-such-host.invalid")


def assert_refused(run: Any, words: str) -> None:
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    [message] = [line for line in run.stderr.splitlines() if line.startswith("Error: ")]
    assert words in message
