"""Addresses of pages and pictures, relative to the page that links to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.types import Scope

from artsim.messages.strings import DEFAULT_LANGUAGE
from artsim.ui.thumbnail_cache import Thumbnails


def path_in_app(scope: Scope) -> str:
    """The path of a request without that of a proxy in front of the app, as routing has it: `/timeline`."""
    path, root = scope.get("path", ""), scope.get("root_path", "")
    return path[len(root) :] if root and (path == root or path.startswith(f"{root}/")) else path


def search_address(language: str, work: Mapping[str, Any] | None = None) -> str:
    """The search page in a language, or the search with a work."""
    page = "./" if language == DEFAULT_LANGUAGE else f"./{language}"
    return page if work is None else f"{page}?{urlencode({'work': work['id']})}"


def page_address(name: str, **query: object) -> str:
    """Another page with its query: `./timeline?work=ID`. None values are omitted."""
    parameters = {key.rstrip("_"): value for key, value in query.items() if value is not None}
    return f"./{name}?{urlencode(parameters)}" if parameters else f"./{name}"


def picture_address(work: Mapping[str, Any], size: int) -> str:
    """A work's thumbnail."""
    return f"thumbnails/{size}/{quote(str(work['id']), safe='')}?v={Thumbnails.key(work)[:8]}"
