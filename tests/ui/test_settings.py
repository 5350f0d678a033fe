"""Settings: the command line overrides the environment, which overrides the defaults."""

import argparse
from pathlib import Path

import pytest
from served import settings_of

from artsim.files.cache import cache_folder
from artsim.ui.auth import Owner

SECRET = "a secret of more than sixteen letters"


def test_defaults() -> None:
    settings = settings_of(HOME="/home/ada")
    assert (settings.collection, settings.encoder, settings.host, settings.port) == (None, "auto", None, None)
    assert settings.cache == cache_folder({})


def test_the_command_line_overrides_the_environment() -> None:
    environment = {"ARTSIM_COLLECTION": "me/art", "ARTSIM_CACHE": "/data/artsim", "GRADIO_SERVER_PORT": "7861"}
    settings = settings_of("--collection", "mine", ARTSIM_ENCODER="embedded", **environment)
    assert (settings.collection, settings.encoder, settings.port) == ("mine", "embedded", 7861)
    assert settings.cache == Path("/data/artsim").absolute()
    assert settings_of("--port", "7900", **environment).port == 7900


@pytest.mark.parametrize(
    ("arguments", "environment", "private"),
    [
        ("", {}, True),
        ("--host ::1", {}, True),
        ("--host localhost", {}, True),
        ("--host 0.0.0.0", {}, False),
        ("", {"GRADIO_SERVER_NAME": "0.0.0.0"}, False),
        ("", {"SPACE_ID": "me/art"}, False),
        ("", {"GRADIO_ROOT_PATH": "/art"}, False),
        ("--host 0.0.0.0", {"ARTSIM_OWNER_TOKEN": SECRET}, False),  # a token alone does not allow changes
        ("--no-allow-changes --no-metrics", {"ARTSIM_METRICS": "1"}, False),
        ("", {"ARTSIM_ALLOW_CHANGES": "0", "ARTSIM_METRICS": "off"}, False),
        ("--host 0.0.0.0 --allow-changes --metrics", {"ARTSIM_OWNER_TOKEN": SECRET, "ARTSIM_METRICS": "0"}, True),
        (
            "",
            {"SPACE_ID": "me", "ARTSIM_ALLOW_CHANGES": "1", "ARTSIM_OWNER_TOKEN": SECRET, "ARTSIM_METRICS": "1"},
            True,
        ),
    ],
)
def test_changes_and_metrics_are_on_if_only_this_machine_can_reach_the_app_or_if_asked_for(
    arguments: str, environment: dict[str, str], private: bool
) -> None:
    settings = settings_of(*arguments.split(), **environment)
    assert (settings.allow_changes, settings.metrics) == (private, private)


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        ("--host 0.0.0.0 --allow-changes", {}, "needs a secret"),
        ("", {"SPACE_ID": "me/art", "ARTSIM_ALLOW_CHANGES": "yes"}, "needs a secret"),
        ("", {"ARTSIM_OWNER_TOKEN": "short"}, "fewer than 16"),
        ("", {"ARTSIM_ALLOW_CHANGES": "perhaps"}, "ARTSIM_ALLOW_CHANGES: it is 1 or 0"),
        ("", {"ARTSIM_LOG": "xml"}, "ARTSIM_LOG"),
        ("", {"ARTSIM_FRAMED_BY": "https://museum.example; script-src *"}, "ARTSIM_FRAMED_BY"),
        ("", {"GRADIO_SERVER_PORT": "http"}, "a port is a whole number"),
    ],
)
def test_an_invalid_or_insecure_setting_is_refused(arguments: str, environment: dict[str, str], words: str) -> None:
    with pytest.raises(argparse.ArgumentError, match=words):
        settings_of(*arguments.split(), **environment)


def test_an_invalid_port_is_refused() -> None:
    for port in ("0", "65536", "http"):
        with pytest.raises(SystemExit, match="2"):
            settings_of("--port", port)


def test_the_token_is_in_no_repr() -> None:
    settings = settings_of(ARTSIM_OWNER_TOKEN=SECRET)
    assert settings.owner_token == SECRET
    assert SECRET not in repr(settings) + repr(Owner(SECRET))


def test_frames_and_names_of_the_host() -> None:
    assert settings_of().framed_by == frozenset() and settings_of().hosts == frozenset()
    sites = {"ARTSIM_FRAMED_BY": "https://museum.example, https://*.example.org:8080"}
    both = {"https://museum.example", "https://*.example.org:8080"}
    assert settings_of(**sites).framed_by == both
    assert settings_of(SPACE_ID="me/art", **sites).framed_by == both | {"https://huggingface.co"}
    assert settings_of(ARTSIM_HOSTS="Art.museum.example").hosts == {"art.museum.example"}
    for others in ({"SPACE_ID": "me/art"}, {"GRADIO_SERVER_NAME": "0.0.0.0"}, {"GRADIO_ROOT_PATH": "/art"}):
        assert settings_of(**others).hosts is None
