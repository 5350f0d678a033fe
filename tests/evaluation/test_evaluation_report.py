from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from synthetic import color_of, make_collection

from artsim.collection import Collection
from artsim.errors import ArtsimError, QueryError
from artsim.evaluation import Setting, Task, evaluate, save_sheet, search_sheet, write_report
from artsim.evaluation.report import EXAMPLES, SHOWN, examples

TASK, COLOR = Task("artist"), Setting(aspects={"color": 1})


@pytest.fixture(scope="module")
def page(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "new folder" / "report.html"
    write_report(path, collection, evaluate(collection, TASK, COLOR))
    return path.read_text(encoding="utf-8")


def test_the_report_makes_no_requests(page: str) -> None:
    assert "://" not in page
    assert "<script" not in page
    sources = re.findall(r'src="([^"]*)"', page)
    assert sources
    assert all(source.startswith("data:image/webp;base64,") for source in sources)


def test_the_report_marks_right_and_wrong_answers_in_words(page: str) -> None:
    assert "1. right" in page
    assert "1. wrong" in page


def test_titles_are_escaped(page: str) -> None:
    assert "Study &lt;0&gt; &amp; more" in page
    assert "Study <" not in page


def test_the_number_of_pictures_is_bounded(tmp_path: Path) -> None:
    many = make_collection(artists=60, works=4)
    write_report(tmp_path / "report.html", many, evaluate(many, TASK, COLOR))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") == 2 * EXAMPLES * (1 + SHOWN)


def test_successes_start_with_a_right_answer_and_failures_with_a_wrong_one(collection: Collection) -> None:
    evaluation = evaluate(collection, TASK, COLOR)
    successes, failures = examples(evaluation, best=True), examples(evaluation, best=False)
    assert evaluation.right[successes, 0].all()
    assert not evaluation.right[failures, 0].any()
    precision = evaluation.of("map")
    assert precision[successes[0]] == precision.max()
    assert precision[failures[0]] == precision[~evaluation.right[:, 0]].min()
    assert len({evaluation.labels[number] for number in failures}) == len(failures)


def test_a_collection_without_pictures_has_a_report_without_pictures(tmp_path: Path) -> None:
    bare = make_collection(images="urls")
    write_report(tmp_path / "report.html", bare, evaluate(bare, TASK))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "no picture" in page


def test_a_report_that_cannot_be_written_is_an_error(collection: Collection, tmp_path: Path) -> None:
    evaluation = evaluate(collection, TASK)
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtsimError, match="cannot be written"):
        write_report(tmp_path / "file" / "report.html", collection, evaluation)
    with pytest.raises(ArtsimError, match=r"ends in \.html"):
        write_report(tmp_path / "report.pdf", collection, evaluation)


def test_the_plot_shows_the_query_and_its_answers_in_their_order(collection: Collection, tmp_path: Path) -> None:
    query = collection.ids[3]
    save_sheet(search_sheet(collection, query, Setting(), k=4), tmp_path / "plot.png")
    answers = [match.row for match in collection.search(work=query, k=4)]
    with Image.open(tmp_path / "plot.png") as plot:
        pixels = np.asarray(plot.convert("RGB")).reshape(-1, 3)
        width = plot.width
    columns = {row: np.flatnonzero((pixels == color_of(row)).all(axis=1)) % width for row in [3, *answers]}
    middles = [float(np.mean(columns[row])) for row in [3, *answers]]
    assert middles == sorted(middles)


def test_the_plot_has_a_row_per_space_and_refuses_unknown_queries_and_formats(
    collection: Collection, tmp_path: Path
) -> None:
    one_space = search_sheet(collection, None, Setting(), k=3)
    two_spaces = search_sheet(make_collection(spaces=2), None, Setting(), k=3)
    assert one_space.width == two_spaces.width
    assert two_spaces.height > 1.9 * one_space.height
    with pytest.raises(QueryError, match=r"neither a work nor a picture 'nothing\.png'"):
        search_sheet(collection, "nothing.png", Setting())
    with pytest.raises(ArtsimError, match="cannot be written"):
        save_sheet(one_space, tmp_path / "plot.odd")
