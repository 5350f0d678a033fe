"""Figures as a JSON file: what the `--json` of every measuring command writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artsim.files.atomic import write_atomically


def write_figures(path: Path, figures: Mapping[str, Any]) -> None:
    """Write `figures`, whole or not at all; folders are made. `CollectionError` when it cannot be written."""
    write_atomically(path, json.dumps(figures, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
