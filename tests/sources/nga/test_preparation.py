"""`scripts/prepare_nga.py` from end to end, against a museum on loopback.

The tests start the command where its process matters; elsewhere they call its function `run`, as starting takes most of
a second.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from museum import (
    Answer,
    MuseumServer,
    jpeg,
    painting,
    term,
    view,
    write_museum,
    write_paintings,
)
from PIL import Image

from artsim.sources.nga.preparation import Options, run

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "prepare_nga.py"


def command(server: MuseumServer, data: Path, out: Path, *options: str) -> list[str]:
    fixed = ["--data", str(data), "--out", str(out), "--iiif-base", server.iiif, "--retry-wait", "0.01"]
    return [sys.executable, str(SCRIPT), *fixed, *options]


def start(server: MuseumServer, data: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    line = command(server, data, out, *options)
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def prepare(server: MuseumServer, data: Path, out: Path, **options: Any) -> int:
    """The exit code of a run in this process."""
    return run(Options(**{"data": data, "out": out, "iiif_base": server.iiif, "retry_wait": 0.01, **options}))


def metadata(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]


def report(out: Path) -> dict[str, object]:
    return json.loads((out / "report.json").read_text())


def pictures(out: Path) -> dict[str, Path]:
    """The complete files by work: `nga-7` from `images/0000/nga-7-1f0c2a9b.jpg`."""
    return {path.stem.rpartition("-")[0]: path for path in out.glob("images/*/[!.]*.jpg")}


def test_failures_of_every_kind_are_reported(server: MuseumServer, tmp_path: Path) -> None:
    numbers = [1, 2, 3, 4, 5, 6, 7, 12_345, 12_346, 12_347]
    write_museum(
        tmp_path / "csv",
        objects=[painting(number) for number in numbers] + [painting(50), painting(51, classification="Sculpture")],
        images=[view(number) for number in [*numbers, 51]] + [view(50, openaccess=0)],
        terms=[term(1, "Style", "Baroque"), term(12_345, "Style", "Realist")],
    )
    server.script = {
        "view-2": [Answer(404)],
        "view-3": [Answer(body=jpeg(640)[:5000])],
        "view-4": [Answer(body=b"<html>Under maintenance</html>", headers={"Content-Type": "text/html"})],
        "view-5": [Answer(429, headers={"Retry-After": "1"}), None],
        "view-6": [Answer(503)],
    }
    out = tmp_path / "out"
    done = start(server, tmp_path / "csv", out)

    assert done.returncode == 0, done.stderr
    rows = metadata(out)
    assert [row["id"] for row in rows] == ["nga-1", "nga-5", "nga-7", "nga-12345", "nga-12346", "nga-12347"]
    for row in rows:
        with Image.open(out / str(row["file_name"])) as image:
            assert image.size == (640, 480)
    assert str(rows[3]["file_name"]).startswith("images/0001/nga-12345-")
    assert rows[0]["image_url"] == "https://api.nga.gov/iiif/view-1/full/!640,640/0/default.jpg"
    assert [row["style"] for row in rows][:4] == [["Baroque"], [], [], ["Realist"]]

    counts = report(out)
    assert (counts["works"], counts["fetched"], counts["failed"], counts["without_open_access_picture"]) == (
        10,
        6,
        4,
        1,
    )
    reasons = {failure["id"]: failure["reason"] for failure in counts["failures"]}  # type: ignore[attr-defined]
    expected = {"nga-2": "404", "nga-3": "cut off", "nga-4": "web page", "nga-6": "503 Service Unavailable, 6 times"}
    assert reasons.keys() == expected.keys()
    assert all(part in reasons[number] for number, part in expected.items())
    assert "10 works: 6 fetched, 4 failed." in done.stdout
    assert all(f"{number}: {reason}" in done.stdout for number, reason in reasons.items())
    assert "pictures: 100%" in done.stderr
    assert server.requests["view-51"] == server.requests["view-50"] == 0


def test_a_killed_run_resumes_without_fetching_anything_twice(tmp_path: Path) -> None:
    write_paintings(tmp_path / "csv", range(1, 41))
    out = tmp_path / "out"
    with MuseumServer(delay=0.05) as server:
        first = subprocess.Popen(command(server, tmp_path / "csv", out, "--workers", "2"), stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 30
            while len(pictures(out)) < 8 and time.monotonic() < deadline:
                time.sleep(0.01)
        finally:
            first.send_signal(signal.SIGKILL)
            first.wait()
        kept = pictures(out)
        assert 8 <= len(kept) < 40
        assert not (out / "metadata.jsonl").exists()
        damaged = kept.pop("nga-1")
        damaged.write_bytes(damaged.read_bytes()[:-100])
        written = {path: path.stat().st_mtime_ns for path in kept.values()}
        server.requests.clear()
        server.delay = 0

        done = start(server, tmp_path / "csv", out)

        assert done.returncode == 0, done.stderr
        missing = {f"view-{number}" for number in range(1, 41)} - {name.replace("nga", "view") for name in kept}
        assert server.requests == dict.fromkeys(missing, 1)
        assert all(path.stat().st_mtime_ns == moment for path, moment in written.items())
        assert len(metadata(out)) == len(pictures(out)) == 40
        assert f"{40 - len(kept)} fetched, {len(kept)} already there." in done.stdout

        server.requests.clear()
        assert prepare(server, tmp_path / "csv", out) == 0
        assert not server.requests


def test_never_more_requests_at_once_than_workers(tmp_path: Path) -> None:
    write_paintings(tmp_path / "csv", range(30))
    with MuseumServer(delay=0.03) as server:
        assert prepare(server, tmp_path / "csv", tmp_path / "out", workers=3) == 0
        assert server.most_at_once == 3


def test_another_size_or_photograph_is_fetched_again_and_the_limit_can_grow(
    server: MuseumServer, tmp_path: Path
) -> None:
    data, out = write_paintings(tmp_path / "csv", range(1, 5)), tmp_path / "out"
    assert prepare(server, data, out, limit=2, size=100) == 0
    assert server.requests == {"view-1": 1, "view-2": 1}
    images = [view(1, name="new-photograph"), view(2), view(3)]
    write_museum(data, objects=map(painting, range(1, 5)), images=images)
    assert prepare(server, data, out, limit=3, size=100) == 0
    assert server.requests == {"view-1": 1, "view-2": 1, "new-photograph": 1, "view-3": 1}
    assert start(server, data, out, "--limit", "1", "--size", "200").returncode == 0
    (row,) = metadata(out)
    with Image.open(out / str(row["file_name"])) as image:
        assert image.size == (200, 150)


def test_the_output_is_an_imagefolder(server: MuseumServer, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    data, out = write_paintings(tmp_path / "csv", [3, 10_001, 20_002]), tmp_path / "out"
    assert prepare(server, data, out) == 0
    assert prepare(server, data, out, limit=2) == 0  # one picture is now in no row
    works = datasets.load_dataset("imagefolder", data_dir=str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert works["id"][:] == ["nga-3", "nga-10001"]
    assert works[0]["image"].size == (640, 480)
    assert works[0]["year"] == 1648


def test_download_fetches_the_tables_that_are_missing(server: MuseumServer, tmp_path: Path) -> None:
    museum = write_paintings(tmp_path / "museum", [1, 2])
    server.files = {f"/data/{path.name}": path.read_bytes() for path in museum.iterdir()}
    data, base = tmp_path / "csv", f"{server.url}/data/"
    done = start(server, data, tmp_path / "out", "--download", "--csv-base-url", base)
    assert done.returncode == 0, done.stderr
    assert prepare(server, data, tmp_path / "out", download=True, csv_base_url=base) == 0
    assert [server.requests[path] for path in server.files] == [1, 1, 1]
    assert {path.name: path.read_bytes() for path in data.iterdir()} == {
        path.name: path.read_bytes() for path in museum.iterdir()
    }


def test_a_failed_download_leaves_no_table_behind(
    server: MuseumServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    museum = write_paintings(tmp_path / "museum", [1])
    data, options = tmp_path / "csv", {"download": True, "csv_base_url": f"{server.url}/data"}
    server.files = {"/data/objects.csv": (museum / "objects.csv").read_bytes()}
    assert prepare(server, data, tmp_path / "out", **options) == 2
    assert "published_images.csv could not be fetched: the server answered 404" in capsys.readouterr().err
    server.files["/data/published_images.csv"] = b"<html>a hotel's log-in page</html>"
    assert prepare(server, data, tmp_path / "out", **options) == 2
    assert "published_images.csv has no column 'iiifurl'" in capsys.readouterr().err
    assert [path.name for path in data.iterdir()] == ["objects.csv"]


@pytest.mark.parametrize(("failing", "code", "output"), [(2, 0, ""), (3, 1, "More than half"), (4, 1, "None of the 4")])
def test_the_exit_code_shows_whether_too_much_failed(
    server: MuseumServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], failing: int, code: int, output: str
) -> None:
    data, out = write_paintings(tmp_path / "csv", range(4)), tmp_path / "out"
    server.script = {f"view-{number}": [Answer(404)] for number in range(failing)}
    assert prepare(server, data, out) == code
    assert output in capsys.readouterr().err
    assert report(out)["failed"] == failing
    assert (out / "metadata.jsonl").exists() == (failing < 4)


def test_a_run_stops_when_the_server_is_down(
    server: MuseumServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = write_paintings(tmp_path / "csv", range(60)), tmp_path / "out"
    server.script = {f"view-{number}": [Answer(503)] for number in range(2, 60)}
    assert prepare(server, data, out, retry_wait=0) == 1
    assert "failed on 20 works in a row" in capsys.readouterr().err
    assert len(server.requests) < 30
    assert [row["id"] for row in metadata(out)] == ["nga-0", "nga-1"]


def test_an_address_of_another_server_is_a_failure_of_that_work(
    server: MuseumServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bases = {
        1: f"{server.iiif}/view-1",
        2: f"{server.iiif}/view-2",
        3: "http://192.0.2.1/iiif/x",
        4: "file:///etc/hosts",
    }
    images = [view(number, iiifurl=base) for number, base in bases.items()]
    data = write_museum(tmp_path / "csv", objects=map(painting, bases), images=images)
    assert prepare(server, data, tmp_path / "out", iiif_base=None) == 0
    output = capsys.readouterr().out
    assert "nga-3: http://192.0.2.1 is not a server of the museum" in output
    assert "nga-4: 'file:///etc/hosts' is not a plain http or https address" in output
    assert [row["id"] for row in metadata(tmp_path / "out")] == ["nga-1", "nga-2"]


@pytest.mark.parametrize(
    ("options", "output"),
    [
        ({"data": Path("nowhere")}, "nowhere/objects.csv does not exist. --download fetches"),
        ({"iiif_base": "ftp://mirror.test"}, "--iiif-base: 'ftp://mirror.test' is not a plain http"),
        ({"classification": "fresco"}, "No work in"),
        ({"out": Path("csv/objects.csv/out")}, "cannot be written"),
    ],
)
def test_a_run_that_cannot_start_is_a_one_line_error_with_exit_code_2(
    server: MuseumServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, Any],
    output: str,
) -> None:
    write_paintings(tmp_path / "csv", [1])
    monkeypatch.chdir(tmp_path)
    usual: dict[str, Any] = {"data": Path("csv"), "out": Path("out"), "iiif_base": server.iiif}
    assert run(Options(**usual | options)) == 2
    assert output in capsys.readouterr().err.strip().splitlines()[-1]


def test_the_command_has_no_traceback_and_exit_code_2_for_missing_tables(server: MuseumServer, tmp_path: Path) -> None:
    done = start(server, tmp_path / "csv", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith("prepare_nga: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--workers 17", "--limit 0", "--retry-wait nan"])
def test_an_option_out_of_range_is_named(server: MuseumServer, tmp_path: Path, option: str) -> None:
    done = start(server, tmp_path / "csv", tmp_path / "out", *option.split())
    assert done.returncode == 2
    assert f"argument {option.split()[0]}: '{option.split()[1]}' is not a" in done.stderr


def restore_ctrl_c() -> None:
    """Programs in the background of a shell ignore Ctrl-C, and so would the programs that such a test run starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_prints_a_message_without_traceback(tmp_path: Path) -> None:
    write_paintings(tmp_path / "csv", range(100))
    with MuseumServer(delay=0.1) as server:
        stopped = subprocess.Popen(
            command(server, tmp_path / "csv", tmp_path / "out"), stderr=subprocess.PIPE, text=True,
            preexec_fn=restore_ctrl_c,
        )  # fmt: skip
        while not server.requests:
            time.sleep(0.01)
        stopped.send_signal(signal.SIGINT)
        _, output = stopped.communicate(timeout=20)
    assert stopped.returncode == 130
    assert "Run the same command again to resume." in output
    assert "Traceback" not in output
