"""The token for calls to the Hub: this machine's (HF_TOKEN, or `hf auth login`), or one given for a single task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_token: ContextVar[str | None] = ContextVar("token", default=None)


@contextmanager
def using_token(token: str | None) -> Iterator[None]:
    """Use `token` instead of the machine's within this block and thread; None changes nothing. It is not stored."""
    before = _token.set(token)
    try:
        yield
    finally:
        _token.reset(before)


def given_token() -> str | None:
    """The token set by `using_token`, for calls of the Hub's client; None means the machine's."""
    return _token.get()


def current_token() -> str | None:
    """The token in use, given or the machine's; None if there is none."""
    from huggingface_hub import get_token

    return given_token() or get_token()


def hub_api() -> HfApi:
    """The Hub's client, with the token of `given_token`."""
    from huggingface_hub import HfApi

    return HfApi(token=given_token())
