"""Whether anything is close: pages, charts, noise and windows are like no work here; art is like some."""

from pathlib import Path
from typing import Any

import pytest
from not_art import not_art

from artsim import Collection, build_collection, open_source
from artsim.search.match import CLOSE

ART_EVAL = Path(__file__).resolve().parents[3] / "shared" / "art-eval"
needs_art_eval = pytest.mark.skipif(not ART_EVAL.is_dir(), reason="needs the paintings of ../shared/art-eval")


@pytest.fixture(scope="module")
def met(embedded: Any, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    return build_collection(open_source("met"), embedded, tmp_path_factory.mktemp("met") / "out")


def share_without_close(collection: Collection, pictures: Any) -> float:
    """The share of the pictures that nothing is close to, which `pytest -s` shows, too."""
    found = [collection.search(image=picture) for picture in pictures]
    for matches in found:
        if not any(match.close for match in matches):
            assert max(match.score for match in matches) < CLOSE
    without = sum(not any(match.close for match in matches) for matches in found)
    print(f"nothing is close to {without} of {len(found)} pictures, among {len(collection)} works")
    return without / len(found)


def test_there_are_enough_pictures_that_are_no_art() -> None:
    assert len(not_art()) >= 40


@pytest.mark.slow
def test_nothing_is_close_to_a_blank_page_whatever_the_kind_of_search(
    embedded: Any, paintings: Path, tmp_path: Path
) -> None:
    few = build_collection(open_source(f"folder:{paintings}"), embedded, tmp_path / "few")
    blank = not_art()["blank #ffffff"]
    assert share_without_close(few, list(not_art().values())[::9]) == 1
    options: list[dict[str, Any]] = [{}, {"ranking": "likeness"}, {"preset": "color"}, {"encoder": "fusion"}]
    for option in options:
        assert not any(match.close for match in few.search(image=blank, **option))
    assert not any(match.close for match in few.search_many(images=[blank])[0])
    assert not any(match.close for match in few.compare_encoders(image=blank).answers[0].matches)
    assert few.search(image=paintings / "07.jpg")[0].close
    assert few.search(work="07.jpg", k=1)[0].close


@pytest.mark.sweep
def test_nothing_in_the_met_is_close_to_what_is_no_art(met: Collection) -> None:
    assert share_without_close(met, not_art().values()) >= 0.95


@pytest.mark.sweep
@needs_art_eval
def test_something_in_the_met_is_close_to_art(met: Collection) -> None:
    files = sorted(ART_EVAL.glob("*.jpg"))
    assert share_without_close(met, files[::4]) <= 0.05


@pytest.mark.sweep
@needs_art_eval
def test_art_and_what_is_no_art_are_told_apart_by_another_collection(
    met: Collection, embedded: Any, tmp_path: Path
) -> None:
    art = build_collection(open_source(f"folder:{ART_EVAL}"), embedded, tmp_path / "art")
    assert share_without_close(art, not_art().values()) >= 0.95
    assert share_without_close(art, [met.picture(identity) for identity in met.ids]) <= 0.05
    assert share_without_close(met, sorted(ART_EVAL.glob("*.jpg"))) <= 0.05
