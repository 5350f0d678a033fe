"""matplotlib, hidden from Gradio.

Gradio: tried with 6.31.0.
Reason: where matplotlib is installed, Gradio imports it at the first event to set its backend, and for half a second no one
    is answered (related: gradio-app/gradio#4029). Nothing in the app draws with it.
Remove when: Gradio touches matplotlib only where it has been imported already.
"""

from __future__ import annotations

import sys


def hide_matplotlib() -> None:
    """Make matplotlib look absent, unless it has been imported already. Call before the app is launched."""
    sys.modules.setdefault("matplotlib", None)  # type: ignore[arg-type]  # Python's mark of what cannot be imported
