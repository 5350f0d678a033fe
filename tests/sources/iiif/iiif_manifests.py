"""IIIF manifests of both versions, as museums write them, and the pictures that they name."""

import re
from typing import Any

from hub_server.calls import Answer
from odd_pictures import encode
from PIL import Image

WIDTH, HEIGHT = 3000, 2000
IMAGE_REQUEST = re.compile(r"/image/(?P<kind>[^/]+)/(?:info\.json|full/(?P<size>[^/]+)/0/default\.jpg)")


def jpeg(width: int, height: int) -> bytes:
    return encode(Image.linear_gradient("L").resize((width, height)).convert("RGB"), "JPEG")


def image_answer(path: str) -> Answer:
    """What an image service of a level answers, which the path names: any size, widths, or those that it lists."""
    match = IMAGE_REQUEST.fullmatch(path)
    if not match:
        return Answer(404)
    if match["size"] is None:
        sizes = [{"width": WIDTH // part, "height": HEIGHT // part} for part in (16, 4, 2)]
        return Answer.of({"sizes": sizes, "width": WIDTH, "height": HEIGHT})
    accepted = {"two": r"!1024,1024", "one": r"1024,", "zero": r"(1500,|1500,1000)", "none": "-"}[match["kind"]]
    return Answer(body=jpeg(1024, 683)) if re.fullmatch(accepted, match["size"]) else Answer(400)


def body_3(root: str, kind: str, level: int) -> dict[str, Any]:
    """The picture of a canvas in version 3."""
    return {
        "id": f"{root}/file.jpg",
        "type": "Image",
        "format": "image/jpeg",
        "width": WIDTH,
        "height": HEIGHT,
        "service": [{"id": f"{root}/image/{kind}", "type": "ImageService3", "profile": f"level{level}"}],
    }


def manifest_3(root: str, name: str, bodies: list[Any], **fields: Any) -> dict[str, Any]:
    canvases = [
        {
            "id": f"{root}/{name}/canvas/{number}",
            "type": "Canvas",
            "label": {"none": [f"p. {number}"]},
            "items": [
                {"type": "AnnotationPage", "items": [{"type": "Annotation", "motivation": "painting", "body": body}]}
            ],
        }
        for number, body in enumerate(bodies, 1)
    ]
    document = {
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": f"{root}/{name}",
        "type": "Manifest",
        "label": {"de": ["Der Fluss"], "en": ["The River"]},
        "summary": {"none": ["<p>A <b>wide</b> river &amp; sky</p>"]},
        "rights": "http://creativecommons.org/publicdomain/zero/1.0/",
        "requiredStatement": {"label": {"en": ["Credit"]}, "value": {"en": ["Museum of Rivers"]}},
        "provider": [{"id": root, "type": "Agent", "label": {"en": ["Museum of Rivers"]}}],
        "homepage": [{"id": "https://museum.example/works/1", "type": "Text"}],
        "metadata": [
            {"label": {"en": ["Creator"]}, "value": {"none": ["Ada", "Ben"]}},
            {"label": {"en": ["Date of creation"]}, "value": {"en": ["c. 1890"]}},
            {"label": {"en": ["Title"]}, "value": {"en": ["The River"]}},
        ],
        "items": canvases,
    }
    return document | fields


def manifest_2(root: str, name: str, **fields: Any) -> dict[str, Any]:
    service = {
        "@context": "http://iiif.io/api/image/2/context.json",
        "@id": f"{root}/image/two",
        "profile": ["http://iiif.io/api/image/2/level2.json", {"formats": ["jpg"]}],
    }
    resource = {
        "@id": f"{root}/file.jpg",
        "@type": "dctypes:Image",
        "width": WIDTH,
        "height": HEIGHT,
        "service": service,
    }
    canvas = {"@id": f"{root}/{name}/canvas/1", "@type": "sc:Canvas", "images": [{"resource": resource}]}
    document = {
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@id": f"{root}/{name}",
        "@type": "sc:Manifest",
        "label": [{"@value": "Le Moulin", "@language": "fr"}, {"@value": "The Mill", "@language": "en"}],
        "license": "https://creativecommons.org/publicdomain/zero/1.0/",
        "attribution": "Museum of Mills",
        "related": {"@id": "https://museum.example/works/2", "format": "text/html"},
        "metadata": [{"label": "Artist", "value": "Cora"}, {"label": "材質", "value": ["oil", "canvas"]}],
        "sequences": [{"@type": "sc:Sequence", "canvases": [canvas]}],
    }
    return document | fields
