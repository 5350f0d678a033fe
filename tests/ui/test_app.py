"""Starts of the app: the second one, and those that fail. What a running app answers: http/test_machines.py."""

import socket
from pathlib import Path

import pytest
from app_process import RunningApp, run_app, shared_cache
from served import settings_of

from artsim.errors import ArtsimError
from artsim.ui.http.address import check_address
from artsim.ui.startup import open_or_build

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_cache(tmp_path_factory)


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
