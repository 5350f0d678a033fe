"""Precision: what a collection was made in is recorded, and queries take bf16 only where that was measured and agrees."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artsim import build_collection, open_collection, open_source
from artsim.encoders import load_encoder, precision_of
from artsim.encoders.agreement import Agreement, measure_agreement
from artsim.encoders.openvino_models import OpenVinoModel
from artsim.encoders.precision import for_queries, in_precision
from artsim.errors import EncoderError
from artsim.images.decode import load_image
from artsim.search.space_encoders import load_encoder_of
from artsim.storage.manifest import read_manifest

pytest.importorskip("openvino")
pytestmark = pytest.mark.slow  # the file takes more than a few seconds


@pytest.fixture(scope="module")
def has_bf16() -> None:
    from artsim.encoders.runtime import import_openvino

    if "BF16" not in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor does not compute in bf16")


def test_a_collection_in_bf16_says_so_is_searched_and_built_again_in_another_precision(
    has_bf16: None, checkpoint: Any, paintings: Path, tmp_path: Path
) -> None:
    name, source, out = str(checkpoint("dinov2")), open_source(f"folder:{paintings}"), tmp_path / "works"
    build_collection(source, load_encoder(name, precision="bf16"), out, limit=8)
    assert [space.precision for space in read_manifest(out).spaces] == ["bf16"]
    collection = open_collection(out)
    assert precision_of(collection.encoder()) == "bf16", "of works that are added"
    first = collection.ids[0]
    for precision in (None, "float32", "bf16"):
        if precision is not None:
            collection.query_embedding.precision = precision  # type: ignore[assignment]
        assert collection.search(image=collection.picture(first), k=1)[0].id == first
    halves = collection.state.spaces[0].plain(np.arange(8))
    again = build_collection(source, load_encoder(name), out, limit=8)
    assert [space.precision for space in read_manifest(out).spaces] == ["float32"]
    singles = again.state.spaces[0].plain(np.arange(8))
    assert not np.array_equal(halves, singles), "vectors in another precision are not taken over"
    assert np.einsum("nd,nd->n", halves, singles).min() > 0.99


def test_a_collection_in_bf16_is_searched_where_the_processor_has_none(
    collection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    monkeypatch.setattr(OpenVinoModel, "precisions", ("float32",))
    encoder = load_encoder_of(replace(collection.state.spaces[0], precision="bf16"))
    assert precision_of(encoder) == "float32"
    with pytest.raises(EncoderError, match="processor does not compute in bf16: leave --precision out"):
        in_precision(encoder, "bf16")


def test_the_embedded_encoder_has_one_precision(embedded: Any) -> None:
    assert precision_of(embedded) == "float32"
    assert in_precision(embedded, "bf16") is for_queries(embedded) is embedded


def test_queries_are_in_bf16_once_it_was_found_to_agree(
    has_bf16: None, checkpoint: Any, met_works: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ARTSIM_CACHE", str(tmp_path))
    encoder: Any = load_encoder(str(checkpoint("dinov2")))
    pictures = [load_image(work["image"]["bytes"], short_side=64) for work in met_works[:24]]
    same = measure_agreement(encoder, encoder, pictures)
    assert same.suffices and min(same.overlap.values()) == 1
    measured = measure_agreement(encoder, in_precision(encoder, "bf16"), pictures)
    assert 0.9 < min(measured.cosine.values()) < 0.9999999, "another precision gives other vectors"
    far = Agreement(174, {"subject": 0.998, "style": 1.0}, {"subject": 1.0, "style": 1.0})
    other = Agreement(174, {"subject": 1.0, "style": 1.0}, {"subject": 0.94, "style": 1.0})
    near = Agreement(174, {"subject": 0.999, "style": 1.0}, {"subject": 0.95, "style": 1.0})
    assert precision_of(for_queries(encoder)) == "float32", "nothing was measured"
    for agreement, precision in ((far, "float32"), (other, "float32"), (near, "bf16")):
        assert encoder.keep_agreement(agreement)
        assert precision_of(for_queries(load_encoder(str(checkpoint("dinov2"))))) == precision
    assert precision_of(for_queries(encoder, "float32")) == "float32"
    (kept,) = (tmp_path / "openvino").rglob("agreement.json")
    kept.write_text("{", encoding="utf-8")
    assert precision_of(for_queries(encoder)) == "float32"
