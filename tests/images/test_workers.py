"""The processes that decode: hostile pictures cost bounded time and memory, and no one else's search."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from odd_pictures import encode
from PIL import Image

from artsim.errors import BusyError, ImageError
from artsim.images.decode import load_image
from artsim.images.worker_pool import worker_pool

ROOT = Path(__file__).resolve().parents[2]
_HEADER = b"Exif\0\0"


@pytest.fixture
def worker() -> Iterator[int]:
    """The process id of the only worker."""
    pool = worker_pool()
    pool.close()
    pool.start()
    yield pool._idle[0]._process.pid
    pool.close()


def jpeg_with_exif(blocks: int) -> bytes:
    data = encode(Image.new("RGB", (40, 30), (200, 30, 30)), "JPEG")
    block = _HEADER * 10_000
    return data[:2] + (b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block) * blocks + data[2:]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_blocks_that_repeat_their_header_take_no_time(kind: str, worker: int) -> None:
    """Pillow takes a minute for 3 MB."""
    picture = Image.new("RGB", (40, 30), (200, 30, 30))
    data = jpeg_with_exif(50) if kind == "JPEG" else encode(picture, kind, exif=b"Exif\0\0MM" + _HEADER * 500_000)
    started = time.process_time()
    assert load_image(data).size == (40, 30)
    assert time.process_time() - started < 2


def test_a_camera_s_exif_block_still_turns_the_picture() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("JPEG", "PNG", "WEBP"):
        assert load_image(encode(Image.new("RGB", (40, 30)), kind, exif=exif)).size == (30, 40)


def test_a_picture_that_hangs_is_given_up_and_the_next_one_is_decoded(worker: int, painting: bytes) -> None:
    os.kill(worker, signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(ImageError, match=r"hangs\.jpg takes more than 1 s to open"):
        load_image(painting, name="hangs.jpg", seconds=1)
    assert time.monotonic() - started < 50
    assert load_image(painting, short_side=64, seconds=60).mode == "RGB"


def test_a_machine_that_is_too_busy_to_start_a_decoder_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    worker_pool().close()
    monkeypatch.setattr("artsim.images.worker_pool._START_SECONDS", 0.001)
    with pytest.raises(BusyError, match="did not start within"):
        worker_pool().start()


def test_a_picture_that_kills_its_decoder_is_reported_by_name(worker: int, painting: bytes) -> None:
    os.kill(worker, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (worker, signal.SIGKILL)).start()
    with pytest.raises(ImageError, match=r"crash\.jpg makes its decoder fail"):
        load_image(painting, name="crash.jpg", seconds=60)
    assert load_image(painting, short_side=64, seconds=60).mode == "RGB"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_picture_costs_600_mb_at_most_and_a_webp_is_refused_before(worker: int) -> None:
    large = Image.new("RGBA", (10_000, 5_000), (9, 9, 9, 9))
    assert load_image(encode(large, "PNG", compress_level=1), short_side=100, seconds=60).size == (200, 100)
    status = Path(f"/proc/{worker}/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
    assert peak < 40e6 + 4 * 50e6 + 40e6, "one copy of its pixels"
    header = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (9_999).to_bytes(3, "little") + (9_999).to_bytes(3, "little")
    with pytest.raises(ImageError, match="needs more than 600 MB"):
        load_image(header)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTSIM_OWNER_TOKEN", "secret-of-the-owner")
    pool = worker_pool()
    pool.close()
    pool.start()
    [worker] = pool._idle
    assert b"secret" not in Path(f"/proc/{worker._process.pid}/environ").read_bytes()


def test_the_settings_of_the_process_stay_as_they_were(tmp_path: Path) -> None:
    """Also in a script without `if __name__ == "__main__"`, which a worker must not run again."""
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, "PNG")
    (tmp_path / "picture.png").write_bytes(buffer.getvalue())
    script = tmp_path / "script.py"
    script.write_text(
        "import logging, PIL.Image\n"
        "def settings(): return PIL.Image.MAX_IMAGE_PIXELS, logging.root.handlers[:], logging.root.level\n"
        "before = settings()\n"
        "from artsim.images.decode import load_image\n"
        "print(load_image('picture.png', seconds=60).size, settings() == before)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("(40, 30) True\n", "")
