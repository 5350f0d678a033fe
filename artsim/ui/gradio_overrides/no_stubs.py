"""How components of our own are defined."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any

from gradio.component_meta import ComponentMeta, updateable


class WithoutStub(ComponentMeta):
    """Gradio writes a `.pyi` beside every file that defines a component; with this metaclass it leaves ours alone."""

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> Any:
        if "__init__" in attributes:
            attributes["__init__"] = updateable(attributes["__init__"])
        return ABCMeta.__new__(cls, name, bases, attributes)
