"""A stand-in of the Hugging Face Hub on loopback: the routes and headers that huggingface_hub 2.4 asks for.

    /api/models/<repo>/revision/<revision>       the commit, and the names of the files
    /api/models/<repo>/tree/<commit>             names, sizes, git blob ids, LFS hashes
    /<repo>/resolve/<revision>/<name>            HEAD and GET; GET redirects LFS files to ...
    /cdn/<sha256>                                ... which does ranges, and can be told to break off

Faults are set as plain attributes. `requests` holds (method, path, range header) of everything that was asked,
`tokens` (path, authorization header).
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34


@dataclass
class Repo:
    """files: name -> bytes. Names that end in .safetensors or .bin are LFS. lies: names whose bytes are wrong."""

    files: dict[str, bytes]
    commit: str = COMMIT
    lies: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, folder: Path) -> Repo:
        return cls(
            {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        )

    def lfs(self, name: str) -> str:
        """The sha256 that the metadata gives, or '' for a plain git file."""
        if not name.endswith((".safetensors", ".bin", ".pt")):
            return ""
        return hashlib.sha256(self.files[name]).hexdigest()

    def body(self, name: str) -> bytes:
        """The bytes that are sent."""
        return self.files[name][:-1] + b"\0" if name in self.lies else self.files[name]

    def blob(self, name: str) -> str:
        data = self.files[name]
        return hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


class StandIn:
    """`with StandIn({"owner/name": Repo(...)}) as hub:`, then `hub.address`.

    cut_after: bytes after which a CDN answer breaks off, one entry an answer. status: answered to everything, if set.
    cdn_status: answered by the CDN, one entry an answer, before it behaves.
    ranges: whether the CDN does them. gate: a CDN answer stops half way until it is set.
    """

    def __init__(self, repos: dict[str, Repo]) -> None:
        self.repos = repos
        self.requests: list[tuple[str, str, str]] = []
        self.tokens: list[tuple[str, str]] = []
        self.cut_after: list[int] = []
        self.status = 0
        self.cdn_status: list[int] = []
        self.ranges = True
        self.gate: threading.Event | None = None
        self.half_way = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def cdn(self) -> str:
        """Another origin, as with the real one: clients must not send it their token."""
        return f"http://localhost:{self._server.server_address[1]}/cdn"

    def asked(self, part: str) -> list[tuple[str, str, str]]:
        """The requests whose path contains `part`."""
        return [request for request in self.requests if part in request[1]]

    def __enter__(self) -> StandIn:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.gate is not None:
            self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(hub: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            hub.requests.append(("GET", unquote(self.path), self.headers.get("Range", "")))
            self._answer()

        def do_HEAD(self) -> None:
            hub.requests.append(("HEAD", unquote(self.path), self.headers.get("Range", "")))
            self._answer()

        def log_message(self, *_: Any) -> None:
            return

        def _answer(self) -> None:
            hub.tokens.append((self.path, self.headers.get("Authorization", "")))
            parts = unquote(urlsplit(self.path).path).strip("/").split("/")
            if hub.status:
                self._send(hub.status, b"{}", {"X-Error-Code": "GatedRepo"} if hub.status == 401 else {})
            elif parts[0] == "cdn" and hub.cdn_status:
                self._send(hub.cdn_status.pop(0), b"{}", {})
            elif parts[0] == "cdn":
                self._cdn(parts[1])
            elif parts[:2] == ["api", "models"] and "/".join(parts[2:4]) in hub.repos:
                self._api(hub.repos["/".join(parts[2:4])], parts[4], "/".join(parts[5:]))
            elif len(parts) > 4 and "/".join(parts[:2]) in hub.repos and parts[2] == "resolve":
                self._resolve(hub.repos["/".join(parts[:2])], parts[3], "/".join(parts[4:]))
            else:
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

        def _api(self, repo: Repo, what: str, revision: str) -> None:
            if revision not in ("main", repo.commit):
                self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            elif what == "revision":
                siblings = [{"rfilename": name} for name in repo.files]
                self._json({"_id": "1", "id": "x", "modelId": "x", "sha": repo.commit, "siblings": siblings})
            else:
                self._json([self._entry(repo, name) for name in repo.files])

        def _entry(self, repo: Repo, name: str) -> dict[str, Any]:
            size = len(repo.files[name])
            entry: dict[str, Any] = {"type": "file", "oid": repo.blob(name), "size": size, "path": name}
            if repo.lfs(name):
                entry["lfs"] = {"oid": repo.lfs(name), "size": size, "pointerSize": 134}
            return entry

        def _resolve(self, repo: Repo, revision: str, name: str) -> None:
            headers = {"X-Repo-Commit": repo.commit, "Accept-Ranges": "bytes"}
            if revision not in ("main", repo.commit):
                self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
            elif name not in repo.files:
                self._send(404, b"", {**headers, "X-Error-Code": "EntryNotFound"})
            elif repo.lfs(name):
                linked = {"X-Linked-Etag": f'"{repo.lfs(name)}"', "X-Linked-Size": str(len(repo.files[name]))}
                self._send(302, b"", {**headers, **linked, "Location": f"{hub.cdn}/{repo.lfs(name)}"})
            else:
                self._send(200, repo.body(name), {**headers, "ETag": f'"{repo.blob(name)}"'})

        def _cdn(self, digest: str) -> None:
            repo, name = next((repo, n) for repo in hub.repos.values() for n in repo.files if repo.lfs(n) == digest)
            data = repo.body(name)
            start = int(self.headers["Range"][6:].rstrip("-")) if hub.ranges and self.headers["Range"] else 0
            headers = {"ETag": f'"{digest}"', "Accept-Ranges": "bytes"}
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self._send(206 if start else 200, data[start:], headers, breakable=True)

        def _json(self, value: Any) -> None:
            self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

        def _send(self, status: int, body: bytes, headers: dict[str, str], breakable: bool = False) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            cut = hub.cut_after.pop(0) if breakable and hub.cut_after else len(body)
            if breakable and hub.gate is not None:
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                hub.half_way.set()
                hub.gate.wait(20)
                body = body[len(body) // 2 :]
            self.wfile.write(body[:cut])
            if cut < len(body):
                self.wfile.flush()
                self.close_connection = True

    return Handler
