"""Progress display for answers that are computed in the background."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from artsim.ui.background import BackgroundTask
from artsim.ui.context import Context
from artsim.ui.error_text import error_markup
from artsim.ui.markup import Markup, element


def waiting(context: Context, task: BackgroundTask[Any], message: str, address: str) -> Markup:
    """Progress of the task, which `waiting.js` updates from `address`; after a failure, its message."""
    if task.state == "failed":
        strings = context.strings
        text = strings("error.internal") if task.failure is None else error_markup(task.failure, strings)
        return element("p", text, class_="notice", role="alert")
    return element(
        "div",
        element("p", message, id="waiting"),
        element("progress", value=task.done, max=max(1, task.total), aria_labelledby="waiting"),
        data_progress=address,
        class_="waiting",
    )


def progress_answer(task: BackgroundTask[Any]) -> Response:
    """The JSON that `waiting.js` polls."""
    status = {"state": task.state, "done": task.done, "total": task.total}
    return JSONResponse(status, headers={"Cache-Control": "no-store"})
