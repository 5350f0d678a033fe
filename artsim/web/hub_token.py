"""Whose token the Hub sees: that of this machine (HF_TOKEN, or `hf auth login`), or one given for a single task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_given: ContextVar[str | None] = ContextVar("token", default=None)


@contextmanager
def using_token(token: str | None) -> Iterator[None]:
    """Within this block and thread, `token` is used in place of the machine's; None changes nothing. It is not stored."""
    before = _given.set(token)
    try:
        yield
    finally:
        _given.reset(before)


def given_token() -> str | None:
    """The token of `using_token`, for calls of the Hub's client: None stands for the machine's."""
    return _given.get()


def current_token() -> str | None:
    """The token that is used; None when there is none at all."""
    from huggingface_hub import get_token

    return given_token() or get_token()


def hub_api() -> HfApi:
    """The Hub's client with that token."""
    from huggingface_hub import HfApi

    return HfApi(token=given_token())
