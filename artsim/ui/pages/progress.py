"""What stands on a page while its answer is worked out in the background."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from artsim.ui.background import BackgroundTask
from artsim.ui.context import Context
from artsim.ui.error_text import error_markup
from artsim.ui.markup import Markup, element


def waiting(context: Context, job: BackgroundTask[Any], sentence: str, address: str) -> Markup:
    """How far the job is, with the script `waiting.js` asking at `address`; or why it failed."""
    if job.state == "failed":
        strings = context.strings
        said = strings("error.internal") if job.failure is None else error_markup(job.failure, strings)
        return element("p", said, class_="notice", role="alert")
    return element(
        "div",
        element("p", sentence, id="waiting"),
        element("progress", value=job.done, max=max(1, job.total), aria_labelledby="waiting"),
        data_progress=address,
        class_="waiting",
    )


def progress_answer(job: BackgroundTask[Any]) -> Response:
    """What `waiting.js` is told."""
    facts = {"state": job.state, "done": job.done, "total": job.total}
    return JSONResponse(facts, headers={"Cache-Control": "no-store"})
