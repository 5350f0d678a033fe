"""Works of the National Gallery of Art, from the imagefolder that `artsim prepare-nga` writes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from artsim.errors import SourceError
from artsim.sources.folder import open_folder
from artsim.sources.protocol import Source


def open_nga(path: str | Path) -> Source:
    """The prepared folder `path` as a source; `SourceError` when it is not one."""
    folder = Path(path).expanduser()
    if not (folder / "metadata.jsonl").is_file():
        raise SourceError(
            f"{folder} holds no metadata.jsonl. Prepare it first: python -m artsim prepare-nga --data CSV_FOLDER --out {folder}"
        )
    return dataclasses.replace(
        open_folder(folder, id_column="id"),
        name=f"nga:{folder}",
        title="National Gallery of Art",
        license="cc0-1.0",
        homepage="https://www.nga.gov/",
        description="Open-access works of the National Gallery of Art, Washington (data and images: CC0).",
    )
