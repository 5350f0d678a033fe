"""Progress display for answers that are computed in the background."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from starlette.responses import JSONResponse, Response

from artsim.ui.background import BackgroundTask
from artsim.ui.context import Context
from artsim.ui.error_text import shown_error
from artsim.ui.templates import render


def waiting(context: Context, task: BackgroundTask[Any], status: str, message: str, address: str) -> Markup:
    """Progress of the task, which `waiting.js` updates from `address`; after a failure, its message.

    `status`: the state of the task for which the page is made; that of the task may change meanwhile.
    """
    strings = context.strings
    failure = shown_error(task.failure, context) if task.failure else strings("error.internal")
    return render(
        "pages/progress.html", strings, task=task, status=status, message=message, address=address, failure=failure
    )


def progress_answer(task: BackgroundTask[Any]) -> Response:
    """The JSON that `waiting.js` polls."""
    status = {"state": task.state, "done": task.done, "total": task.total}
    return JSONResponse(status, headers={"Cache-Control": "no-store"})
