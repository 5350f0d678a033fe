"""Encoders from real checkpoints: their vectors equal those of the model and its own processor."""

import functools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from artsim.encoders import ASPECTS, load_encoder
from artsim.encoders.protocol import unit_rows
from artsim.encoders.region_vectors import REGIONS
from artsim.errors import EncoderError
from artsim.images.decode import load_image
from artsim.images.geometry import is_long

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

KINDS = ["clip", "siglip", "siglip2", "dinov2", "dinov3", "resnet", "efficientnet"]
Checkpoint = Callable[[str], Path]


@pytest.fixture(scope="module")
def load(checkpoint: Checkpoint) -> Callable[[str], Any]:
    """`load("clip")`: the encoder of a tiny checkpoint, loaded once."""
    return functools.cache(lambda kind: load_encoder(str(checkpoint(kind))))


@pytest.fixture(scope="module")
def pictures(met_works: list[dict[str, Any]]) -> list[Image.Image]:
    """Nine paintings of all shapes but long ones, which are seen in several views."""
    images = [load_image(work["image"]["bytes"], short_side=64) for work in met_works[:9]]
    images = [image.resize((140, 70)) if is_long(image.size) else image for image in images]
    images[4] = images[4].resize((90, 180))
    return images


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_unit_vectors_that_no_batch_and_no_region_changes(kind: str, load: Any, pictures: Any) -> None:
    encoder = load(kind)
    blocks = encoder.embed_images(pictures)
    assert set(blocks) == set(encoder.dims) == {*ASPECTS} - {"color"}
    alone, backwards = encoder.embed_images([pictures[2]]), encoder.embed_images(pictures[::-1])
    with_regions, regions = encoder.embed_with_regions(pictures)
    for aspect, rows in blocks.items():
        assert rows.shape == (9, encoder.dims[aspect])
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        assert (rows @ rows.T)[~np.eye(9, dtype=bool)].max() < 0.99999, "different paintings have different vectors"
        assert encoder.embed_images([])[aspect].shape == (0, encoder.dims[aspect])
        np.testing.assert_allclose(rows, backwards[aspect][::-1], atol=2e-5)
        np.testing.assert_allclose(rows[2:3], alone[aspect], atol=2e-5)
        np.testing.assert_allclose(with_regions[aspect], rows, atol=2e-5)
    assert regions.shape == (9, len(REGIONS), encoder.region_dim)
    np.testing.assert_allclose(np.linalg.norm(regions, axis=2), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.embed_details(pictures), regions[:, 0], atol=2e-5)
    assert np.einsum("nrd,nd->nr", regions[:, 1:], regions[:, 0]).min() < 0.99999, "regions differ"
    assert encoder.embed_with_regions([])[1].shape == (0, len(REGIONS), encoder.region_dim)


def style_of(states: Any, patches: slice) -> np.ndarray:
    """The style block by definition: statistics of the hidden states at 1/3 and 2/3 of three layers."""
    segments = []
    for layer in (1, 2):
        values = states[layer][:, patches].numpy()
        segments.append(unit_rows(np.concatenate([values.mean(1), values.std(1)], axis=1)))
    return unit_rows(np.concatenate(segments, axis=1))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "dinov3"])  # its own processor needs torchvision
def test_subject_matches_the_model_and_its_own_processor(
    kind: str, load: Any, checkpoint: Checkpoint, pictures: list[Image.Image]
) -> None:
    import torch
    from transformers import AutoImageProcessor, AutoModel

    processor = AutoImageProcessor.from_pretrained(checkpoint(kind), backend="pil")
    model = AutoModel.from_pretrained(checkpoint(kind)).eval()
    with torch.inference_mode():
        inputs = processor(images=pictures, return_tensors="pt")
        output = getattr(model, "get_image_features", model)(**inputs)
    pooled = output if isinstance(output, torch.Tensor) else output.pooler_output
    by_hand = unit_rows(pooled.flatten(1).numpy())
    np.testing.assert_allclose(load(kind).embed_images(pictures)["subject"], by_hand, atol=2e-5)


def test_pictures_for_dinov3_are_prepared_on_pillow_by_the_numbers_of_the_checkpoint(
    load: Any, checkpoint: Checkpoint, pictures: list[Image.Image]
) -> None:
    """Scaled to 32 x 32, then to numbers by the mean and deviation of ImageNet; DINOv3 scales numbers instead of bytes."""
    import torch
    from transformers import AutoModel

    mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    by_hand = [np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR)) / 255 for image in pictures]
    inputs = ((np.stack(by_hand) - mean) / deviation).transpose(0, 3, 1, 2)  # NHWC -> NCHW
    with torch.inference_mode():
        output = AutoModel.from_pretrained(checkpoint("dinov3")).eval()(torch.tensor(inputs, dtype=torch.float32))
    subject = load("dinov3").embed_images(pictures)["subject"]
    np.testing.assert_allclose(subject, unit_rows(output.pooler_output.numpy()), atol=2e-4)
    assert load("dinov3").embed_patches(pictures[0]).shape[:2] == (4, 4)  # without the class token and two registers


def test_texts_and_style_of_clip_match_its_own_model(load: Any, checkpoint: Checkpoint, pictures: Any) -> None:
    import torch
    from transformers import CLIPModel, CLIPProcessor

    texts = ["a painting of a horse", "A Woman in BLUE, with a mirror", "x", "snow " * 60]
    processor = CLIPProcessor.from_pretrained(checkpoint("clip"))
    model = CLIPModel.from_pretrained(checkpoint("clip")).eval()
    with torch.inference_mode():
        inputs = processor(text=texts, images=pictures, return_tensors="pt", padding=True, truncation=True)
        by_hand = model(**inputs).text_embeds.numpy()
        states = model.vision_model(inputs["pixel_values"], output_hidden_states=True).hidden_states
    np.testing.assert_allclose(load("clip").embed_texts(texts), by_hand, atol=2e-5)
    style = load("clip").embed_images(pictures)["style"]
    np.testing.assert_allclose(style, style_of(states, slice(1, None)), atol=2e-5)  # without the class token


@pytest.mark.parametrize("kind", ["siglip", "siglip2"])
def test_texts_of_siglip_are_padded_as_it_was_trained(kind: str, load: Any, checkpoint: Checkpoint) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    texts = ["a horse", "the river in winter with a boat"]
    tokenizer = AutoTokenizer.from_pretrained(checkpoint(kind))
    model = AutoModel.from_pretrained(checkpoint(kind)).eval()
    with torch.inference_mode():
        ids = tokenizer(texts, padding="max_length", max_length=12, truncation=True, return_tensors="pt")["input_ids"]
        output = model.get_text_features(input_ids=ids)
    pooled = output if isinstance(output, torch.Tensor) else output.pooler_output
    np.testing.assert_allclose(load(kind).embed_texts(texts), unit_rows(pooled.numpy()), atol=2e-5)


def test_siglip_reads_capitals_as_small_letters_also_where_its_tokenizer_does_not(
    load: Any, checkpoint: Checkpoint
) -> None:
    """SigLIP 2 has the tokenizer of Gemma, which tells them apart, and was trained with small letters only."""
    from transformers import AutoTokenizer

    ids = AutoTokenizer.from_pretrained(checkpoint("siglip"))(["A Horse", "a horse"])["input_ids"]
    assert ids[0] != ids[1]
    capitals, small = load("siglip").embed_texts(["A Horse", "a horse"])
    assert (capitals == small).all()


def test_an_encoder_without_text_refuses_text(load: Any) -> None:
    assert not load("dinov2").embeds_text
    with pytest.raises(EncoderError, match="embeds pictures, not text"):
        load("dinov2").embed_texts(["a horse"])


@pytest.mark.parametrize(("kind", "grid"), [("clip", (4, 4)), ("resnet", (4, 4)), ("efficientnet", (8, 8))])
def test_patches_lie_in_the_grid_of_the_picture(kind: str, grid: tuple[int, int], load: Any, pictures: Any) -> None:
    patches = load(kind).embed_patches(pictures[0])
    assert patches.shape[:2] == grid
    np.testing.assert_allclose(np.linalg.norm(patches, axis=2), 1, atol=1e-5)


def test_patches_are_in_reading_order(load: Any) -> None:
    """A picture with one odd corner: the patch that differs from the others is in that corner."""
    image = Image.new("RGB", (64, 64), (120, 120, 120))
    image.paste(load_image(Image.effect_noise((16, 16), 90)), (48, 0))
    patches = load("dinov2").embed_patches(image)
    typical = np.median(patches.reshape(-1, patches.shape[2]), axis=0)
    likeness = patches @ typical
    assert np.unravel_index(likeness.argmin(), likeness.shape) == (0, 3)


def test_the_revision_of_a_folder_is_the_hash_of_its_weights(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = checkpoint("dinov2")
    moved = shutil.copytree(folder, tmp_path / "moved")
    revision = load_encoder(str(folder)).revision
    assert revision.startswith("sha256:")
    assert load_encoder(str(moved)).revision == revision
    other = shutil.copytree(folder, tmp_path / "other")
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (other / "model.safetensors").write_bytes(weights)
    assert load_encoder(str(other)).revision != revision


def test_the_style_of_siglip2_does_not_count_padding(load: Any, checkpoint: Checkpoint, pictures: Any) -> None:
    """Pictures with fewer patches than the maximum are padded to the same number."""
    import torch
    from transformers import AutoImageProcessor, AutoModel

    image = pictures[0].resize((72, 40))
    processor = AutoImageProcessor.from_pretrained(checkpoint("siglip2"), backend="pil")
    inputs = processor(images=[image], return_tensors="pt")
    rows, columns = inputs["spatial_shapes"][0].tolist()
    assert rows * columns < inputs["pixel_values"].shape[1]
    model = AutoModel.from_pretrained(checkpoint("siglip2")).eval()
    with torch.inference_mode():
        states = model.get_image_features(**inputs, output_hidden_states=True).hidden_states
    style = load("siglip2").embed_images([image])["style"]
    np.testing.assert_allclose(style, style_of(states, slice(rows * columns)), atol=2e-5)
    assert load("siglip2").embed_patches(image).shape[:2] == (rows, columns)


def test_loading_leaves_the_logs_and_bars_of_the_process_as_they_were(checkpoint: Checkpoint) -> None:
    from huggingface_hub.utils import are_progress_bars_disabled
    from transformers import logging

    def settings() -> tuple[int, bool, bool]:
        return logging.get_verbosity(), logging.is_progress_bar_enabled(), are_progress_bars_disabled()

    before = settings()
    try:
        logging.set_verbosity_info()
        logging.enable_progress_bar()
        own = settings()
        load_encoder(str(checkpoint("clip")))
        assert settings() == own
    finally:
        logging.set_verbosity(before[0])


def test_an_unknown_encoder_is_named_with_the_valid_options() -> None:
    for name in ("no-such/model", "../nowhere", "a b/c", ""):
        with pytest.raises(EncoderError, match=re.escape(f"The encoder {name} cannot be loaded")) as error:
            load_encoder(name)
        assert "Give embedded, a Hub model id" in str(error.value)
        assert "\n" not in str(error.value) and len(str(error.value)) < 700


def half(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def text_model(folder: Path) -> None:
    """BERT, with the processor of pictures of another model."""
    from transformers import BertConfig, BertModel

    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}
    BertModel(BertConfig(**size, vocab_size=20)).save_pretrained(folder)


def timm(folder: Path) -> None:
    config = {
        "architecture": "vit_tiny_patch16_224",
        "num_classes": 10,
        "pretrained_cfg": {"input_size": [3, 224, 224]},
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def timm_weights(folder: Path) -> None:
    """Weights by the names that timm has for them, with a configuration of transformers."""
    weights = load_file(folder / "model.safetensors")
    renamed = {name.replace("encoder.layer.", "blocks."): values for name, values in weights.items()}
    save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})


def other_shapes(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": 64}), encoding="utf-8")


def torchvision_only(folder: Path) -> None:
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps({"image_processor_type": "Sam2ImageProcessor"}), encoding="utf-8")


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "empty": (lambda folder: [path.unlink() for path in folder.iterdir()], "neither a folder with a model nor"),
    "weights": (lambda folder: half(folder / "model.safetensors"), "cannot be loaded"),
    "config": (lambda folder: half(folder / "config.json"), "cannot be loaded"),
    "processor": (lambda folder: half(folder / "preprocessor_config.json"), "cannot be loaded"),
    "text model": (text_model, "is no model for pictures that artsim can use"),
    "timm": (timm, "it is in the format of timm"),
    "timm weights": (timm_weights, "weights of its model are not in its files, such as encoder.layer.0.*timm"),
    "other shapes": (other_shapes, "cannot be loaded"),
    "torchvision": (torchvision_only, "pip install torchvision"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_no_encoder_is_refused_in_one_sentence(damage: str, checkpoint: Checkpoint, tmp_path: Path) -> None:
    shutil.copytree(checkpoint("dinov2"), tmp_path, dirs_exist_ok=True)
    change, words = DAMAGES[damage]
    change(tmp_path)
    with pytest.raises(EncoderError, match=words) as error:
        load_encoder(str(tmp_path))
    assert "\n" not in str(error.value) and len(str(error.value)) < 700


@pytest.mark.parametrize("kind", KINDS)
def test_weights_in_half_precision_are_computed_with_in_single_precision(
    kind: str, checkpoint: Checkpoint, pictures: Any, tmp_path: Path, load: Any
) -> None:
    """Networks with convolutions do not run in half precision on every processor."""
    from transformers import AutoModel

    shutil.copytree(checkpoint(kind), tmp_path, dirs_exist_ok=True)
    AutoModel.from_pretrained(tmp_path).half().save_pretrained(tmp_path)
    assert {values.dtype for values in load_file(tmp_path / "model.safetensors").values()} >= {np.dtype(np.float16)}
    encoder = load_encoder(str(tmp_path))
    subjects = encoder.embed_images(pictures[:2])["subject"], load(kind).embed_images(pictures[:2])["subject"]
    np.testing.assert_allclose(*subjects, atol=0.02)


def test_an_encoder_that_runs_out_of_memory_says_so(
    checkpoint: Checkpoint, pictures: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder: Any = load_encoder(str(checkpoint("resnet")))

    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(encoder._model, "embed_images", full)
    with pytest.raises(EncoderError, match=r"fails \(out of memory\)\. If it has worked before"):
        encoder.embed_images(pictures[:2])
