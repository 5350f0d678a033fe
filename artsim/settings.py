"""What the app is told when it starts: command line first, then environment, then defaults."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """See `read_settings` for where each comes from."""

    collection: str | None
    """Folder or Hub id of the collection to serve; None means the embedded default, built on first start."""
    encoder: str
    """The encoder of the embedded default. With `collection`: "auto", or the encoder that it was made with."""
    cache: Path
    """Where collections that the app builds, thumbnails and uploads are kept."""
    host: str | None
    """None leaves the choice to Gradio: this machine only, or all addresses on a Space."""
    port: int | None
    """None means the first free one from 7860 on."""


def read_settings(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `arguments` (default: `sys.argv`) and `environ`. Exits like any command on a malformed argument."""
    parser = argparse.ArgumentParser(
        prog="app.py",
        description="Serve a collection in the browser; by default the embedded paintings of The Met.",
        epilog="Environment: ARTSIM_COLLECTION, ARTSIM_ENCODER, ARTSIM_CACHE, GRADIO_SERVER_NAME, GRADIO_SERVER_PORT.",
    )
    parser.add_argument("--collection", help="folder or Hub id of a collection (default: the paintings of The Met)")
    parser.add_argument("--encoder", help="auto, embedded, a Hub model id, or a folder with a model (default: auto)")
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=_port, help="port to listen on (default: the first free one from 7860 on)")
    given = parser.parse_args(arguments)
    port = given.port
    if port is None and environ.get("GRADIO_SERVER_PORT"):
        try:
            port = _port(environ["GRADIO_SERVER_PORT"])
        except argparse.ArgumentTypeError as error:
            parser.error(f"GRADIO_SERVER_PORT: {error}")
    return Settings(
        collection=given.collection or environ.get("ARTSIM_COLLECTION") or None,
        encoder=given.encoder or environ.get("ARTSIM_ENCODER") or "auto",
        cache=Path(environ.get("ARTSIM_CACHE") or default_cache(environ)).expanduser().absolute(),
        host=given.host or environ.get("GRADIO_SERVER_NAME") or None,
        port=port,
    )


def default_cache(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder where this platform's programs keep what they can make again."""
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "artsim" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "artsim"
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "artsim"


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a whole number from 1 to 65535, not {text!r}")
    return int(text)
