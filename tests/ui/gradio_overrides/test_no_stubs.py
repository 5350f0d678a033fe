"""Stub files beside modules that define a component."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tiny_apps import still_needed

ROOT = Path(__file__).parents[3]
COMPONENT = """
import gradio as gr
from artsim.ui.gradio_overrides.no_stubs import WithoutStub

class Shade(gr.HTML{metaclass}):
    def __init__(self, shade="grey", **more):
        self.shade = shade
        super().__init__(**more)
"""


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two modules, each with a component: `plain_shade` and `our_shade`."""
    (tmp_path / "plain_shade.py").write_text(COMPONENT.format(metaclass=""), encoding="utf-8")
    (tmp_path / "our_shade.py").write_text(COMPONENT.format(metaclass=", metaclass=WithoutStub"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def component(module: str) -> Any:
    return import_module(module).Shade


def test_components_of_ours_leave_no_stub_and_gradio_still_writes_one_beside_others(modules: Path) -> None:
    plain, ours = component("plain_shade"), component("our_shade")
    assert ours("blue").constructor_args == plain("blue").constructor_args == {"shade": "blue"}
    assert ours("blue").get_config()["shade"] == "blue"
    assert ours.EVENTS == plain.EVENTS
    assert not (modules / "our_shade.pyi").exists()
    still_needed((modules / "plain_shade.pyi").exists(), "no_stubs")


def test_no_component_of_the_app_leaves_a_stub() -> None:
    import artsim.ui.interface  # noqa: F401 - defines them all

    assert list((ROOT / "artsim").rglob("*.pyi")) == []
