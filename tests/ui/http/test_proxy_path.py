"""Behind a proxy with a path of its own, whether it removes that path from requests or passes them on as they are."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from served import served
from synthetic import make_collection

pytestmark = pytest.mark.slow  # starts the app twice

PUBLIC = "https://museum.example"
LINK = re.compile(r'(?:src|href|formaction)="((?!http|data:|#|javascript:)[^"]+)"')


@pytest.mark.parametrize(
    "root", ["/art", pytest.param("/explore", marks=pytest.mark.sweep)]
)  # scripts and styles are in /art/, and /explore is a page
def test_whatever_a_page_links_to_is_there_also_if_a_folder_or_page_has_the_name_of_the_proxys_path(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_ROOT_PATH", root)
    collection = make_collection()
    collection.save(tmp_path / "works")
    with served(collection, tmp_path) as (address, _), httpx.Client() as client:

        def get(public: str, path_of: Callable[[str], str]) -> httpx.Response:
            """What a browser gets for an address at the museum, through a proxy that passes it on as `path_of`."""
            parts = urlsplit(public)
            assert parts.path.startswith(f"{root}/"), f"{public} does not lead through the proxy"
            headers = {"X-Forwarded-Host": "museum.example", "X-Forwarded-Proto": "https", "Accept-Language": "en"}
            url = urljoin(address, path_of(parts.path) + (f"?{parts.query}" if parts.query else ""))
            return client.get(url, headers=headers)

        def removed(path: str) -> str:
            return path.removeprefix(root)

        def kept(path: str) -> str:
            return path

        for path_of in (removed, kept):
            for page in ("", "de", "how", "explore", "timeline", "browse?work=work-0-0", "download.csv?work=work-0-0"):
                public = f"{PUBLIC}{root}/{page}"
                answer = get(public, path_of)
                assert answer.status_code == 200, (public, path_of)
                text = answer.text
                if page in ("", "de"):  # Gradio's pages, with artsim's styles, and the texts for other sites
                    assert "art/style.css" in text and f'content="{public}"' in text
                    text = re.sub(
                        r'(src|href)="(?!art/)[^"]*"', "", text
                    )  # what else Gradio links to is its own affair
                base = urljoin(public, found[0]) if (found := re.findall(r'<base href="([^"]+)"', text)) else public
                links = {urljoin(base, link.replace("&amp;", "&")) for link in LINK.findall(text)}
                pictures = re.findall(r'property="og:image" content="([^"]+)"', text)
                assert all(picture.startswith(f"{PUBLIC}{root}/thumbnails/") for picture in pictures)
                broken = {link: get(link, path_of).status_code for link in {*links, *pictures} if "logout" not in link}
                assert {link: status for link, status in broken.items() if status >= 400} == {}, path_of.__name__
