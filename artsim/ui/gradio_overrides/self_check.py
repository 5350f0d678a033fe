"""A launch that reaches its own app directly, however slow the machine is.

Gradio: tried with 6.31.0.
Reason: `launch` asks the app that it has started for two pages, as any web client of this process would: through the proxy for
    other sites that the environment or the system names (gradio-app/gradio#3512), and it gives up if the second takes more
    than 3 s. Both end the start with an exception.
Remove when: `launch` asks without a proxy, and waits for a slow page.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from gradio import networking


@contextmanager
def reaching_itself() -> Iterator[None]:
    """Within the block, this process uses no proxy, and Gradio takes its page for reachable once it has answered at all."""
    no_proxy, url_ok = os.environ.get("no_proxy"), networking.url_ok
    os.environ["no_proxy"] = "*"
    networking.url_ok = lambda url: True
    try:
        yield
    finally:
        networking.url_ok = url_ok
        if no_proxy is None:
            del os.environ["no_proxy"]
        else:
            os.environ["no_proxy"] = no_proxy
