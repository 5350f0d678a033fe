"""How a long task reports its progress."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Called with what is done and the total, in works or pictures; None if the total is not known."""
