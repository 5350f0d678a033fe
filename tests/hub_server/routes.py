"""Routes of the loopback Hub for whole repositories: whoami, create, list, settings, refs, Spaces."""

from typing import Any

from hub_server.calls import API_REPO, Answer, Call, Route
from hub_server.cards import check_card
from hub_server.store import URL_PREFIX, Commit, HubError, Repo, Space, now

_HARDWARE_NAMES = """
cpu-basic cpu-upgrade zero-a10g t4-small t4-medium l4x1 l4x4 l40sx1 l40sx4 l40sx8 a10g-small a10g-large a10g-largex2
a10g-largex4 a100-large a100x4 a100x8 rtx-pro-6000 rtx-pro-6000x2 rtx-pro-6000x4 rtx-pro-6000x8
"""
SPACE_HARDWARE = frozenset(_HARDWARE_NAMES.split())


def whoami(call: Call) -> Answer:
    caller, store = call.caller, call.store
    if caller.user is None:
        raise HubError(401, "Invalid username or password.")
    orgs = [{"type": "org", "name": org} for org, members in sorted(store.orgs.items()) if caller.user in members]
    token = {"displayName": f"{caller.role} token", "role": caller.role}
    auth = {"type": "access_token", "accessToken": token}
    return Answer.of({"type": "user", "id": caller.user, "name": caller.user, "orgs": orgs, "auth": auth})


def validate_yaml(call: Call) -> Answer:
    body = call.json()
    card = check_card(str(body.get("content", "")).encode(), str(body.get("repoType", "model")))
    said = {
        "errors": [{"message": error} for error in card.errors],
        "warnings": [{"message": warning} for warning in card.warnings],
    }
    return Answer.of(said, status=400 if card.errors else 200)


def create(call: Call) -> Answer:
    body, caller = call.json(), call.caller
    repo_type, name = body.get("type") or "model", body.get("name") or ""
    repo_id = f"{body.get('organization') or caller.user}/{name}"
    sdk = body.get("sdk")
    if repo_type == "space" and not sdk:
        raise HubError(400, '"sdk" is required to create a Space.')
    url = f"{call.store.url}/{URL_PREFIX.get(repo_type, '')}{repo_id}"
    try:
        repo = call.store.create(repo_id, repo_type, caller=caller, private=_private(body) or False, sdk=sdk)
    except HubError as error:
        if error.status != 409:
            raise
        return Answer.of({"error": error.message, "url": url}, status=409)  # the client reads `url` here too
    if repo.space is not None:
        for kind, kept in (("variables", repo.space.variables), ("secrets", repo.space.secrets)):
            for entry in body.get(kind) or []:
                _keep_setting(kept, entry)
        if body.get("hardware"):
            _set_hardware(repo.space, body)
    return Answer.of({"url": url, "name": repo_id, "id": repo_id, "private": repo.private})


def delete(call: Call) -> Answer:
    body = call.json()
    repo_id = f"{body.get('organization') or call.caller.user}/{body.get('name')}"
    repo = call.store.write(body.get("type") or "model", repo_id, call.caller)
    del call.store.repos[repo.type, repo.id]
    return Answer.of({})


def settings(call: Call) -> Answer:
    repo, body = call.write_repo(), call.json()
    private = _private(body)
    if private is not None:
        repo.private = private
    if "gated" in body:
        repo.gated = body["gated"]
    return Answer.of({"private": repo.private, "gated": repo.gated})


def list_repos(call: Call) -> Answer:
    author, search = call.query.get("author", [""])[0], call.query.get("search", [""])[0]
    found = [
        repo_info(repo, repo.head, call)
        for repo in call.store.repos.values()
        if repo.type == call.repo_type
        and (not repo.private or repo.namespace in call.caller.namespaces)
        and (not author or repo.namespace == author)
        and search.lower() in repo.id.lower()
    ]
    if not call.flag("full"):
        for info in found:
            info.pop("siblings", None)
    return Answer.of(found[: call.number("limit", 1000)])


def info(call: Call) -> Answer:
    repo = call.read_repo()
    return Answer.of(repo_info(repo, repo.resolve(call.at.get("rev", "main")), call))


def repo_info(repo: Repo, commit: Commit, call: Call) -> dict[str, Any]:
    """The Hub's description of a repository at a commit; `?blobs=true` adds sizes, `?expand=` selects fields."""
    siblings: list[dict[str, Any]] = []
    for path, blob in commit.tree.items():
        entry: dict[str, Any] = {"rfilename": path}
        if call.flag("blobs"):
            entry |= {"size": len(blob.data), "blobId": blob.git_oid}
            if blob.lfs:
                entry["lfs"] = {"sha256": blob.sha256, "size": len(blob.data), "pointerSize": len(blob.pointer)}
        siblings.append(entry)
    readme = commit.tree.get("README.md")
    card = check_card(readme.data, repo.type).data if readme else {}
    tags = list(card.get("tags") or [])
    if isinstance(card.get("license"), str):
        tags.append(f"license:{card['license']}")
    said: dict[str, Any] = {
        "id": repo.id,
        "author": repo.namespace,
        "sha": commit.sha,
        "createdAt": repo.created,
        "lastModified": commit.date,
        "private": repo.private,
        "gated": repo.gated,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": tags,
        "cardData": card,
        "siblings": siblings,
        "usedStorage": sum(len(blob.data) for blob in commit.tree.values()),
    }
    if repo.space is not None:
        said |= {"sdk": repo.space.sdk, "runtime": _runtime_of(repo)}
    wanted = call.query.get("expand", []) + call.query.get("expand[]", [])
    return {key: value for key, value in said.items() if key == "id" or key in wanted} if wanted else said


def auth_check(call: Call) -> Answer:
    repo = call.write_repo() if call.at.get("write") else call.read_repo()
    call.store.need_content(repo, call.caller)
    return Answer.of({})


def refs(call: Call) -> Answer:
    repo = call.read_repo()

    def listed(names: dict[str, str], prefix: str) -> list[dict[str, str]]:
        return [{"name": name, "ref": prefix + name, "targetCommit": sha} for name, sha in names.items()]

    branches, tags = listed(repo.branches, "refs/heads/"), listed(repo.tags, "refs/tags/")
    return Answer.of({"branches": branches, "tags": tags, "converts": [], "pullRequests": []})


def commits(call: Call) -> Answer:
    repo = call.read_repo()
    return Answer.of(
        [
            {
                "id": commit.sha,
                "title": commit.title,
                "message": commit.message,
                "authors": [{"user": commit.author}],
                "date": commit.date,
            }
            for commit in repo.history(repo.resolve(call.at["rev"]))
        ]
    )


def create_tag(call: Call) -> Answer:
    repo, name = call.write_repo(), call.json().get("tag") or ""
    return _add_ref(repo.tags, name, repo.resolve(call.at["rev"]))


def create_branch(call: Call) -> Answer:
    repo = call.write_repo()
    return _add_ref(repo.branches, call.at["rev"], repo.resolve(call.json().get("startingPoint") or "main"))


def delete_tag(call: Call) -> Answer:
    return _drop_ref(call.write_repo().tags, call.at["rev"])


def delete_branch(call: Call) -> Answer:
    if call.at["rev"] == "main":
        raise HubError(403, "The branch main cannot be deleted.")
    return _drop_ref(call.write_repo().branches, call.at["rev"])


def space_settings(call: Call) -> Answer:
    """Variables and secrets: list, set, delete. The value of a secret is never returned."""
    kind = call.at["kind"]
    repo = call.read_repo() if (call.method, kind) == ("GET", "variables") else call.write_repo()
    space = _space_of(repo)
    kept = space.variables if kind == "variables" else space.secrets
    if call.method == "POST":
        _keep_setting(kept, call.json())
    elif call.method == "DELETE":
        kept.pop(str(call.json().get("key")), None)
    shown = ("key", "value", "description", "updatedAt") if kind == "variables" else ("key", "description", "updatedAt")
    return Answer.of({key: {k: v for k, v in entry.items() if k in shown} for key, entry in kept.items()})


def space_runtime(call: Call) -> Answer:
    return Answer.of(_runtime_of(call.read_repo()))


def space_hardware(call: Call) -> Answer:
    repo = call.write_repo()
    _set_hardware(_space_of(repo), {"hardware": call.json().get("flavor"), **call.json()})
    return Answer.of(_runtime_of(repo))


def space_volumes(call: Call) -> Answer:
    """The mounted repositories; a new list replaces the old one."""
    space = _space_of(call.write_repo())
    volumes = call.json().get("volumes", []) if call.method == "PUT" else []
    for volume in volumes:
        if not str(volume.get("mountPath", "")).startswith("/") or not volume.get("source"):
            raise HubError(400, f"Not a volume: {volume}")
        if volume.get("type") != "bucket":
            call.store.read(volume["type"], volume["source"], call.caller).resolve(volume.get("revision") or "main")
    space.volumes = volumes
    return Answer.of(space.volumes)


def space_order(call: Call) -> Answer:
    """Sleep time, pause, restart."""
    repo, order = call.write_repo(), call.at["order"]
    space = _space_of(repo)
    if order == "sleeptime":
        space.sleep_seconds = int(call.json().get("seconds", -1))
    else:
        space.paused = order == "pause"
    return Answer.of(_runtime_of(repo))


def agent_harnesses(_: Call) -> Answer:
    """The client requests this once a day unless its telemetry is off."""
    return Answer.of({"standardEnvVars": [], "harnesses": {}})


def _private(body: dict[str, Any]) -> bool | None:
    if body.get("visibility"):
        return body["visibility"] == "private"
    return body.get("private")


def _add_ref(names: dict[str, str], name: str, commit: Commit) -> Answer:
    if not name:
        raise HubError(400, "A tag or branch needs a name.")
    if name in names:
        raise HubError(409, f"Reference already exists: {name}")
    names[name] = commit.sha
    return Answer.of({})


def _drop_ref(names: dict[str, str], name: str) -> Answer:
    if names.pop(name, None) is None:
        raise HubError(404, f"Invalid rev id: {name}", code="RevisionNotFound")
    return Answer.of({})


def _space_of(repo: Repo) -> Space:
    if repo.space is None:
        raise HubError(400, f"{repo.id} is not a Space.")
    return repo.space


def _keep_setting(settings_by_key: dict[str, dict[str, str]], entry: dict[str, Any]) -> None:
    if not entry.get("key") or "value" not in entry:
        raise HubError(400, "A variable or secret needs a key and a value.")
    settings_by_key[entry["key"]] = {**entry, "updatedAt": now()}


def _set_hardware(space: Space, body: dict[str, Any]) -> None:
    if body["hardware"] not in SPACE_HARDWARE:
        raise HubError(400, f"Unknown hardware {body['hardware']!r}.")
    space.hardware = body["hardware"]
    if body.get("sleepTimeSeconds") is not None:
        space.sleep_seconds = int(body["sleepTimeSeconds"])


def _runtime_of(repo: Repo) -> dict[str, Any]:
    """A Space builds at once here: it runs if its app file exists, on the requested hardware."""
    space = _space_of(repo)
    readme = repo.head.tree.get("README.md")
    card = check_card(readme.data, "space").data if readme else {}
    app = card.get("app_file") or ("index.html" if space.sdk == "static" else "app.py")
    running = "RUNNING" if app in repo.head.tree or space.sdk == "docker" else "NO_APP_FILE"
    return {
        "stage": "PAUSED" if space.paused else running,
        "hardware": {"current": space.hardware, "requested": space.hardware},
        "gcTimeout": space.sleep_seconds,
        "storage": None,
        "devMode": False,
        "volumes": space.volumes or None,
    }


ROUTES = (
    Route("whoami", "GET", r"/api/whoami-v2", whoami),
    Route("agent_harnesses", "GET", r"/api/agent-harnesses", agent_harnesses),
    Route("validate_yaml", "POST", r"/api/validate-yaml", validate_yaml),
    Route("create", "POST", r"/api/repos/create", create),
    Route("delete", "DELETE", r"/api/repos/delete", delete),
    Route("list", "GET", r"/api/(?P<type>models|datasets|spaces)", list_repos),
    Route("settings", "PUT", API_REPO + r"/settings", settings),
    Route("refs", "GET", API_REPO + r"/refs", refs),
    Route("commits", "GET", API_REPO + r"/commits/(?P<rev>[^/]+)", commits),
    Route("tag", "POST", API_REPO + r"/tag/(?P<rev>[^/]+)", create_tag),
    Route("tag", "DELETE", API_REPO + r"/tag/(?P<rev>[^/]+)", delete_tag),
    Route("branch", "POST", API_REPO + r"/branch/(?P<rev>[^/]+)", create_branch),
    Route("branch", "DELETE", API_REPO + r"/branch/(?P<rev>[^/]+)", delete_branch),
    Route("auth_check", "GET", API_REPO + r"/auth-check(?P<write>/write)?", auth_check),
    *(
        Route("space_settings", method, API_REPO + r"/(?P<kind>variables|secrets)", space_settings)
        for method in ("GET", "POST", "DELETE")
    ),
    Route("space_runtime", "GET", API_REPO + r"/runtime", space_runtime),
    Route("space_hardware", "POST", API_REPO + r"/hardware", space_hardware),
    *(Route("space_volumes", method, API_REPO + r"/volumes", space_volumes) for method in ("PUT", "DELETE")),
    Route("space_order", "POST", API_REPO + r"/(?P<order>sleeptime|pause|restart)", space_order),
    Route("info", "GET", API_REPO + r"/revision/(?P<rev>[^/]+)", info),
    Route("info", "GET", API_REPO, info),
)
