"""What a IIIF manifest says: its pages (canvases) with their pictures, and the metadata of each.

Manifests are written by strangers: whatever has another form than the specification's is as if it were not there.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from artsim.columns import standard_names
from artsim.sources.iiif.image_api import IiifImage, image_of
from artsim.web.http import is_address

Json = dict[str, Any]

OWN_COLUMNS = ("title", "description", "license", "rights", "museum", "url", "manifest")
"""Columns that a manifest has its own fields for; all others come from its `metadata`."""
_TAKEN = ("id", "image", "image_url", *OWN_COLUMNS)
_LONGEST_NAME = 40
_INLINE = re.compile(r"</?(?:a|abbr|b|cite|em|i|q|s|small|span|strong|sub|sup|u)\b[^<>]*>", re.IGNORECASE)
"""Marks of HTML within a word or a line."""


@dataclass(frozen=True)
class Page:
    """One canvas: a page of a book, or a view of an object."""

    id: str
    """Unique among all manifests, if the museum's own ids are."""
    columns: dict[str, str]
    """Metadata, without what the manifest does not say."""
    image: IiifImage | None


def pages(manifest: Json) -> Iterator[Page]:
    """The pages of a manifest, in order."""
    canvases = _canvases(manifest)
    shared = _shared_columns(manifest)
    for number, canvas in enumerate(canvases, 1):
        columns = dict(shared)
        if len(canvases) > 1:
            label = text(canvas.get("label")) or str(number)
            columns["title"] = f"{shared['title']}, {label}" if "title" in shared else label
        resource = next(_pictures(canvas), None)
        name = f"{identity(manifest)}\n{identity(canvas) or number}"
        yield Page(name, columns, image_of(resource, canvas) if resource else None)


def identity(item: Json) -> str:
    """The address that a manifest, collection or canvas has as its id; empty if it has none."""
    value = item.get("id") or item.get("@id")
    return value if isinstance(value, str) else ""


def kind(item: Json) -> str:
    """`Manifest`, `Collection` or whatever else it calls itself."""
    return str(item.get("type") or item.get("@type") or "").removeprefix("sc:")


def members(collection: Json) -> list[Json]:
    """The manifests and collections of a collection, and the pages that it is divided into."""
    found = [item for key in ("items", "members", "manifests", "collections") for item in dicts(collection.get(key))]
    for key in ("first", "next"):
        page = collection.get(key)
        found += [{"id": page, "type": "Collection"}] if isinstance(page, str) else dicts(page)
    return found


def text(value: Any) -> str | None:
    """A label or value in its English version, else in the one without a language, else in the first; without HTML.

    Several values are joined by semicolons.
    """
    values = [_plain(item) for item in _in_one_language(value)]
    return "; ".join(dict.fromkeys(item for item in values if item)) or None


def dicts(value: Any) -> list[Json]:
    """The objects in a value that is an object, or a list of them and other things."""
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]


def _shared_columns(manifest: Json) -> dict[str, str]:
    statement = manifest.get("requiredStatement")
    provider = (dicts(manifest.get("provider")) or [{}])[0]
    columns = {
        "title": text(manifest.get("label")),
        "description": text(manifest.get("summary") or manifest.get("description")),
        "license": _link(manifest.get("rights") or manifest.get("license")),
        "rights": text(statement.get("value") if isinstance(statement, dict) else manifest.get("attribution")),
        "museum": text(provider.get("label")),
        "url": _link(manifest.get("homepage") or manifest.get("related")),
        "manifest": _link(identity(manifest)),
    }
    for pair in dicts(manifest.get("metadata")):
        name, value = _column(text(pair.get("label"))), text(pair.get("value"))
        if name and value and value != columns.get(name):
            name = f"{name}_in_metadata" if name in _TAKEN else name
            columns[name] = "; ".join(filter(None, (columns.get(name), value)))
    said = {name: value for name, value in columns.items() if value}
    return dict(zip(standard_names(said), said.values(), strict=True))


def _canvases(manifest: Json) -> list[Json]:
    """The canvases of version 3, or of the first sequence of version 2: the others are the same in another order."""
    sequence = (dicts(manifest.get("sequences")) or [{}])[0]
    return dicts(manifest.get("items")) or dicts(sequence.get("canvases"))


def _pictures(canvas: Json) -> Iterator[Json]:
    """The picture resources of a canvas; of a choice, the first."""
    annotations = [item for page in dicts(canvas.get("items")) for item in dicts(page.get("items"))]
    bodies = [body for annotation in annotations for body in dicts(annotation.get("body"))]
    bodies += [body for annotation in dicts(canvas.get("images")) for body in dicts(annotation.get("resource"))]
    for body in bodies:
        for _ in range(3):  # a choice of parts of a picture, at most
            inner = dicts(body.get("default") or body.get("source"))
            inner = inner or (dicts(body.get("items")) if kind(body) == "Choice" else [])
            body = inner[0] if inner else body
        if kind(body).rpartition(":")[2] == "Image" or ("service" in body and not kind(body)):
            yield body


def _in_one_language(value: Any) -> list[str]:
    if isinstance(value, dict) and "@value" not in value:  # version 3: {"en": ["a", "b"]}
        by_language = {str(language): _strings(items) for language, items in value.items()}
    else:
        by_language = {}
        for item in value if isinstance(value, list) else [value]:
            is_tagged = isinstance(item, dict)
            language = str(item.get("@language") or "none") if is_tagged else "none"
            by_language.setdefault(language, []).extend(_strings(item.get("@value") if is_tagged else item))
    english = next((language for language in by_language if language.lower().split("-")[0] == "en"), "en")
    for language in (english, "none", "@none", *by_language):
        if by_language.get(language):
            return by_language[language]
    return []


def _strings(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(item) for item in values if isinstance(item, str | int | float) and not isinstance(item, bool)]


def _plain(value: str) -> str:
    """Text without HTML: marks within a line leave no space, others do."""
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", _INLINE.sub("", value))).split())


def _link(value: Any) -> str | None:
    """The first web address in a value: an address, an object with an id, or a list of these."""
    for item in value if isinstance(value, list) else [value]:
        address = identity(item) if isinstance(item, dict) else item
        if is_address(address):
            return str(address)
    return None


def _column(label: str | None) -> str:
    """The name of a column for a label: `Date of creation:` -> `date_of_creation`."""
    return re.sub(r"\W+", "_", (label or "").casefold()).strip("_")[:_LONGEST_NAME].strip("_")
