"""Checks the host and port of the app before it starts, so that a problem is reported as one message."""

from __future__ import annotations

import errno
import socket

from artsim.errors import ArtsimError


class AddressError(ArtsimError):
    """The app cannot listen at the requested host and port."""

    code = "address"


def check_address(host: str | None, port: int | None) -> None:
    """Raises `AddressError` if the app cannot listen at `host` and `port`. None: Gradio chooses."""
    name = (host or "127.0.0.1").strip("[]")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(name, port or 0, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise AddressError(f"The host {host!r} is not known here; give an address of this machine.") from error
    try:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
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
