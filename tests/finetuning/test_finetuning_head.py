"""The head, its objective and metrics, and the augmented views."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from synthetic import make_collection

from artsim.encoders.presets import PRESETS
from artsim.encoders.protocol import unit_rows
from artsim.encoders.style_head import load_style_head, save_style_head
from artsim.errors import EncoderError
from artsim.evaluation import Setting, Task, evaluate
from artsim.finetuning import Recipe
from artsim.finetuning.confusion import confusion_matrix, draw_confusion
from artsim.finetuning.head import LearnedHead, fit_inputs
from artsim.finetuning.objective import draw_weights, loss_of, style_map
from artsim.finetuning.report import accuracy_of
from artsim.finetuning.retrieval import RetrievalChange, compare_retrieval
from artsim.finetuning.views import LEAST_AREA, altered_view
from artsim.finetuning.works import LabelledWorks


@pytest.fixture
def parts() -> list[np.ndarray]:
    """Three segments of 40 works: signed, too long to be kept whole, and never negative."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=(40, 12)), rng.normal(size=(40, 2600)), rng.random((40, 20)).round(1)]


def test_a_frozen_head_equals_the_trained_one(parts: list[np.ndarray], tmp_path) -> None:
    head = LearnedHead(fit_inputs(parts), 6, 3, seed=1)
    learned, scores = head([torch.tensor(part, dtype=torch.float32) for part in parts])
    save_style_head(head.frozen(), tmp_path / "head.safetensors")
    frozen = load_style_head(tmp_path / "head.safetensors")
    found = frozen(parts)
    np.testing.assert_allclose(found, learned.detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(frozen.scores(found), scores.detach().numpy(), atol=1e-4)
    assert [each.root for each in frozen.inputs] == [False, False, True]
    assert frozen.inputs[1].dimension == 39


def test_a_file_that_is_no_head_is_an_error(tmp_path) -> None:
    (tmp_path / "head.safetensors").write_bytes(b"nothing")
    with pytest.raises(EncoderError, match="not the head"):
        load_style_head(tmp_path / "head.safetensors")


def test_works_by_one_artist_are_not_compared() -> None:
    """The contrastive term ignores the similarity of two works by one artist."""
    recipe = Recipe(label="style")
    labels, artists = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 0, 1, 2, 3])
    scores = torch.zeros(5, 2)
    alike = torch.nn.functional.normalize(torch.tensor([[1.0, 0], [1, 0], [1, 0.2], [0, 1], [0, 1]]), dim=1)
    apart = alike.clone()
    one = loss_of(alike, scores, labels, artists, recipe)
    same_artist = loss_of(alike, scores, labels, torch.tensor([0, 1, 2, 3, 4]), recipe)
    apart[2] = torch.tensor([0.0, 1.0])
    assert (
        loss_of(apart, scores, labels, artists, recipe) > one
    )  # works of one style by different artists are farther apart
    assert same_artist != one
    alone = loss_of(alike, scores, labels, torch.zeros(5, dtype=torch.long), recipe)
    assert torch.isclose(alone, torch.tensor(2.0).log())  # only the cross-entropy of uniform scores


def test_rare_classes_and_artists_are_drawn_more_often() -> None:
    labels, artists = np.array([0] * 8 + [1] * 2), np.array([0] * 6 + [1, 2, 3, 4])
    weights = draw_weights(labels, artists)
    assert weights.sum() == pytest.approx(1)
    assert weights[6] > weights[0]
    assert weights[labels == 1].sum() > 0.2


def test_the_validation_score_matches_the_evaluation() -> None:
    collection = make_collection()
    evaluation = evaluate(
        collection, Task(label="style", disjoint="artist"), Setting(ranking="likeness", aspects={"style": 1.0})
    )
    table = collection.state.table.slice(0, len(collection) - 1)  # the last one has no style
    rows = collection.state.spaces[0].raw_blocks()["style"][:-1]
    labels, artists = (
        np.unique(table.column(name).to_pylist(), return_inverse=True)[1] for name in ("style", "artist")
    )
    # the evaluation also centres by the last work, which hardly matters
    assert style_map([rows], labels, artists) == pytest.approx(evaluation.means()["map"], abs=0.02)
    assert np.isnan(style_map([rows], np.arange(len(labels)), artists))


def test_a_view_keeps_most_of_the_picture_and_adds_nothing() -> None:
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(100, 200, (80, 120, 3), np.uint8).repeat(2, 0).repeat(2, 1))
    assert altered_view(picture, "a", 0, seed=0) is picture
    seen = set()
    for number in range(1, 30):
        altered = altered_view(picture, "a", number, seed=0)
        area = altered.width * altered.height / (picture.width * picture.height)
        assert LEAST_AREA - 0.02 <= area <= 1
        assert np.asarray(altered).min() > 30  # no black corners; bicubic overshoots a little
        assert np.asarray(altered).mean() == pytest.approx(np.asarray(picture).mean(), abs=3)  # no other colours
        seen.add(altered.tobytes())
    assert len(seen) == 29
    assert altered_view(picture, "a", 1, seed=0).tobytes() == altered_view(picture, "a", 1, seed=0).tobytes()
    assert altered_view(picture, "b", 1, seed=0).tobytes() != altered_view(picture, "a", 1, seed=0).tobytes()


def test_confusion_counts_and_their_drawing() -> None:
    matrix = confusion_matrix(np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 0]), 3)
    assert matrix.tolist() == [[2, 1, 0], [0, 1, 0], [1, 0, 0]]
    accuracy = accuracy_of("test works", matrix)
    assert (accuracy.works, accuracy.accuracy, accuracy.largest_class) == (5, 0.6, 0.6)
    assert accuracy.class_mean == pytest.approx((2 / 3 + 1 + 0) / 3)
    image = draw_confusion(matrix, ("Baroque", "Realism", "A style with a name that is much too long to show"), "title")
    pixels = np.asarray(image)
    assert 3 * 46 < image.width < 800
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 5


@pytest.mark.parametrize(
    ("after", "interval", "verdict"),
    [
        (0.5, (0.01, 0.2), "better"),
        (0.3, (-0.2, -0.01), "worse"),
        (0.3, (-0.2, 0.1), "within chance"),
        (0.4, (0, 0), "same"),
    ],
)
def test_the_verdict_depends_on_the_interval(after: float, interval: tuple[float, float], verdict: str) -> None:
    assert RetrievalChange("q", "all", "task", "style", 9, {"map": 0.4}, {"map": after}, interval).verdict == verdict


def test_learned_vectors_are_unit_rows(parts: list[np.ndarray]) -> None:
    learned = LearnedHead(fit_inputs(parts), 6, 2, seed=0).frozen()(parts)
    np.testing.assert_allclose(learned, unit_rows(learned), atol=1e-6)


def test_changes_match_the_evaluation() -> None:
    collection = make_collection()
    space = collection.state.spaces[0]
    table = collection.state.table.slice(0, len(collection) - 1)  # the last one has neither artist nor style
    names, labels = np.unique(table.column("style").to_pylist(), return_inverse=True)
    artists = np.unique(table.column("artist").to_pylist(), return_inverse=True)[1]
    works = LabelledWorks(tuple(table.column("id").to_pylist()), tuple(names), labels, artists, {}, 0, 0)
    blocks = {aspect: block[:-1] for aspect, block in space.raw_blocks().items() if aspect != "color"}
    segments = {aspect: (block.shape[1],) for aspect, block in blocks.items()}
    everything = np.arange(len(works))
    changes = compare_retrieval(
        works,
        {"all": everything},
        (blocks, segments),
        (blocks, segments),
        label="style",
        alone="all",
        subject_too=True,
    )
    collection.remove([collection.ids[-1]])
    for one in changes:
        by_style = one.task.startswith("same style")
        task = Task(label="style", disjoint="artist") if by_style else Task(label="artist")
        means = evaluate(collection, task, Setting(aspects=PRESETS[one.setting])).means()
        # its space was fitted with the work that was removed
        assert one.before["map"] == pytest.approx(means["map"], abs=0.02)
        assert one.verdict == "same"
        assert one.queries == len(works)
    assert {(one.task, one.setting, one.among) for one in changes} >= {
        ("same style, other artists", "style", "each other"),
        ("same artist", "balanced", "all works"),
    }
