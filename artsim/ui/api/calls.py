"""Calls to the API: in turn, off the event loop, with errors that clients can read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import gradio as gr
from pydantic import BaseModel

from artsim.errors import ArtsimError, BusyError
from artsim.search.match import Match
from artsim.ui.api.schemas import match_answer
from artsim.ui.context import Context
from artsim.ui.error_text import capitalized
from artsim.ui.gradio_overrides.refusal import Refusal
from artsim.ui.http.busy import tell_busy

log = logging.getLogger(__name__)

A = TypeVar("A")


class Calls:
    """Handles requests as soon as there is a seat, off the event loop, and turns exceptions into error messages."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._seats = context.seats

    async def answer(self, work: Callable[[], A]) -> A:
        try:
            return await self._seats.run_async(work)
        except BusyError as error:
            tell_busy(error)
            raise Refusal(str(error), code=error.code) from error
        except ArtsimError as error:
            raise Refusal(capitalized(str(error)), code=error.code) from error
        except gr.Error:
            raise
        except Exception as error:
            log.exception("A request to the API failed.")
            raise Refusal(self._context.strings("notice.internal")) from error

    async def matches(self, search: Callable[[], list[Match]]) -> list[dict[str, Any]]:
        collection = self._context.collection
        return await self.answer(lambda: [plain(match_answer(match, collection)) for match in search()])


def plain(answer: BaseModel) -> dict[str, Any]:
    return answer.model_dump(mode="json")
