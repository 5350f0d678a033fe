"""Selection and splits of the works for training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from artsim.errors import TrainingError
from artsim.finetuning import Recipe
from artsim.finetuning.splits import artist_splits, split_works
from artsim.finetuning.works import LabelledWorks, of_large_classes, read_labelled_works
from artsim.sources import Source, open_source

pytestmark = pytest.mark.slow  # the file takes more than a few seconds


def test_small_classes_are_left_out_and_large_ones_drawn_from_by_the_seed(labelled: Source, recipe: Recipe) -> None:
    works = read_labelled_works(labelled, recipe)
    assert works.classes == ("patches", "stripes")
    assert works.dropped == {"rare": 2}
    assert works.unlabelled == 1
    assert len(works) == 2 * 12 * 2 + 1
    first, again, other = (
        read_labelled_works(labelled, replace(recipe, max_per_class=10, seed=seed)).ids for seed in (0, 0, 1)
    )
    assert len(first) == 20
    assert first == again != other


def test_a_label_that_cannot_be_learned_is_an_error_that_says_what_is_there(
    labelled: Source, labelled_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"no column 'movement'.*artist.*style"):
        read_labelled_works(labelled, Recipe(label="movement"))
    with pytest.raises(TrainingError, match=r"No class has 500.*stripes \(25\).*--min-per-class"):
        read_labelled_works(labelled, Recipe(label="style", min_per_class=500))
    (tmp_path / "a.png").write_bytes((labelled_folder / "none.png").read_bytes())
    (tmp_path / "metadata.csv").write_text("file_name,style\na.png,Cubism\n")
    with pytest.raises(TrainingError, match=r"one class only \(Cubism\)"):
        read_labelled_works(open_source(f"folder:{tmp_path}"), Recipe(label="style"))


def test_a_class_that_loses_its_pictures_is_left_out_too(labelled: Source, recipe: Recipe) -> None:
    works = read_labelled_works(labelled, replace(recipe, min_per_class=3))
    few = np.concatenate([np.flatnonzero(works.labels == 0), np.flatnonzero(works.labels == 1)[:2]])
    with pytest.raises(TrainingError, match="Only patches has"):
        of_large_classes(works.only(few), recipe)


@pytest.mark.parametrize(
    "wrong", [{"split": "random"}, {"min_per_class": 1}, {"max_per_class": 4}, {"views": 0}, {"folds": 1}]
)
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(TrainingError):
        Recipe(label="style", **wrong)  # type: ignore[arg-type]


def test_a_stratified_test_set_holds_every_class_in_its_share(labelled: Source, recipe: Recipe) -> None:
    works = read_labelled_works(labelled, recipe)
    split = split_works(works, replace(recipe, split="stratified"))
    assert sorted([*split.train, *split.test]) == list(range(len(works)))
    assert np.bincount(works.labels[split.test]).tolist() == [3, 4]  # 15 % of 24 and of 25


def test_the_artists_of_the_test_set_which_the_seed_determines_are_not_trained_on(
    labelled: Source, recipe: Recipe
) -> None:
    works = read_labelled_works(labelled, recipe)
    split = split_works(works, recipe)
    assert split.kind == "artist"
    assert works.artists is not None
    assert not set(works.artists[split.train]) & set(works.artists[split.test])
    assert set(works.labels[split.test]) == {0, 1}
    assert 0.1 < len(split.test) / len(works) < 0.2
    again, other = (split_works(works, replace(recipe, seed=seed)).hash(works) for seed in (0, 5))
    assert split.hash(works) == again != other


def test_folds_hold_out_every_artist_once(labelled: Source, recipe: Recipe) -> None:
    works = read_labelled_works(labelled, recipe)
    assert works.artists is not None
    splits = artist_splits(works, works.artists, 3, 0)
    np.testing.assert_array_equal(np.sort(np.concatenate([split.test for split in splits])), np.arange(len(works)))
    for split in splits:
        assert not set(works.artists[split.train]) & set(works.artists[split.test])
        for label in range(2):  # of the 12 artists of each class
            assert len(set(works.artists[split.test[works.labels[split.test] == label]])) == 4


def test_an_artist_with_most_works_of_a_class_is_not_alone_in_a_fold() -> None:
    artists = np.array([0] * 60 + [1, 2, 3] + [4] * 5 + [5] * 5 + [6] * 5 + [7] * 5)
    names = np.array(["a"] * 63 + ["b"] * 20)
    works = LabelledWorks(tuple(map(str, range(83))), names, artists, {}, 0, 0)
    for split in artist_splits(works, artists, 2, 0):
        for label in (0, 1):
            assert len(set(artists[split.test[works.labels[split.test] == label]])) == 2


def test_too_few_artists_for_a_split_by_artist_is_an_error(labelled: Source, recipe: Recipe) -> None:
    works = read_labelled_works(labelled, recipe)
    one_each = replace(works, artists=works.labels.copy())
    with pytest.raises(TrainingError, match="too few artists"):
        split_works(one_each, replace(recipe, split="artist"))
    assert split_works(one_each, recipe).kind == "stratified"
    with pytest.raises(TrainingError, match="no column 'artist'"):
        split_works(replace(works, artists=None), replace(recipe, split="artist"))
