"""`artsim prepare-nga` against a museum on loopback; it is started as a process where it is stopped by force."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from museum import Answer, MuseumServer, jpeg, painting, term, view, write_museum, write_paintings
from PIL import Image

from artsim.cli.main import main
from artsim.errors import ArtsimError, SourceError
from artsim.sources.nga import preparation
from artsim.sources.nga.preparation import prepare

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "prepare_nga.py"


def start(data: Path, out: Path, **options: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, str(SCRIPT), "--data", str(data), "--out", str(out), "--workers", "2"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


def metadata(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]


def pictures(out: Path) -> dict[str, Path]:
    """The complete files by work: `nga-7` from `images/0000/nga-7-1f0c2a9b.jpg`."""
    return {path.stem.rpartition("-")[0]: path for path in out.glob("images/*/[!.]*.jpg")}


def test_failures_of_every_kind_are_reported(server: MuseumServer, tmp_path: Path) -> None:
    numbers = [1, 2, 3, 4, 5, 6, 12_345]
    closed = view(50, openaccess=0, server=server.iiif)
    elsewhere = view(7, iiifurl="http://192.0.2.1/iiif/x")
    write_museum(
        tmp_path / "csv",
        objects=[painting(number) for number in [*numbers, 7, 50]] + [painting(51, classification="Sculpture")],
        images=[*(view(number, server=server.iiif) for number in [*numbers, 51]), closed, elsewhere],
        terms=[term(1, "Style", "Baroque"), term(12_345, "Style", "Realist")],
    )
    with (tmp_path / "csv" / "objects.csv").open("a") as file:
        file.write("52,cut off\n")
    server.script = {
        "view-2": [Answer(404)],
        "view-3": [Answer(body=jpeg(640)[:5000])],
        "view-4": [Answer(body=b"<html>Under maintenance</html>", headers={"Content-Type": "text/html"})],
        "view-5": [Answer(429, headers={"Retry-After": "1"}), None],
        "view-6": [Answer(503)],
    }
    out = tmp_path / "out"
    report = prepare(tmp_path / "csv", out, retry_wait=0.01)

    rows = metadata(out)
    assert [row["id"] for row in rows] == ["nga-1", "nga-5", "nga-12345"]
    for row in rows:
        with Image.open(out / row["file_name"]) as image:
            assert image.size == (640, 480)
    assert rows[2]["file_name"].startswith("images/0001/nga-12345-")
    assert rows[0]["image_url"] == f"{server.iiif}/view-1/full/!640,640/0/default.jpg"
    assert [row["style"] for row in rows] == [["Baroque"], [], ["Realist"]]

    counts = json.loads((out / "report.json").read_text())
    assert counts == report.as_json()
    assert (counts["works"], counts["fetched"], counts["failed"], counts["without_open_access_picture"]) == (8, 3, 5, 1)
    assert counts["malformed_rows"] == ["objects.csv, line 12: 2 fields where the header has 31"]
    expected = ["404", "cut off", "web page", "503 Service Unavailable", "not a server of the museum"]
    for failure, number, reason in zip(counts["failures"], (2, 3, 4, 6, 7), expected, strict=True):
        assert failure["id"] == f"nga-{number}"
        assert reason in failure["reason"]
    assert server.requests["view-51"] == server.requests["view-50"] == 0


def test_a_killed_run_resumes_without_fetching_anything_twice(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with MuseumServer(delay=0.05) as server:
        data = write_paintings(tmp_path / "csv", range(1, 21), server=server.iiif)
        first = start(data, out)
        deadline = time.monotonic() + 60
        while len(pictures(out)) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        first.kill()
        first.communicate()
        kept = pictures(out)
        assert 5 <= len(kept) < 20
        assert not (out / "metadata.jsonl").exists()
        damaged = kept.pop("nga-1")
        damaged.write_bytes(damaged.read_bytes()[:-100])
        written = {path: path.stat().st_mtime_ns for path in kept.values()}
        server.requests.clear()
        server.delay = 0

        counts = prepare(data, out).counts

        missing = {f"view-{number}" for number in range(1, 21)} - {name.replace("nga", "view") for name in kept}
        assert server.requests == dict.fromkeys(missing, 1)
        assert all(path.stat().st_mtime_ns == moment for path, moment in written.items())
        assert len(metadata(out)) == len(pictures(out)) == 20
        assert (counts["fetched"], counts["already there"]) == (20 - len(kept), len(kept))


def test_ctrl_c_ends_a_run_with_one_line(tmp_path: Path) -> None:
    with MuseumServer(delay=0.1) as server:
        data = write_paintings(tmp_path / "csv", range(50), server=server.iiif)
        # programs in the background of a shell ignore Ctrl-C, and so would the programs that such a test run starts
        stopped = start(data, tmp_path / "out", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        while not server.requests:
            time.sleep(0.01)
        stopped.send_signal(signal.SIGINT)
        _, output = stopped.communicate(timeout=20)
    assert stopped.returncode == 130
    assert "Run the same command again to go on." in output
    assert "Traceback" not in output


def test_never_more_requests_at_once_than_workers(tmp_path: Path) -> None:
    with MuseumServer(delay=0.03) as server:
        prepare(write_paintings(tmp_path / "csv", range(15), server=server.iiif), tmp_path / "out", workers=3)
        assert server.most_at_once == 3


def test_another_size_or_photograph_is_fetched_again_and_a_limit_can_grow(server: MuseumServer, tmp_path: Path) -> None:
    data, out = write_paintings(tmp_path / "csv", range(1, 5), server=server.iiif), tmp_path / "out"
    prepare(data, out, limit=2, size=100)
    assert server.requests == {"view-1": 1, "view-2": 1}
    images = [view(number, name=name, server=server.iiif) for number, name in ((1, "new"), (2, None), (3, None))]
    write_museum(data, objects=map(painting, range(1, 5)), images=images)
    prepare(data, out, limit=3, size=100)
    assert server.requests == {"view-1": 1, "view-2": 1, "new": 1, "view-3": 1}
    prepare(data, out, limit=1, size=200)
    (row,) = metadata(out)
    with Image.open(out / row["file_name"]) as image:
        assert image.size == (200, 150)


def test_the_output_is_an_imagefolder(server: MuseumServer, tmp_path: Path) -> None:
    import datasets

    data, out = write_paintings(tmp_path / "csv", [3, 10_001, 20_002], server=server.iiif), tmp_path / "out"
    prepare(data, out)
    prepare(data, out, limit=2)  # one picture is now in no row
    works = datasets.load_dataset("imagefolder", data_dir=str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert works["id"][:] == ["nga-3", "nga-10001"]
    assert (works[0]["image"].size, works[0]["year"]) == ((640, 480), 1648)


def test_download_fetches_the_tables_that_are_missing_and_leaves_none_that_failed(
    server: MuseumServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "CSV_BASE_URL", f"{server.url}/data")
    museum = write_paintings(tmp_path / "museum", [1, 2], server=server.iiif)
    tables = {f"/data/{path.name}": path.read_bytes() for path in museum.iterdir()}
    data, out = tmp_path / "csv", tmp_path / "out"

    server.files = {"/data/objects.csv": tables["/data/objects.csv"]}
    with pytest.raises(SourceError, match=r"published_images\.csv could not be fetched: the server answered 404"):
        prepare(data, out, download=True)
    server.files["/data/published_images.csv"] = b"<html>a hotel's log-in page</html>"
    with pytest.raises(SourceError, match=r"published_images\.csv has no column 'objectid'"):
        prepare(data, out, download=True)
    assert [path.name for path in data.iterdir()] == ["objects.csv"]

    server.files = tables
    assert len(prepare(data, out, download=True).in_place) == 2
    assert server.requests["/data/objects.csv"] == 1
    assert {f"/data/{path.name}": path.read_bytes() for path in data.iterdir()} == tables


@pytest.mark.parametrize(("failing", "code", "output"), [(2, 0, ""), (3, 1, "More than half"), (4, 1, "None of the 4")])
def test_the_exit_code_shows_whether_too_much_failed(
    server: MuseumServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], failing: int, code: int, output: str
) -> None:
    data, out = write_paintings(tmp_path / "csv", range(4), server=server.iiif), tmp_path / "out"
    server.script = {f"view-{number}": [Answer(404)] for number in range(failing)}
    assert main(["prepare-nga", "--data", str(data), "--out", str(out)]) == code
    said = capsys.readouterr()
    assert output in said.err
    assert f"{failing} failed" in said.out
    assert "nga-0: the server answered 404" in said.out
    assert (out / "metadata.jsonl").exists() == (failing < 4)


def test_a_run_stops_when_the_server_is_down(server: MuseumServer, tmp_path: Path) -> None:
    data, out = write_paintings(tmp_path / "csv", range(60), server=server.iiif), tmp_path / "out"
    server.script = {f"view-{number}": [Answer(503)] for number in range(2, 60)}
    report = prepare(data, out, retry_wait=0)
    assert "failed on 20 works in a row" in (report.problem or "")
    assert len(server.requests) < 30
    assert [row["id"] for row in metadata(out)] == ["nga-0", "nga-1"]


def test_a_folder_that_cannot_be_written_to_is_an_error(server: MuseumServer, tmp_path: Path) -> None:
    data = write_paintings(tmp_path / "csv", [1], server=server.iiif)
    with pytest.raises(ArtsimError, match="cannot be written"):
        prepare(data, data / "objects.csv" / "out")
