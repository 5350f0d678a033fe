"""Routes of the loopback Hub for files: upload (preupload, LFS, commit), listing (tree, paths-info), download."""

import base64
import hashlib
import json
import re
import secrets
from typing import Any
from urllib.parse import parse_qs

from hub_server.calls import API_REPO, SITE_REPO, Answer, Call, Route
from hub_server.store import URL_PREFIX, Blob, Commit, HubError, Repo, goes_to_lfs


def preupload(call: Call) -> Answer:
    """For each announced file: LFS or regular, and the oid of its present version, so that the client can skip it."""
    repo = call.write_repo()
    here = repo.resolve(call.at["rev"]).tree
    modes = []
    for file in call.json().get("files", []):
        path = file["path"]
        lfs = goes_to_lfs(base64.b64decode(file.get("sample") or ""))
        oid = here[path].etag if path in here else None
        modes.append({"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False, "oid": oid})
    return Answer.of({"files": modes})


def lfs_batch(call: Call) -> Answer:
    """The upload address of each LFS object; no `actions` for an object that exists already."""
    repo = call.write_repo()
    objects = []
    for wanted in call.json().get("objects", []):
        oid, size = str(wanted["oid"]), int(wanted["size"])
        answer: dict[str, Any] = {"oid": oid, "size": size}
        if oid not in repo.lfs:
            ticket = secrets.token_hex(16)
            call.store.tickets[ticket] = (repo, oid, size)
            answer |= {"authenticated": True, "actions": {"upload": {"href": f"{call.store.url}/upload/{ticket}"}}}
        objects.append(answer)
    return Answer.of({"transfer": "basic", "objects": objects})


def lfs_upload(call: Call) -> Answer:
    """The ticket in the address grants access, as in a signed storage address."""
    repo, oid, size = call.store.tickets[call.at["ticket"]]
    if len(call.body) != size or hashlib.sha256(call.body).hexdigest() != oid:
        raise HubError(400, f"The object {oid} should have {size} bytes; {len(call.body)} others came.")
    repo.lfs[oid] = call.body
    return Answer()


def commit(call: Call) -> Answer:
    repo = call.write_repo()
    header, *items = (json.loads(line) for line in call.body.splitlines())
    changes = {item["value"]["path"]: _change(repo, item["key"], item["value"]) for item in items}
    title, parent = header["value"].get("summary") or "", header["value"].get("parentCommit")
    made = repo.commit(changes, title=title, parent=parent)
    url = f"{call.store.url}/{URL_PREFIX[repo.type]}{repo.id}/commit/{made.sha}"
    return Answer.of({"success": True, "commitOid": made.sha, "commitUrl": url, "hookOutput": ""})


def _change(repo: Repo, key: str, value: dict[str, Any]) -> Blob | None:
    """The new content of a file; None if it is to be deleted."""
    if key == "file":
        return Blob(base64.b64decode(value["content"]), lfs=False)
    if key == "lfsFile":
        return Blob(repo.lfs[value["oid"]], lfs=True)
    assert key == "deletedFile", key
    return None


def tree(call: Call) -> Answer:
    """The entries under a path, all in one page."""
    repo = call.read_repo()
    at = repo.resolve(call.at["rev"])
    folder = call.at.get("path", "").strip("/")
    prefix = folder + "/" if folder else ""
    below = [path for path in at.tree if path.startswith(prefix)]
    if folder and not below:
        raise HubError(404, f"{folder} does not exist on {call.at['rev']}", code="EntryNotFound")
    entries = set(below) | {parent for path in below for parent in _parents(path) if parent.startswith(prefix)}
    if not call.flag("recursive"):
        entries = {path for path in entries if "/" not in path[len(prefix) :]}
    return Answer.of([_entry(at, path) for path in sorted(entries)])


def paths_info(call: Call) -> Answer:
    """The entries of the paths that exist; the client sends a form."""
    repo = call.read_repo()
    at = repo.resolve(call.at["rev"])
    paths = parse_qs(call.body.decode()).get("paths", [])
    folders = {parent for path in at.tree for parent in _parents(path)}
    return Answer.of([_entry(at, path) for path in paths if path in at.tree or path in folders])


def resolve(call: Call) -> Answer:
    """A file at a revision, whole or a range of it. LFS files are served from the same host, too."""
    repo = call.read_repo()
    call.store.need_content(repo, call.caller)
    at, path = repo.resolve(call.at["rev"]), call.at["path"]
    headers = {"X-Repo-Commit": at.sha, "Accept-Ranges": "bytes"}
    blob = at.tree.get(path)
    if blob is None:
        raise HubError(404, "Entry not found", code="EntryNotFound", headers=headers)
    headers |= {"ETag": f'"{blob.etag}"', "Content-Type": "application/octet-stream"}
    if blob.lfs:
        headers |= {"X-Linked-Etag": f'"{blob.etag}"', "X-Linked-Size": str(len(blob.data))}
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", call.headers.get("Range") or "")
    if call.method == "HEAD" or not wanted:
        return Answer(200, blob.data, headers)
    start = int(wanted[1])
    part = blob.data[start : int(wanted[2]) + 1] if wanted[2] else blob.data[start:]
    headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(blob.data)}"
    return Answer(206, part, headers)


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _entry(at: Commit, path: str) -> dict[str, Any]:
    blob = at.tree.get(path)
    if blob is None:
        return {"type": "directory", "oid": at.sha, "size": 0, "path": path}
    entry: dict[str, Any] = {"type": "file", "oid": blob.git_oid, "size": len(blob.data), "path": path}
    if blob.lfs:
        entry["lfs"] = {"oid": blob.sha256, "size": len(blob.data), "pointerSize": len(blob.pointer)}
    return entry


ROUTES = (
    Route("preupload", "POST", API_REPO + r"/preupload/(?P<rev>[^/]+)", preupload),
    Route("lfs_batch", "POST", SITE_REPO + r"\.git/info/lfs/objects/batch", lfs_batch),
    Route("lfs_upload", "PUT", r"/upload/(?P<ticket>[0-9a-f]+)", lfs_upload),
    Route("commit", "POST", API_REPO + r"/commit/(?P<rev>[^/]+)", commit),
    Route("tree", "GET", API_REPO + r"/tree/(?P<rev>[^/]+)(?:/(?P<path>.*))?", tree),
    Route("paths_info", "POST", API_REPO + r"/paths-info/(?P<rev>[^/]+)", paths_info),
    Route("resolve", "GET", SITE_REPO + r"/resolve/(?P<rev>[^/]+)/(?P<path>.+)", resolve),
)
