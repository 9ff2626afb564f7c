"""One file from a Hub, resumed where it was cut and checked before anyone sees it.

Why not `hf_hub_download`: huggingface_hub 2.4 deletes its partial file when a download fails and resumes, within one
call, only in steps of 10 MB. Here the partial file stays, so a cut or stopped download goes on at its last byte, even
after a restart. Requests go through the library's own session: its proxies, tokens and offline switch apply. Plain
HTTP, never Xet. Protocol: RFC 9110 section 14 (Range), huggingface.co/docs/hub on `resolve`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.core.errors import DownloadFailed, WeightsCorrupt
from backends.registry.progress import Progress

ATTEMPTS = 5  # in a row without a single new byte; any byte starts the count again
PAUSE = 1.0  # seconds before the first new attempt, doubled each time
TIMEOUT = 10.0  # seconds without an answer or a byte: huggingface_hub's own default
CHUNK = 2**18
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class RemoteFile:
    """A file of a commit. digest: sha256 of the bytes (LFS), or git's blob id (sha1) of a small one."""

    name: str
    bytes: int
    digest: str
    url: str

    @property
    def lfs(self) -> bool:
        """Whether the digest is a sha256 of LFS."""
        return len(self.digest) == 64

    def is_at(self, path: Path, progress: Progress) -> bool:
        """Whether `path` is this file, whole. Raises Cancelled."""
        if not path.is_file() or path.stat().st_size != self.bytes:
            return False
        digest = self._hasher()
        with path.open("rb") as source:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                progress.moved()
        return bool(digest.hexdigest() == self.digest)

    def _hasher(self) -> Any:
        """A hash object that ends in `digest` when fed the file. git puts 'blob <size>' and a NUL before it."""
        if self.lfs:
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.bytes}\0".encode(), usedforsecurity=False)


def partial(target: Path, file: RemoteFile) -> Path:
    """Where the bytes of a download that is under way lie: named by content, so versions never mix."""
    return target.parent / f".{target.name}.{file.digest[:16]}.part"


def download(file: RemoteFile, target: Path, headers: dict[str, str], progress: Progress) -> None:
    """Put `file` at `target`, whole and checked. Raises DownloadFailed, WeightsCorrupt or Cancelled.

    What arrived before a failure stays in `partial` and is not fetched again.
    """
    part = partial(target, file)
    target.parent.mkdir(parents=True, exist_ok=True)
    _fetch_all(file, part, headers, progress)
    _check(file, part, progress)
    part.replace(target)


def _fetch_all(file: RemoteFile, part: Path, headers: dict[str, str], progress: Progress) -> None:
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    failures = 0
    while (before := _size(part)) < file.bytes:
        try:
            _fetch_some(file, part, headers, progress)
            error: Exception = OSError("the connection ended early")
        except HfHubHTTPError as err:
            if err.response.status_code not in _PASSING:
                raise
            error = err
        except httpx2.TransportError as err:
            error = err
        failures = 0 if _size(part) > before else failures + 1
        if failures >= ATTEMPTS:
            raise DownloadFailed(
                f"The download of {file.name} broke off.", hint="Try again: what has arrived is kept."
            ) from error
        if _size(part) < file.bytes and progress.cancellation.wait(PAUSE * 2**failures):
            progress.cancellation.check()


def _fetch_some(file: RemoteFile, part: Path, headers: dict[str, str], progress: Progress) -> None:
    """One request: from the first byte that is lacking to the end, or to wherever the connection breaks."""
    from huggingface_hub import get_session, hf_raise_for_status

    have = _size(part)
    asked = {**headers, "Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with get_session().stream("GET", file.url, headers=asked, timeout=TIMEOUT, follow_redirects=True) as response:
        hf_raise_for_status(response)
        if have and response.status_code != 206:  # the server does not do ranges: what it sends starts at zero
            part.unlink()
            progress.fetched(-have)
        with part.open("ab") as sink:
            for chunk in response.iter_bytes():  # as they come: a fixed size would hold back, and lose, what is short
                sink.write(chunk)
                progress.fetched(len(chunk))


def _check(file: RemoteFile, part: Path, progress: Progress) -> None:
    if not file.is_at(part, progress):
        part.unlink()
        raise WeightsCorrupt(
            f"{file.name} arrived, but is not what the Hub says it is.", hint="Try again; if it stays, do not use it."
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
