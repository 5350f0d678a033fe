"""The HTTP client against servers that are busy, broken or malicious."""

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from museum import Answer, MuseumServer, jpeg

from artsim.sources.nga.pictures import TRUSTED_HOSTS, image_url
from artsim.web.http import FetchError, Stopped, WebClient
from artsim.web.retries import retry_after

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

BUSY = Answer(429, headers={"Retry-After": "1"})


@pytest.fixture
def client() -> Iterator[WebClient]:
    with WebClient(workers=2, purpose="looks", trusted=TRUSTED_HOSTS, retries=3, retry_wait=0.01) as web:
        yield web


def get(client: WebClient, server: MuseumServer, name: str, *, max_bytes: int = 1_000_000) -> bytes:
    buffer = io.BytesIO()
    client.download(image_url(f"{server.iiif}/{name}", 64), buffer, max_bytes=max_bytes, max_seconds=10)
    return buffer.getvalue()


def test_requests_name_the_user_agent_and_the_size(client: WebClient, server: MuseumServer) -> None:
    assert get(client, server, "mill") == jpeg(64)
    assert server.paths == ["/iiif/mill/full/!64,64/0/default.jpg"]
    (agent,) = server.user_agents
    assert agent.startswith("artsim/") and "(looks; at most 2 requests at once)" in agent


def test_requests_begin_at_the_rate_that_is_asked_for(server: MuseumServer) -> None:
    with WebClient(workers=4, purpose="looks", pause=0.1) as client, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: get(client, server, name), "abcd"))
    assert server.times[-1] - server.times[0] > 0.25  # three pauses, less what a thread may be late


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_temporary_failure_is_retried(client: WebClient, server: MuseumServer, status: int) -> None:
    server.script["mill"] = [Answer(status), Answer(status), None]
    assert get(client, server, "mill") == jpeg(64)
    assert server.requests["mill"] == 3
    server.script["mill"] = [Answer(status)]
    with pytest.raises(FetchError, match=f"{status} .*, 4 times") as caught:
        get(client, server, "mill")
    assert caught.value.temporary
    assert server.requests["mill"] == 7


@pytest.mark.parametrize("url", [f"http://{'a' * 70}.example/", "http://a..b/", "http://a/\ud800"])
def test_what_no_address_can_be_is_a_failure_that_stays(client: WebClient, url: str) -> None:
    with pytest.raises(FetchError, match="is not a web address") as caught:
        client.download(url, io.BytesIO(), max_bytes=1, max_seconds=1)
    assert not caught.value.temporary


def test_an_interrupted_response_is_retried_from_its_start(client: WebClient, server: MuseumServer) -> None:
    server.script["mill"] = [Answer(body=b"half of it" * 10_000, cut=True), None]
    assert get(client, server, "mill") == jpeg(64)


def test_an_unreachable_server_is_a_temporary_failure(client: WebClient) -> None:
    with MuseumServer() as gone:
        pass
    with pytest.raises(FetchError, match=r"no complete response from 127\.0\.0\.1") as caught:
        get(client, gone, "mill")
    assert caught.value.temporary


@pytest.mark.parametrize("status", [403, 404, 501, 204])
def test_a_permanent_failure_is_not_retried(client: WebClient, server: MuseumServer, status: int) -> None:
    server.script["mill"] = [Answer(status)]
    with pytest.raises(FetchError, match=f"answered {status}") as caught:
        get(client, server, "mill")
    assert not caught.value.temporary
    assert server.requests["mill"] == 1


def test_retry_after_delays_all_threads(client: WebClient, server: MuseumServer) -> None:
    server.script["mill"] = [BUSY, None]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(get, client, server, "mill")
        while not server.requests["mill"]:
            time.sleep(0.005)
        time.sleep(0.1)
        get(client, server, "other")
        assert first.result() == jpeg(64)
    busy, *later = server.times
    assert min(later) - busy >= 0.95


def test_a_retry_after_is_a_number_or_a_date_and_anything_else_is_ignored() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert 10 < (retry_after(moment) or 0) <= 20
    assert (retry_after("7"), retry_after("soon"), retry_after(None)) == (7, None, None)


def test_a_retry_after_of_hours_is_not_waited_for(client: WebClient, server: MuseumServer) -> None:
    server.script["mill"] = [Answer(429, headers={"Retry-After": "7200"})]
    with pytest.raises(FetchError, match="asking to wait 7200 s"):
        get(client, server, "mill")
    assert server.requests["mill"] == 1


def test_stop_wakes_a_thread_that_waits(client: WebClient, server: MuseumServer) -> None:
    server.script["mill"] = [Answer(429, headers={"Retry-After": "60"})]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(get, client, server, "mill")
        while not server.requests["mill"]:
            time.sleep(0.005)
        client.stop()
        with pytest.raises(Stopped):
            waiting.result(timeout=5)


def test_the_size_of_a_response_is_limited(client: WebClient, server: MuseumServer) -> None:
    with pytest.raises(FetchError, match="larger than") as caught:
        get(client, server, "mill", max_bytes=100)
    assert not caught.value.temporary


def test_redirects_on_the_same_server_are_followed_up_to_three(client: WebClient, server: MuseumServer) -> None:
    server.script["mill"] = [Answer(302, headers={"Location": "/iiif/moved/full/!64,64/0/default.jpg"})]
    assert get(client, server, "mill") == jpeg(64)
    server.script["mill"] = [Answer(302, headers={"Location": "/iiif/mill/full/!64,64/0/default.jpg"})]
    with pytest.raises(FetchError, match="redirected more than 3 times"):
        get(client, server, "mill")


@pytest.mark.parametrize(
    "location", ["file:///etc/hosts", "http://localhost:1/x", "http://api.nga.gov/x", "https://nga.gov.example/x"]
)
def test_a_redirect_elsewhere_is_not_followed(client: WebClient, server: MuseumServer, location: str) -> None:
    server.script["mill"] = [Answer(301, headers={"Location": location})]
    with pytest.raises(FetchError, match=r"not a plain http|not followed"):
        get(client, server, "mill")
    assert len(server.paths) == 1
