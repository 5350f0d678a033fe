"""matplotlib, which Gradio imports at the first event. In a process of its own, with a matplotlib that takes no time."""

import os
from pathlib import Path

import pytest
from hub_server.client import run_python
from tiny_apps import still_needed

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
from artsim.ui.gradio_overrides.no_matplotlib import hide_matplotlib
hide_matplotlib()
import gradio as gr
from tiny_apps import app_of, ask, launched
with launched(app_of(upper=(str.upper, [gr.Textbox()], gr.Textbox()))) as address:
    assert ask(address, "upper", "a")["data"] == ["A"]
    print("hidden", sys.modules["matplotlib"])
    del sys.modules["matplotlib"]
    assert ask(address, "upper", "b")["data"] == ["B"]
    print("plain", "matplotlib" in sys.modules)
import matplotlib
hide_matplotlib()
print("kept", sys.modules["matplotlib"] is matplotlib)
"""


@pytest.mark.slow
def test_matplotlib_is_not_imported_and_gradio_still_tries_to(tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text("get_backend = lambda: 'agg'\nuse = lambda name: None\n", encoding="utf-8")
    paths = os.pathsep.join(map(str, (tmp_path, ROOT, ROOT / "scripts", ROOT / "tests")))
    run = run_python(SCRIPT, {**os.environ, "PYTHONPATH": paths})
    assert run.returncode == 0, run.stderr
    said = dict(line.split() for line in run.stdout.splitlines())
    assert (said["hidden"], said["kept"]) == ("None", "True")
    still_needed(said["plain"] == "True", "no_matplotlib")
