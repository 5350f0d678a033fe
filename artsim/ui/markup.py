"""HTML builder: `element("p", "5 < 6", class_="note")`. Escapes all text that is not `Markup` already."""

from __future__ import annotations

from html import escape

from markupsafe import Markup

_VOID = frozenset(("img", "input", "br", "hr", "link", "meta"))


def element(tag: str, *children: str, **attributes: object) -> Markup:
    """One element. `class_` is class, `data_x` is data-x; True is an attribute without value, None and False omit it."""
    attribute_text = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return Markup(f"<{tag}{attribute_text}>")
    return Markup(f"<{tag}{attribute_text}>{join(*children)}</{tag}>")


def button(label: str, **attributes: object) -> Markup:
    return element("button", label, type="button", **attributes)


def explained(word: str, label: str, text: str) -> tuple[Markup, Markup]:
    """A word with a "?" button, and the explanation that the button toggles. Both belong into one `data-explained`."""
    toggle = button("?", class_="what", data_act="explain", aria_expanded="false", aria_label=label)
    return join(element("span", word), " ", toggle), element("span", text, class_="what-text", hidden=True)


def join(*children: str) -> Markup:
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children))


def _attribute(name: str, value: object) -> str:
    name = name.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
