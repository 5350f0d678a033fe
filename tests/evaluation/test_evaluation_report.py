from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from synthetic import make_collection

from artsim.collection import Collection
from artsim.errors import CollectionError
from artsim.evaluation import Evaluation, Setting, Task, evaluate
from artsim.evaluation.report import EXAMPLES, SHOWN, example_sections, query_section, write_report
from artsim.evaluation.tables import Table

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

TABLE = Table("Figures", ("metric", "mean"), (("P@1", "0.500"),), "A note.")


def evaluated(collection: Collection) -> Evaluation:
    return evaluate(collection, Task("artist"), Setting(aspects={"color": 1}))


def page_of(collection: Collection, path: Path) -> str:
    write_report(path, collection, [TABLE], example_sections(collection, evaluated(collection)))
    return path.read_text(encoding="utf-8")


def test_the_report_has_tables_and_answers_marked_right_or_wrong_and_makes_no_requests(
    collection: Collection, tmp_path: Path
) -> None:
    page = page_of(collection, tmp_path / "new folder" / "report.html")
    assert "<td>P@1</td><td>0.500</td>" in page
    assert "1. right<br>" in page
    assert "1. wrong<br>" in page
    assert "Study &lt;0&gt; &amp; more" in page
    assert "Study <" not in page
    assert "://" not in page
    assert "<script" not in page
    sources = re.findall(r'src="([^"]*)"', page)
    assert sources
    assert all(source.startswith("data:image/webp;base64,") for source in sources)


def test_the_number_of_pictures_is_bounded_and_none_are_needed(tmp_path: Path) -> None:
    page = page_of(make_collection(artists=60, works=4), tmp_path / "report.html")
    assert page.count("<img") == 2 * EXAMPLES * (1 + SHOWN)
    without = page_of(make_collection(images="urls"), tmp_path / "without.html")
    assert "<img" not in without
    assert "no picture" in without
    with pytest.raises(CollectionError, match="cannot be written"):
        write_report(tmp_path / "report.html" / "below.html", make_collection(), [TABLE], [])


def test_successes_start_with_a_right_answer_and_failures_with_a_wrong_one(collection: Collection) -> None:
    evaluation = evaluated(collection)
    precision, first_is_right = evaluation.of("map"), evaluation.right[:, 0]
    failures, successes = example_sections(collection, evaluation)
    for section, verdict, extreme in (
        (failures, "wrong", precision[~first_is_right].argmin()),
        (successes, "right", precision[first_is_right].argmax()),
    ):
        assert {row[1].kind for row in section.rows} == {verdict}
        queries = [row[0].caption[1:] for row in section.rows]
        number = np.flatnonzero(first_is_right == (verdict == "right"))[extreme]
        work = collection.state.work(int(evaluation.rows[number]))
        assert queries[0] == (work["artist"], work["title"])
        assert len({artist for artist, _ in queries}) == len(queries)


def test_the_matches_of_a_query_stand_in_a_row_per_encoder_with_their_scores() -> None:
    collection = make_collection(spaces=2)
    section = query_section(collection, "work-0-3", collection.compare_encoders(work="work-0-3", k=4))
    matches = collection.search(work="work-0-3", k=4, encoder="space-1")
    assert [len(row) for row in section.rows] == [5, 5]
    expected = [(f"{one.rank}. {one.work['title']}", f"cosine {one.cosine:.4f}") for one in matches]
    assert [tuple(figure.caption[:2]) for figure in section.rows[1][1:]] == expected
