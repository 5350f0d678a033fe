"""artsim finds artworks that look alike.

import artsim
collection = artsim.open_collection("PATH_OR_HUB_ID")
for match in collection.search(image="picture.jpg", k=10):
    print(match.rank, match.work["title"], match.percentile)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from artsim.version import VERSION as __version__

if TYPE_CHECKING:
    from artsim.build import build_collection
    from artsim.collection import Collection
    from artsim.comparison import EncoderAnswers, EncoderComparison
    from artsim.duplicates import DuplicateGroup, DuplicatePair
    from artsim.errors import (
        ArtsimError,
        CollectionError,
        EncoderError,
        HubError,
        ImageError,
        QueryError,
        SourceError,
    )
    from artsim.explain import Explanation
    from artsim.hub.publish import publish
    from artsim.influence import Influence
    from artsim.map import WorksMap
    from artsim.opening import open_collection
    from artsim.overlay import draw_overlay
    from artsim.path import PathStep
    from artsim.presets import PRESETS
    from artsim.search import Match, Part, Query
    from artsim.sources import open_source
    from artsim.timeline import draw_timeline

_HOMES = {
    "build_collection": "artsim.build",
    "open_collection": "artsim.opening",
    "open_source": "artsim.sources",
    "publish": "artsim.hub.publish",
    "Collection": "artsim.collection",
    "EncoderAnswers": "artsim.comparison",
    "EncoderComparison": "artsim.comparison",
    "DuplicateGroup": "artsim.duplicates",
    "DuplicatePair": "artsim.duplicates",
    "Explanation": "artsim.explain",
    "Influence": "artsim.influence",
    "PathStep": "artsim.path",
    "WorksMap": "artsim.map",
    "draw_overlay": "artsim.overlay",
    "draw_timeline": "artsim.timeline",
    "PRESETS": "artsim.presets",
    **dict.fromkeys(("Match", "Part", "Query"), "artsim.search"),
    **dict.fromkeys(
        "ArtsimError CollectionError EncoderError HubError ImageError QueryError SourceError".split(), "artsim.errors"
    ),
}

__all__ = [
    "PRESETS",
    "ArtsimError",
    "Collection",
    "CollectionError",
    "DuplicateGroup",
    "DuplicatePair",
    "EncoderAnswers",
    "EncoderComparison",
    "EncoderError",
    "Explanation",
    "HubError",
    "ImageError",
    "Influence",
    "Match",
    "Part",
    "PathStep",
    "Query",
    "QueryError",
    "SourceError",
    "WorksMap",
    "__version__",
    "build_collection",
    "draw_overlay",
    "draw_timeline",
    "open_collection",
    "open_source",
    "publish",
]


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used, so that `import artsim` takes no time."""
    if name not in _HOMES:
        raise AttributeError(f"module 'artsim' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
