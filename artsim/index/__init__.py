"""Vector indexes by inner product, behind one small protocol, so that the engine can change with the size."""

from artsim.index.faiss import FaissIndex, build_index, load_index
from artsim.index.protocol import VectorIndex

__all__ = ["FaissIndex", "VectorIndex", "build_index", "load_index"]
