"""Fine-tuning end to end: source and backbone -> a folder that `load_encoder` loads, with a report."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path

import numpy as np

from artsim.building.pipeline import build_collection, report_path
from artsim.collection import Collection
from artsim.encoders import Encoder
from artsim.encoders.finetuned import CONFIG_FILE, FORMAT_VERSION, HEAD_FILE, FinetunedEncoder, is_finetuned
from artsim.encoders.protocol import Blocks, unit_rows
from artsim.encoders.style_head import StyleHead, head_segments, save_style_head
from artsim.errors import EncoderError, TrainingError
from artsim.files.atomic import beside, clear_leftovers, recover_folder, replacing_folder, write_atomically, writing
from artsim.files.lock import build_lock
from artsim.finetuning.backbones import Backbone, PreparedPicture, load_backbone
from artsim.finetuning.comparison import ARTIST, LABEL, compare_copies, compare_search
from artsim.finetuning.recipe import Recipe
from artsim.finetuning.report import EVERY_ARTIST, TEST, write_report
from artsim.finetuning.splits import WorkSplit, artist_splits, split_works
from artsim.finetuning.training import STEP, History, Progress, TrainingSet, train
from artsim.finetuning.views import altered_view
from artsim.finetuning.works import LabelledWorks, of_large_classes, read_labelled_works
from artsim.images.decode import load_image
from artsim.sources import Source, Work
from artsim.storage.manifest import sha256
from artsim.version import VERSION

log = logging.getLogger(__name__)

FOLDS = 3
SMALL = 2_000
"""Number of works above which the test set is large enough for the report, and folds would take long."""
_CACHE_BYTES = 2_000_000_000


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
    check_output_folder(out)
    works = read_labelled_works(source, recipe)
    base = load_backbone(backbone)
    if recipe.top_epochs and not base.stages:
        raise TrainingError(f"{base.id} has no list of layers that could be unfrozen; give --top-epochs 0.")
    parts = [source.name, source.fingerprint, base.id, base.revision, VERSION, json.dumps(dataclasses.asdict(recipe))]
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
        job = _Job(source, recipe, base, works, collection, fingerprint, folder, progress)
        split = split_works(works, recipe)
        folds = _train_without_each_fold(job) if split.kind == "artist" else []
        with replacing_folder(out) as new:
            head, history = _train(job, split, folder / "final", new, job.progress)
            test = _held_out(job, split, new, folder / "test")
            searched, queries_of = (folds, EVERY_ARTIST) if folds else ([test], TEST)
            changes = compare_search(searched, recipe, queries_of=queries_of)
            changes.append(compare_copies(test, queries_of=TEST, seed=recipe.seed))
            failed = json.loads(report_path(folder / "works").read_text(encoding="utf-8"))["failed"]
            figures = {"history": history, "failed": failed, "cpu_seconds": time.process_time() - started}
            write_report(new, figures, changes, *_classify(test, head, works.classes))
        shutil.rmtree(folder, ignore_errors=True)
        return out


def check_output_folder(out: Path) -> None:
    """`TrainingError` when `out` holds anything but a fine-tuned encoder, which is never overwritten."""
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not is_finetuned(out)):
        raise TrainingError(f"{out} exists and is not a fine-tuned encoder; it is left as it is. Give another folder.")


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


@dataclass(frozen=True)
class _Job:
    """What all trainings of a run share. `collection` holds the usable works under the untrained encoder."""

    source: Source
    recipe: Recipe
    backbone: Backbone
    works: LabelledWorks
    collection: Collection
    fingerprint: str
    folder: Path
    """For checkpoints."""
    progress: Progress

    @cached_property
    def segments(self) -> list[np.ndarray]:
        rows = [self.collection.state.rows[identity] for identity in self.works.ids]
        blocks = self.collection.state.spaces[0].raw_blocks()
        raw: Blocks = {
            aspect: blocks[aspect].take(np.array(rows)).astype(np.float32) for aspect in ("style", "subject")
        }
        return head_segments(raw, self.backbone.encoder.segments)

    @cached_property
    def prepare(self) -> Callable[[int, int], PreparedPicture]:
        """Row and view -> input of the trainable layers; the last ones are kept, up to `_CACHE_BYTES`."""

        def prepare(row: int, view: int) -> PreparedPicture:
            identity = self.works.ids[row]
            data, short_side = self.collection.picture(identity), 2 * self.backbone.encoder.short_side
            image = load_image(data, short_side=short_side, name=identity)
            return self.backbone.prepare(altered_view(image, identity, view, seed=self.recipe.seed))

        size = sum(tensor.nbytes for tensor in prepare(0, 0).values())
        return lru_cache(max(1, _CACHE_BYTES // size))(prepare)


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


def _train_without_each_fold(job: _Job) -> list[Collection]:
    """The works of each fold of artists, under the backbone and under an encoder that was trained without them."""
    recipe, works = job.recipe, job.works
    count = recipe.folds if recipe.folds is not None else FOLDS if len(works) <= SMALL else 0
    if not count or works.artists is None:
        return []
    collections = []
    for number, split in enumerate(artist_splits(works, works.artists, count, recipe.seed), start=1):
        folder = job.folder / f"fold-{number}"
        encoder = folder / "encoder"
        shutil.rmtree(encoder, ignore_errors=True)
        encoder.mkdir(parents=True)

        def progress(what: str, done: int, total: int, number: int = number) -> None:
            job.progress(f"Fold {number} of {count}: {what.lower()}", done, total)

        with job.backbone.restored_afterwards():
            _train(job, split, folder, encoder, progress)
        collections.append(_held_out(job, split, encoder, folder / "collection"))
    return collections


def _held_out(job: _Job, split: WorkSplit, encoder: Path, folder: Path) -> Collection:
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


def _classify(collection: Collection, head: StyleHead, classes: Sequence[str]) -> tuple[list[str], list[str]]:
    """The true class of each work, and the one that the head gives it."""
    style = collection.state.spaces[1].raw_blocks()["style"].all()
    learned = style[:, -head.dimension :].astype(np.float32)  # the last segment
    numbers = head.scores(unit_rows(learned)).argmax(axis=1)
    return collection.state.table.column(LABEL).to_pylist(), [classes[number] for number in numbers]


def _train(
    job: _Job, split: WorkSplit, checkpoints: Path, folder: Path, progress: Progress
) -> tuple[StyleHead, History]:
    """Train on the train set, and write the encoder into `folder`."""
    works, recipe = job.works, job.recipe
    artists = np.arange(len(works)) if works.artists is None else works.artists
    data = TrainingSet(job.segments, works.labels, artists, split.train, job.prepare)
    trained, history = train(job.backbone, data, recipe, checkpoints, progress)
    head = trained.frozen()
    files = sorted([*job.backbone.save(folder), HEAD_FILE])
    save_style_head(head, folder / HEAD_FILE)
    for name in files:
        (folder / name).chmod(0o644)  # safetensors creates files that only their owner can read
    config = {
        "format_version": FORMAT_VERSION,
        "artsim": VERSION,
        "backbone": {"id": job.backbone.id, "revision": job.backbone.revision},
        "label": recipe.label,
        "classes": list(works.classes),
        "seed": recipe.seed,
        "step": STEP if recipe.top_epochs else 0,
        "works": {
            "used": len(works),
            "dropped": dict(works.dropped),
            "unlabelled": works.unlabelled,
            "spared": works.spared,
        },
        "split": {
            "kind": split.kind,
            "hash": split.hash(works),
            "sizes": {"train": len(split.train), "test": len(split.test)},
        },
        "recipe": dataclasses.asdict(recipe),
        "source": {"name": job.source.name, "fingerprint": job.source.fingerprint},
        "training": job.fingerprint,
        "files": {name: sha256(folder / name) for name in files},
    }
    write_atomically(folder / CONFIG_FILE, json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    return head, history
