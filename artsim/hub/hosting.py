"""Create a Space that serves a collection: the files of the app, preloaded data for a fast start, and settings.

The encoder is fetched when the Space is built (`preload_from_hub`). The collection is mounted as a volume, pinned to one
commit: `preload_from_hub` passes its entries to a download of *models*, so a dataset there makes the build fail
(https://github.com/huggingface/hub-docs/issues/1536). If the volume is missing, the app downloads the collection.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from artsim.errors import HubError
from artsim.hub.access import check_destination, make_repository
from artsim.hub.commit import Pushed, push_files
from artsim.hub.fetch import VOLUME, published_manifest_of
from artsim.storage.dataset_card import is_private_encoder
from artsim.storage.manifest import Manifest, SpaceRecord
from artsim.web.hub_client import with_retries
from artsim.web.hub_token import hub_api

HARDWARE = {"cpu-basic": "cpu-basic", "zero-gpu": "zero-a10g"}
"""Value of `--hardware` -> name on the Hub."""

MOUNT = "/collection"

END_OF_APP = "# What only torch and development need."
"""The line of constraints.txt above which are the packages of the app; scripts/make_constraints.py writes it."""
_ZERO_TORCH = "torch>=2.8,<2.12"  # the versions that ZeroGPU supports
_ZERO_PYTHON = "3.12.12"
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?P<extras>\[[^]]*\])?")
_WEIGHTS = (("model.safetensors",), ("model.safetensors.index.json",), ("pytorch_model.bin",))

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SpacePlan:
    """The configuration of a Space. `preload` are the entries of `preload_from_hub`."""

    repo_id: str
    collection: str
    commit: str
    hardware: str
    encoders: tuple[str, ...]
    """Hub ids, without the embedded encoder, which comes with the requirements."""
    preload: tuple[str, ...]


def create_space(
    repo_id: str,
    collection: str,
    *,
    checkout: Path,
    encoder: str | None = None,
    hardware: str = "cpu-basic",
    private: bool = False,
) -> Pushed:
    """Create or update the Space `repo_id` that serves the published `collection`, from the files of `checkout`.

    One commit with the differences, or none if there are none. `encoder`, if given, must be one of the collection.
    Raises `HubError` or `CollectionError`.
    """
    if hardware not in HARDWARE:
        raise HubError(f"There is no hardware {hardware!r}; choose among {', '.join(HARDWARE)}.")
    destination = check_destination(repo_id, repo_type="space")
    if destination.exists and "app.py" in destination.files and "artsim/__init__.py" not in destination.files:
        raise HubError(f"{repo_id} is another Space already; it is left as it is. Give another name.")
    origin, manifest = published_manifest_of(collection)
    spaces = _spaces_with_hub_encoders(manifest, encoder, collection)
    plan = SpacePlan(
        repo_id,
        collection,
        origin.commit,
        hardware,
        encoders=tuple(space.encoder for space in spaces),
        preload=tuple(_preload_encoder(space) for space in spaces),
    )
    files = space_files(checkout, plan)
    make_repository(destination, private=private, **_settings(plan))
    pushed = push_files(repo_id, "space", files, owns=_owns, message=f"Serve {collection}")
    _set_up(plan)
    return pushed


def space_files(checkout: Path, plan: SpacePlan) -> dict[str, Path | bytes]:
    """The files of the Space: the app, the package, its requirements in exact versions, and a README for `plan`."""
    package = sorted(
        path
        for path in (checkout / "artsim").rglob("*")
        if path.is_file() and not _is_excluded(path.relative_to(checkout))
    )
    try:
        readme, requirements, constraints = (
            (checkout / name).read_text(encoding="utf-8")
            for name in ("README.md", "requirements.txt", "constraints.txt")
        )
    except OSError as error:
        raise HubError(f"{checkout} is not a checkout of artsim ({error}).") from error
    return {
        **{path.relative_to(checkout).as_posix(): path for path in [checkout / "app.py", *package]},
        "requirements.txt": space_requirements(requirements, constraints, plan.hardware).encode(),
        "README.md": space_readme(readme, plan).encode(),
    }


def space_requirements(requirements: str, constraints: str, hardware: str) -> str:
    """The requirements, and all that they need in turn, in the versions of `constraints`: the same at each build of the Space.

    In one file, as nothing else is there when a Space installs it. torch keeps its range, on ZeroGPU the one supported there,
    and what only torch needs follows torch.
    """
    versions = dict(line.split("==") for line in constraints.partition(END_OF_APP)[0].splitlines() if "==" in line)
    lines = []
    for line in requirements.splitlines():
        if (found := _REQUIREMENT.match(line)) is None:
            continue
        version = versions.pop(re.sub(r"[-_.]+", "-", found["name"]).lower(), None)
        lines.append(line if version is None else f"{found['name']}{found['extras'] or ''}=={version}")
    lines += [f"{name}=={version}" for name, version in versions.items()]
    if hardware == "zero-gpu":
        lines = [line for line in lines if not re.match(r"torch\b", line)] + [_ZERO_TORCH, "spaces"]
    return "\n".join([*lines, ""])


def space_readme(text: str, plan: SpacePlan) -> str:
    """The README of the checkout with the front matter of this Space."""
    from huggingface_hub import CardData, RepoCard

    card = RepoCard(text, ignore_metadata_errors=True)
    fields: dict[str, Any] = {**card.data.to_dict(), "sdk": "gradio", "app_file": "app.py"}
    fields["datasets"] = [plan.collection]
    for key, values in (("models", plan.encoders), ("preload_from_hub", plan.preload)):
        fields.pop(key, None)
        if values:
            fields[key] = list(values)
    fields["suggested_hardware"] = HARDWARE[plan.hardware]
    if plan.hardware == "zero-gpu":
        fields["python_version"] = _ZERO_PYTHON
    return f"---\n{CardData(**fields).to_yaml()}\n---\n{card.text}"


def _is_excluded(path: Path) -> bool:
    """Whether a file of the checkout is not part of the package: hidden, or generated by Python."""
    return path.suffix == ".pyc" or any(part.startswith((".", "__pycache__")) for part in path.parts)


def _owns(path: str) -> bool:
    return path.startswith("artsim/")


def _spaces_with_hub_encoders(manifest: Manifest, wanted: str | None, collection: str) -> list[SpaceRecord]:
    """The spaces whose encoder must be fetched, one per encoder. Raises `HubError` if none has the encoder `wanted`."""
    made_with = [space.encoder for space in manifest.spaces]
    if wanted not in (None, "auto", *made_with):
        raise HubError(
            f"{collection} was made with the encoder {', '.join(made_with)}, so the Space cannot use {wanted}."
        )
    if any(is_private_encoder(space) for space in manifest.spaces):
        log.warning(
            "An encoder of %s is not on the Hub: with it, visitors can browse and search by its works, but not by their own "
            "pictures.",
            collection,
        )
    found = {space.encoder: space for space in manifest.spaces if space.encoder != "embedded"}
    return [space for space in found.values() if not is_private_encoder(space)]


def _preload_encoder(space: SpaceRecord) -> str:
    """The entry of `preload_from_hub` for an encoder: only the files that are loaded, at the exact revision."""
    name, revision = space.encoder, space.revision
    files = with_retries(lambda: hub_api().list_repo_files(name, revision=revision), f"asking for the files of {name}")
    weights = next((found for names in _WEIGHTS if (found := [n for n in names if n in files])), [])
    if weights and weights[0].endswith(".index.json"):
        weights += [file for file in files if re.fullmatch(r"model-\d+-of-\d+\.safetensors", file)]
    small = [
        file
        for file in files
        if "/" not in file and file not in weights and re.search(r"(?<!\.index)\.(json|txt|model)$", file)
    ]
    return f"{name} {','.join(sorted([*small, *weights]))} {revision}"


def _variables(plan: SpacePlan) -> dict[str, str]:
    return {"ARTSIM_COLLECTION": plan.collection, VOLUME: f"{MOUNT}@{plan.commit}"}


def _settings(plan: SpacePlan) -> dict[str, Any]:
    """The settings with which a new Space is created."""
    from huggingface_hub import SpaceHardware

    return {
        "space_sdk": "gradio",
        "space_hardware": SpaceHardware(HARDWARE[plan.hardware]) if plan.hardware != "cpu-basic" else None,
        "space_variables": [{"key": key, "value": value} for key, value in _variables(plan).items()],
    }


def _set_up(plan: SpacePlan) -> None:
    """Set variables, volume and hardware where they differ; each change restarts the Space."""
    from huggingface_hub import SpaceHardware, Volume

    api = hub_api()
    what = f"setting up {plan.repo_id}"
    present: Mapping[str, Any] = with_retries(lambda: api.get_space_variables(plan.repo_id), what)
    for key, value in _variables(plan).items():
        if key not in present or present[key].value != value:
            with_retries(partial(api.add_space_variable, plan.repo_id, key, value), what)
    runtime = with_retries(lambda: api.get_space_runtime(plan.repo_id), what)
    if (runtime.requested_hardware or runtime.hardware or "cpu-basic") != HARDWARE[plan.hardware]:
        hardware = SpaceHardware(HARDWARE[plan.hardware])
        with_retries(lambda: api.request_space_hardware(plan.repo_id, hardware), f"asking for {plan.hardware}")
    wanted = Volume(type="dataset", source=plan.collection, mount_path=MOUNT, revision=plan.commit, read_only=True)
    others = [volume for volume in runtime.volumes or [] if volume.mount_path != MOUNT]
    if _key(wanted) not in [_key(volume) for volume in runtime.volumes or []]:
        try:
            with_retries(
                lambda: api.set_space_volumes(plan.repo_id, [*others, wanted]),
                f"mounting {plan.collection} in {plan.repo_id}",
            )
        except HubError as error:
            log.warning("%s The Space downloads the collection at each start instead.", error)


def _key(volume: Any) -> tuple[Any, ...]:
    """The identity of a volume, without the fields that the Hub fills in."""
    return volume.type, volume.source, volume.mount_path, volume.revision
