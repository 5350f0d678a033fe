"""The search page on its way to a browser that reads gzip."""

import httpx
from tiny_apps import app_of, launched, still_needed


def sent(address: str, accepted: str) -> tuple[str | None, int, str]:
    """How a page is encoded, how many bytes were sent, and its text."""
    with httpx.stream("GET", address, headers={"Accept-Encoding": accepted}) as answer:
        text = answer.read().decode()
        return answer.headers.get("content-encoding"), answer.num_bytes_downloaded, text


def test_the_search_page_is_compressed_for_those_who_read_that(address: str) -> None:
    for page in ("", "de"):
        encoding, size, text = sent(f"{address}{page}", "gzip, deflate, br")
        assert encoding == "gzip"
        assert size < len(text.encode()) / 4
        plain = sent(f"{address}{page}", "identity")
        assert plain[0] is None
        assert len(plain[2]) == len(text)  # but for a random number of Gradio's
    assert "Accept-Encoding" in httpx.get(address).headers["vary"]


def test_the_owners_pages_are_not_compressed(address: str) -> None:
    """They hold keys, beside what others may write there."""
    assert sent(f"{address}collection", "gzip")[0] is None


def test_gradio_still_sends_its_page_as_it_is() -> None:
    with launched(app_of()) as address:
        still_needed(sent(address, "gzip, br")[0] is None, "compressed_pages")
