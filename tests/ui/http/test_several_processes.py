"""Several processes that serve one collection: what any of them answers alike, what stays with one, and HAProxy in front."""

import base64
import io
import json
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from app_process import ROOT, RunningApp, free_port, running_app
from benchmarking.visitors import Requests, Visitor, search_event
from PIL import Image
from served import in_session, served
from taken_seats import taken

from artsim import build_collection, open_collection, open_source
from artsim.encoders import load_encoder

pytestmark = pytest.mark.slow  # starts two apps

CONFIGURATION = ROOT / "docs" / "examples" / "haproxy.cfg"
STATELESS = (
    "browse", "explore", "how", "timeline", "map", "browse?work={work}", "download.csv?work={work}", "art/style.css",
    "thumbnails/400/{work}", "suggestions?text=a",
)  # fmt: skip
TOKEN = "a-secret-of-the-owner"

Two = tuple[RunningApp, RunningApp]


@pytest.fixture(scope="module")
def folder(paintings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    works = tmp_path_factory.mktemp("served") / "works"
    build_collection(open_source(f"folder:{paintings}"), load_encoder("embedded"), works)
    return works


@pytest.fixture(scope="module")
def two(folder: Path) -> Iterator[Two]:
    """The owner's process, and one that visitors alone are served by: one collection, one cache."""
    cache, given = folder.parent / "cache", ("--collection", str(folder))
    with (
        running_app(cache, *given, "--metrics", ARTSIM_OWNER_TOKEN=TOKEN) as owners,
        running_app(cache, *given, "--metrics", "--no-allow-changes") as other,
    ):
        for app in (owners, other):
            app.wait_for_encoder()
        yield owners, other


@pytest.fixture(scope="module")
def proxy(two: Two, folder: Path) -> Iterator[str]:
    """Address of HAProxy with the example, in front of the two processes."""
    if shutil.which("haproxy") is None:
        pytest.skip("HAProxy is not installed: apt-get install haproxy")
    port = free_port()
    text = CONFIGURATION.read_text(encoding="utf-8").replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    for number, app in zip((7861, 7862), two, strict=True):
        assert text.count(f"127.0.0.1:{number}")
        text = text.replace(f"127.0.0.1:{number}", app.url.removeprefix("http://").rstrip("/"))
    changed = folder.parent / "haproxy.cfg"
    changed.write_text(text.replace("check inter 2s", "check inter 100ms"), encoding="utf-8")
    with (folder.parent / "haproxy.log").open("wb") as log:
        process = subprocess.Popen(["haproxy", "-f", str(changed)], stdout=log, stderr=log)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(30)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def until(is_so: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def picture(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (number, 100, 200 - number)).save(file, "JPEG")
    return file.getvalue()


def upload(client: httpx.Client, data: bytes) -> dict[str, Any]:
    [path] = client.post("gradio_api/upload", files={"files": ("a.jpg", data, "image/jpeg")}).raise_for_status().json()
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def event_of(client: httpx.Client, endpoint: str, **asked: Any) -> str:
    return str(client.post(f"gradio_api/call/v2/{endpoint}", json=asked).raise_for_status().json()["event_id"])


def outcome(client: httpx.Client, endpoint: str, event: str) -> str:
    found = re.search(
        r"^event: (complete|error)$", client.get(f"gradio_api/call/{endpoint}/{event}").text, re.MULTILINE
    )
    return found[1] if found else "nothing"


def requests_to(app: RunningApp, route: str) -> int:
    """How many requests for a route the process has answered."""
    text = httpx.get(f"{app.url}metrics").text
    lines = re.findall(r"^artsim_http_requests_total\{(.*)\} (\S+)$", text, re.MULTILINE)
    return sum(int(float(count)) for labels, count in lines if f'route="{route}"' in labels)


def test_pages_files_and_single_requests_are_answered_alike_by_each_process(two: Two, folder: Path) -> None:
    work = open_collection(folder).ids[3]
    for path in STATELESS:
        first, second = (httpx.get(app.url + path.format(work=work), follow_redirects=True) for app in two)
        assert first.status_code == second.status_code == 200, path
        if not first.headers["content-type"].startswith("text/html"):  # a page says whose the tools of the owner are
            assert first.content == second.content, path

    async def search(session: Any) -> Any:
        asked = {"image": base64.b64encode(picture(7)).decode(), "k": 3}
        return json.loads((await session.call_tool("search_by_image", asked)).content[0].text)

    matches = [[(match["id"], match["score"]) for match in in_session(app.url, search)] for app in two]
    assert matches[0] == matches[1] and len(matches[0]) == 3
    run = [httpx.post(f"{app.url}gradio_api/run/search_by_work", json={"data": [work, 3]}).json() for app in two]
    assert run[0]["data"] == run[1]["data"] and len(run[0]["data"][0]) == 3


def test_an_upload_and_an_event_stay_with_the_process_that_took_them(two: Two) -> None:
    """Why the proxy keeps a visitor with one process."""
    with httpx.Client(base_url=two[0].url) as here, httpx.Client(base_url=two[1].url) as there:
        file = upload(here, picture(1))
        assert outcome(here, "search_by_image", event_of(here, "search_by_image", image=file, k=3)) == "complete"
        assert outcome(there, "search_by_image", event_of(there, "search_by_image", image=file, k=3)) == "error"
        event = event_of(here, "search_by_text", text="a", k=3)
        assert there.get(f"gradio_api/call/search_by_text/{event}").text.count("complete") == 0


def test_behind_haproxy_each_visitor_stays_with_one_process_with_and_without_cookies(
    two: Two, proxy: str, folder: Path
) -> None:
    works, event = open_collection(folder).ids, search_event(proxy)
    crowd = [Visitor(proxy, event, works, [picture(number)], number) for number in range(6)]
    requests = Requests()
    for visitor in crowd:
        for kind in visitor.kinds:
            visitor.once(kind, requests)
    assert [one for one in requests.all if one.outcome != "answered"] == []
    assert {visitor._client.cookies["artsim-process"] for visitor in crowd} == {"one", "two"}
    for visitor in crowd:
        visitor.close()
    for number in range(8):  # a new client each time, as curl: it keeps no cookies
        file = upload(httpx.Client(base_url=proxy), picture(number))
        asked = event_of(httpx.Client(base_url=proxy), "search_by_image", image=file, k=3)
        assert outcome(httpx.Client(base_url=proxy), "search_by_image", asked) == "complete"
    before = [requests_to(app, "/browse") for app in two]
    for _ in range(8):
        httpx.get(f"{proxy}browse").raise_for_status()
    assert all(requests_to(app, "/browse") > count for app, count in zip(two, before, strict=True))


def test_behind_haproxy_the_figures_of_usage_are_nobodys_and_the_owner_meets_the_owners_process(
    two: Two, proxy: str
) -> None:
    for path in ("metrics", "%6detrics", "metrics/", "metrics?a=1"):
        assert httpx.get(proxy + path).status_code == 403, path
    assert Counter(httpx.get(f"{proxy}collection").status_code for _ in range(6)) == {200: 6}
    with httpx.Client(base_url=proxy, headers={"Origin": proxy.rstrip("/")}) as owner:
        before = requests_to(two[1], "/browse")
        owner.post("collection/login", data={"secret": TOKEN})
        assert "artsim-owner" in owner.cookies
        for _ in range(6):
            assert "/collection" in owner.get("browse").raise_for_status().text
        assert requests_to(two[1], "/browse") == before


def test_readiness_says_no_until_the_encoder_is_loaded_and_haproxy_takes_a_busy_process_for_ready(
    collection: Any, tmp_path: Path
) -> None:
    [wanted] = re.findall(r"http-check expect string '(.+)'", CONFIGURATION.read_text(encoding="utf-8"))
    with served(collection, tmp_path) as (address, context):
        loading = httpx.get(f"{address}readyz")
        assert loading.status_code == 503 and wanted not in loading.text
        context.readiness.load()
        ready = httpx.get(f"{address}readyz")
        assert ready.status_code == 200 and wanted in ready.text
        with taken(context.seats):
            busy = httpx.get(f"{address}readyz")
            assert busy.status_code == 503 and wanted in busy.text


def test_what_another_process_saves_is_served_and_shown_without_a_restart(two: Two, folder: Path) -> None:
    assert ">40 works" in httpx.get(f"{two[1].url}browse").text and "40 works" in httpx.get(two[1].url).text
    owners = open_collection(folder)
    owners.remove(owners.ids[-1:])
    owners.save()
    until(lambda: httpx.get(f"{two[1].url}healthz").json()["works"] == 39)
    assert ">39 works" in httpx.get(f"{two[1].url}browse").text
    assert "39 works" in httpx.get(two[1].url).text and "40 works" not in httpx.get(two[1].url).text


def test_visitors_of_a_process_that_ends_go_to_the_other_one(proxy: str, two: Two) -> None:
    """The last test: it ends a process."""
    clients = [httpx.Client(base_url=proxy) for _ in range(4)]
    for client in clients:
        client.get("browse").raise_for_status()
    assert {client.cookies["artsim-process"] for client in clients} == {"one", "two"}
    two[1].process.send_signal(signal.SIGKILL)
    two[1].process.wait(30)
    for client in clients:
        until(lambda client=client: client.get("browse").status_code == 200)
        assert client.cookies["artsim-process"] == "one"
        client.close()
