"""The head and its objective, the altered views, and the verdict on a change."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from artsim.encoders.style_head import load_style_head, save_style_head
from artsim.errors import EncoderError
from artsim.finetuning import Recipe
from artsim.finetuning.comparison import Change
from artsim.finetuning.head import LearnedHead, draw_weights, fit_inputs, loss_of
from artsim.finetuning.works import altered_view

pytestmark = pytest.mark.slow  # the file takes more than a few seconds


@pytest.fixture
def segments() -> list[np.ndarray]:
    """Three segments of 40 works: signed, too long to be kept whole, and never negative."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=(40, 12)), rng.normal(size=(40, 2600)), rng.random((40, 20)).round(1)]


def test_a_frozen_head_equals_the_trained_one_and_its_file_is_checked(segments: list[np.ndarray], tmp_path) -> None:
    head = LearnedHead(fit_inputs(segments), 6, 3, seed=1)
    learned, scores = head([torch.tensor(segment, dtype=torch.float32) for segment in segments])
    save_style_head(head.frozen(), tmp_path / "head.safetensors")
    frozen = load_style_head(tmp_path / "head.safetensors")
    found = frozen(segments)
    np.testing.assert_allclose(found, learned.detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(frozen.scores(found), scores.detach().numpy(), atol=1e-4)
    assert [each.root for each in frozen.inputs] == [False, False, True]
    assert frozen.inputs[1].dimension == 39
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


def test_a_view_is_the_work_or_a_large_part_of_it_that_the_seed_determines() -> None:
    picture = Image.linear_gradient("L")
    assert altered_view(picture, "a", 0, seed=0) is picture
    views = [altered_view(picture, identity, number, seed=0) for identity in "aab" for number in (1, 2)]
    assert all(0.6 < view.width * view.height / 256**2 < 1 for view in views)
    data = [view.tobytes() for view in views]
    assert data[:2] == data[2:4]
    assert len(set(data)) == 4


def test_the_verdict_depends_on_the_interval() -> None:
    cases = [(0.5, (0.01, 0.2)), (0.3, (-0.2, -0.01)), (0.3, (-0.2, 0.1)), (0.3, None), (0.4, (0.0, 0.0))]
    verdicts = [
        Change("q", "task", "style", 9, {"map": 0.4}, {"map": after}, interval).verdict for after, interval in cases
    ]
    assert verdicts == ["better", "worse", "within chance", "within chance", "same"]
