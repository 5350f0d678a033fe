"""Stages of a model of any family: the layers that are unfrozen, from the top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from artsim.errors import TrainingError

if TYPE_CHECKING:
    import torch

# of the layers, from the top; lower ones detect edges and textures, which paintings share with photographs
_SHARE = 1 / 3
_STAGES = 3


def stages_of(model: Any) -> list[list[torch.nn.Parameter]]:
    """The parameters of the upper third of the layers of `model`'s image part, in up to three stages, top first.

    Layers are the children of the outermost list of two or more modules (`encoder.layer`, `encoder.stages`, ...). Modules
    after them (normalisation, pooling, projection) belong to the first stage. `TrainingError` without such a list.
    """
    from torch.nn import ModuleList

    images = getattr(model, "vision_model", model)
    found = [
        (name, module) for name, module in images.named_modules() if isinstance(module, ModuleList) and len(module) > 1
    ]
    if not found:
        raise TrainingError(
            f"{type(model).__name__} has no list of layers that could be unfrozen; give --top-epochs 0."
        )
    _, layers = min(found, key=lambda item: (item[0].count("."), -len(item[1])))
    count = max(1, round(len(layers) * _SHARE))
    upper = list(layers)[::-1][:count]  # the last layer first
    first = max(1, count // _STAGES)
    rest = upper[first:]
    half = (len(rest) + 1) // 2
    groups = [group for group in (upper[:first], rest[:half], rest[half:]) if group]
    stages = [[weight for layer in group for weight in layer.parameters()] for group in groups]
    return [[*_after(images, model, layers), *stages[0]], *stages[1:]]


def _after(images: Any, model: Any, layers: Any) -> list[torch.nn.Parameter]:
    """The parameters after `layers` in creation order of the modules, and the image projection."""
    inside = {id(weight) for weight in layers.parameters()}
    seen, after = False, []
    for weight in images.parameters():
        if id(weight) in inside:
            seen = True
        elif seen:
            after.append(weight)
    if images is not model and hasattr(model, "visual_projection"):
        after += model.visual_projection.parameters()
    return after
