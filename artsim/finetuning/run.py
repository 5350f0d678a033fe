"""Fine-tuning end to end: source and backbone -> a folder that `load_encoder` loads, with a report."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from artsim.encoders.finetuned import CONFIG_FILE, FORMAT_VERSION, HEAD_FILE, FinetunedEncoder, is_finetuned
from artsim.encoders.style_head import save_style_head
from artsim.errors import EncoderError, TrainingError
from artsim.files.atomic import beside, clear_leftovers, recover_folder, replacing_folder, write_atomically, writing
from artsim.files.lock import build_lock
from artsim.finetuning.backbones import load_backbone
from artsim.finetuning.features import PreparedViews, Progress, find_pictures, measure_features
from artsim.finetuning.folds import choosing_folds, cross_validate
from artsim.finetuning.judging import TrainingRun, write_training_report
from artsim.finetuning.recipe import Recipe
from artsim.finetuning.split import PARTS, split_works
from artsim.finetuning.training import Trained, TrainingSet, train
from artsim.finetuning.works import read_labelled_works, usable_works
from artsim.sources import Source
from artsim.storage.manifest import sha256
from artsim.version import VERSION

log = logging.getLogger(__name__)


def finetune(
    source: Source, backbone: str, out: str | Path, recipe: Recipe, *, progress: Progress | None = None
) -> Path:
    """Fine-tune `backbone` ("embedded", a Hub model id, a folder with a model) on `source`; returns the folder `out`.

    An interrupted run can be resumed and gives the same result. When `out` already holds exactly this training, nothing is
    done; another training there is replaced once the new one is complete. Raises `SourceError`, `EncoderError` or
    `TrainingError`.
    """
    out = Path(out).expanduser().resolve()
    started, report_progress = time.process_time(), progress or _silent
    check_output_folder(out)
    works = read_labelled_works(source, recipe)
    base = load_backbone(backbone)
    identity = [
        source.name,
        source.fingerprint,
        base.id,
        base.revision,
        VERSION,
        json.dumps(dataclasses.asdict(recipe)),
    ]
    fingerprint = hashlib.sha256("\0".join(identity).encode(errors="surrogateescape")).hexdigest()
    with build_lock(out):
        recover_folder(out)
        clear_leftovers(out)
        if _is_done(out, fingerprint):
            log.info("%s holds this training already.", out)
            return out
        folder = _working_folder(out, fingerprint)
        pictures = find_pictures(source, works, folder, short_side=base.encoder.short_side)
        features = measure_features(base, pictures, recipe, folder, report_progress)
        failed = {works.ids[row]: why for row, why in features.failed.items()}
        if failed:
            log.warning(
                "%d of %d pictures cannot be used and are left out; the report names them.", len(failed), len(works)
            )
        rows, works = usable_works(works, np.setdiff1d(np.arange(len(works)), list(features.failed)), recipe)
        pictures = dataclasses.replace(pictures, paths=tuple(pictures.paths[row] for row in rows), ids=works.ids)
        split = split_works(works, recipe)
        job = TrainingRun(
            source, recipe, base, works, pictures, features.only(rows), split, failed, fingerprint, started
        )
        prepared = PreparedViews(base, pictures, recipe)
        unseen = cross_validate(job, prepared, folder, train=_train, save=_save, progress=report_progress)
        trained = _train(job, prepared, folder / "checkpoint.pt", report_progress)
        with replacing_folder(out) as new:
            config = _save(job, trained, new)
            write_training_report(job, trained, unseen, config, new, report_progress)
        shutil.rmtree(folder, ignore_errors=True)
        return out


def check_output_folder(out: Path) -> None:
    """`TrainingError` when `out` holds anything but a fine-tuned encoder, which is never overwritten."""
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not is_finetuned(out)):
        raise TrainingError(f"{out} exists and is not a fine-tuned encoder; it is left as it is. Give another folder.")


def _silent(what: str, done: int, total: int) -> None:
    pass


def _is_done(out: Path, fingerprint: str) -> bool:
    """Whether `out` holds the complete result of this training; a damaged one is trained again."""
    try:
        config = json.loads((out / CONFIG_FILE).read_text(encoding="utf-8"))
        return config["training"] == fingerprint and FinetunedEncoder(str(out)).dims["style"] > 0
    except (OSError, ValueError, KeyError, TypeError, EncoderError) as error:
        log.debug("%s is trained again: %s", out, error)
        return False


def _working_folder(out: Path, fingerprint: str) -> Path:
    """The hidden working folder beside `out`: that of an interrupted run of this training, else a new one."""
    folder = beside(out, "training")
    path = folder / "job.txt"
    with writing(folder):
        if not path.exists() or path.read_text(encoding="utf-8") != fingerprint:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            path.write_text(fingerprint, encoding="utf-8")
    return folder


def _train(job: TrainingRun, prepared: PreparedViews, checkpoint: Path, progress: Progress) -> Trained:
    return train(job.backbone, _training_set(job), prepared, job.recipe, checkpoint, progress)


def _training_set(job: TrainingRun) -> TrainingSet:
    works = job.works
    alone = np.arange(len(works)) if works.artists is None else works.artists
    return TrainingSet(
        features=job.features,
        labels=works.labels,
        artists=alone,
        known_artists=works.artists is not None,
        training=job.split.rows("training"),
        validation=job.split.rows("validation"),
        classes=len(works.classes),
        folds=choosing_folds(job),
    )


def _save(job: TrainingRun, trained: Trained, folder: Path) -> dict[str, Any]:
    """Write the encoder's files; return the content of `finetune.json`."""
    files = job.backbone.save(folder)
    save_style_head(trained.head.frozen(), folder / HEAD_FILE)
    for name in (*files, HEAD_FILE):
        (folder / name).chmod(0o644)  # safetensors creates files that only their owner can read
    works, split = job.works, job.split
    config = {
        "format_version": FORMAT_VERSION,
        "artsim": VERSION,
        "backbone": {"id": job.backbone.id, "revision": job.backbone.revision},
        "label": job.recipe.label,
        "classes": list(works.classes),
        "seed": job.recipe.seed,
        "step": trained.step,
        "works": {
            "used": len(works),
            "dropped": dict(works.dropped),
            "unlabelled": works.unlabelled,
            "spared": works.spared,
        },
        "split": {
            "kind": split.kind,
            "hash": split.hash(works),
            "sizes": {part: len(split.rows(part)) for part in PARTS},
        },
        "recipe": dataclasses.asdict(job.recipe),
        "source": {"name": job.source.name, "fingerprint": job.source.fingerprint},
        "training": job.fingerprint,
        "files": {name: sha256(folder / name) for name in sorted([*files, HEAD_FILE])},
    }
    write_atomically(folder / CONFIG_FILE, json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    return config
