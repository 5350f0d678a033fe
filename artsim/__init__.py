"""artsim: visual similarity search for collections of artworks.

import artsim
collection = artsim.open_collection("PATH_OR_HUB_ID")
for match in collection.search(image="picture.jpg", k=10):
    print(match.rank, match.work["title"], match.word)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from artsim.version import VERSION as __version__

if TYPE_CHECKING:
    from artsim.analysis.duplicates import DuplicateGroup, DuplicatePair
    from artsim.analysis.explain import Explanation
    from artsim.analysis.heatmap import draw_overlay
    from artsim.analysis.influence import Influence
    from artsim.analysis.path import PathStep
    from artsim.building.pipeline import build_collection
    from artsim.collection import Collection
    from artsim.encoders.presets import PRESETS
    from artsim.errors import (
        ArtsimError,
        CollectionError,
        EncoderError,
        HubError,
        ImageError,
        QueryError,
        SourceError,
    )
    from artsim.federation.answer import FederatedMatches, LeftOut
    from artsim.federation.federation import Federation
    from artsim.federation.opening import open_collections
    from artsim.hub.publish import publish
    from artsim.opening import open_collection
    from artsim.search.encoder_comparison import EncoderAnswers, EncoderComparison
    from artsim.search.label_index import Suggestion
    from artsim.search.match import Match
    from artsim.search.query import Part, Query
    from artsim.snapshot.works_map import WorksMap
    from artsim.sources import open_source

_HOMES = {
    "build_collection": "artsim.building.pipeline",
    "open_collection": "artsim.opening",
    "open_collections": "artsim.federation.opening",
    "open_source": "artsim.sources",
    "publish": "artsim.hub.publish",
    "Collection": "artsim.collection",
    "EncoderAnswers": "artsim.search.encoder_comparison",
    "EncoderComparison": "artsim.search.encoder_comparison",
    "DuplicateGroup": "artsim.analysis.duplicates",
    "DuplicatePair": "artsim.analysis.duplicates",
    "Explanation": "artsim.analysis.explain",
    "Federation": "artsim.federation.federation",
    **dict.fromkeys(("FederatedMatches", "LeftOut"), "artsim.federation.answer"),
    "Influence": "artsim.analysis.influence",
    "PathStep": "artsim.analysis.path",
    "WorksMap": "artsim.snapshot.works_map",
    "draw_overlay": "artsim.analysis.heatmap",
    "PRESETS": "artsim.encoders.presets",
    "Match": "artsim.search.match",
    "Suggestion": "artsim.search.label_index",
    **dict.fromkeys(("Part", "Query"), "artsim.search.query"),
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
    "FederatedMatches",
    "Federation",
    "HubError",
    "ImageError",
    "Influence",
    "LeftOut",
    "Match",
    "Part",
    "PathStep",
    "Query",
    "QueryError",
    "SourceError",
    "Suggestion",
    "WorksMap",
    "__version__",
    "build_collection",
    "draw_overlay",
    "open_collection",
    "open_collections",
    "open_source",
    "publish",
]


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used, so that `import artsim` takes no time."""
    if name not in _HOMES:
        raise AttributeError(f"module 'artsim' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, also those that are not imported yet."""
    return sorted(__all__)
