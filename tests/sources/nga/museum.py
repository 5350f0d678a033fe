"""A small museum for the tests: tables with the real columns, and an IIIF server on loopback that can misbehave."""

import csv
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from pathlib import Path
from typing import Self

from hub_server.calls import Answer as HttpAnswer
from hub_server.http import LoopbackHttp
from odd_pictures import encode
from PIL import Image

OBJECT_COLUMNS = (
    "objectid,uuid,accessioned,accessionnum,locationid,title,displaydate,beginyear,endyear,visualbrowsertimespan,"
    "medium,dimensions,inscription,markings,attributioninverted,attribution,provenancetext,creditline,classification,"
    "subclassification,visualbrowserclassification,parentid,isvirtual,departmentabbr,portfolio,series,volume,"
    "watermarks,lastdetectedmodification,wikidataid,customprinturl"
).split(",")
IMAGE_COLUMNS = (
    "uuid,iiifurl,iiifthumburl,viewtype,sequence,width,height,maxpixels,openaccess,created,modified,"
    "depictstmsobjectid,assistivetext"
).split(",")
OLD_IMAGE_COLUMNS = [
    "objectid" if name == "depictstmsobjectid" else name for name in IMAGE_COLUMNS if name != "openaccess"
]
TERM_COLUMNS = "termid,objectid,termtype,term,visualbrowsertheme,visualbrowserstyle".split(",")
MUSEUM_IIIF = "https://api.nga.gov/iiif"
IMAGE_REQUEST = re.compile(r"/iiif/(?P<name>[^/]+)/full/!(?P<size>\d+),(?P=size)/0/default\.jpg")


def write_table(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns), restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def painting(number: int, **columns: object) -> dict[str, object]:
    """A row of objects.csv."""
    row: dict[str, object] = {
        "objectid": number,
        "accessioned": 1,
        "accessionnum": f"1937.1.{number}",
        "title": f"Landscape {number}",
        "displaydate": "c. 1650",
        "beginyear": 1648,
        "endyear": 1652,
        "medium": "oil on canvas",
        "dimensions": "overall: 60 x 80 cm",
        "attribution": "Jan van Goyen",
        "creditline": "Andrew W. Mellon Collection",
        "classification": "Painting",
        "isvirtual": 0,
    }
    return row | columns


def view(number: int, *, name: str | None = None, server: str = MUSEUM_IIIF, **columns: object) -> dict[str, object]:
    """A row of published_images.csv, with the work's number under both of its names."""
    name = name or f"view-{number}"
    row: dict[str, object] = {
        "uuid": name,
        "iiifurl": f"{server}/{name}",
        "viewtype": "primary",
        "sequence": 0,
        "width": 4000,
        "height": 3000,
        "openaccess": 1,
        "depictstmsobjectid": number,
        "objectid": number,
        "assistivetext": f"A river under a wide sky, number {number}.",
    }
    return row | columns


def term(number: int, kind: str, text: str) -> dict[str, object]:
    """A row of objects_terms.csv."""
    return {"termid": 2_000_000 + number, "objectid": number, "termtype": kind, "term": text}


def write_museum(
    folder: Path,
    *,
    objects: Iterable[Mapping[str, object]],
    images: Iterable[Mapping[str, object]],
    terms: Iterable[Mapping[str, object]] = (),
    image_columns: Iterable[str] = IMAGE_COLUMNS,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "objects.csv", OBJECT_COLUMNS, objects)
    write_table(folder / "published_images.csv", image_columns, images)
    write_table(folder / "objects_terms.csv", TERM_COLUMNS, terms)
    return folder


def write_paintings(folder: Path, numbers: Iterable[int], *, server: str = MUSEUM_IIIF) -> Path:
    """A museum of open-access paintings without irregularities."""
    numbers = list(numbers)
    return write_museum(folder, objects=map(painting, numbers), images=[view(n, server=server) for n in numbers])


@lru_cache
def jpeg(size: int) -> bytes:
    """A picture whose longer side is `size`."""
    return encode(Image.linear_gradient("L").resize((size, size * 3 // 4)).convert("RGB"), "JPEG")


@dataclass(frozen=True)
class Answer(HttpAnswer):
    """The response to one request; `cut`: half of the body is sent."""

    cut: bool = False


class MuseumServer:
    """Serves `/iiif/NAME/full/!S,S/0/default.jpg` for any name, and `/data/*` from `files`.

    `script[NAME]` lists the responses for a picture in order; the last one repeats. `None` is the picture itself.
    """

    def __init__(self, *, delay: float = 0.0) -> None:
        self.delay = delay
        self.files: dict[str, bytes] = {}
        self.script: dict[str, list[Answer | None]] = {}
        self.requests: Counter[str] = Counter()  # by name of a picture or path of a file
        self.paths: list[str] = []
        self.times: list[float] = []
        self.user_agents: set[str] = set()
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()
        self._server = LoopbackHttp(self._respond)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def iiif(self) -> str:
        return f"{self.url}/iiif"

    def answer(self, path: str) -> Answer:
        match = IMAGE_REQUEST.fullmatch(path)
        name = match["name"] if match else path
        with self._lock:
            self.requests[name] += 1
            script = self.script.get(name, [None])
            scripted = script.pop(0) if len(script) > 1 else script[0]
        if match is None:
            return Answer(body=self.files[path]) if path in self.files else Answer(404)
        return scripted or Answer(body=jpeg(int(match["size"])), headers={"Content-Type": "image/jpeg"})

    def _respond(self, method: str, path: str, headers: Message, body: bytes) -> tuple[Answer, int]:
        with self._lock:
            self.paths.append(path)
            self.times.append(time.monotonic())
            self.user_agents.add(headers.get("User-Agent", ""))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        answer = self.answer(path)
        time.sleep(self.delay)
        with self._lock:  # before the response is sent: the client may send its next request at once
            self.at_once -= 1
        return answer, len(answer.body) // (2 if answer.cut else 1)
