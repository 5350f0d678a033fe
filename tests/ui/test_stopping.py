"""What is left when the app is stopped: changes are saved, uploads are gone, and nothing keeps it waiting."""

import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from app_process import running_app
from owners import headers_of

from artsim import open_collection

pytestmark = pytest.mark.slow

UNFINISHED = "POST /gradio_api/{} HTTP/1.1\r\nHost: {}\r\nContent-Type: {}\r\nContent-Length: 9999\r\n\r\n{}"
PART = '--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\nthe start of it'


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.sweep)])
def test_a_stop_saves_changes_waits_for_no_unfinished_request_and_leaves_no_upload(
    copy: Path, tmp_path: Path, painting: bytes, number: signal.Signals
) -> None:
    cache = tmp_path / "cache"
    with running_app(cache, "--collection", str(copy)) as app:
        host = urlsplit(app.url).netloc
        with httpx.Client(base_url=app.url, timeout=60) as client:
            headers = headers_of(client)  # type: ignore[arg-type]
            client.post("gradio_api/upload", files={"files": ("a.jpg", painting)}).raise_for_status()
            assert [*(cache / "uploads").rglob("a.jpg")]
            lines = []
            for path, kind, start in (
                ("upload", "multipart/form-data; boundary=x", PART),
                ("run/suggest", "application/json", "{"),
            ):
                lines.append(socket.create_connection((urlsplit(app.url).hostname, urlsplit(app.url).port)))
                lines[-1].sendall(UNFINISHED.format(path, host, kind, start).encode())
            change = {"id": "05.jpg", "values": {"title": "Edited a moment ago"}}
            client.post("collection/edit", json=change, headers=headers).raise_for_status()
        started = time.monotonic()
        app.process.send_signal(number)
        assert app.process.wait(60) == 0, app.said()
        assert time.monotonic() - started < 8 + 20  # on a loaded machine
        assert "Traceback" not in app.said() and "terminate called" not in app.said()
        for line in lines:
            line.close()
        with pytest.raises(httpx.ConnectError):
            httpx.get(app.url)
    assert open_collection(copy).work("05.jpg")["title"] == "Edited a moment ago"
    assert [path.name for path in (cache / "uploads").iterdir() if path.name != ".lock"] == []
