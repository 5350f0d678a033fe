"""Vectors in 8 bits a number: each dimension has a range of its own, in 255 equal steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class EightBits:
    """`low` (d,) and `step` (d,): the number of code c in dimension i is `low[i] + c * step[i]`."""

    low: np.ndarray
    step: np.ndarray

    @classmethod
    def fit(cls, vectors: np.ndarray) -> EightBits:
        """The ranges of `vectors` (n, d), n >= 1. Numbers outside of them, met later, are cut off at their ends."""
        low = vectors.min(axis=0).astype(np.float32)
        step = (vectors.max(axis=0) - low) / 255
        return cls(low, np.maximum(step, np.finfo(np.float32).tiny).astype(np.float32))

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """(n, d) float32 -> (n, d) uint8"""
        codes = np.rint((vectors - self.low) / self.step)
        return np.clip(codes, 0, 255, out=codes).astype(np.uint8)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """(n, d) uint8 -> (n, d) float32"""
        return codes * self.step + self.low

    def only(self, dimensions: slice) -> EightBits:
        return EightBits(self.low[dimensions], self.step[dimensions])

    def dot(self, codes: np.ndarray, query: np.ndarray) -> np.ndarray:
        """(n,): the inner products of the vectors of `codes` (n, d) with `query` (d,)."""
        return codes.astype(np.float32) @ (self.step * query) + self.low @ query
