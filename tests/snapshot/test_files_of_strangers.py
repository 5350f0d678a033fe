"""Collections that a stranger changed: each is opened and used, or refused with one sentence that names the file."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hostile import make, use
from manifests import manifest_of, record_file, rewrite
from mutations import Mutation, mutations

from artsim.collection import Collection
from artsim.errors import ArtsimError, CollectionError

_STEP = 199  # a plain run tries one mutation in so many


@pytest.fixture(scope="module", params=["exact", "compact"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make(tmp_path_factory.mktemp("hostile") / request.param, request.param)
    use(shutil.copytree(folder, folder.with_name("used")))
    return folder


@pytest.mark.parametrize("step", [_STEP, pytest.param(1, marks=pytest.mark.sweep)])
def test_a_changed_collection_is_opened_and_used_or_refused_with_one_sentence(
    step: int, whole: Path, tmp_path: Path
) -> None:
    raw: dict[str, str] = {}
    ends: Counter[str] = Counter()
    for mutation in [*mutations(whole)][::step]:
        try:
            ends[_tried(mutation, whole, tmp_path / "changed")] += 1
        except Exception as error:  # noqa: BLE001 - each of them is a finding
            raw[mutation.name] = f"{type(error).__name__}: {error}"
    print(dict(ends))
    assert raw == {}
    assert ends["refused"] and ends["used"]


def _tried(mutation: Mutation, whole: Path, folder: Path) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    mutation.apply(folder)
    try:
        use(folder)
    except ArtsimError as error:
        assert "\n" not in str(error), mutation
        return "refused"
    return "used"


@pytest.mark.parametrize("name", ["generations/000001", "pictures-000.parquet", "metadata.parquet", "README.md"])
def test_no_link_of_a_collection_leads_out_of_it(name: str, whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "linked")
    (path,) = [path for path in folder.rglob("*") if path.relative_to(folder).as_posix().endswith(name)]
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CollectionError, match="is a link to a place outside of the collection"):
        Collection.from_folder(folder)
    path.unlink()
    path.symlink_to((tmp_path / "elsewhere").rename(folder / "inside"))
    assert len(Collection.from_folder(folder)) == 43


@pytest.mark.parametrize("name", [".lock", ".lock.json"])
def test_a_save_writes_through_no_link(name: str, whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "linked")
    (tmp_path / "mine").write_text("mine")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(tmp_path / "mine")
    collection = Collection.from_folder(folder)
    with pytest.raises(CollectionError, match="is a link, which is not followed"):
        collection.save()
    assert (tmp_path / "mine").read_text() == "mine"


def test_the_name_of_a_space_leads_nowhere(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "named")
    rewrite(folder, lambda manifest: manifest["spaces"][0].update(name="../../outside"))
    with pytest.raises(CollectionError, match=r"'\.\./\.\./outside' cannot be the name of a space"):
        Collection.from_folder(folder)


def test_an_index_is_not_read_by_faiss_before_its_header_is(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import faiss

    folder = shutil.copytree(whole, tmp_path / "changed")
    if (name := manifest_of(folder)["spaces"][0].get("index")) is None:
        pytest.skip("an exact index has no file")
    data = bytearray((folder / name).read_bytes())
    data[45:53] = np.int64(1 << 40).tobytes()  # sub-quantisers
    (folder / name).write_bytes(data)
    record_file(folder, name)
    monkeypatch.setattr(faiss, "read_index", None)
    assert len(Collection.from_folder(folder)) == 43
