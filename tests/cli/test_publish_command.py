"""`artsim publish`: a saved collection goes to the Hub with its figures, once."""

import json
from pathlib import Path

import pytest
from hub_server import HubServer

from artsim.cli.main import main
from artsim.errors import CollectionError


def test_a_collection_is_published_once_with_its_figures(
    hub: HubServer, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    assert main(["evaluate", "--collection", str(saved), "--label", "artist", "--json", str(figures)]) == 0
    command = ["publish", str(saved), "artist/paintings", "--private", "--figures", str(figures)]
    assert main(command) == 0
    commit = hub.commits("artist/paintings", "dataset")[0].sha[:12]
    assert f"Published: {hub.url}/datasets/artist/paintings (commit {commit};" in capsys.readouterr().out
    assert hub.repo("artist/paintings", "dataset").private
    card = hub.files("artist/paintings", "dataset")["README.md"].decode()
    assert f"{json.loads(figures.read_text())['map']:.3f}" in card
    assert main(command) == 0
    assert f"Nothing changed: {hub.url}/datasets/artist/paintings is at commit {commit}" in capsys.readouterr().out


def test_what_is_no_collection_or_no_figures_is_refused(hub: HubServer, saved: Path, tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="holds no collection"):
        main(["publish", str(tmp_path), "artist/paintings"])
    with pytest.raises(CollectionError, match="holds no figures"):
        main(["publish", str(saved), "artist/paintings", "--figures", str(saved / "artsim.json")])
    assert not hub.exists("artist/paintings", "dataset")
