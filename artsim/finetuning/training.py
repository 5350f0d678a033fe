"""The two phases of training: the head alone on fixed features, then the backbone unfrozen from the top, stage by stage.

Random draws of an epoch depend on seed and epoch only, and a checkpoint follows every epoch, so a killed and resumed run ends
with the same weights as an uninterrupted one. The epoch to keep, and the interpolation between old and new weights (Wortsman
et al. 2022, "Robust fine-tuning of zero-shot models"), are chosen on the validation works only. In a small set these are by
too few artists to choose the epochs of the head: they are chosen there by folds of all works outside the report.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from artsim.files.atomic import writing
from artsim.finetuning.backbones import Backbone
from artsim.finetuning.features import Features, PreparedViews, Progress
from artsim.finetuning.head import LearnedHead, fit_inputs
from artsim.finetuning.objective import draw_weights, loss_of, style_map
from artsim.finetuning.recipe import Recipe

log = logging.getLogger(__name__)

STEPS = (0.25, 0.5, 0.75, 1.0)  # interpolation from the old weights (0) to the new ones (1)
_DECAY = 0.01
_HEAD_RATE_LATER = 0.3  # factor on the head's learning rate in the second phase

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class TrainingSet:
    """Row i of every array is one work; `training` and `validation` are rows."""

    features: Features
    labels: np.ndarray
    artists: np.ndarray
    """(n,) int: artist of each work; a work without a known artist has a number of its own."""
    known_artists: bool
    training: np.ndarray
    validation: np.ndarray
    classes: int
    folds: np.ndarray | None = None
    """(n,) int: fold of each training and validation work, to choose the epochs of the first phase; -1 for others."""


@dataclass
class Checkpoint:
    """State of a training: written after every epoch, read when a run resumes."""

    phase: str = "head"
    epoch: int = 0
    """Number of finished epochs of the phase."""
    since_best: int = 0
    best_score: float = -math.inf
    best: Tensors = field(default_factory=dict)
    """Weights at the best epoch of the phase so far."""
    now: Tensors = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    head_epochs: int = 0
    """Number chosen by the folds; 0 without folds, or before the choice."""
    head: Tensors = field(default_factory=dict)
    """The first phase's result, once it is over."""
    head_score: float = -math.inf

    def save(self, path: Path) -> None:
        temporary = path.with_suffix(".tmp")
        with writing(path):
            torch.save(dict(vars(self)), temporary)
            temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """Read a checkpoint; a new one where there is none. `weights_only`: tensors and plain values, no code."""
        return cls(**torch.load(path, weights_only=True)) if path.exists() else cls()


@dataclass(frozen=True)
class Trained:
    head: LearnedHead
    step: float
    """Interpolation towards the new backbone weights; 0 keeps the old ones."""
    scores: Mapping[str, float]
    """Style mAP of the validation works: "before", with the "head" alone, and at each step tried."""
    history: Sequence[Mapping[str, Any]]


def train(
    backbone: Backbone, data: TrainingSet, prepared: PreparedViews, recipe: Recipe, path: Path, progress: Progress
) -> Trained:
    """Run both phases, with the checkpoint at `path`. The backbone ends with the chosen weights."""
    inputs = fit_inputs(data.features.of(data.training))
    head = LearnedHead(inputs, recipe.dimension, data.classes, seed=recipe.seed)
    trainer = _Trainer(backbone, head, data, prepared, recipe, path, progress)
    if trainer.checkpoint.epoch or trainer.checkpoint.phase != "head":
        log.info("Resuming after epoch %d of phase %r.", trainer.checkpoint.epoch, trainer.checkpoint.phase)
    before = trainer.score(learned=False)
    trainer.first_phase()
    scores = {"before": before, "head": trainer.checkpoint.head_score}
    if not recipe.top_epochs:
        return Trained(head, 0.0, scores, trainer.checkpoint.history)
    old = [weight.detach().clone() for stage in backbone.stages for weight in stage]
    trainer.second_phase()
    step, more = trainer.choose_step(old)
    return Trained(head, step, {**scores, **more}, trainer.checkpoint.history)


class _Trainer:
    def __init__(
        self,
        backbone: Backbone,
        head: LearnedHead,
        data: TrainingSet,
        prepared: PreparedViews,
        recipe: Recipe,
        path: Path | None,
        progress: Progress,
    ) -> None:
        self.backbone, self.head, self.data, self.prepared = backbone, head, data, prepared
        self.recipe, self.path, self.progress = recipe, path, progress
        self.checkpoint = Checkpoint() if path is None else Checkpoint.load(path)
        self._labels, self._artists = torch.from_numpy(data.labels), torch.from_numpy(data.artists)
        self._weights = draw_weights(data.labels[data.training], data.artists[data.training])

    def first_phase(self) -> None:
        """Train the head alone; it ends with the weights of the best epoch."""
        recipe, state = self.recipe, self.checkpoint
        if state.phase == "head":
            if self.data.folds is not None and not state.head_epochs:
                state.head_epochs = self._epochs_by_folds(self.data.folds)
                self._save()
            optimizer = self._head_optimizer()
            self._resume(optimizer, {"head": self.head})
            while state.epoch < state.head_epochs or (
                not state.head_epochs and state.epoch < recipe.head_epochs and state.since_best < recipe.head_patience
            ):
                loss = self._head_epoch(optimizer, state.epoch)
                self._close_epoch(optimizer, {"head": self.head}, loss, self.score(), "Head", recipe.head_epochs)
            last = state.history[-1]["validation"]
            state.head, state.head_score = (state.now, last) if state.head_epochs else (state.best, state.best_score)
            state.phase, state.epoch, state.since_best, state.best, state.now = "top", 0, 0, {}, {}
            state.best_score, state.optimizer = -math.inf, {}
            self._save()
        _set_weights(state.head, {"head": self.head})

    def _head_optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.head.parameters(), lr=self.recipe.head_rate, weight_decay=_DECAY)

    def _head_epoch(self, optimizer: torch.optim.Optimizer, epoch: int) -> float:
        _set_rates(optimizer, [self.recipe.head_rate], epoch / self.recipe.head_epochs)
        return self._epoch(optimizer, self.recipe.head_batch, epoch, live=False)

    def _epochs_by_folds(self, folds: np.ndarray) -> int:
        """The number of epochs after which heads, each trained without one fold, score best on the held-out folds."""
        trainers = [self._without(folds, number) for number in range(folds.max() + 1)]
        optimizers = [trainer._head_optimizer() for trainer in trainers]
        sizes = [len(trainer.data.validation) for trainer in trainers]
        best, best_score = 1, -math.inf
        for epoch in range(self.recipe.head_epochs):
            if epoch - best >= self.recipe.head_patience:
                break
            for trainer, optimizer in zip(trainers, optimizers, strict=True):
                trainer._head_epoch(optimizer, epoch)
            score = float(np.average([trainer.score() for trainer in trainers], weights=sizes))
            log.info("Head by folds, epoch %d of at most %d: %.4f", epoch + 1, self.recipe.head_epochs, score)
            self.progress("Choosing", epoch + 1, self.recipe.head_epochs)
            if score >= best_score:
                best, best_score = epoch + 1, score
        return best

    def _without(self, folds: np.ndarray, number: int) -> _Trainer:
        """One that trains on the other folds and is judged by the works of fold `number`."""
        rows, held = np.flatnonzero((folds >= 0) & (folds != number)), np.flatnonzero(folds == number)
        data = replace(self.data, training=rows, validation=held, folds=None)
        head = LearnedHead(
            fit_inputs(data.features.of(rows)), self.recipe.dimension, data.classes, seed=self.recipe.seed
        )
        return _Trainer(self.backbone, head, data, self.prepared, self.recipe, None, self.progress)

    def second_phase(self) -> None:
        """The backbone from the top, the head going on more slowly; ends with the best epoch's weights in both."""
        recipe, state = self.recipe, self.checkpoint
        stages = [torch.nn.ParameterList(stage) for stage in self.backbone.stages]
        modules = {"head": self.head} | {f"stage-{number}": stage for number, stage in enumerate(stages)}
        rates = [_HEAD_RATE_LATER * recipe.head_rate, *(recipe.top_rate / 2**number for number in range(len(stages)))]
        groups = [{"params": list(module.parameters())} for module in modules.values()]
        optimizer = torch.optim.AdamW(groups, lr=0.0, weight_decay=_DECAY)
        self._resume(optimizer, modules)
        while state.epoch < recipe.top_epochs and state.since_best < max(recipe.top_patience, len(stages)):
            unfrozen = 1 + state.epoch * len(stages) // recipe.top_epochs
            for number, stage in enumerate(stages):
                stage.requires_grad_(number < unfrozen)
            _set_rates(optimizer, rates, state.epoch / recipe.top_epochs)
            loss = self._epoch(optimizer, recipe.top_batch, state.epoch, live=True)
            self._close_epoch(optimizer, modules, loss, self.score(live=True), "Unfreezing", recipe.top_epochs)
        for stage in stages:
            stage.requires_grad_(False)
        _set_weights(state.best, modules)

    def choose_step(self, old: Sequence[torch.Tensor]) -> tuple[float, dict[str, float]]:
        """Choose the interpolation from the weights after the first phase (0) to those after the second (1) on validation.

        Backbone and head end with the chosen weights.
        """
        weights = [*self.head.parameters(), *(weight for stage in self.backbone.stages for weight in stage)]
        first = [self.checkpoint.head[f"head.{name}"] for name, _ in self.head.named_parameters()]
        start, end = [*first, *old], [weight.detach().clone() for weight in weights]
        scores = {0.0: self.checkpoint.head_score}
        for step in STEPS:
            _interpolate(weights, start, end, step)
            scores[step] = self.score(live=True)
        best = max(scores, key=lambda step: (scores[step], -step))
        _interpolate(weights, start, end, best)
        return best, {f"step {step:g}": score for step, score in scores.items() if step}

    def score(self, *, live: bool = False, learned: bool = True) -> float:
        """Style mAP of the validation works, other artists only; `live` runs the backbone with its current weights.

        Minus the cross-entropy where no validation work has relevant works.
        """
        data, rows = self.data, self.data.validation
        with torch.no_grad():
            found = [
                self._parts(rows[start : start + 256], np.zeros(len(rows[start : start + 256]), int), live=live)
                for start in range(0, len(rows), 256)
            ]
            parts = [torch.cat(each) for each in zip(*found, strict=True)]
            vectors, scores = self.head(parts)
            compared = [part.numpy() for part in (*parts[:-1], *([vectors] if learned else []))]
            figure = style_map(compared, data.labels[rows], data.artists[rows] if data.known_artists else None)
            if math.isnan(figure):
                return -float(torch.nn.functional.cross_entropy(scores, self._labels[rows]))
            return figure

    def _parts(self, rows: np.ndarray, views: np.ndarray, *, live: bool) -> list[torch.Tensor]:
        given = [torch.from_numpy(part) for part in self.data.features.of(rows, views)]
        return self.backbone.parts(self.prepared.get(rows.tolist(), views.tolist()), given) if live else given

    def _epoch(self, optimizer: torch.optim.Optimizer, batch: int, epoch: int, *, live: bool) -> float:
        """Train on as many works as the training part has, drawn in balance with random views; return the mean loss."""
        data, recipe = self.data, self.recipe
        rng = np.random.default_rng([recipe.seed, 3, int(live), epoch])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        steps, losses = max(1, len(data.training) // batch), []
        for number in range(steps):
            rows = rng.choice(data.training, min(batch, len(data.training)), p=self._weights)
            parts = self._parts(rows, rng.integers(0, recipe.views, len(rows)), live=live)
            learned, scores = self.head(parts, dropout=recipe.dropout, generator=generator)
            loss = loss_of(learned, scores, self._labels[rows], self._artists[rows], recipe)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
            if live:
                done = epoch * steps + number + 1
                self.progress("Unfreezing", done * batch, recipe.top_epochs * steps * batch)
        return float(np.mean(losses))

    def _close_epoch(
        self,
        optimizer: torch.optim.Optimizer,
        modules: Mapping[str, torch.nn.Module],
        loss: float,
        score: float,
        phase: str,
        epochs: int,
    ) -> None:
        state = self.checkpoint
        state.epoch += 1
        state.since_best += 1
        state.now = _weights_of(modules)
        if score >= state.best_score:  # of equal epochs the later, which classifies better
            state.best_score, state.best, state.since_best = score, state.now, 0
        state.optimizer = optimizer.state_dict()
        state.history.append({"phase": phase, "epoch": state.epoch, "loss": loss, "validation": score})
        log.info("%s, epoch %d of at most %d: loss %.3f, validation %.4f", phase, state.epoch, epochs, loss, score)
        self._save()

    def _save(self) -> None:
        if self.path is not None:
            self.checkpoint.save(self.path)

    def _resume(self, optimizer: torch.optim.Optimizer, modules: Mapping[str, torch.nn.Module]) -> None:
        if self.checkpoint.now:
            _set_weights(self.checkpoint.now, modules)
            optimizer.load_state_dict(self.checkpoint.optimizer)


def _weights_of(modules: Mapping[str, torch.nn.Module]) -> Tensors:
    """Copies of the weights, by module and weight name."""
    return {
        f"{prefix}.{name}": weight.detach().clone()
        for prefix, module in modules.items()
        for name, weight in module.named_parameters()
    }


def _set_weights(state: Tensors, modules: Mapping[str, torch.nn.Module]) -> None:
    with torch.no_grad():
        for prefix, module in modules.items():
            for name, weight in module.named_parameters():
                weight.copy_(state[f"{prefix}.{name}"])


def _interpolate(
    weights: Sequence[torch.Tensor], start: Sequence[torch.Tensor], end: Sequence[torch.Tensor], step: float
) -> None:
    with torch.no_grad():
        for weight, first, last in zip(weights, start, end, strict=True):
            weight.copy_(first if step == 0 else last if step == 1 else torch.lerp(first, last, step))


def _set_rates(optimizer: torch.optim.Optimizer, rates: Sequence[float], done: float) -> None:
    """Set each group's learning rate, with a cosine decay to 0 at the end of the phase."""
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate * (1 + math.cos(math.pi * done)) / 2
