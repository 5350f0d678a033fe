"""What reaches into Gradio stands in `artsim/ui/gradio_overrides/`, and says why; the rest uses Gradio's public API."""

import ast
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import gradio as gr
import pytest

import artsim.ui
from artsim.ui import gradio_overrides

ROOT = Path(__file__).parents[3]
OVERRIDES = Path(gradio_overrides.__path__[0])
PUBLIC = {*gr.__all__, "Navbar", "api", "themes"}
"""Names of `gr`; the last three are documented on gradio.app, and missing in `__all__`."""
INSIDE = {
    "blocks", "config", "default_config", "fns", "get_blocks", "get_config", "get_config_file", "GRADIO_CACHE",
    "mcp_server_obj", "proxy_url", "server_app", "state_holder",
}  # fmt: skip
"""Attributes of Gradio's objects that are not documented."""
HOOKS = {"__init__", "data_model", "preprocess", "postprocess", "api_info", "example_payload", "example_value"}
"""What Gradio's guides ask a component of one's own to define."""
LABELS = re.compile(r"\n\nGradio: tried with (\d+\.\d+\.\d+)\.\nReason: (.+?)\nRemove when: (.+?)\n?$", re.S)

MODULES = sorted(OVERRIDES.glob("[a-z]*.py"))
OTHERS = [
    path for path in (*(ROOT / "artsim").rglob("*.py"), ROOT / "app.py") if not path.is_relative_to(OVERRIDES)
]  # fmt: skip


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def faults(tree: ast.Module) -> Iterator[str]:
    """What a module outside the package does with Gradio's inside."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    uses_gradio = any("gradio" in (getattr(node, "module", None) or ast.unparse(node)) for node in imports)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("gradio", "gradio_client"):
            yield f"line {node.lineno}: from {node.module} import"
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "gradio" and (alias.name, alias.asname) != ("gradio", "gr"):
                    yield f"line {node.lineno}: import {alias.name}"
        if not uses_gradio or not isinstance(node, ast.Attribute | ast.Call):
            continue
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in ("setattr", "delattr"):
                yield f"line {node.lineno}: {ast.unparse(node)}"
            continue
        owner = node.value.id if isinstance(node.value, ast.Name) else ""
        if owner == "gr" and node.attr not in PUBLIC:
            yield f"line {node.lineno}: gr.{node.attr}"
        is_private = node.attr.startswith("_") and not node.attr.endswith("__")
        if owner not in ("self", "cls") and (node.attr in INSIDE or is_private):
            yield f"line {node.lineno}: {ast.unparse(node)}"
        if owner not in ("self", "cls") and not isinstance(node.ctx, ast.Load):
            yield f"line {node.lineno}: {ast.unparse(node)} is set"


def test_no_other_module_reaches_into_gradio() -> None:
    found = {name_of(path): list(faults(ast.parse(path.read_text(encoding="utf-8")))) for path in OTHERS}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "code",
    [
        "from gradio.blocks import BlocksConfig",
        "import gradio.utils",
        "import gradio",
        "import gradio as gr\ngr.routes.App",
        "import gradio as gr\ndef change(html: gr.HTML):\n    html.value = 1",
        "import gradio as gr\ndef change(html: gr.HTML):\n    setattr(html, 'value', 1)",
        "import gradio as gr\ngr.HTML.postprocess = None",
        "import gradio as gr\ndef look(blocks: gr.Blocks):\n    return blocks.mcp_server_obj, blocks._queue",
        "from artsim.ui.gradio_overrides.refresh import follow\ndef change(html):\n    html.visible = False",
    ],
)
def test_what_reaches_into_gradio_is_seen(code: str) -> None:
    assert list(faults(ast.parse(code)))


def components() -> list[type[gr.Component]]:
    """Classes of artsim that Gradio draws, outside the package."""
    for module in pkgutil.walk_packages(artsim.ui.__path__, "artsim.ui."):
        import_module(module.name)
    pending, found = [gr.Component], set()
    while pending:
        kinds = pending.pop().__subclasses__()
        pending += kinds
        found |= {kind for kind in kinds if kind.__module__.startswith("artsim.")}
    return sorted(
        (kind for kind in found if not kind.__module__.startswith(gradio_overrides.__name__)),
        key=lambda kind: kind.__name__,
    )


def test_components_override_only_what_gradio_asks_for() -> None:
    kinds = components()
    assert {"QueryInput", "AddressInput", "ChoicesInput"} <= {kind.__name__ for kind in kinds}
    for kind in kinds:
        bases = [base for base in kind.__mro__ if base.__module__.startswith("gradio.")]
        defined = {name for name in vars(kind) if any(name in vars(base) for base in bases)}
        own = {name for name in defined if not (name.startswith("__") and name.endswith("__")) and name != "_abc_impl"}
        assert own <= HOOKS, kind


def test_components_keep_off_the_attributes_that_gradio_sets() -> None:
    taken = {*vars(gr.HTML()), *dir(gr.HTML)}
    for kind in components():
        tree = ast.parse(Path(import_module(kind.__module__).__file__ or "").read_text(encoding="utf-8"))
        [definition] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__]
        stored = {
            node.attr
            for node in ast.walk(definition)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self"
        }
        assert stored & taken == set(), kind


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_override_says_why_it_is_there_and_has_its_tests(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")), clean=True)
    assert LABELS.search(docstring or ""), (
        "the docstring ends with: Gradio: tried with X. / Reason: ... / Remove when: ..."
    )
    tests = Path(__file__).with_name(f"test_{path.stem}.py").read_text(encoding="utf-8")
    assert "still_needed(" in tests
    assert f"`{path.stem}`" in (gradio_overrides.__doc__ or ""), "not in the list of the package"


def test_all_were_tried_with_the_same_gradio() -> None:
    docstrings = [ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "" for path in MODULES]
    versions = {match[1] for docstring in docstrings if (match := LABELS.search(docstring))}
    assert len(versions) == 1
