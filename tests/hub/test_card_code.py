"""The code in the dataset card runs as written, and so do the commands that lead to it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hub_server import HubServer
from hub_server.client import run_python
from PIL import Image

import artsim

ROOT = Path(__file__).resolve().parents[2]
REPO = "artist/stripes"


def code_blocks(card: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", card, flags=re.MULTILINE | re.DOTALL)


def run_blocks(blocks: list[str], folder: Path, env: dict[str, str]) -> list[list[str]]:
    """The printed lines of each block. Every block runs in its own namespace, all in one child process."""
    driver = "import sys\nfor block in {0!r}:\n    exec(compile(block, 'card', 'exec'), {{}})\n    print('-----', flush=True)"
    done = run_python(driver.format(blocks), env | {"PYTHONPATH": str(ROOT)}, cwd=folder, timeout=240)
    assert done.returncode == 0, done.stderr
    return [part.split("\n") for part in done.stdout.strip().removesuffix("-----").strip().split("\n-----\n")]


@pytest.fixture
def folder(tmp_path: Path, pictures: Path) -> Path:
    """The folder of a reader of the card: with a picture of their own, the second work saved as a PNG."""
    here = tmp_path / "reader"
    here.mkdir()
    Image.open(pictures / "1.jpg").save(here / "my-picture.jpg", "PNG")
    return here


def test_the_code_in_a_published_card_runs_as_written(
    hub: HubServer, hub_stripes: Path, hub_env: dict[str, str], folder: Path
) -> None:
    artsim.publish(hub_stripes, REPO)
    blocks = code_blocks(hub.files(REPO, "dataset")["README.md"].decode())
    attached, textbook, with_artsim = run_blocks(blocks, folder, hub_env | {"ARTSIM_CACHE": str(folder / "cache")})

    assert attached[0] == "1.000 Stripes 0"  # nothing is more like the first work than itself
    assert len(attached) == 6
    assert textbook[0] == "1.000 Stripes 1"
    assert len(textbook) == 5
    assert with_artsim[0].startswith("1 Stripes 1 closer than ")


def test_the_code_in_the_card_of_a_collection_without_a_public_encoder_runs_too(
    hub: HubServer, stripes: Path, hub_env: dict[str, str], folder: Path
) -> None:
    artsim.publish(stripes, REPO)
    blocks = code_blocks(hub.files(REPO, "dataset")["README.md"].decode())
    attached, plain, with_artsim = run_blocks(blocks, folder, hub_env | {"ARTSIM_CACHE": str(folder / "cache")})

    assert attached[0] == "1.000 Stripes 0"
    assert plain[0] == "1.000 Stripes 0"
    assert len(with_artsim) == 5
    assert "Stripes 0" not in with_artsim[0]  # the work of the query is excluded


def build(*arguments: str | Path, env: dict[str, str]) -> tuple[int, str, str]:
    done = run_python([ROOT / "scripts" / "build_collection.py", *arguments], env)
    return done.returncode, done.stdout, done.stderr


def test_one_command_builds_and_publishes(
    hub: HubServer, hub_env: dict[str, str], pictures: Path, hub_clip: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [
        *("--source", f"folder:{pictures}", "--encoder", hub_clip, "--out", out, "--limit", "4"),
        *("--images", "urls", "--title", "Four stripes", "--license", "cc-by-4.0", "--push-to", REPO, "--private"),
    ]
    status, said, errors = build(*command, env=hub_env)
    assert status == 0, errors
    assert f"Published: {hub.url}/datasets/{REPO}" in said
    assert "Sending data/train-00000-of-00001.parquet" in errors
    assert hub.repo(REPO, "dataset").private
    card = hub.files(REPO, "dataset")["README.md"].decode()
    assert "pretty_name: Four stripes" in card
    assert "license: cc-by-4.0" in card
    assert len(hub.commits(REPO, "dataset")) == 2
    assert not any(b"JFIF" in data for data in hub.files(REPO, "dataset").values())
    opened = artsim.open_collection(REPO)
    assert [opened.work(work)["image_url"] for work in opened.ids[:1]] == ["https://example.org/0.jpg"]

    assert not artsim.publish(out, REPO).changed


@pytest.mark.parametrize(
    ("arguments", "token", "sentence"),
    [
        (["--push-to", REPO], "read_token", "may only read"),
        (["--push-to", "stripes"], "token", "is not an id on the Hub"),
        (["--push-to", REPO, "--license", "PD"], "token", "The Hub knows no licence 'PD'"),
        (["--push-to", REPO, "--figures", "none.json"], "token", "none.json holds no figures"),
        (["--private"], "token", "they need --push-to"),
    ],
    ids=["read-only token", "malformed id", "unknown licence", "no figures", "private without push"],
)
def test_what_would_fail_at_the_end_fails_at_the_start(
    hub: HubServer,
    hub_env: dict[str, str],
    pictures: Path,
    tmp_path: Path,
    arguments: list[str],
    token: str,
    sentence: str,
) -> None:
    out = tmp_path / "out"
    source = ["--source", f"folder:{pictures}", "--encoder", "embedded", "--out", out]
    status, said, errors = build(*source, *arguments, env=hub_env | {"HF_TOKEN": getattr(hub, token)})
    assert status == 2
    assert sentence in errors
    assert "Traceback" not in errors
    assert len(errors.strip().splitlines()) == 1 or "usage:" in errors
    assert said == ""
    assert not out.exists()


def test_measured_figures_are_in_the_card(hub: HubServer, stripes: Path, tmp_path: Path) -> None:
    from artsim.storage.card_figures import read_figures

    done = run_python(
        [
            *(ROOT / "scripts" / "evaluate.py", "--collection", stripes, "--label", "artist"),
            *("--aspects-table", "--json", tmp_path / "figures.json"),
        ],
        {"PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    artsim.publish(stripes, REPO, evaluation=read_figures(tmp_path / "figures.json"))
    card = hub.files(REPO, "dataset")["README.md"].decode()
    measured = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert f"{measured['map']:.3f}" in card.split("## How good it is")[1].split("##")[0]
    assert "python -m artsim evaluate --collection FOLDER --label artist --aspects-table" in card
