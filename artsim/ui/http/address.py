"""Whether anything can listen where the app is told to, checked first, so that what is wrong is one sentence."""

from __future__ import annotations

import errno
import socket

from artsim.errors import ArtsimError


class AddressError(ArtsimError):
    """The app cannot listen where it was told to."""


def check_address(host: str | None, port: int | None) -> None:
    """`AddressError` with one sentence when nothing can listen at `host` and `port`. None is Gradio's own choice."""
    name = (host or "127.0.0.1").strip("[]")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(name, port or 0, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise AddressError(f"The host {host!r} is not known here; give an address of this machine.") from error
    try:
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressError(f"Port {port} is taken by another program; choose another with --port.") from error
        if error.errno == errno.EACCES:
            raise AddressError(
                f"Port {port} is not allowed for this user; choose one above 1023 with --port."
            ) from error
        raise AddressError(
            f"This machine cannot listen on {host} ({error.strerror}); choose another --host."
        ) from error
