"""Settings of the app: command line first, then environment, then defaults."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from artsim.files.cache import cache_folder

if TYPE_CHECKING:
    from artsim.encoders import Precision

LogFormat = Literal["text", "json"]
LOG_FORMATS: tuple[LogFormat, ...] = ("text", "json")
_SHORTEST_TOKEN = 16  # characters
_HUB = "https://huggingface.co"
_SITE = re.compile(r"\*|https?://(\*\.)?[a-z0-9.-]+(:\d+)?")
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True)
class Settings:
    """See `settings_from` for the source of each field."""

    collection: str | None
    """Folder or Hub id of the collection to serve; None means the embedded default, built on first start."""
    encoder: str
    """The encoder of the embedded default. With `collection`: "auto", or one of the collection's encoders."""
    cache: Path
    """Folder for built collections, thumbnails and uploads."""
    host: str | None
    """None leaves the choice to Gradio: this machine only, or all addresses on a Space."""
    port: int | None
    """None means the first free port from 7860 on."""
    metrics: bool
    """Whether `/metrics` is served. Default: only if no other machine can reach the app."""
    log_format: LogFormat
    allow_changes: bool
    """Whether the collection can be changed in the app. Default as for `metrics`; otherwise `owner_token` is required."""
    owner_token: str | None = field(repr=False)
    """The secret with which the owner logs in. None: any request from this machine is the owner's."""
    iiif_hosts: frozenset[str] = frozenset()
    """Image servers that visitors' browsers may ask when they zoom."""
    framed_by: frozenset[str] = frozenset()
    """Sites that may have visitors' pages in a frame, as Content-Security-Policy writes them; on a Space, the Hub always may."""
    hosts: frozenset[str] | None = None
    """Names under which the app is reached, beside those of this machine. None: any, as others can reach it."""
    all_formats: bool = False
    """Whether visitors may search with pictures of rare formats, such as TIFF, too."""
    precision: Precision | None = None
    """In which queries, and the collection of the first start, are computed. None: see `Collection.query_embedding.precision`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the app."""
    parser.epilog = (
        "Environment: ARTSIM_COLLECTION, ARTSIM_ENCODER, ARTSIM_CACHE, ARTSIM_METRICS, ARTSIM_LOG, "
        "ARTSIM_ALLOW_CHANGES, ARTSIM_OWNER_TOKEN, ARTSIM_IIIF_HOSTS, ARTSIM_FRAMED_BY, ARTSIM_HOSTS, ARTSIM_ALL_FORMATS, "
        "GRADIO_SERVER_NAME, GRADIO_SERVER_PORT, GRADIO_ROOT_PATH."
    )
    parser.add_argument("--collection", help="folder or Hub id of a collection (default: the paintings of The Met)")
    parser.add_argument("--encoder", help="auto, embedded, a Hub model id, or a folder with a model (default: auto)")
    parser.add_argument(
        "--precision", choices=("float32", "bf16"),
        help="number format in which the encoder computes (default: that of the collection; bf16 where it was found to agree)",
    )  # fmt: skip
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=_port, help="port to listen on (default: the first free one from 7860 on)")
    parser.add_argument(
        "--metrics", action=argparse.BooleanOptionalAction,
        help="serve /metrics for Prometheus (default: only when no one but this machine can reach the app)",
    )  # fmt: skip
    parser.add_argument("--log-format", choices=LOG_FORMATS, help="text, or json: one object a line (default: text)")
    parser.add_argument(
        "--allow-changes", action=argparse.BooleanOptionalAction,
        help="let the owner add, edit and remove works in the app (default: only when no one but this machine can reach it; "
        "elsewhere ARTSIM_OWNER_TOKEN is needed as well)",
    )  # fmt: skip


def settings_from(given: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the options of `add_arguments` and `environ`. Raises `argparse.ArgumentError`."""
    port = given.port
    if port is None and environ.get("GRADIO_SERVER_PORT"):
        try:
            port = _port(environ["GRADIO_SERVER_PORT"])
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentError(None, f"GRADIO_SERVER_PORT: {error}") from None
    host = given.host or environ.get("GRADIO_SERVER_NAME") or None
    metrics = given.metrics if given.metrics is not None else _switch(environ, "ARTSIM_METRICS")
    log_format = given.log_format or environ.get("ARTSIM_LOG") or "text"
    if log_format not in LOG_FORMATS:
        raise argparse.ArgumentError(None, f"ARTSIM_LOG: it is {' or '.join(LOG_FORMATS)}, not {log_format!r}")
    allowed = given.allow_changes if given.allow_changes is not None else _switch(environ, "ARTSIM_ALLOW_CHANGES")
    token = environ.get("ARTSIM_OWNER_TOKEN") or None
    _check_token(token, needed=bool(allowed) and not _is_private(host, environ))
    return Settings(
        collection=given.collection or environ.get("ARTSIM_COLLECTION") or None,
        precision=given.precision,
        encoder=given.encoder or environ.get("ARTSIM_ENCODER") or "auto",
        cache=cache_folder(environ),
        host=host,
        port=port,
        metrics=_is_private(host, environ) if metrics is None else metrics,
        log_format=log_format,
        allow_changes=_is_private(host, environ) if allowed is None else allowed,
        owner_token=token,
        iiif_hosts=_listed(environ, "ARTSIM_IIIF_HOSTS"),
        framed_by=_framed_by(environ),
        hosts=_listed(environ, "ARTSIM_HOSTS") if _is_private(host, environ) else None,
        all_formats=bool(_switch(environ, "ARTSIM_ALL_FORMATS")),
    )


def _listed(environ: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(environ.get(name, "").lower().replace(",", " ").split())


def _framed_by(environ: Mapping[str, str]) -> frozenset[str]:
    sites = _listed(environ, "ARTSIM_FRAMED_BY")
    for site in sites:
        if not _SITE.fullmatch(site):
            raise argparse.ArgumentError(
                None, f"ARTSIM_FRAMED_BY: it lists sites such as https://museum.example, not {site!r}"
            )
    return sites | {_HUB} if is_space(environ) else sites


def _switch(environ: Mapping[str, str], name: str) -> bool | None:
    """A boolean setting; None if it is not set."""
    text = environ.get(name, "").strip().lower()
    if text and text not in (*_YES, *_NO):
        raise argparse.ArgumentError(None, f"{name}: it is 1 or 0, not {environ[name]!r}")
    return text in _YES if text else None


def _check_token(token: str | None, *, needed: bool) -> None:
    make = "make one with: python -c 'import secrets; print(secrets.token_urlsafe())'"
    if token is None and needed:
        raise argparse.ArgumentError(
            None,
            "--allow-changes: others can reach this app, so its owner needs a secret to log in with. Set "
            f"ARTSIM_OWNER_TOKEN; {make}",
        )
    if token is not None and len(token) < _SHORTEST_TOKEN:
        raise argparse.ArgumentError(None, f"ARTSIM_OWNER_TOKEN has fewer than {_SHORTEST_TOKEN} characters; {make}")


def _is_private(host: str | None, environ: Mapping[str, str]) -> bool:
    """Whether only this machine can reach the app, judged by the address it listens on."""
    if is_space(environ) or environ.get("GRADIO_ROOT_PATH"):
        return False
    return host is None or host in ("localhost", "::1") or host.startswith("127.")


def is_space(environ: Mapping[str, str]) -> bool:
    """Whether this is a Space on the Hub."""
    return bool(environ.get("SPACE_ID")) or environ.get("SYSTEM") == "spaces"


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a whole number from 1 to 65535, not {text!r}")
    return int(text)
