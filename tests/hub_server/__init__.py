"""A stand-in for the Hugging Face Hub on loopback, with the routes that the real clients use."""

from hub_server.server import HubServer

__all__ = ["HubServer"]
