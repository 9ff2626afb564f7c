"""Weights from the Hugging Face Hub: resolved to a commit once, fetched file by file, checked, kept.

    <folder>/<owner>--<name>/refs/<revision>         the commit a branch or tag was resolved to
    <folder>/<owner>--<name>/snapshots/<commit>/     plain files and, once whole, manifest.json

A snapshot that is there is used without a single request. Only files that cannot run code are fetched, and no model
code of a repository ever is. Knows files and HTTP, no tensors.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from backends.core.digest import canonical_json, sha256
from backends.core.errors import DownloadFailed, WeightsCorrupt, WeightsMissing
from backends.registry.catalogue import SAFE_PATTERNS, Hub
from backends.registry.manifest import MANIFEST, SAFE_SUFFIXES, FileEntry, Manifest, hash_file, safe_name
from backends.registry.progress import Progress
from backends.registry.transfer import TIMEOUT, RemoteFile, download, partial

ENDPOINT = "https://huggingface.co"
SPARE_BYTES = 2**28  # left free on the disk by a download: databases and logs live there too
LOCK_WAIT = 0.5  # seconds between looks at whether we are still wanted, while another process downloads

_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Snapshot:
    """A whole, checked set of files of one commit."""

    folder: Path
    commit: str
    manifest: Manifest


class HubCache:
    """The Hub models of this machine. Thread-safe, and safe beside other processes on one folder (a file lock each).

    folder: where they are kept. endpoint: '' reads HF_ENDPOINT, at each use. offline: never ask the network;
    HF_HUB_OFFLINE=1 does the same. token: None uses huggingface_hub's own, False sends none.
    """

    def __init__(
        self, folder: Path, *, endpoint: str = "", offline: bool = False, token: str | bool | None = None
    ) -> None:
        self.folder = folder
        self._endpoint = endpoint
        self._offline = offline
        self._token = token

    @property
    def endpoint(self) -> str:
        """The Hub's address, without a slash at its end."""
        return (self._endpoint or os.environ.get("HF_ENDPOINT", "") or ENDPOINT).rstrip("/")

    @property
    def offline(self) -> bool:
        """Whether downloads are off."""
        from huggingface_hub import constants

        said = os.environ.get("HF_HUB_OFFLINE", "").upper() in constants.ENV_VARS_TRUE_VALUES
        return self._offline or said or constants.is_offline_mode()

    def commit(self, source: Hub) -> str:
        """The commit of a source, asking the Hub at most once. Raises WeightsMissing offline, DownloadFailed."""
        known = self.known_commit(source)
        if not known:
            self._must_be_online(source)
            with _talking(source):
                known = self._resolve(source)
                path = self._ref(source)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(known, encoding="ascii")
        return known

    def known_commit(self, source: Hub) -> str:
        """The commit of a source as far as this machine knows; else ''."""
        if _COMMIT.fullmatch(source.revision):
            return source.revision
        path = self._ref(source)
        text = path.read_text(encoding="ascii").strip() if path.is_file() else ""
        return text if _COMMIT.fullmatch(text) else ""

    def local(self, source: Hub) -> Snapshot | None:
        """What is on this machine, without a request; None unless whole. Raises WeightsCorrupt (manifest damaged)."""
        commit = self.known_commit(source)
        folder = self._snapshot(source, commit)
        if not commit or not (folder / MANIFEST).is_file():
            return None
        return Snapshot(folder, commit, Manifest.read(folder))

    def fetch(self, source: Hub, progress: Progress) -> Snapshot:
        """The snapshot, downloaded where it is not here.

        Raises WeightsMissing, WeightsCorrupt, DownloadFailed or Cancelled.
        """
        found = self.local(source)
        if found is None:
            self._must_be_online(source)
            commit = self.commit(source)
            folder = self._snapshot(source, commit)
            with _talking(source):
                folder.mkdir(parents=True, exist_ok=True)
                with _alone(folder.parent / f".{folder.name}.lock", progress):
                    found = self.local(source) or self._download(source, commit, folder, progress)
        progress.expect(found.manifest.bytes, found.manifest.bytes)
        return found

    def discard_damaged(self, snapshot: Snapshot) -> None:
        """Drop the files that are not what the manifest says, and the manifest, so that a fetch brings them anew."""
        for name, entry in snapshot.manifest.files.items():
            path = snapshot.folder / name
            if path.is_file() and hash_file(path) != entry.sha256:
                path.unlink()
        (snapshot.folder / MANIFEST).unlink(missing_ok=True)

    def _download(self, source: Hub, commit: str, folder: Path, progress: Progress) -> Snapshot:
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined, unused-ignore]

        files = self._files(source, commit)
        here = sum(_bytes_here(folder, file) for file in files)
        total = sum(file.bytes for file in files)
        if shutil.disk_usage(folder).free < total - here + SPARE_BYTES:
            raise DownloadFailed(f"{source.repo} needs {(total - here) / 1e6:.0f} MB that the disk does not have.")
        progress.expect(here, total)
        headers = dict(build_hf_headers(token=self._token))
        for file in files:
            if not file.is_at(folder / file.name, progress):
                download(file, folder / file.name, headers, progress)
        manifest = Manifest({file.name: FileEntry(_sha256(folder, file), file.bytes) for file in files})
        manifest.write(folder, repo=source.repo, commit=commit)
        return Snapshot(folder, commit, manifest)

    def _files(self, source: Hub, commit: str) -> list[RemoteFile]:
        """What to fetch: listed by the Hub, wanted by the card, and of a kind that cannot run code."""
        from huggingface_hub import hf_hub_url
        from huggingface_hub.hf_api import RepoFile

        found = []
        for item in self._api().list_repo_tree(source.repo, recursive=True, revision=commit):
            if not isinstance(item, RepoFile) or not _wanted(item.path, source.files):
                continue
            if not safe_name(item.path):
                raise WeightsCorrupt(f"{source.repo} lists a file whose name leaves its folder.", hint="Do not use it.")
            url = hf_hub_url(source.repo, item.path, revision=commit, endpoint=self.endpoint)
            found.append(RemoteFile(item.path, item.size, item.lfs.sha256 if item.lfs else item.blob_id, url))
        if not any(file.name.endswith(".safetensors") for file in found):
            raise WeightsMissing(f"{source.repo} has no safetensors files.", hint="Only safetensors files are opened.")
        return sorted(found, key=lambda file: file.bytes)  # small ones first: what is wrong shows early

    def _resolve(self, source: Hub) -> str:
        info = self._api().model_info(source.repo, revision=source.revision, timeout=TIMEOUT)
        if info.sha is None or not _COMMIT.fullmatch(info.sha):
            raise DownloadFailed(f"The Hub does not say which commit '{source.revision}' of {source.repo} is.")
        return str(info.sha)

    def _api(self) -> Any:
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=self._token)

    def _must_be_online(self, source: Hub) -> None:
        if self.offline:
            raise WeightsMissing(
                f"{source.repo} is not on this machine, and downloads are off.",
                hint="Allow downloads in the settings, or fetch it where there is a network.",
            )

    def _repo(self, source: Hub) -> Path:
        return self.folder / source.repo.replace("/", "--")

    def _ref(self, source: Hub) -> Path:
        return self._repo(source) / "refs" / source.revision.replace("/", "--")

    def _snapshot(self, source: Hub, commit: str) -> Path:
        some = "" if source.files == SAFE_PATTERNS else f"-{sha256(canonical_json(source.files))[:8]}"
        return self._repo(source) / "snapshots" / f"{commit}{some}"


def _wanted(name: str, patterns: tuple[str, ...]) -> bool:
    return PurePosixPath(name).suffix in SAFE_SUFFIXES and any(fnmatch(name, pattern) for pattern in patterns)


def _sha256(folder: Path, file: RemoteFile) -> str:
    """Of a file that has just been checked; LFS names files by it, git names small ones by another hash."""
    return file.digest if file.lfs else hash_file(folder / file.name)


def _bytes_here(folder: Path, file: RemoteFile) -> int:
    target = folder / file.name
    path = target if target.is_file() else partial(target, file)
    return min(file.bytes, path.stat().st_size) if path.is_file() else 0


@contextmanager
def _talking(source: Hub) -> Iterator[None]:
    """Turns what can go wrong between here and the Hub into our errors, with a sentence each."""
    import httpx2
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        yield
    except GatedRepoError as err:
        raise DownloadFailed(f"{source.repo} asks for its terms to be accepted first.", hint="Set HF_TOKEN.") from err
    except RepositoryNotFoundError as err:
        raise DownloadFailed(f"The Hub has no model {source.repo}, or it is private.", hint="Set HF_TOKEN.") from err
    except RevisionNotFoundError as err:
        raise DownloadFailed(f"{source.repo} has no revision '{source.revision}'.", hint="Name another one.") from err
    except HfHubHTTPError as err:
        raise DownloadFailed(f"The Hub answered {err.response.status_code} for {source.repo}.", hint=_LATER) from err
    except (httpx2.HTTPError, ConnectionError) as err:
        raise DownloadFailed(f"The Hub could not be reached for {source.repo}.", hint=_LATER) from err
    except OSError as err:
        raise DownloadFailed(f"{source.repo} could not be written to the disk.", hint="Make room, try again.") from err


_LATER = "Check the network and try again: what has arrived is kept."


@contextmanager
def _alone(path: Path, progress: Progress) -> Iterator[None]:
    """Hold a file lock against other processes; while waiting, stay cancellable and do not look stuck."""
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    while not lock.is_locked:
        try:
            lock.acquire(timeout=LOCK_WAIT)
        except Timeout:
            progress.moved()
    try:
        yield
    finally:
        lock.release()
