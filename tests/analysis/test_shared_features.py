"""Pictures that share local features are found among others, with a bounded number of candidates."""

import numpy as np

from artsim.analysis.shared_features import pairs_by_shared_features


def descriptors(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32), dtype=np.uint8)


def test_pictures_with_some_features_in_common_come_first() -> None:
    common, rng = descriptors(60, 0), np.random.default_rng(1)
    changed = common ^ (rng.integers(0, 256, (3, *common.shape), dtype=np.uint8).prod(axis=0, dtype=np.uint8) & 1)
    pictures = [descriptors(200, seed) for seed in range(10, 40)]
    pictures[4], pictures[21] = np.concatenate([pictures[4], common]), np.concatenate([changed, pictures[21]])
    pairs, scores = pairs_by_shared_features(np.concatenate(pictures), np.array(list(map(len, pictures))), most=3)
    assert pairs[0].tolist() == [4, 21]
    assert scores[0] > 10 * scores[1:].max(initial=0)


def test_pictures_without_features_have_no_candidates() -> None:
    pairs, scores = pairs_by_shared_features(np.zeros((0, 32), np.uint8), np.zeros(3, int), most=8)
    assert (pairs.shape, scores.shape) == ((0, 2), (0,))
    pairs, _ = pairs_by_shared_features(np.tile(descriptors(50, 0), (2, 1)), np.array([50, 0, 50]), most=8)
    assert pairs.tolist() == [[0, 2]]


def test_three_hundred_copies_are_connected_by_few_pairs() -> None:
    pairs, _ = pairs_by_shared_features(np.tile(descriptors(100, 0), (300, 1)), np.full(300, 100), most=8)
    assert len(pairs) <= 300 * 8
    assert {tuple(pair) for pair in pairs.tolist()} >= {(number, number + 1) for number in range(299)}
