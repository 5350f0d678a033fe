"""Settings: the command line overrides the environment, which overrides the defaults."""

from pathlib import Path

import pytest

from artsim.files.cache import cache_folder
from artsim.ui.settings import read_settings


def test_defaults() -> None:
    settings = read_settings([], {"HOME": "/home/ada"})
    assert (settings.collection, settings.encoder, settings.host, settings.port) == (None, "auto", None, None)
    assert settings.cache == cache_folder({})


def test_the_environment_sets_the_settings() -> None:
    settings = read_settings(
        [],
        {"ARTSIM_COLLECTION": "me/art", "ARTSIM_ENCODER": "embedded", "ARTSIM_CACHE": "/data/artsim",
         "GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": "7861"},
    )  # fmt: skip
    assert (settings.collection, settings.encoder) == ("me/art", "embedded")
    assert settings.cache == Path("/data/artsim").absolute()
    assert (settings.host, settings.port) == ("0.0.0.0", 7861)


def test_the_command_line_overrides_the_environment() -> None:
    environment = {"ARTSIM_COLLECTION": "me/art", "GRADIO_SERVER_PORT": "1"}
    settings = read_settings(["--collection", "mine", "--port", "7900"], environment)
    assert (settings.collection, settings.port) == ("mine", 7900)


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_an_invalid_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        read_settings(["--port", port], {})
    assert end.value.code == 2
    assert "a port is a whole number" in capsys.readouterr().err or port == "-1"
