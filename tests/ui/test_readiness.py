"""The encoder that is loaded behind the page."""

import time
from typing import Any

from artsim.errors import EncoderError
from artsim.ui.readiness import Readiness


class SlowCollection:
    """A collection whose encoder takes a while, and then cannot be loaded."""

    def encoder(self) -> Any:
        time.sleep(0.3)
        raise EncoderError("no such encoder")


def test_a_stop_waits_for_the_encoder_that_is_being_loaded() -> None:
    """A process that exits while a thread runs native code aborts."""
    readiness = Readiness(SlowCollection())  # type: ignore[arg-type]
    readiness.wait(1)  # nothing has started: returns at once
    readiness.start()
    assert readiness.state == "loading"
    readiness.wait(60)
    assert (readiness.state, readiness.reason) == ("failed", "no such encoder")
