"""The two phases of training: the head alone on fixed features, then the backbone unfrozen from the top, stage by stage.

Each phase is a run of `transformers.Trainer` with a checkpoint after every epoch, so a killed and resumed run ends with the
same weights as an uninterrupted one. The result lies half-way between the weights after the first and after the second phase
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, WeightedRandomSampler
from transformers import PrinterCallback, Trainer, TrainingArguments

from artsim.collection import Collection
from artsim.embedding.preprocessing import decode_picture
from artsim.encoders.protocol import Blocks
from artsim.encoders.quiet_transformers import quiet_transformers
from artsim.encoders.style_head import head_segments
from artsim.finetuning.backbones import Backbone, PreparedPicture
from artsim.finetuning.head import LearnedHead, draw_weights, fit_inputs, loss_of
from artsim.finetuning.recipe import Recipe
from artsim.finetuning.works import LabelledWorks, altered_view
from artsim.sources import Source

STEP = 0.5
"""Interpolation from the weights after the first phase (0) to those after the second (1)."""
_DECAY = 0.01
_HEAD_RATE_LATER = 0.3  # factor on the head's learning rate in the second phase
_CACHE_BYTES = 2_000_000_000

History = list[dict[str, Any]]
"""`phase`, `epoch` and mean `loss` of each epoch."""
Progress = Callable[[str, int, int], None]
"""Called with the name of the step, the amount done and the total."""


@dataclass(frozen=True)
class Job:
    """What all trainings of a run share. Row i of every array is one work."""

    source: Source
    works: LabelledWorks
    collection: Collection
    """Holds the works under the untrained encoder."""
    backbone: Backbone
    """Untrained; each training has its own."""
    recipe: Recipe
    fingerprint: str
    """Of source, backbone and recipe."""

    @cached_property
    def artists(self) -> np.ndarray:
        """(n,) int: artist of each work; a work without a known artist has a number of its own."""
        return np.arange(len(self.works)) if self.works.artists is None else self.works.artists

    @cached_property
    def segments(self) -> list[np.ndarray]:
        """The segments of `head_segments` for the untrained backbone, each (n, d) float32."""
        rows = np.array([self.collection.state.rows[identity] for identity in self.works.ids])
        raw = self.collection.state.spaces[0].raw_blocks()
        blocks: Blocks = {aspect: raw[aspect].take(rows).astype(np.float32) for aspect in ("style", "subject")}
        return head_segments(blocks, self.backbone.encoder.segments)

    @cached_property
    def prepare(self) -> Callable[[int, int], PreparedPicture]:
        """Row and view -> input of the trainable layers; the last ones are kept, up to `_CACHE_BYTES`."""

        def prepare(row: int, view: int) -> PreparedPicture:
            identity = self.works.ids[row]
            data, short_side = self.collection.picture(identity), 2 * self.backbone.encoder.short_side
            preprocessing = self.collection.state.spaces[0].preprocessing
            picture = decode_picture(data, side=short_side, preprocessing=preprocessing, name=identity)
            return self.backbone.prepare(altered_view(picture.seen, identity, view, seed=self.recipe.seed))

        size = sum(tensor.nbytes for tensor in prepare(0, 0).values())
        return lru_cache(max(1, _CACHE_BYTES // size))(prepare)


class StyleModel(nn.Module):
    """Backbone and head with their loss: what `Trainer` trains. Its weights are those of the head and of the stages."""

    def __init__(self, backbone: Backbone, head: LearnedHead, recipe: Recipe) -> None:
        super().__init__()
        self.head, self.backbone, self._recipe = head, backbone, recipe
        stages = backbone.stages if recipe.top_epochs else []
        self.stages = nn.ModuleList(nn.ParameterList(stage) for stage in stages).requires_grad_(False)

    def forward(
        self,
        segments: list[torch.Tensor],
        labels: torch.Tensor,
        artists: torch.Tensor,
        prepared: Sequence[PreparedPicture] | None = None,
    ) -> dict[str, torch.Tensor]:
        """`segments` are those of the untrained backbone; with `prepared`, the backbone computes them anew."""
        if prepared is not None:
            segments = self.backbone.segments(prepared, segments)
        learned, scores = self.head(segments)
        return {"loss": loss_of(learned, scores, labels, artists, self._recipe)}


@quiet_transformers()  # `Trainer` sets the level of its logs
def train(job: Job, rows: np.ndarray, folder: Path, progress: Progress) -> tuple[StyleModel, History]:
    """Run both phases on the works at `rows`, with checkpoints in `folder`."""
    recipe, labels = job.recipe, job.works.labels
    inputs = fit_inputs([segment[rows] for segment in job.segments])
    head = LearnedHead(inputs, recipe.dimension, int(labels.max()) + 1, dropout=recipe.dropout, seed=recipe.seed)
    backbone = type(job.backbone)(job.backbone.encoder)
    model = StyleModel(backbone, head, recipe)
    history = _Phase(model, job, rows, folder, progress, live=False).run()
    if recipe.top_epochs:
        start = {name: weight.clone() for name, weight in model.state_dict().items()}
        history += _Phase(model, job, rows, folder, progress, live=True).run()
        model.load_state_dict({name: start[name].lerp(end, STEP) for name, end in model.state_dict().items()})
    return model, history


class _Phase(Trainer):
    """One phase; in the second, the backbone is `live`. Works are drawn by `draw_weights`, each in a random view."""

    def __init__(
        self, model: StyleModel, job: Job, rows: np.ndarray, folder: Path, progress: Progress, *, live: bool
    ) -> None:
        recipe, views = job.recipe, job.recipe.views if live else 1
        self._name, self._job, self._live, self._progress = "Unfreezing" if live else "Head", job, live, progress
        weights = np.repeat(draw_weights(job.works.labels[rows], job.artists[rows]), views)
        self._sampler = WeightedRandomSampler(weights.tolist(), num_samples=len(rows))
        head_rate = recipe.head_rate * (_HEAD_RATE_LATER if live else 1)
        groups: list[dict[str, Any]] = [{"params": list(model.head.parameters()), "lr": head_rate}]
        for number, stage in enumerate(model.stages if live else []):
            groups.append({"params": list(stage.parameters()), "lr": recipe.top_rate / 2**number})
        arguments = TrainingArguments(
            str(folder / self._name.lower()),
            num_train_epochs=recipe.top_epochs if live else recipe.head_epochs,
            per_device_train_batch_size=recipe.top_batch if live else recipe.head_batch,
            lr_scheduler_type="cosine",
            save_strategy="epoch",
            save_total_limit=1,
            logging_strategy="epoch",
            seed=recipe.seed,
            remove_unused_columns=False,
            dataloader_pin_memory=False,
            report_to="none",
            log_level="error",
            disable_tqdm=True,
        )
        if arguments.n_gpu > 1:
            arguments._n_gpu = 1  # a backbone lives on one device
        super().__init__(
            model,
            arguments,
            data_collator=self._batch,
            train_dataset=[(row, view) for row in rows.tolist() for view in range(views)],
            optimizers=(torch.optim.AdamW(groups, weight_decay=_DECAY), None),
        )
        self.remove_callback(PrinterCallback)

    def get_train_dataloader(self) -> DataLoader:
        size = self.args.train_batch_size
        return self.accelerator.prepare(
            DataLoader(self.train_dataset, size, sampler=self._sampler, collate_fn=self._batch)
        )

    def run(self) -> History:
        """Train, from the last whole checkpoint on where there is one."""
        states = filter(_is_whole, Path(self.args.output_dir).glob("checkpoint-*/trainer_state.json"))  # written last
        last = max(states, key=lambda path: path.stat().st_mtime_ns, default=None)
        self.train(resume_from_checkpoint=None if last is None else str(last.parent))
        entries = [entry for entry in self.state.log_history if "loss" in entry]
        return [{"phase": self._name, "epoch": round(entry["epoch"]), "loss": entry["loss"]} for entry in entries]

    def training_step(self, model: StyleModel, *inputs: Any, **options: Any) -> torch.Tensor:
        """Also reports progress, and unfreezes the stages one after the other in equal shares of the steps."""
        step, steps = self.state.global_step, self.state.max_steps
        for number, stage in enumerate(model.stages):
            stage.requires_grad_(self._live and number <= len(model.stages) * step / steps)
        loss = super().training_step(model, *inputs, **options)
        self._progress(self._name, step + 1, steps)
        return loss

    def _batch(self, keys: Sequence[tuple[int, int]]) -> dict[str, Any]:
        """The inputs of `StyleModel` for (row, view) each."""
        rows = [row for row, _ in keys]
        batch: dict[str, Any] = {
            "segments": [torch.from_numpy(segment[rows]) for segment in self._job.segments],
            "labels": torch.from_numpy(self._job.works.labels[rows]),
            "artists": torch.from_numpy(self._job.artists[rows]),
        }
        if self._live:
            batch["prepared"] = [self._job.prepare(row, view) for row, view in keys]
        return batch


def _is_whole(file: Path) -> bool:
    """Whether a JSON file was written to its end: a run may be killed in between."""
    try:
        return bool(json.loads(file.read_bytes()))
    except ValueError:
        return False
