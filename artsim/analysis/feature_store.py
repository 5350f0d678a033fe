"""Features of many pictures, 20 kB each, in a file without a name that vanishes with it: so memory does not grow with them."""

from __future__ import annotations

import tempfile
from dataclasses import replace

import numpy as np

from artsim.analysis.picture_features import PictureFeatures
from artsim.analysis.shared_features import DESCRIPTOR
from artsim.images.local_features import WORK_FEATURES, LocalFeatures


class FeatureStore:
    """Features of at most `most` pictures, by their number in the order of `append`."""

    def __init__(self, most: int) -> None:
        rows = max(1, most * WORK_FEATURES)
        with (
            tempfile.TemporaryFile() as points,
            tempfile.TemporaryFile() as descriptors,
        ):  # mapped, they stay when closed
            self._points = np.memmap(points, np.float32, "w+", shape=(rows, 2))
            self._descriptors = np.memmap(descriptors, np.uint8, "w+", shape=(rows, DESCRIPTOR))
        self._pictures: list[PictureFeatures] = []
        self._ends = [0]

    def __len__(self) -> int:
        return len(self._pictures)

    def append(self, features: PictureFeatures) -> None:
        local = features.local
        here = slice(self._ends[-1], self._ends[-1] + len(local))
        self._points[here], self._descriptors[here] = local.points, local.descriptors
        empty = LocalFeatures(self._points[:0], self._descriptors[:0], local.size)
        self._pictures.append(replace(features, local=empty))
        self._ends.append(here.stop)

    def __getitem__(self, number: int) -> PictureFeatures:
        features = self._pictures[number]
        here = slice(self._ends[number], self._ends[number + 1])
        local = LocalFeatures(np.array(self._points[here]), np.array(self._descriptors[here]), features.local.size)
        return replace(features, local=local)

    @property
    def descriptors(self) -> np.ndarray:
        """(sum of counts, 32) uint8: of all pictures, end to end."""
        return self._descriptors[: self._ends[-1]]

    @property
    def counts(self) -> np.ndarray:
        """(pictures,): the number of local features of each."""
        return np.diff(self._ends)

    @property
    def hashes(self) -> np.ndarray:
        """(pictures, windows) uint64."""
        return np.stack([features.hashes for features in self._pictures])

    @property
    def pixels(self) -> list[bytes]:
        """The hash of the pixels of each picture."""
        return [features.pixels for features in self._pictures]

    @property
    def areas(self) -> list[int]:
        """Width times height of each picture, in pixels."""
        return [features.area for features in self._pictures]
