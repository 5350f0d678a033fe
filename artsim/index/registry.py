"""Which engine a collection is searched with: FAISS in this process, or Milvus."""

from __future__ import annotations

from pathlib import Path

from artsim.errors import CollectionError
from artsim.index.milvus_server import is_file, name_server

FAISS = "faiss"


def milvus_of(index: str) -> str | None:
    """The address in `milvus:URI`, that of a file as an absolute path; None for "faiss". `CollectionError` for anything else."""
    kind, _, uri = index.partition(":")
    if index == FAISS:
        return None
    if kind != "milvus" or not uri:
        raise CollectionError(
            f"There is no index {index!r}: give {FAISS}, or milvus:URI with http://HOST:19530, https://HOST or FILE.db."
        )
    name_server(uri)
    return str(Path(uri).expanduser().resolve()) if is_file(uri) else uri
