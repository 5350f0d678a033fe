"""Selection and split of the works for training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from artsim.errors import ImageError, TrainingError
from artsim.finetuning import Recipe
from artsim.finetuning.features import find_pictures
from artsim.finetuning.split import artist_folds, held_out, split_works
from artsim.finetuning.works import LabelledWorks, read_labelled_works, usable_works
from artsim.images.decode import load_image
from artsim.sources import Source, open_source


def test_small_classes_are_left_out_and_named(labelled: Source, recipe: Recipe) -> None:
    works = read_labelled_works(labelled, recipe)
    assert works.classes == ("patches", "stripes")
    assert works.dropped == {"rare": 2}
    assert works.unlabelled == 1
    assert len(works) == 2 * 12 * 2 + 1


def test_large_classes_are_drawn_from_by_the_seed(labelled: Source, recipe: Recipe) -> None:
    first, again, other = (
        read_labelled_works(labelled, replace(recipe, max_per_class=10, seed=seed)).ids for seed in (0, 0, 1)
    )
    assert len(first) == 20
    assert first == again != other


def test_a_missing_column_is_an_error_that_names_the_existing_ones(labelled: Source) -> None:
    with pytest.raises(TrainingError, match=r"no column 'movement'.*artist.*style"):
        read_labelled_works(labelled, Recipe(label="movement"))


def test_classes_without_enough_works_are_an_error_that_names_the_largest(labelled: Source) -> None:
    with pytest.raises(TrainingError, match=r"No class has 500.*stripes \(25\).*--min-per-class"):
        read_labelled_works(labelled, Recipe(label="style", min_per_class=500))


def test_one_class_cannot_be_learned(tmp_path: Path, labelled_folder: Path) -> None:
    (tmp_path / "a.png").write_bytes((labelled_folder / "none.png").read_bytes())
    (tmp_path / "metadata.csv").write_text("file_name,style\na.png,Cubism\n")
    with pytest.raises(TrainingError, match=r"one class only \(Cubism\)"):
        read_labelled_works(open_source(f"folder:{tmp_path}"), Recipe(label="style"))


def test_a_class_that_loses_its_pictures_is_left_out_too(labelled: Source, recipe: Recipe) -> None:
    works = read_labelled_works(labelled, replace(recipe, min_per_class=3))
    few = np.concatenate([np.flatnonzero(works.labels == 0), np.flatnonzero(works.labels == 1)[:2]])
    with pytest.raises(TrainingError, match="Only patches has"):
        usable_works(works, few, recipe)


@pytest.mark.parametrize(
    "wrong", [{"split": "random"}, {"min_per_class": 1}, {"max_per_class": 4}, {"views": 0}, {"folds": 1}]
)
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(TrainingError):
        Recipe(label="style", **wrong)  # type: ignore[arg-type]


def test_stratified_parts_hold_every_class_in_its_share(labelled: Source, recipe: Recipe) -> None:
    works = read_labelled_works(labelled, recipe)
    split = split_works(works, replace(recipe, split="stratified"))
    for label in range(2):
        own = np.bincount(split.parts[works.labels == label], minlength=4)
        assert own[1] == own[2] == round(0.15 * own.sum())
        assert own[3] == 0


def test_split_by_artist_shares_no_artist(labelled: Source, recipe: Recipe) -> None:
    works = read_labelled_works(labelled, recipe)
    split = split_works(works, recipe)
    assert split.kind == "artist"
    assert works.artists is not None
    artists = [set(works.artists[split.rows(*parts)]) for parts in (("training", "aside"), ("validation",), ("test",))]
    assert not artists[0] & artists[1] and not artists[0] & artists[2] and not artists[1] & artists[2]
    assert all(set(works.labels[split.rows(part)]) == {0, 1} for part in ("training", "validation", "test"))
    assert 0.6 < len(split.rows("training", "aside")) / len(works) < 0.8


def test_folds_hold_out_every_artist_once(labelled: Source, recipe: Recipe) -> None:
    works = read_labelled_works(labelled, recipe)
    assert works.artists is not None
    rng = np.random.default_rng(0)
    folds = artist_folds(works.labels, works.artists, 3, rng)
    for number in range(3):
        split = held_out(works, folds == number, rng)
        np.testing.assert_array_equal(split.rows("test"), np.flatnonzero(folds == number))
        parts = [set(works.artists[split.rows(part)]) for part in ("training", "validation", "test")]
        assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
        for label in range(2):  # of the 12 or 13 artists of each class
            assert len(set(works.artists[(folds == number) & (works.labels == label)])) in (4, 5)


def test_an_artist_with_most_works_of_a_class_is_not_alone_in_a_fold() -> None:
    artists = np.array([0] * 60 + [1, 2, 3] + [4] * 5 + [5] * 5 + [6] * 5 + [7] * 5)
    labels = np.array([0] * 63 + [1] * 20)
    folds = artist_folds(labels, artists, 2, np.random.default_rng(0))
    for label, number in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert len(set(artists[(labels == label) & (folds == number)])) == 2


def test_split_depends_on_the_seed_alone(labelled: Source, recipe: Recipe) -> None:
    works = read_labelled_works(labelled, recipe)
    first, again, other = (split_works(works, replace(recipe, seed=seed)).hash(works) for seed in (0, 0, 5))
    assert first == again != other


def test_too_few_artists_for_a_split_by_artist_is_an_error(labelled: Source, recipe: Recipe) -> None:
    works = read_labelled_works(labelled, recipe)
    one_each = replace(works, artists=works.labels.copy())
    with pytest.raises(TrainingError, match="too few artists"):
        split_works(one_each, replace(recipe, split="artist"))
    assert split_works(one_each, recipe).kind == "stratified"
    with pytest.raises(TrainingError, match="no column 'artist'"):
        split_works(replace(works, artists=None), replace(recipe, split="artist"))


def test_pictures_come_from_wherever_the_source_has_them_and_say_why_not(tmp_path: Path, painting: bytes) -> None:
    (tmp_path / "own.jpg").write_bytes(painting)

    def refuse() -> bytes:
        raise ImageError("refused names '/etc/passwd' in place of its picture, which is not read.")

    images = {
        "path": {"bytes": None, "path": str(tmp_path / "own.jpg")},
        "bytes": {"bytes": painting},
        "fetched": {"read": lambda: painting},
        "refused": {"read": refuse},
        "none": None,
    }
    rows = [{"id": name, "image": image} for name, image in images.items()]
    source = Source("rows", "Rows", lambda start: iter(rows[start:]), {}, "")
    works = LabelledWorks(tuple(images), ("a",), np.zeros(len(images), int), None, {}, 0, 0)
    pictures = find_pictures(source, works, tmp_path, short_side=64)
    for row in range(3):
        assert pictures.load(row).size == load_image(painting, short_side=128).size
    with pytest.raises(ImageError, match="refused names '/etc/passwd' in place of its picture"):
        pictures.load(3)
    with pytest.raises(ImageError, match="none has no picture"):
        pictures.load(4)
