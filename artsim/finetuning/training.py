"""The two phases of training: the head alone on fixed features, then the backbone unfrozen from the top, stage by stage.

Each phase is a run of `transformers.Trainer` with a checkpoint after every epoch, so a killed and resumed run ends with the
same weights as an uninterrupted one. The result lies half-way between the weights after the first and after the second phase
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, WeightedRandomSampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from artsim.finetuning.backbones import Backbone, PreparedPicture
from artsim.finetuning.head import LearnedHead, fit_inputs
from artsim.finetuning.objective import draw_weights, loss_of
from artsim.finetuning.recipe import Recipe

STEP = 0.5
"""Interpolation from the weights after the first phase (0) to those after the second (1)."""
_DECAY = 0.01
_HEAD_RATE_LATER = 0.3  # factor on the head's learning rate in the second phase

_DECODERS = 2

History = list[dict[str, Any]]
"""`phase`, `epoch` and mean `loss` of each epoch."""
Progress = Callable[[str, int, int], None]
"""Called with the name of the step, the amount done and the total."""


@dataclass(frozen=True)
class TrainingSet:
    """Row i of every array is one work; `rows` are those to train on."""

    segments: Sequence[np.ndarray]
    """The segments of `head_segments` for the untrained backbone, each (n, d) float32."""
    labels: np.ndarray
    artists: np.ndarray
    """(n,) int: artist of each work; a work without a known artist has a number of its own."""
    rows: np.ndarray
    prepare: Callable[[int, int], PreparedPicture]
    """Row and view -> input of the backbone's trainable layers."""


class StyleModel(nn.Module):
    """Backbone and head with their loss: what `Trainer` trains. Its weights are those of the head and of the stages."""

    def __init__(self, backbone: Backbone, head: LearnedHead, recipe: Recipe) -> None:
        super().__init__()
        self.head, self._backbone, self._recipe = head, backbone, recipe
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
            segments = self._backbone.segments(prepared, segments)
        learned, scores = self.head(segments)
        return {"loss": loss_of(learned, scores, labels, artists, self._recipe)}


def train(
    backbone: Backbone, data: TrainingSet, recipe: Recipe, folder: Path, progress: Progress
) -> tuple[LearnedHead, History]:
    """Run both phases, with checkpoints in `folder`. The backbone ends with the new weights."""
    inputs = fit_inputs([segment[data.rows] for segment in data.segments])
    head = LearnedHead(inputs, recipe.dimension, int(data.labels.max()) + 1, dropout=recipe.dropout, seed=recipe.seed)
    model = StyleModel(backbone, head, recipe)
    groups = [{"params": list(head.parameters()), "lr": recipe.head_rate}]
    history = _Phase(model, groups, data, recipe, folder, progress, live=False).run()
    if not recipe.top_epochs:
        return head, history
    start = {name: weight.clone() for name, weight in model.state_dict().items()}
    groups = [{"params": list(head.parameters()), "lr": _HEAD_RATE_LATER * recipe.head_rate}]
    groups += [{"params": stage, "lr": recipe.top_rate / 2**n} for n, stage in enumerate(backbone.stages)]
    history += _Phase(model, groups, data, recipe, folder, progress, live=True).run()
    model.stages.requires_grad_(False)
    model.load_state_dict({name: start[name].lerp(end, STEP) for name, end in model.state_dict().items()})
    return head, history


class _Phase(Trainer):
    """One phase; in the second, the backbone is `live`. Works are drawn by `draw_weights`, each in a random view."""

    def __init__(
        self,
        model: StyleModel,
        groups: list[dict[str, Any]],
        data: TrainingSet,
        recipe: Recipe,
        folder: Path,
        progress: Progress,
        *,
        live: bool,
    ) -> None:
        self._name, self._data, self._live = "Unfreezing" if live else "Head", data, live
        views = recipe.views if live else 1
        self._weights = np.repeat(draw_weights(data.labels[data.rows], data.artists[data.rows]), views).tolist()
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
            train_dataset=[(row, view) for row in data.rows.tolist() for view in range(views)],
            optimizers=(torch.optim.AdamW(groups, weight_decay=_DECAY), None),
            callbacks=[_EpochCallback(self._name, progress, stages=list(model.stages) if live else [])],
        )
        self.remove_callback(PrinterCallback)

    def get_train_dataloader(self) -> DataLoader:
        sampler = WeightedRandomSampler(self._weights, num_samples=len(self._data.rows))
        loader = DataLoader(self.train_dataset, self.args.train_batch_size, sampler=sampler, collate_fn=self._batch)
        return self.accelerator.prepare(loader)

    def run(self) -> History:
        """Train, from the last checkpoint on where there is one."""
        states = Path(self.args.output_dir).glob("checkpoint-*/trainer_state.json")  # written last
        last = max(states, key=lambda path: path.stat().st_mtime_ns, default=None)
        self.train(resume_from_checkpoint=None if last is None else str(last.parent))
        entries = [entry for entry in self.state.log_history if "loss" in entry]
        return [{"phase": self._name, "epoch": round(entry["epoch"]), "loss": entry["loss"]} for entry in entries]

    def _batch(self, keys: Sequence[tuple[int, int]]) -> dict[str, Any]:
        """The inputs of `StyleModel` for (row, view) each."""
        rows = [row for row, _ in keys]
        batch: dict[str, Any] = {
            "segments": [torch.from_numpy(segment[rows]) for segment in self._data.segments],
            "labels": torch.from_numpy(self._data.labels[rows]),
            "artists": torch.from_numpy(self._data.artists[rows]),
        }
        if self._live:
            with ThreadPoolExecutor(_DECODERS) as pool:
                batch["prepared"] = list(pool.map(self._data.prepare, *zip(*keys, strict=True)))
        return batch


class _EpochCallback(TrainerCallback):
    """Reports progress, and unfreezes `stages` one after the other in equal shares of the epochs."""

    def __init__(self, name: str, progress: Progress, *, stages: Sequence[nn.Module]) -> None:
        self._name, self._progress, self._stages = name, progress, stages

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        for number, stage in enumerate(self._stages):
            stage.requires_grad_(number <= len(self._stages) * state.global_step / state.max_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._progress(self._name, state.global_step, state.max_steps)
