"""Checks before any work starts: whether a token can write to a repository, and what the repository holds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artsim.errors import HubError
from artsim.messages.message import Message
from artsim.web.http import TIMEOUT_S
from artsim.web.hub_client import with_retries
from artsim.web.hub_token import current_token, hub_api

LOGIN = Message("make one with write permission at https://huggingface.co/settings/tokens, then run: hf auth login")
_SCAFFOLD = frozenset({".gitattributes", "README.md", ".gitignore"})  # files of a new, otherwise empty repository

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Destination:
    """A repository that the token can write to. `private` is None if it does not exist yet."""

    repo_id: str
    repo_type: str
    exists: bool
    private: bool | None
    files: frozenset[str]


def check_destination(repo_id: str, *, repo_type: str = "dataset") -> Destination:
    """The repository `NAMESPACE/NAME`, if the token of this machine can write to it; it need not exist yet.

    Raises `HubError` otherwise: for a malformed id, an unreachable Hub, no token, a read-only token, or a namespace of
    somebody else. Makes three small requests and changes nothing.
    """
    check_repo_id(repo_id)
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise HubError("Publishing to {repo} needs the Hub, which is switched off here (HF_HUB_OFFLINE).", repo=repo_id)
    token = current_token()
    if token is None:
        raise HubError(
            "There is no Hub token on this machine, so nothing can be published to {repo}: {login}",
            repo=repo_id,
            login=LOGIN,
        )
    api = hub_api()
    problem = write_problem(_who_am_i(api, token), repo_id, repo_type)
    if problem:
        raise HubError(problem)
    info = with_retries(lambda: _repo_info(api, repo_id, repo_type), Message("Asking the Hub for {repo}", repo=repo_id))
    if info is None:
        return Destination(repo_id, repo_type, exists=False, private=None, files=frozenset())
    with_retries(
        lambda: api.auth_check(repo_id, repo_type=repo_type, write=True),
        Message("Asking to write to {repo}", repo=repo_id),
    )
    files = frozenset(file.rfilename for file in info.siblings or [])
    return Destination(repo_id, repo_type, exists=True, private=bool(info.private), files=files)


def check_repo_id(repo_id: str) -> None:
    """Raises `HubError` unless `repo_id` is `NAMESPACE/NAME` in the spelling of the Hub."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo_id)
        good = repo_id.count("/") == 1
    except HFValidationError:
        good = False
    if not good:
        raise HubError(
            "{repo!r} is not an id on the Hub: give NAMESPACE/NAME, of letters, digits, '-', '_' and "
            "'.', such as my-museum/paintings.",
            repo=repo_id,
        )


def check_license(license: str) -> None:
    """Raises `HubError` for a licence id that the Hub does not know, as it would refuse the card after all the work."""
    from huggingface_hub import DatasetCard, DatasetCardData

    card = DatasetCard(f"---\n{DatasetCardData(license=license).to_yaml()}\n---\n")
    try:
        with_retries(lambda: card.validate(repo_type="dataset"), Message("Checking the licence"))
    except ValueError as error:
        raise HubError(
            "The Hub knows no licence {license!r}. Give --license one of the ids at "
            "https://huggingface.co/docs/hub/repositories-licenses, such as cc0-1.0, or: other",
            license=license,
        ) from error


def write_problem(account: Mapping[str, Any], repo_id: str, repo_type: str) -> Message | None:
    """Why the token of `account` (the Hub's `whoami-v2`) cannot write to `repo_id`, as a message; None if it can."""
    user, namespace = account["name"], repo_id.split("/")[0]
    token = (account.get("auth") or {}).get("accessToken") or {}
    name = Message("The Hub token")
    if token.get("displayName"):
        name = Message("The Hub token {name!r} of {user}", name=token["displayName"], user=user)
    if token.get("role") == "read":
        return Message("{token} may only read: {login}", token=name, login=LOGIN)
    memberships = {org["name"]: org.get("roleInOrg") for org in account.get("orgs") or []}
    if namespace != user and namespace not in memberships:
        own = [user, *sorted(memberships)]
        return Message(
            "You are {user} on the Hub and may not write to {namespace}; you may write to {own}.",
            user=user,
            namespace=namespace,
            own=own,
        )
    if memberships.get(namespace) == "read":
        return Message(
            "You are {user} on the Hub and may only read in {namespace}; ask its owners for write access.",
            user=user,
            namespace=namespace,
        )
    if token.get("role") == "fineGrained" and not _is_granted(token, namespace, repo_id, repo_type):
        return Message(
            "{token} has no write permission for {repo}: add it at https://huggingface.co/settings/tokens",
            token=name,
            repo=repo_id,
        )
    return None


def make_repository(destination: Destination, *, private: bool, **settings: Any) -> None:
    """Create the repository, with the `settings` of a Space, or make an existing one private if it is to be.

    A private one never becomes public.
    """
    repo_id, repo_type, api = destination.repo_id, destination.repo_type, hub_api()
    if not destination.exists:
        with_retries(
            lambda: api.create_repo(repo_id, repo_type=repo_type, private=private, exist_ok=True, **settings),
            Message("Creating {repo}", repo=repo_id),
        )
    elif private and not destination.private:
        with_retries(
            lambda: api.update_repo_settings(repo_id, repo_type=repo_type, private=True),
            Message("Making {repo} private", repo=repo_id),
        )
        log.warning("%s was public and is private now, as requested.", repo_id)


def is_only_scaffold(files: frozenset[str]) -> bool:
    """Whether `files` are only those of an empty repository, so that nothing would be lost."""
    return files <= _SCAFFOLD


def _is_granted(token: Mapping[str, Any], namespace: str, repo_id: str, repo_type: str) -> bool:
    """Whether one of a fine-grained token's scopes covers writing to the repository."""
    for scope in (token.get("fineGrained") or {}).get("scoped") or []:
        entity = scope.get("entity") or {}
        covered = entity.get("name") == namespace or (entity.get("type"), entity.get("name")) == (repo_type, repo_id)
        if covered and "repo.write" in (scope.get("permissions") or []):
            return True
    return False


def _who_am_i(api: Any, token: str) -> Mapping[str, Any]:
    from huggingface_hub.errors import HfHubHTTPError

    def whoami() -> Mapping[str, Any]:
        try:
            return api.whoami(token)
        except HfHubHTTPError as error:
            if error.response.status_code == 401:
                raise HubError(
                    "The Hub does not accept the token of this machine (HF_TOKEN or hf auth): {login}", login=LOGIN
                ) from error
            raise

    return with_retries(whoami, Message("Asking the Hub who you are"))


def _repo_info(api: Any, repo_id: str, repo_type: str) -> Any | None:
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        return api.repo_info(repo_id, repo_type=repo_type, timeout=TIMEOUT_S)
    except RepositoryNotFoundError:
        return None
