"""The range that most numbers of a column are in: one wild value does not stretch sliders and axes."""

from __future__ import annotations

import numpy as np

_SHARE = 0.01  # of the numbers, at each end: so many may be wild
_FAR = 3.0  # spans of all others: a number farther from them is wild


def robust_range(values: np.ndarray) -> tuple[float, float] | None:
    """The least and the greatest number of `values` (n,) without wild ones; None if none is finite.

    Wild is, at most, one in a hundred at each end, or one, that is farther from the others than three times their span (or
    than .3 of themselves, where their span is small).
    """
    numbers = np.sort(values[np.isfinite(values)].astype(np.float64))
    if not len(numbers):
        return None
    if len(numbers) < 4:
        return float(numbers[0]), float(numbers[-1])
    cut = max(1, int(_SHARE * len(numbers)))
    low, high = numbers[cut], numbers[-1 - cut]
    far = _FAR * max(high - low, 0.1 * max(abs(low), abs(high)))
    tame = numbers[(numbers >= low - far) & (numbers <= high + far)]
    return float(tame[0]), float(tame[-1])
