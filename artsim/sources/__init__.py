"""Where works come from. `open_source` turns `met`, `folder:PATH`, `hub:REPO[:SPLIT]` or `nga:PATH` into a `Source`."""

from artsim.sources.protocol import Source, Work, open_source, read_picture

__all__ = ["Source", "Work", "open_source", "read_picture"]
