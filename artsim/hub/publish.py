"""Publish a saved collection as a dataset repository: files for `datasets` and artsim, and a card that says how to load it."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

from artsim.errors import CollectionError, HubError
from artsim.hub.access import Destination, check_destination, check_license, is_only_scaffold, make_repository
from artsim.hub.commit import Pushed, SentProgress, push_files
from artsim.hub.fetch import published_manifest_of
from artsim.hub.layout import publishing_folder, write_published
from artsim.messages.message import Message
from artsim.snapshot.files import collection_card, read_state
from artsim.storage.card_figures import Figures
from artsim.storage.dataset_card import is_private_encoder
from artsim.storage.manifest import FILE_NAME, SUBJECT_INDEX, FileRecord, Manifest, damaged_files, read_manifest, sha256
from artsim.web.hub_client import with_retries
from artsim.web.hub_token import hub_api

CARD = "README.md"

log = logging.getLogger(__name__)


def publish(
    folder: str | Path,
    repo_id: str,
    *,
    private: bool = False,
    evaluation: Figures | None = None,
    progress: SentProgress | None = None,
) -> Pushed:
    """Publish the collection saved in `folder` to the dataset repository `NAMESPACE/NAME`, as one commit.

    The repository is created if necessary. With `private`, it is created as private, and a public one is made private;
    never the reverse. Only differences are sent; files of an older version of the collection are deleted in the same
    commit. A README.md that was edited in `folder` is published as it is; otherwise the card is written for the
    repository, with the figures of `evaluation`. The folder is only read; the published files lie in the cache meanwhile.
    Raises `HubError`, or `CollectionError` if the collection is damaged; a repeated run sends only what is missing.
    """
    folder = Path(folder).expanduser()
    destination = check_publication(repo_id)
    manifest = _verified_manifest(folder)
    if evaluation is not None:
        evaluation.check(manifest)
    check_license(manifest.license)
    state = read_state(folder, manifest)
    with publishing_folder(folder) as target:
        log.info("Writing the dataset of %d works.", len(state))
        public = write_published(state, published_manifest(manifest), folder, target)
        card = _edited_card(folder, manifest)
        if card is None:
            card = collection_card(state, public, repo_id=repo_id, evaluation=evaluation).encode()
        files = {name: target / name for name in public.files}
        public = dataclasses.replace(public, files={**public.files, CARD: FileRecord.of(card)})
        _warn_of_private_encoders(public, repo_id)
        _warn_of_edits(destination, folder)
        make_repository(destination, private=private)
        return push_files(
            repo_id,
            "dataset",
            {**files, CARD: card, FILE_NAME: public.to_json().encode()},
            owns=_owns,
            message=f"Publish {manifest.title}: {manifest.rows:,} works",
            progress=progress,
        )


def check_publication(repo_id: str) -> Destination:
    """The first checks of `publish`, in four small requests: token, rights, and that nothing would be lost."""
    destination = check_destination(repo_id)
    if FILE_NAME not in destination.files and not is_only_scaffold(destination.files):
        raise HubError(
            "{repo} exists on the Hub and is not a collection (it has no {file}); it is left as it is. "
            "Publish under another name.",
            repo=repo_id,
            file=FILE_NAME,
        )
    return destination


def published_manifest(manifest: Manifest) -> Manifest:
    """The manifest for publication: without the paths of local folders, only their names."""
    source = dict(manifest.source)
    kind, _, rest = source.get("name", "").partition(":")
    if kind in ("folder", "nga"):
        source["name"] = f"{kind}:{Path(rest).name}"
    spaces = tuple(
        dataclasses.replace(space, encoder=f"./{Path(space.encoder).name}") if is_private_encoder(space) else space
        for space in manifest.spaces
    )
    return dataclasses.replace(manifest, source=source, spaces=spaces)


def _verified_manifest(folder: Path) -> Manifest:
    """The manifest, after comparing every file with it. Raises `CollectionError` for a damaged file."""
    manifest = read_manifest(folder)
    problems = damaged_files(folder, manifest, thorough=True)
    problems.pop(SUBJECT_INDEX, None)  # a folder fetched from the Hub by artsim lacks it; it is made anew
    for name, problem in problems.items():
        raise CollectionError(
            "{path} {problem}, so the collection is not published. Build it again first.",
            path=folder / name,
            problem=problem,
        )
    return manifest


def _warn_of_private_encoders(manifest: Manifest, repo_id: str) -> None:
    for space in manifest.spaces:
        if is_private_encoder(space):
            log.warning(
                "The encoder %s is a local folder: users of %s can browse it and search by its works, but not by other "
                "pictures. To allow that, publish the encoder as a model first, and build with its id.",
                space.encoder,
                repo_id,
            )


def _edited_card(folder: Path, manifest: Manifest) -> bytes | None:
    """The card in `folder`, if it was edited since it was written."""
    path, record = folder / CARD, manifest.files.get(CARD)
    if not path.is_file() or (record is not None and sha256(path) == record.sha256):
        return None
    return path.read_bytes()


def _warn_of_edits(destination: Destination, folder: Path) -> None:
    """Warn if the card was edited on the Hub since it was published, as it is about to be replaced."""
    if not {CARD, FILE_NAME} <= destination.files:
        return
    try:
        origin, manifest = published_manifest_of(destination.repo_id)
    except CollectionError as error:
        log.info("%s It is replaced.", error)
        return
    record = manifest.files.get(CARD)
    (card,) = with_retries(
        lambda: hub_api().get_paths_info(destination.repo_id, CARD, revision=origin.commit, repo_type="dataset"),
        Message("Reading the card of {repo}", repo=destination.repo_id),
    )
    if record is not None and getattr(card, "size", None) != record.size:
        log.warning(
            "The card of %s was edited on the Hub. It is replaced now; the edited one stays in the history, at %s. To keep "
            "edits, make them in %s.",
            destination.repo_id,
            origin.commit[:12],
            folder / CARD,
        )


def _owns(path: str) -> bool:
    """Whether a file is deleted if the newer version of the collection lacks it; all other files stay."""
    return path.startswith(("data/", "index/"))
