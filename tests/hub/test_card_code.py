"""The code in the dataset card runs as written, and so do the commands that lead to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import HubServer
from PIL import Image

import artsim
from artsim.cli.main import main
from artsim.errors import ArtsimError

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

REPO = "artist/stripes"


def card_of(hub: HubServer) -> str:
    return hub.files(REPO, "dataset")["README.md"].decode()


@pytest.fixture
def run_card(
    hub: HubServer, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], list[list[str]]]:
    """Runs the blocks of code in the card of REPO, as a reader with a picture of their own: the second work as a PNG.

    Returns the printed lines of each block.
    """
    Image.open(pictures / "1.jpg").save(tmp_path / "my-picture.jpg", "PNG")
    monkeypatch.chdir(tmp_path)

    def run() -> list[list[str]]:
        printed = []
        for block in re.findall(r"^```python\n(.*?)^```$", card_of(hub), flags=re.MULTILINE | re.DOTALL):
            capsys.readouterr()
            exec(compile(block, "card", "exec"), {})
            printed.append(capsys.readouterr().out.splitlines())
        return printed

    return run


def test_the_code_in_a_published_card_runs_as_written(
    hub_stripes: Path, run_card: Callable[[], list[list[str]]]
) -> None:
    artsim.publish(hub_stripes, REPO)
    by_work, by_picture, stream, with_artsim = run_card()
    assert (by_work[0], len(by_work)) == ("1.000 Stripes 0", 6)  # nothing is more like the first work than itself
    assert (by_picture[0], len(by_picture)) == ("1.000 Stripes 1", 5)
    assert [line.split()[0] for line in stream] == ["0.jpg", "1.jpg", "2.jpg"]
    assert with_artsim[0].startswith("1 Stripes 1 ")


def test_the_code_in_the_card_of_a_collection_without_a_public_encoder_runs_too(
    stripes: Path, run_card: Callable[[], list[list[str]]]
) -> None:
    artsim.publish(stripes, REPO)
    by_work, _, with_artsim = run_card()
    assert by_work[0] == "1.000 Stripes 0"
    assert len(with_artsim) == 5
    assert "Stripes 0" not in with_artsim[0]  # the work of the query is excluded


def test_the_query_in_a_card_runs_in_duckdb_over_the_same_files(
    hub: HubServer, stripes: Path, fetched: Callable[[str], Path]
) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed (requirements-dev.txt)")
    artsim.publish(stripes, REPO)
    (query,) = re.findall(r"^```sql\n(.*?)^```$", card_of(hub), flags=re.MULTILINE | re.DOTALL)
    hosted = f"hf://datasets/{REPO}/"  # which DuckDB reads by an extension that it downloads
    assert hosted in query
    answer = duckdb.sql(query.replace(hosted, f"{fetched(REPO)}/")).fetchall()
    assert (answer[0][:2], len(answer)) == (("0.jpg", "Stripes 0"), 5)
    assert answer[0][2] == pytest.approx(1, abs=1e-5)
    opened = artsim.open_collection(REPO)
    expected = opened.search(work="0.jpg", ranking="cosine", k=4)
    assert [row[0] for row in answer[1:]] == [match.id for match in expected]


def test_one_command_builds_and_publishes(
    hub: HubServer,
    pictures: Path,
    hub_clip: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    command = [
        *("build", "--source", f"folder:{pictures}", "--encoder", hub_clip, "--out", str(out), "--limit", "4"),
        *("--images", "urls", "--title", "Four stripes", "--license", "cc-by-4.0", "--push-to", REPO, "--private"),
    ]
    assert main(command) == 0
    assert f"Published: {hub.url}/datasets/{REPO}" in capsys.readouterr().out
    assert hub.repo(REPO, "dataset").private
    card = hub.files(REPO, "dataset")["README.md"].decode()
    assert "pretty_name: Four stripes" in card
    assert "license: cc-by-4.0" in card
    assert not any(b"JFIF" in data for data in hub.files(REPO, "dataset").values())
    opened = artsim.open_collection(REPO)
    assert opened.work(opened.ids[0])["image_url"] == "https://example.org/0.jpg"
    assert not artsim.publish(out, REPO).changed


@pytest.mark.parametrize(
    ("arguments", "token", "sentence"),
    [
        (["--push-to", REPO], "read_token", "may only read"),
        (["--push-to", REPO, "--license", "PD"], "token", "The Hub knows no licence 'PD'"),
        (["--push-to", REPO, "--figures", "none.json"], "token", "none.json holds no figures"),
        (["--private"], "token", "they need --push-to"),
    ],
    ids=["read-only token", "unknown licence", "no figures", "private without push"],
)
def test_what_would_fail_at_the_end_fails_at_the_start(
    hub: HubServer,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    token: str,
    sentence: str,
) -> None:
    out = tmp_path / "out"
    monkeypatch.setenv("HF_TOKEN", getattr(hub, token))
    with pytest.raises((ArtsimError, SystemExit)) as refused:
        main(["build", "--source", f"folder:{pictures}", "--encoder", "embedded", "--out", str(out), *arguments])
    assert sentence in str(refused.value) + capsys.readouterr().err
    assert not out.exists()
