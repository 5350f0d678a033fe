"""Vector indexes by inner product, behind one small protocol, so that the engine can change with the size."""

from artsim.index.compact import CompactIndex, build_first_pass, read_first_pass, refilled_first_pass
from artsim.index.eight_bits import EightBits
from artsim.index.exact import ExactIndex
from artsim.index.milvus import MilvusIndex
from artsim.index.protocol import VectorIndex
from artsim.index.rows import Rows, laid_end_to_end, sample_rows
from artsim.index.scan import ScanIndex

__all__ = [
    "CompactIndex",
    "EightBits",
    "ExactIndex",
    "MilvusIndex",
    "Rows",
    "ScanIndex",
    "VectorIndex",
    "build_first_pass",
    "laid_end_to_end",
    "read_first_pass",
    "refilled_first_pass",
    "sample_rows",
]
