"""What reaches into Gradio stands in `artsim/ui/gradio_overrides/`, and says why; the rest uses Gradio's public API."""

import ast
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import gradio as gr

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

OTHERS = [
    path for path in (*(ROOT / "artsim").rglob("*.py"), ROOT / "app.py") if not path.is_relative_to(OVERRIDES)
]  # fmt: skip


def faults(tree: ast.Module) -> Iterator[str]:
    """What a module outside the package does with Gradio's inside."""
    nodes = list(ast.walk(tree))
    imports = [ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    yield from (line for line in imports if re.match(r"(from|import) gradio", line) and line != "import gradio as gr")
    if not any("gradio" in line for line in imports):
        return
    for node in nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("setattr", "delattr"):
            yield ast.unparse(node)
        if not isinstance(node, ast.Attribute):
            continue
        owner, is_private = ast.unparse(node.value), node.attr.startswith("_") and not node.attr.endswith("__")
        if owner == "gr" and node.attr not in PUBLIC:
            yield ast.unparse(node)
        is_read = isinstance(node.ctx, ast.Load)
        if owner not in ("self", "cls") and (node.attr in INSIDE or is_private or not is_read):
            yield ast.unparse(node)


def test_no_other_module_reaches_into_gradio() -> None:
    found = {str(path.relative_to(ROOT)): list(faults(ast.parse(path.read_text(encoding="utf-8")))) for path in OTHERS}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_what_reaches_into_gradio_is_seen() -> None:
    for code in ("from gradio.blocks import Blocks", "gr.HTML.postprocess = None", "print(gr.Blocks()._queue)"):
        assert list(faults(ast.parse(f"import gradio as gr\n{code}")))


def test_components_override_only_what_gradio_asks_for() -> None:
    for module in pkgutil.walk_packages(artsim.ui.__path__, "artsim.ui."):
        import_module(module.name)
    pending, found = [gr.Component], set()
    while pending:
        subclasses = pending.pop().__subclasses__()
        pending += subclasses
        found |= {kind for kind in subclasses if kind.__module__.startswith("artsim.")}
    kinds = {kind for kind in found if not kind.__module__.startswith(gradio_overrides.__name__)}
    assert {"QueryInput", "AddressInput", "ChoicesInput"} <= {kind.__name__ for kind in kinds}
    for kind in kinds:
        bases = [base for base in kind.__mro__ if base.__module__.startswith("gradio.")]
        defined = {name for name in vars(kind) if any(name in vars(base) for base in bases)}
        own = {name for name in defined if not (name.startswith("__") and name.endswith("__")) and name != "_abc_impl"}
        assert own <= HOOKS, kind


def test_every_override_says_why_it_is_there_and_has_its_tests() -> None:
    """Its docstring ends with: Gradio: tried with X. / Reason: ... / Remove when: ..., with the same X in all."""
    versions = set()
    for path in sorted(OVERRIDES.glob("[a-z]*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        labels = LABELS.search(docstring)
        assert labels, path
        versions.add(labels[1])
        assert "still_needed(" in Path(__file__).with_name(f"test_{path.stem}.py").read_text(encoding="utf-8")
        assert f"`{path.stem}`" in (gradio_overrides.__doc__ or ""), "not in the list of the package"
    assert len(versions) == 1
