"""Sources: where works come from. `open_source` opens `met`, `folder:PATH`, `hub:REPO[:SPLIT]`, `nga:PATH` or `iiif:URL`."""

from artsim.sources.protocol import LeftOut, Source, Work, read_picture
from artsim.sources.registry import SourceKind, open_source, register_source

__all__ = ["LeftOut", "Source", "SourceKind", "Work", "open_source", "read_picture", "register_source"]
