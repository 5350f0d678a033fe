"""constraints.txt: exact versions within the ranges of the requirements, and what a script finds in an environment."""

import re
from pathlib import Path

from make_constraints import needed, read_requirements
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def test_every_requirement_but_torch_has_an_exact_version_within_its_range() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    exact = dict(line.split("==") for line in lines if not line.startswith("#"))
    required = {requirement.name: requirement for requirement in read_requirements(ROOT / "requirements-dev.txt")}
    assert required.pop("torch").specifier
    assert "torch" not in exact
    for requirement in required.values():
        version = exact[re.sub(r"[-_.]+", "-", requirement.name).lower()]
        assert requirement.specifier.contains(version), requirement
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"sdk_version: {exact['gradio']}\n" in readme  # a Space installs both


def test_what_extras_and_requirements_need_is_found_and_what_only_torch_needs_is_kept_apart() -> None:
    app = needed([Requirement("gradio[mcp]"), Requirement("torch")], below=False)
    assert {"gradio", "mcp", "httpx-sse", "starlette"} <= set(app)  # httpx-sse by way of mcp
    assert not {"torch", "sympy"} & set(app)
    assert "sympy" in needed([Requirement("torch")], below=True)
