"""Docstrings of endpoints, with each parameter on one line.

Gradio: tried with 6.31.0.
Reason: Gradio takes every line below `Args:` for one parameter, and drops the lines that a description goes on with. No
    issue known.
Remove when: Gradio reads descriptions of several lines.
"""

from __future__ import annotations

import inspect


def one_line_parameters(docstring: str) -> str:
    """`docstring` without its indentation, and with lines that continue a description joined to it."""
    lines: list[str] = []
    for line in inspect.cleandoc(docstring).splitlines():
        if line.startswith(8 * " "):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return "\n".join(lines)
