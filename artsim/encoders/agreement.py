"""How far an encoder's vectors in bf16 agree with those in float32: queries may use bf16 where that was measured and suffices."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from artsim.encoders.protocol import Encoder
from artsim.files.atomic import write_atomically

LEAST_COSINE = 0.999
LEAST_OVERLAP = 0.95
NEAREST = 10

_FILE = "agreement.json"
_LONGEST = 100_000  # bytes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Agreement:
    """Of `pictures` pictures, by aspect."""

    pictures: int
    cosine: Mapping[str, float]
    """The lowest cosine of the two vectors of a picture."""
    overlap: Mapping[str, float]
    """The mean share of the ten pictures nearest to each that are the same for both."""

    @property
    def suffices(self) -> bool:
        """Whether queries may be in bf16."""
        enough = self.pictures > NEAREST and bool(self.cosine)
        return enough and min(self.cosine.values()) >= LEAST_COSINE and min(self.overlap.values()) >= LEAST_OVERLAP


def measure_agreement(stored: Encoder, queries: Encoder, images: Sequence[Image.Image]) -> Agreement:
    """Compare the vectors of the same `images` by two encoders; neighbours are looked for among those of `stored`."""
    theirs, ours = stored.embed_images(images), queries.embed_images(images)
    cosine, overlap = {}, {}
    for aspect, rows in theirs.items():
        cosine[str(aspect)] = float(np.einsum("nd,nd->n", rows, ours[aspect]).min())
        centred = rows - rows.mean(axis=0)  # as a space compares them
        expected, found = (_nearest(each - rows.mean(axis=0), centred) for each in (rows, ours[aspect]))
        shared = [len(set(one) & set(other)) for one, other in zip(expected.tolist(), found.tolist(), strict=True)]
        overlap[str(aspect)] = float(np.mean(shared) / max(1, expected.shape[1]))
    return Agreement(len(images), cosine, overlap)


def _nearest(queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(n, at most `NEAREST`): the rows most similar to each query, itself left out."""
    norms = np.linalg.norm(rows, axis=1).clip(1e-12)
    scores = queries @ (rows / norms[:, None]).T
    np.fill_diagonal(scores, -np.inf)
    return np.argsort(-scores, axis=1, kind="stable")[:, : min(NEAREST, len(rows) - 1)]


def write_agreement(folder: Path, agreement: Agreement) -> None:
    """Keep what was measured beside the converted model in `folder`."""
    write_atomically(folder / _FILE, json.dumps(asdict(agreement), indent=2) + "\n")


def read_agreement(folder: Path) -> Agreement | None:
    """What `write_agreement` kept; None if nothing was, or it cannot be read."""
    try:
        with (folder / _FILE).open("rb") as file:
            values = json.loads(file.read(_LONGEST))
        cosine, overlap = ({str(k): float(v) for k, v in values[name].items()} for name in ("cosine", "overlap"))
        return Agreement(int(values["pictures"]), cosine, overlap)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.info("%s cannot be read (%s): queries are in float32.", folder / _FILE, error)
        return None
