"""Metaclass for components of our own: Gradio writes no stub file beside their module.

Gradio: tried with 6.31.0.
Reason: whenever a component class is defined, Gradio writes a `.pyi` file next to its source: into the installed package or
    the working tree. Where that cannot be written, and in notebooks, it has failed (gradio-app/gradio#10121, #12530).
Remove when: Gradio writes stubs for its own components only.
"""

from __future__ import annotations

from abc import ABCMeta
from typing import Any

from gradio.component_meta import ComponentMeta, updateable


class WithoutStub(ComponentMeta):
    """`class MyComponent(gr.HTML, metaclass=WithoutStub)`. Its events are those of its base: it cannot define `EVENTS`."""

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> Any:
        if "__init__" in attributes:
            attributes["__init__"] = updateable(attributes["__init__"])
        return ABCMeta.__new__(cls, name, bases, attributes)
