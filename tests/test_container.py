"""`Dockerfile` and `compose.yaml`: their rules, and the app as another user on a read-only system. No image is built here."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import compose_spec
import httpx
import pytest
import yaml
from app_process import ROOT, TIMEOUT, free_port

from artsim import build_collection, open_source
from artsim.encoders import load_encoder

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
USER = "10001"
START = r"""
# The repository, the packages, a collection and this Python: any user may enter them, whatever lies above their places.
mount -t tmpfs tmpfs /mnt
cd /mnt
for place in app venv collections python; do mkdir $place && mount --bind "$1" $place && base=$1 && shift; done
case "$base" in /usr | /usr/*) ;; *)  # programs and libraries name each other by this path
  top=/$(echo "$base" | cut -d/ -f2)
  mount -t tmpfs tmpfs "$top" && mkdir -p "$base" && mount --bind python "$base" && mount -o remount,bind,ro "$top" ;;
esac
mkdir cache tmp && mount -t tmpfs -o mode=1777 tmpfs cache && mount -t tmpfs -o mode=1777 tmpfs tmp
for place in / /mnt /mnt/app /mnt/venv /mnt/collections /mnt/python "$base"; do
  if mountpoint -q "$place"; then mount -o remount,bind,ro "$place"; fi
done
for place in /tmp /var/tmp /run /home /root; do if mountpoint -q $place; then mount -o remount,bind,ro $place; fi; done
cd /mnt/app
exec setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups --no-new-privs --bounding-set=-all -- "$@"
"""


def test_the_dockerfile_keeps_the_rules_of_hadolint() -> None:
    lint = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", "")


def test_the_image_has_two_stages_a_fixed_base_another_user_than_root_and_no_more_than_it_copies() -> None:
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(stages) == 2 and len(set(stages)) == 1 and not any(stage.endswith(":latest") for stage in stages)
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == [f"{USER}:{USER}"]
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in " ".join(copied).split():
        assert f"!{name}" in ignore or any(Path(name).match(line[1:]) for line in ignore if line[0] == "!"), name
        assert list(ROOT.glob(name)), name


def test_the_compose_file_fits_the_specification_and_its_parts_fit_together() -> None:
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    compose_spec.PyCompose.from_json(json.dumps(composed))
    misspelt = copy.deepcopy(composed)
    misspelt["services"]["app"]["readonly"] = True
    with pytest.raises(ValueError, match="readonly"):  # it does look
        compose_spec.PyCompose.from_json(json.dumps(misspelt))
    services = composed["services"]
    assert set(services) == {"app", "artsim", "milvus", "etcd", "minio"}
    for name, service in services.items():
        tag = service["image"].rpartition(":")[2]
        assert tag and tag != "latest" and "/" not in tag, name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "healthcheck" in service or "build" in service, name  # the image of ours has one
        assert set(service.get("depends_on", ())) <= set(services), name
        assert {volume.split(":")[0] for volume in service["volumes"]} <= set(composed["volumes"]), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
    for name in ("app", "artsim"):
        ours = services[name]
        assert ours["user"] == f"{USER}:{USER}" and ours["read_only"] and ours["cap_drop"] == ["ALL"] and ours["tmpfs"]
        written = [volume.split(":")[1] for volume in ours["volumes"] if not volume.endswith(":ro")]
        assert set(written) <= set(re.findall(r'VOLUME \["(.+?)", "(.+?)"\]', DOCKERFILE)[0]), name


def variables() -> dict[str, str]:
    """What the image sets, with its folders in /mnt."""
    found = dict(re.findall(r"^(?:ENV|   ) +([A-Z_]+)=(\S+)", DOCKERFILE.rpartition("\nUSER ")[2], re.MULTILINE))
    assert found["ARTSIM_CACHE"].startswith("/cache/") and found["HF_HOME"].startswith("/cache/")
    return {name: re.sub("^/(?=cache)", "/mnt/", value) for name, value in found.items() if name != "PATH"}


@pytest.mark.slow
def test_the_app_runs_as_another_user_on_a_read_only_system_and_writes_to_its_cache_alone(
    paintings: Path, painting: bytes, tmp_path: Path
) -> None:
    tools = ("unshare", "mount", "mountpoint", "setpriv")
    if os.name != "posix" or os.geteuid() != 0 or not all(map(shutil.which, tools)):
        pytest.skip("needs root, and the tools of Linux for mount namespaces")
    saved = tmp_path / "works"
    build_collection(open_source(f"folder:{paintings}"), load_encoder("embedded"), saved)

    def started(*command: str, log: Any = subprocess.PIPE) -> subprocess.Popen[bytes]:
        own = {"PATH": os.environ["PATH"], "TMPDIR": "/mnt/tmp", "HOME": "/nonexistent", "USER_ID": USER}
        places = [str(ROOT), sys.prefix, str(saved), sys.base_prefix]
        return subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-euc", START, "sh", *places, *command],
            env={**own, **variables(), "GRADIO_SERVER_PORT": str(port), "HF_HUB_OFFLINE": "1"},
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip

    port = free_port()
    probe = "; ".join(
        f"touch {place}/probe 2>/dev/null && echo {place}" for place in ("/", "/mnt/app", "/mnt/cache", "$HOME")
    )
    written, _ = started("sh", "-c", f"id -u; {probe}; true").communicate(timeout=60)
    if b"denied" in written or b"not permitted" in written:
        pytest.skip(f"mounts are not allowed here: {written.decode()[-200:]}")
    assert written.decode().split() == [USER, "/mnt/cache"]

    log = tmp_path / "app.log"
    with log.open("wb") as output:
        app = started(
            f"/mnt/venv/{Path(sys.executable).relative_to(sys.prefix)}",
            "-m",
            "artsim",
            "serve",
            "--collection",
            "/mnt/collections",
            "--no-allow-changes",
            log=output,
        )
    try:
        address, deadline = f"http://127.0.0.1:{port}/", time.monotonic() + TIMEOUT
        while not is_ready(address):
            said = log.read_text(encoding="utf-8")
            assert app.poll() is None and time.monotonic() < deadline and "Traceback" not in said, said
            time.sleep(0.2)
        [path] = httpx.post(f"{address}gradio_api/upload", files={"files": ("a.jpg", painting)}).json()
        assert path.startswith("/mnt/cache/")
        asked = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, 3]}
        matches = httpx.post(f"{address}gradio_api/run/search_by_image", json=asked, timeout=60).json()["data"][0]
        assert len(matches) == 3
        assert httpx.get(address + matches[0]["thumbnail"]).headers["content-type"] == "image/webp"
        assert httpx.get(f"{address}download.zip", params={"work": matches[0]["id"]}, timeout=60).status_code == 200
    finally:
        app.terminate()
        app.wait(30)
    said = log.read_text(encoding="utf-8").lower()
    assert [word for word in ("warning", "error", "read-only", "denied", "traceback") if word in said] == [], said


def is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}readyz").status_code == 200
    except httpx.TransportError:
        return False
