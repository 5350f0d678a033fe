"""When all seats are taken: what waits, what is refused, and what takes too long."""

from typing import Any

import httpx
import pytest
from taken_seats import taken

Here = tuple[str, Any]
SEARCH = {"data": ["05.jpg", 3]}


def test_past_the_queue_programs_pages_and_visitors_are_asked_to_try_again(app_here: Here) -> None:
    address, context = app_here
    with taken(context.seats):
        for path in ("run/search_by_work", "call/search_by_work"):
            answer = httpx.post(f"{address}gradio_api/{path}", json=SEARCH)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert answer.json()["error"] == "The app is busy. Try again in 5 s."
        page = httpx.get(f"{address}compare", params={"a": "05.jpg", "b": "06.jpg"})
        assert (page.status_code, page.headers["retry-after"]) == (503, "5")
        assert "The app is busy. Try again in 5 s." in page.text
        assert "Die App ist ausgelastet" in httpx.get(f"{address}compare?lang=de").text
        assert "The app is busy. Try again in 5 s." in search_of_the_page(address)
        ready = httpx.get(f"{address}readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "busy")
        assert httpx.get(f"{address}healthz").status_code == 200
    assert httpx.get(f"{address}readyz").status_code == 200
    assert httpx.post(f"{address}gradio_api/run/search_by_work", json=SEARCH).status_code == 200


def test_what_takes_too_long_is_given_up_and_waiting_calls_are_answered(
    app_here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, context = app_here
    with monkeypatch.context() as patch, taken(context.seats, also_waiting=False):
        patch.setattr(context.seats, "_seconds", 0.2)
        late = httpx.post(f"{address}gradio_api/run/search_by_work", json=SEARCH)
        assert (late.status_code, late.headers["retry-after"]) == (503, "5")
        assert late.json()["error"] == "The answer took too long. Try again in 5 s."
        page = httpx.get(f"{address}echoes", params={"work": "05.jpg"})
        assert page.status_code == 503 and "The answer took too long." in page.text
    assert httpx.post(f"{address}gradio_api/run/search_by_work", json=SEARCH).status_code == 200


def search_of_the_page(address: str) -> str:
    """What the search page shows for a link to a work."""
    from benchmarking.visitors import search_event

    body = {
        "data": [{"query": "work=05.jpg", "uploads": []}],
        "fn_index": search_event(address),
        "session_hash": "busy",
    }
    httpx.post(f"{address}gradio_api/queue/join", json=body).raise_for_status()
    return httpx.get(f"{address}gradio_api/queue/data", params={"session_hash": "busy"}, timeout=60).text
