"""Routes of the loopback Hub for whole repositories: whoami, create, settings, info, Spaces."""

from typing import Any

from hub_server.calls import API_REPO, Answer, Call, Route
from hub_server.cards import check_card
from hub_server.store import URL_PREFIX, Repo, Space


def whoami(call: Call) -> Answer:
    user, role = call.caller.user, call.caller.role
    auth = {"type": "access_token", "accessToken": {"displayName": f"{role} token", "role": role}}
    return Answer.of({"type": "user", "id": user, "name": user, "orgs": [], "auth": auth})


def validate_yaml(call: Call) -> Answer:
    body = call.json()
    _, errors = check_card(body["content"].encode(), body["repoType"])
    said = {"errors": [{"message": error} for error in errors], "warnings": []}
    return Answer.of(said, status=400 if errors else 200)


def create(call: Call) -> Answer:
    body, caller = call.json(), call.caller
    repo_type, name = body.get("type") or "model", body.get("name") or ""
    repo_id = f"{body.get('organization') or caller.user}/{name}"
    repo = call.store.create(repo_id, repo_type, caller=caller, private=bool(_private(body)))
    if repo.space is not None:
        repo.space.variables = {entry["key"]: entry for entry in body.get("variables") or []}
        if body.get("hardware"):
            repo.space.hardware = body["hardware"]
    url = f"{call.store.url}/{URL_PREFIX[repo_type]}{repo_id}"
    return Answer.of({"url": url, "name": repo_id, "id": repo_id, "private": repo.private})


def settings(call: Call) -> Answer:
    repo, body = call.write_repo(), call.json()
    private = _private(body)
    if private is not None:
        repo.private = private
    return Answer.of({"private": repo.private})


def info(call: Call) -> Answer:
    """The Hub's description of a repository at a commit; `?blobs=true` adds sizes and hashes."""
    repo = call.read_repo()
    commit = repo.resolve(call.at.get("rev", "main"))
    siblings: list[dict[str, Any]] = []
    for path, blob in commit.tree.items():
        entry: dict[str, Any] = {"rfilename": path}
        if call.flag("blobs"):
            entry |= {"size": len(blob.data), "blobId": blob.git_oid}
            if blob.lfs:
                entry["lfs"] = {"sha256": blob.sha256, "size": len(blob.data), "pointerSize": len(blob.pointer)}
        siblings.append(entry)
    readme = commit.tree.get("README.md")
    card = check_card(readme.data, repo.type)[0] if readme else {}
    said: dict[str, Any] = {
        "id": repo.id,
        "author": repo.namespace,
        "sha": commit.sha,
        "private": repo.private,
        "gated": repo.gated,
        "tags": card.get("tags") or [],
        "cardData": card,
        "siblings": siblings,
    }
    return Answer.of(said if repo.space is None else {**said, "sdk": "gradio", "runtime": _runtime_of(repo)})


def auth_check(call: Call) -> Answer:
    call.write_repo()
    return Answer.of({})


def space_variables(call: Call) -> Answer:
    repo = call.read_repo() if call.method == "GET" else call.write_repo()
    space = _space_of(repo)
    if call.method == "POST":
        entry = call.json()
        space.variables[entry["key"]] = entry
    return Answer.of(space.variables)


def space_runtime(call: Call) -> Answer:
    return Answer.of(_runtime_of(call.read_repo()))


def space_hardware(call: Call) -> Answer:
    repo = call.write_repo()
    _space_of(repo).hardware = call.json()["flavor"]
    return Answer.of(_runtime_of(repo))


def space_volumes(call: Call) -> Answer:
    """The mounted repositories; a new list replaces the old one."""
    space = _space_of(call.write_repo())
    volumes = call.json().get("volumes", [])
    for volume in volumes:
        call.store.read(volume["type"], volume["source"], call.caller).resolve(volume.get("revision") or "main")
    space.volumes = volumes
    return Answer.of(space.volumes)


def _private(body: dict[str, Any]) -> bool | None:
    return body["visibility"] == "private" if body.get("visibility") else body.get("private")


def _space_of(repo: Repo) -> Space:
    assert repo.space is not None, f"{repo.id} is not a Space."
    return repo.space


def _runtime_of(repo: Repo) -> dict[str, Any]:
    """A Space builds at once here: it runs if its app file exists, on the requested hardware."""
    space = _space_of(repo)
    return {
        "stage": "RUNNING" if "app.py" in repo.head.tree else "NO_APP_FILE",
        "hardware": {"current": space.hardware, "requested": space.hardware},
        "volumes": space.volumes or None,
    }


ROUTES = (
    Route("whoami", "GET", r"/api/whoami-v2", whoami),
    Route("validate_yaml", "POST", r"/api/validate-yaml", validate_yaml),
    Route("create", "POST", r"/api/repos/create", create),
    Route("settings", "PUT", API_REPO + r"/settings", settings),
    Route("auth_check", "GET", API_REPO + r"/auth-check/write", auth_check),
    *(Route("space_variables", method, API_REPO + r"/variables", space_variables) for method in ("GET", "POST")),
    Route("space_runtime", "GET", API_REPO + r"/runtime", space_runtime),
    Route("space_hardware", "POST", API_REPO + r"/hardware", space_hardware),
    Route("space_volumes", "PUT", API_REPO + r"/volumes", space_volumes),
    Route("info", "GET", API_REPO + r"/revision/(?P<rev>[^/]+)", info),
    Route("info", "GET", API_REPO, info),
)
