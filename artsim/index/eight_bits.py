"""Vectors in 8 bits a number: each dimension has a range of its own, in 255 steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class EightBits:
    """`low` (d,) and `step` (d,): the number of code c in dimension i is `low[i] + c * step[i]`.

    `curved`: it is `middle + range / 4 * (v + v**3)`, v = -1..1 for c = 0..255. So the steps are half as long in the middle
    as they are on average: numbers that are spread like a bell lose less.
    """

    low: np.ndarray
    step: np.ndarray
    curved: bool = False

    @classmethod
    def fit(cls, vectors: np.ndarray, *, curved: bool = False) -> EightBits:
        """The ranges of `vectors` (n, d), n >= 1. Numbers outside of them, met later, are cut off at their ends."""
        low = vectors.min(axis=0).astype(np.float32)
        step = (vectors.max(axis=0) - low) / 255
        return cls(low, np.maximum(step, np.finfo(np.float32).tiny).astype(np.float32), curved)

    def check(self, dimension: int) -> None:
        """`ValueError` unless these are ranges of vectors (n, dimension): a file may come from a stranger."""
        if not self.low.shape == self.step.shape == (dimension,) or not (self.step > 0).all():
            raise ValueError(f"it holds no ranges of {dimension} numbers")

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """(n, d) float32 -> (n, d) uint8"""
        codes = (vectors - self.low) / self.step
        if self.curved:
            codes = 127.5 * (1 + _uncurved(codes / 63.75 - 2))
        codes = np.rint(codes)
        return np.clip(codes, 0, 255, out=codes).astype(np.uint8)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """(n, d) uint8 -> (n, d) float32"""
        return self._numbers(codes) * self._scale + self._origin

    def only(self, dimensions: slice) -> EightBits:
        return EightBits(self.low[dimensions], self.step[dimensions], self.curved)

    def dot(self, codes: np.ndarray, query: np.ndarray) -> np.ndarray:
        """(n,): the inner products of the vectors of `codes` (n, d) with `query` (d,)."""
        return self._numbers(codes) @ (self._scale * query) + self._origin @ query

    def _numbers(self, codes: np.ndarray) -> np.ndarray:
        """(n, d) float32: the numbers of codes in the unit of `_scale`, from `_origin` on."""
        numbers = codes.astype(np.float32)
        if self.curved:
            numbers *= 1 / 127.5
            numbers -= 1
            curve = numbers * numbers
            curve += 1
            numbers *= curve
        return numbers

    @cached_property
    def _scale(self) -> np.ndarray:
        return self.step * np.float32(63.75) if self.curved else self.step

    @cached_property
    def _origin(self) -> np.ndarray:
        return self.low + self.step * np.float32(127.5) if self.curved else self.low


def _uncurved(numbers: np.ndarray) -> np.ndarray:
    """v for each v + v**3 (Cardano's formula)."""
    root = np.float32(np.sqrt(3))
    return 2 / root * np.sinh(np.arcsinh(1.5 * root * numbers) / 3)
