"""The encoder protocol: pictures (or texts) in, one L2-normalised vector per aspect out."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from PIL import Image

from artsim.errors import ArtsimError, EncoderError

Aspect = Literal["subject", "style", "color", "layout"]
ASPECTS: tuple[Aspect, ...] = ("subject", "style", "color", "layout")

Precision = Literal["float32", "bf16"]
"""The number format that a network computes in; vectors are float32 in any case."""
PRECISIONS: tuple[Precision, ...] = ("float32", "bf16")

Blocks = dict[Aspect, np.ndarray]
"""One array (n, dims[aspect]) float32 with unit rows per aspect; row i belongs to picture i."""

T = TypeVar("T")
Name = TypeVar("Name", bound=str)

log = logging.getLogger(__name__)

_LONGEST_REASON = 300  # characters
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/nvmap", "/dev/dxg", "/dev/kfd")  # CUDA; on Jetson; on WSL; ROCm


class Encoder(Protocol):
    """Implemented by `EmbeddedEncoder`, `FinetunedEncoder` and `TransformersEncoder`."""

    @property
    def id(self) -> str:
        """The name by which `load_encoder` loads it: "embedded", a Hub model id, or a folder."""
        ...

    @property
    def revision(self) -> str:
        """Identifies the exact weights: a Hub commit, or derived from the sha256 of the weights."""
        ...

    @property
    def segments(self) -> Mapping[Aspect, tuple[int, ...]]:
        """Lengths of the segments that make up the vector of each aspect (not `color`, which all encoders share).

        All segments of a vector have the same norm, so that none outweighs the others; a space treats them one by one.
        """
        ...

    @property
    def dims(self) -> Mapping[Aspect, int]:
        """Length of the vector of each aspect: the sum of its segments."""
        ...

    @property
    def short_side(self) -> int:
        """Short side in pixels below which a decoded picture would lose detail that the encoder uses."""
        ...

    @property
    def embeds_text(self) -> bool: ...

    @property
    def device(self) -> str: ...

    def embed_images(self, images: Sequence[Image.Image]) -> Blocks:
        """The aspects `subject`, `style` and `layout` of RGB pictures of any size."""
        ...

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """(n, dims["subject"]) float32 unit rows, comparable with raw `subject` rows. `EncoderError` if unsupported."""
        ...

    def embed_patches(self, image: Image.Image) -> np.ndarray:
        """(rows, columns, d) float32: unit vectors of the patches of one picture, top left first."""
        ...


@runtime_checkable
class PrecisionEncoder(Protocol):
    """An optional capability of an `Encoder`: number formats to choose from. Any other encoder computes in float32."""

    @property
    def precision(self) -> Precision: ...

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Those that this machine computes in."""
        ...

    def in_precision(self, precision: Precision) -> Encoder:
        """The same encoder, with the same revision, which computes in one of `precisions`."""
        ...

    def for_queries(self) -> Encoder:
        """The same, in the fastest precision whose vectors were found to agree with those of this encoder."""
        ...


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, float32; a zero row stays zero."""
    vectors = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(norms, 1e-12)


def joined(segments: Sequence[np.ndarray]) -> np.ndarray:
    """Segments (n, d each), each scaled to unit rows, concatenated to unit rows (n, sum of d)."""
    return unit_rows(np.concatenate([unit_rows(segment) for segment in segments], axis=1))


def in_batches(
    embed: Callable[[Sequence[T]], dict[Name, np.ndarray]], items: Sequence[T], batch_size: int
) -> dict[Name, np.ndarray]:
    """`embed(items)` in batches of at most `batch_size`; a batch that runs out of memory is halved and retried."""
    batches: list[dict[Name, np.ndarray]] = []
    start = 0
    while start < len(items):
        try:
            batches.append(embed(items[start : start + batch_size]))
            start += batch_size
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error) or batch_size == 1:
                raise
            batch_size = max(1, batch_size // 2)
            log.warning("Out of memory: continuing with batches of %d pictures.", batch_size)
            if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
                torch.cuda.empty_cache()
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]} if batches else {}


def _is_out_of_memory(error: Exception) -> bool:
    """PyTorch raises a RuntimeError, on some devices a plain one that only its text identifies."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text


@contextmanager
def failures_of(encoder: str) -> Iterator[None]:
    """Whatever its libraries raise while it embeds becomes an `EncoderError`."""
    try:
        yield
    except ArtsimError:
        raise
    except Exception as error:
        log.debug("The encoder %s fails.", encoder, exc_info=error)
        raise EncoderError(
            "The encoder {encoder} fails ({reason}). If it has worked before, the memory may be too small for it; else it is no"
            " model for pictures that artsim can use: take another one.",
            encoder=encoder,
            reason=reason_of(error),
        ) from error


def reason_of(error: Exception) -> str:
    """What an error says, on one line; its type if it says nothing."""
    return " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__


def best_device() -> str:
    """The fastest device of this machine: "cuda", "mps" or "cpu"."""
    if "torch" not in sys.modules and not _may_have_gpu():
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _may_have_gpu() -> bool:
    """False if there is certainly none: torch, which knows, takes seconds and 200 MB to import."""
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / "System32" / "nvcuda.dll").exists()
    is_zero_gpu = bool(os.environ.get("SPACES_ZERO_GPU"))  # its GPU comes with each call
    return sys.platform != "linux" or is_zero_gpu or any(Path(device).exists() for device in _GPU_DEVICES)
