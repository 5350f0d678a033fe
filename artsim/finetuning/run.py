"""Fine-tuning end to end: source and backbone -> a folder that `load_encoder` loads, with a report."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from artsim.building.pipeline import build_collection, report_path
from artsim.collection import Collection
from artsim.encoders import Encoder
from artsim.encoders.finetuned import (
    CONFIG_FILE,
    FORMAT_VERSION,
    HEAD_FILE,
    BackboneName,
    FinetuneConfig,
    FinetunedEncoder,
    is_finetuned,
    read_config,
)
from artsim.encoders.label_probabilities import fit_calibration
from artsim.encoders.style_head import StyleHead, save_style_head
from artsim.errors import EncoderError, TrainingError
from artsim.files.atomic import beside, clear_leftovers, recover_folder, replacing_folder, write_atomically, writing
from artsim.files.lock import build_lock
from artsim.finetuning.backbones import load_backbone
from artsim.finetuning.comparison import ARTIST, LABEL, compare_copies, compare_search
from artsim.finetuning.recipe import Recipe
from artsim.finetuning.report import EVERY_ARTIST, TEST, write_report
from artsim.finetuning.splits import WorkSplit, artist_splits, split_works
from artsim.finetuning.training import STEP, History, Job, Progress, train
from artsim.finetuning.works import LabelledWorks, of_large_classes, read_labelled_works
from artsim.sources import Source, Work
from artsim.storage.manifest import sha256
from artsim.version import VERSION

log = logging.getLogger(__name__)

FOLDS = 3
SMALL = 2_000
"""Number of works above which the test set is large enough for the report, and folds would take long."""


def finetune(
    source: Source,
    backbone: str,
    out: str | Path,
    recipe: Recipe,
    *,
    progress: Progress = lambda what, done, total: None,
) -> Path:
    """Fine-tune `backbone` ("embedded", a Hub model id, a folder with a model) on `source`; returns the folder `out`.

    An interrupted run can be resumed and gives the same result. When `out` already holds exactly this training, nothing is
    done; another training there is replaced once the new one is complete. Raises `SourceError`, `EncoderError` or
    `TrainingError`.
    """
    out = Path(out).expanduser().resolve()
    started = time.process_time()
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not is_finetuned(out)):
        raise TrainingError(f"{out} exists and is not a fine-tuned encoder; it is left as it is. Give another folder.")
    works = read_labelled_works(source, recipe)
    base = load_backbone(backbone)
    if recipe.top_epochs and not base.stages:
        raise TrainingError(f"{base.encoder.id} has no list of layers that could be unfrozen; give --top-epochs 0.")
    name, revision = base.encoder.id, base.encoder.revision
    parts = [source.name, source.fingerprint, name, revision, VERSION, json.dumps(dataclasses.asdict(recipe))]
    fingerprint = hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()
    with build_lock(out):
        recover_folder(out)
        clear_leftovers(out)
        if _is_done(out, fingerprint):
            log.info("%s holds this training already.", out)
            return out
        folder = _working_folder(out, fingerprint)
        collection = _embed(source, works, base.encoder, folder / "works", progress)
        usable = np.flatnonzero(np.isin(works.ids, collection.ids))
        works = of_large_classes(works.only(usable), recipe)
        job = Job(source, works, collection, base, recipe, fingerprint)
        split = split_works(works, recipe)
        folds = _hold_out_each_fold(job, folder, progress) if split.kind == "artist" else []
        with replacing_folder(out) as new:
            test = _train(job, split, new, folder / "final", progress)
            calibration = fit_calibration(*_scored(folds or [test]))
            config = test.config.model_copy(update={"calibration": calibration})
            write_atomically(new / CONFIG_FILE, config.model_dump_json(indent=2) + "\n")
            changes = compare_search(
                [fold.held_out for fold in folds or [test]], recipe, queries_of=EVERY_ARTIST if folds else TEST
            )
            changes.append(compare_copies(test.held_out, queries_of=TEST, seed=recipe.seed))
            failed = json.loads(report_path(folder / "works").read_text(encoding="utf-8"))["failed"]
            figures = {"history": test.history, "failed": failed, "cpu_seconds": time.process_time() - started}
            write_report(new, test.config, figures, changes, *_classify(test))
        shutil.rmtree(folder.parent, ignore_errors=True)
        return out


def _is_done(out: Path, fingerprint: str) -> bool:
    """Whether `out` holds the complete result of this training; a damaged one is trained again."""
    try:
        if read_config(out).training != fingerprint:
            return False
        FinetunedEncoder(str(out))  # verifies the files
    except EncoderError as error:
        log.debug("%s is trained again: %s", out, error)
        return False
    return True


def _working_folder(out: Path, fingerprint: str) -> Path:
    """A hidden folder beside `out`: that of an interrupted run of this training, else a new one."""
    all_trainings = beside(out, "training")
    folder = all_trainings / fingerprint[:16]
    with writing(folder):
        if not folder.exists():
            shutil.rmtree(all_trainings, ignore_errors=True)
            folder.mkdir(parents=True)
    return folder


def _embed(source: Source, works: LabelledWorks, encoder: Encoder, folder: Path, progress: Progress) -> Collection:
    """The works as a collection under the untrained encoder; those whose pictures cannot be read are left out."""
    chosen = set(works.ids)

    def labelled(start: int) -> Iterator[Work]:
        return islice((work for work in source.works(0) if work["id"] in chosen), start, None)

    return build_collection(
        dataclasses.replace(source, works=labelled, size=len(works)),
        encoder,
        folder,
        whole=True,
        progress=lambda done, _: progress("Measuring", done, len(works)),
    )


@dataclass(frozen=True)
class _Trained:
    """One training. `held_out` holds its test works under the backbone and under the encoder."""

    config: FinetuneConfig
    history: History
    head: StyleHead
    held_out: Collection


def _hold_out_each_fold(job: Job, folder: Path, progress: Progress) -> list[_Trained]:
    """Trainings without the works of each fold of artists."""
    recipe, works = job.recipe, job.works
    count = recipe.folds if recipe.folds is not None else FOLDS if len(works) <= SMALL else 0
    if not count or works.artists is None:
        return []
    folds = []
    for number, split in enumerate(artist_splits(works, works.artists, count, recipe.seed), start=1):
        encoder = folder / f"fold-{number}" / "encoder"
        shutil.rmtree(encoder, ignore_errors=True)
        encoder.mkdir(parents=True)

        def in_fold(what: str, done: int, total: int, number: int = number) -> None:
            progress(f"Fold {number} of {count}: {what.lower()}", done, total)

        folds.append(_train(job, split, encoder, encoder.parent, in_fold))
    return folds


def _train(job: Job, split: WorkSplit, out: Path, folder: Path, progress: Progress) -> _Trained:
    """Train on the train set, and write the encoder into `out`; `folder` is for checkpoints and the held-out works."""
    works, recipe, base = job.works, job.recipe, job.backbone.encoder
    model, history = train(job, split.train, folder, progress)
    head = model.head.frozen()
    files = sorted([*model.backbone.save(out), HEAD_FILE])
    save_style_head(head, out / HEAD_FILE)
    for name in files:
        (out / name).chmod(0o644)  # safetensors creates files that only their owner can read
    config = FinetuneConfig(
        format_version=FORMAT_VERSION,
        artsim=VERSION,
        backbone=BackboneName(id=base.id, revision=base.revision),
        label=recipe.label,
        classes=works.classes,
        seed=recipe.seed,
        step=STEP if recipe.top_epochs else 0,
        works={"used": len(works)} | {name: getattr(works, name) for name in ("dropped", "unlabelled", "spared")},
        split={
            "kind": split.kind,
            "hash": split.hash(works),
            "sizes": {"train": len(split.train), "test": len(split.test)},
        },
        recipe=dataclasses.asdict(recipe),
        source={"name": job.source.name, "fingerprint": job.source.fingerprint},
        training=job.fingerprint,
        files={name: sha256(out / name) for name in files},
    )
    write_atomically(out / CONFIG_FILE, config.model_dump_json(indent=2) + "\n")
    return _Trained(config, history, head, _held_out(job, split, out, folder / "held-out"))


def _held_out(job: Job, split: WorkSplit, encoder: Path, folder: Path) -> Collection:
    """The test works as a collection with two spaces: of the backbone, and of the encoder."""
    from datasets import Value

    works = job.works
    columns = {LABEL: works.names} | ({} if works.artists is None else {ARTIST: works.artists.astype(str)})
    features = {name: Value("string") for name in ("id", *columns)}

    def work(row: int) -> Work:
        labels = {name: values[row] for name, values in columns.items()}
        return {"id": works.ids[row], "image": {"bytes": job.collection.picture(works.ids[row])}, **labels}

    source = Source("held-out works", "", lambda start: map(work, split.test[start:]), features, split.hash(works))
    return build_collection(source, [job.backbone.encoder, FinetunedEncoder(str(encoder))], folder, whole=True)


def _classify(test: _Trained) -> tuple[list[str], list[str]]:
    """The true class of each held-out work, and the one that the head gives it."""
    scores, right, _ = _scored([test])
    classes = test.config.classes
    return [classes[number] for number in right], [classes[number] for number in scores.argmax(axis=1)]


def _scored(trained: Sequence[_Trained]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the held-out works of all: the scores (n, classes), the true classes (n,), and the artists (n,) as numbers."""
    scores, labels, artists = [], [], []
    for one in trained:
        state = one.held_out.state
        scores.append(one.head.scores_of(state.spaces[1].raw_blocks()["style"].all()))
        labels += state.table.column(LABEL).to_pylist()
        artists += state.table.column(ARTIST if ARTIST in state.table.column_names else "id").to_pylist()
    places = {name: number for number, name in enumerate(trained[0].config.classes)}
    groups = np.unique(np.array(artists, str), return_inverse=True)[1]
    return np.concatenate(scores), np.array([places[label] for label in labels]), groups
