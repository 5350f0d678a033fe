"""Numbers in the files of a collection: a stranger may have written them, and one that is not finite spoils every score."""

from __future__ import annotations

import numpy as np

_LARGEST = 1e9  # products of two numbers, added up over the longest vectors, stay finite in float32
_EXPONENT = 0x7C00  # bits of a half that are all set in what is not finite
_CHUNK = 65_536  # numbers that are looked at at once


def check_numbers(numbers: np.ndarray, name: str) -> None:
    """`ValueError` if one of the float32 or float16 `numbers` is not finite, or larger than any that artsim computes."""
    if numbers.dtype == np.uint8:
        return
    flat = numbers.reshape(-1)
    for start in range(0, len(flat), _CHUNK):
        chunk = flat[start : start + _CHUNK]
        if chunk.dtype == np.float16:  # NumPy computes with halves one by one
            good = ((chunk.view(np.uint16) & _EXPONENT) != _EXPONENT).all()
        else:
            good = (np.abs(chunk) <= _LARGEST).all()
        if not good:
            raise ValueError(f"{name} holds numbers that are not finite, or huge")
