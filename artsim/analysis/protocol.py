"""The interface of a collection that analyses depend on, so that `Collection` can offer them as methods."""

from __future__ import annotations

from typing import Any, Protocol

from artsim.search.match import Match
from artsim.search.query import Query
from artsim.search.query_vectors import SearchedCollection


class SearchableCollection(SearchedCollection, Protocol):
    """Implemented by `artsim.Collection`, which documents the methods."""

    def work(self, identity: str) -> dict[str, Any]: ...

    def run(self, query: Query) -> list[Match]: ...
