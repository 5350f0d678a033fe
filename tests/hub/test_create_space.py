"""Create a Space from this checkout: only the files it needs, one commit, settings only where they differ."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hub_server import HubServer
from hub_server.cards import check_card
from hub_server.faults import Fault
from hub_server.store import Space
from served import settings_of

import artsim
from artsim.cli.main import main
from artsim.errors import ArtsimError
from artsim.hub import create_space
from artsim.hub.hosting import END_OF_APP, SpacePlan, space_readme, space_requirements
from artsim.ui.startup import open_or_build

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

ROOT = Path(__file__).resolve().parents[2]
REPO, SPACE = "artist/stripes", "artist/alike"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout as cloned by git, with some of the modules, and files that must not be in a Space."""
    folder = tmp_path / ".hidden" / "checkout"
    for name in (
        "README.md",
        "app.py",
        "requirements.txt",
        "constraints.txt",
        "artsim/__init__.py",
        "artsim/hub/hosting.py",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for extra in ("tests/test_a.py", "artsim/__pycache__/a.pyc", "artsim/.DS_Store", ".git/config", "notes.txt"):
        (folder / extra).parent.mkdir(parents=True, exist_ok=True)
        (folder / extra).write_bytes(b"\0")
    return folder


@pytest.fixture
def published(hub: HubServer, hub_stripes: Path) -> HubServer:
    artsim.publish(hub_stripes, REPO)
    return hub


def front_matter(hub: HubServer) -> dict[str, Any]:
    data, errors = check_card(hub.files(SPACE, "space")["README.md"], "space")
    assert errors == []
    return data


def settings(hub: HubServer) -> Space:
    space = hub.repo(SPACE, "space").space
    assert space is not None
    return space


def test_a_space_is_made_of_the_app_and_nothing_else_and_another_run_changes_nothing(
    published: HubServer, checkout: Path
) -> None:
    made = create_space(SPACE, REPO, checkout=checkout)

    there = published.files(SPACE, "space")
    package = {"artsim/__init__.py", "artsim/hub/hosting.py"}
    assert set(there) == {".gitattributes", "app.py", "requirements.txt", "README.md"} | package
    assert there["artsim/hub/hosting.py"] == (ROOT / "artsim/hub/hosting.py").read_bytes()
    requirements = there["requirements.txt"].decode().splitlines()
    exact = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert {"gradio[mcp]==6.31.0", "torch>=2.8,<2.14"} <= set(requirements)
    assert {line for line in exact if line.startswith(("uvicorn==", "tokenizers=="))} < set(requirements)
    assert made.url == f"{published.url}/spaces/{SPACE}"
    assert [commit.title for commit in published.commits(SPACE, "space")] == [f"Serve {REPO}", "initial commit"]
    assert settings(published).hardware == "cpu-basic"
    published.clear_requests()

    again = create_space(SPACE, REPO, checkout=checkout)

    assert (again.changed, again.commit) == (False, made.commit)
    changing = {request.route for request in published.requests if request.method != "GET"}
    assert changing <= {"preupload", "validate_yaml"}  # the client compares


def test_the_front_matter_and_the_settings_name_what_is_served_and_the_encoder_is_fetched_at_build(
    published: HubServer, checkout: Path, hub_clip: str
) -> None:
    create_space(SPACE, REPO, checkout=checkout)
    data = front_matter(published)
    assert (data["title"], data["license"]) == ("artsim", "apache-2.0")
    assert {"emoji", "sdk_version", "short_description"} <= set(data)
    assert (data["datasets"], data["models"]) == ([REPO], [hub_clip])
    (entry,) = data["preload_from_hub"]
    name, files, revision = entry.split(" ")
    assert (name, revision) == (hub_clip, published.commits(hub_clip, "model")[0].sha)
    assert {"config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"} <= set(files.split(","))
    assert set(files.split(",")) <= set(published.files(hub_clip, "model"))
    assert data["suggested_hardware"] == "cpu-basic"
    text = (checkout / "README.md").read_bytes().split(b"\n---\n", 1)[1]
    assert published.files(SPACE, "space")["README.md"].endswith(text)

    commit = published.commits(REPO, "dataset")[0].sha
    space = settings(published)
    assert {key: entry["value"] for key, entry in space.variables.items()} == {
        "ARTSIM_COLLECTION": REPO,
        "ARTSIM_VOLUME": f"/collection@{commit}",
    }
    assert space.volumes == [
        {"type": "dataset", "source": REPO, "mountPath": "/collection", "revision": commit, "readOnly": True}
    ]


def test_a_changed_app_and_a_changed_collection_are_one_commit_and_new_settings(
    published: HubServer, checkout: Path, hub_stripes: Path
) -> None:
    create_space(SPACE, REPO, checkout=checkout)
    collection = artsim.open_collection(hub_stripes)
    collection.remove(["5.jpg"])
    collection.save()
    artsim.publish(hub_stripes, REPO)
    (checkout / "app.py").write_text("print('new')\n", encoding="utf-8")
    (checkout / "artsim" / "hub" / "hosting.py").unlink()

    made = create_space(SPACE, REPO, checkout=checkout)

    assert made.sent == ("app.py",)
    assert made.deleted == ("artsim/hub/hosting.py",)
    space, commit = settings(published), published.commits(REPO, "dataset")[0].sha
    assert space.variables["ARTSIM_VOLUME"]["value"] == f"/collection@{commit}"
    assert [volume["revision"] for volume in space.volumes] == [commit]


def test_zero_gpu_gets_its_pins_its_package_and_its_hardware(published: HubServer, checkout: Path) -> None:
    create_space(SPACE, REPO, checkout=checkout, hardware="zero-gpu", private=True)
    requirements = published.files(SPACE, "space")["requirements.txt"].decode().splitlines()
    assert [line for line in requirements if line.startswith("torch")] == ["torch>=2.8,<2.12"]
    assert "spaces" in requirements
    data = front_matter(published)
    assert (data["suggested_hardware"], data["python_version"]) == ("zero-a10g", "3.12.12")
    assert settings(published).hardware == "zero-a10g"
    assert published.repo(SPACE, "space").private

    create_space(SPACE, REPO, checkout=checkout, hardware="cpu-basic")
    assert settings(published).hardware == "cpu-basic"
    assert "spaces" not in published.files(SPACE, "space")["requirements.txt"].decode().splitlines()


def test_a_volume_that_the_hub_refuses_leaves_a_space_that_downloads(
    published: HubServer, checkout: Path, caplog: pytest.LogCaptureFixture
) -> None:
    published.inject(Fault("space_volumes", status=403))
    assert create_space(SPACE, REPO, checkout=checkout).changed
    assert "Mounting artist/stripes in artist/alike failed: the Hub answered 403" in caplog.text
    assert "downloads the collection at each start instead" in caplog.text


def test_a_private_encoder_is_reported_and_not_fetched(
    hub: HubServer, stripes: Path, checkout: Path, caplog: pytest.LogCaptureFixture
) -> None:
    artsim.publish(stripes, REPO)
    create_space(SPACE, REPO, checkout=checkout)
    data = front_matter(hub)
    assert "preload_from_hub" not in data and "models" not in data
    assert "visitors can browse and search by its works, but not by their own pictures" in caplog.text


@pytest.mark.parametrize(
    ("space", "collection", "options", "message"),
    [
        (SPACE, "artist/none", {}, "Opening artist/none, .* the Hub has no such repository"),
        (SPACE, "museum/words", {}, "is a dataset, but not a collection"),
        ("visitor/alike", REPO, {}, "may not write to visitor"),
        ("artist/game", REPO, {}, "artist/game is another Space already; it is left as it is"),
        (SPACE, REPO, {"encoder": "embedded"}, "encoder artist/tiny-clip, so the Space cannot use embedded"),
        (SPACE, REPO, {"hardware": "gpu"}, "There is no hardware 'gpu'"),
        (SPACE, REPO, {"checkout": ROOT / "docs"}, "is not a checkout of artsim"),
    ],
)
def test_invalid_requests_raise_a_one_line_error_and_create_nothing(
    published: HubServer, checkout: Path, space: str, collection: str, options: dict[str, Any], message: str
) -> None:
    published.add_repo("museum/words", "dataset", {"a.txt": b"a"})
    published.add_repo("artist/game", "space", {"app.py": b"print()"})
    with pytest.raises(ArtsimError, match=message):
        create_space(space, collection, **{"checkout": checkout, **options})
    assert not published.exists(SPACE, "space")
    assert published.files("artist/game", "space")["app.py"] == b"print()"


def test_the_embedded_encoder_comes_with_the_requirements() -> None:
    plan = SpacePlan(SPACE, REPO, "c" * 40, "cpu-basic", (), ())
    readme = "---\nmodels: [openai/clip]\npreload_from_hub: [openai/clip]\n---\n"
    data, _ = check_card(space_readme(readme, plan).encode(), "space")
    assert data["datasets"] == [REPO]
    assert "models" not in data and "preload_from_hub" not in data


def test_a_space_gets_exact_versions_of_all_but_torch_and_of_what_only_torch_needs() -> None:
    requirements = "# Numbers.\nNumPy>=2  # arrays\ntorch>=2.8,<2.14\nmcp[ws]>=1\nunknown>=3\n"
    constraints = f"# Made.\nmcp==1.30.0\nnumpy==2.4.6\nuvicorn==0.54.0\n{END_OF_APP}\nsympy==1\n"
    pins = ["NumPy==2.4.6", "mcp[ws]==1.30.0", "unknown>=3", "uvicorn==0.54.0"]
    on_cpu = space_requirements(requirements, constraints, "cpu-basic").splitlines()
    assert on_cpu == [pins[0], "torch>=2.8,<2.14", *pins[1:]]
    on_zero_gpu = space_requirements(requirements, constraints, "zero-gpu").splitlines()
    assert on_zero_gpu == [*pins, "torch>=2.8,<2.12", "spaces"]


def test_a_mounted_collection_is_opened_from_the_volume(
    published: HubServer, fetched: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, volume = published.commits(REPO, "dataset")[0].sha, fetched(REPO)
    monkeypatch.setenv("ARTSIM_COLLECTION", REPO)
    monkeypatch.setenv("ARTSIM_VOLUME", f"{volume}@{commit}")
    published.clear_requests()
    opened = open_or_build(settings_of(ARTSIM_COLLECTION=REPO)).collection
    assert (opened.folder, str(opened.origin)) == (volume, f"{REPO} at {commit[:12]}")
    assert published.requests == []

    next((volume / "data").iterdir()).unlink()  # an incomplete volume
    assert artsim.open_collection(REPO).folder != volume


def test_the_command_makes_a_space_from_this_checkout(published: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["space", SPACE, "--collection", REPO]) == 0
    assert f"The Space is at {published.url}/spaces/{SPACE}" in capsys.readouterr().out
    assert "artsim/ui/launch.py" in published.files(SPACE, "space")
