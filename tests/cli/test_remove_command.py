"""`artsim remove`: works go, with all that the folder holds of them."""

from pathlib import Path

import pytest

from artsim.cli.main import main
from artsim.cli.run import run_main
from artsim.collection import Collection


def test_works_go_with_their_pictures(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Collection.from_folder(copy)
    first, second = before.ids[3], before.ids[5]
    pictures = [before.picture(identity) for identity in (first, second)]
    assert main(["remove", str(copy), first, second, first]) == 0
    assert f"Removed 2 of {len(before)} works; nothing of them is left" in capsys.readouterr().out
    after = Collection.from_folder(copy)
    assert after.ids == [identity for identity in before.ids if identity not in (first, second)]
    files = [path.read_bytes() for path in copy.rglob("*") if path.is_file()]
    assert not any(picture in file for picture in pictures for file in files)


def test_what_cannot_be_removed_is_one_sentence_and_nothing_is_removed(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = Collection.from_folder(copy).ids
    for given, sentence in (
        ([str(copy), ids[0], "nowhere"], "There is no work 'nowhere' in this collection."),
        ([str(copy), *ids], "A collection cannot be empty"),
        ([str(copy / "missing"), ids[0]], "missing"),
    ):
        with pytest.raises(SystemExit):
            run_main(lambda given=given: main(["remove", *given]))
        error = capsys.readouterr().err
        assert sentence in error and "Traceback" not in error
        assert Collection.from_folder(copy).ids == ids
