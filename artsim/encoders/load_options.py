"""Where and in how large batches an encoder computes: checks of what callers ask for."""

from __future__ import annotations

from artsim.errors import EncoderError


def check_load_options(*, device: str | None, batch_size: int | None) -> None:
    """`EncoderError` unless this machine has the `device`, a name of PyTorch's, and `batch_size` is at least 1.

    None stands for the default of each. Imports torch for any device but the CPU.
    """
    if batch_size is not None and batch_size < 1:
        raise EncoderError("The batch size must be at least 1; it is {batch_size}.", batch_size=batch_size)
    if device in (None, "cpu"):
        return
    import torch

    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    present = ["cpu", *["cuda"][:cuda], *(f"cuda:{number}" for number in range(cuda))]
    present += ["mps"] if torch.backends.mps.is_available() else []
    if device not in present:
        raise EncoderError(
            "PyTorch has no device {device!r} on this machine; it has {present}.", device=device, present=present
        )
