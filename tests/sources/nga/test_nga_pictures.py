"""IIIF addresses, and the validation of downloaded pictures."""

import pytest
from museum import jpeg
from odd_pictures import encode
from PIL import Image

from artsim.errors import ImageError
from artsim.sources.nga.pictures import check_address, check_jpeg, image_url
from artsim.web.http import FetchError


def claiming(width: int, height: int) -> bytes:
    """A small JPEG whose header claims another size."""
    data = bytearray(jpeg(64))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(data)


@pytest.mark.parametrize(
    "base", ["https://api.nga.gov/iiif/abc", "https://raw.githubusercontent.com", "http://localhost/"]
)
def test_the_museum_and_this_machine_are_asked(base: str) -> None:
    url = image_url(base, 640)
    check_address(url)
    assert url == f"{base.rstrip('/')}/full/!640,640/0/default.jpg"


@pytest.mark.parametrize(
    "base",
    [
        "http://api.nga.gov/iiif/abc",
        "https://nga.gov.example/iiif/abc",
        "https://notnga.gov/abc",
        "https://169.254.169.254/latest",
        "https://user:pass@nga.gov/abc",
        "https://api.nga.gov/iiif/abc?x=1",
        "https://api.nga.gov/iiif/abc#x",
        "https://",
        "http://a\x00b/",
        "file:///etc/hosts",
        "/x",
        "",
    ],
)
def test_a_table_cannot_name_another_server(base: str) -> None:
    with pytest.raises(FetchError):
        check_address(image_url(base, 640))


def test_a_complete_jpeg_of_the_requested_size_is_accepted() -> None:
    check_jpeg(jpeg(640), size=640)
    check_jpeg(jpeg(300), size=640)  # a small original


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a JPEG"),
        (b"\n<!DOCTYPE html><p>Please log in", "web page"),
        (encode(Image.new("RGB", (64, 64)), "PNG"), "not a JPEG"),
        (jpeg(640)[:-200], "cut off"),
        (jpeg(640)[:3] + b"\xff\xd9", "header cannot be read"),
        (jpeg(1024), "1024 x 768 pixels where at most 640"),
        (claiming(60_000, 60_000), "3600 megapixels"),
        (encode(Image.new("RGB", (600, 3)), "JPEG"), "only 600 x 3 pixels"),
    ],
    ids=["empty", "web page", "PNG", "cut off", "header only", "too large", "bomb", "too thin"],
)
def test_other_data_are_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        check_jpeg(data, size=640)
