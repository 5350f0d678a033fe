"""`artsim recognize`: one line a picture, or one JSON object."""

import json
from pathlib import Path

import pytest
from PIL import Image

from artsim.cli.main import main


@pytest.mark.slow
def test_it_names_the_work_of_each_picture(
    saved: Path, paintings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (90, 60), "white").save(tmp_path / "blank.png")
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    work, blank, broken = (
        str(path) for path in (paintings / "05.jpg", tmp_path / "blank.png", tmp_path / "broken.jpg")
    )
    assert main(["recognize", str(saved), work, blank]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{work}: ") and "(05.jpg)" in first and first.endswith(" places agree")
    assert second == f"{blank}: not in this collection"
    assert main(["recognize", str(saved), "--json", broken, work, blank]) == 1
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "is not an image" in answers[0]["error"]
    assert answers[1]["id"] == answers[1]["work"]["id"] == "05.jpg" and len(answers[1]["corners"]) == 4
    assert answers[2] == {"image": blank, "recognized": False}
