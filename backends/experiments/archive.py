"""A session as one .zip file, out and in.

The form, number 1: a zip file of the plainest kind (plain_zip.py) with these entries and no others, in this order.

    manifest.json           format (1), what (a sentence: what this is), vitrine (the version that wrote it),
                            session (sha256 of session.json), artifacts ([{sha256, bytes}], sorted).
                            Stays the first entry in every later format, so that an older Vitrine can say what is wrong.
    session.json            format, title, notes, tags, and items in order: title, note, live, speaker (the owner's
                            export only, where there is one), and run: experiment (its document), state, fraction,
                            sentence, created, started, finished (ISO 8601, UTC), error, provenance, and outputs in
                            order: name, kind, media_type, meta, digest, bytes.
    artifacts/<sha256>      the bytes of each output, and of each input that an experiment names; sorted.

Both JSON files are canonical (core.digest). No ids, links, visitors or references to logs leave the house. Equal
sessions give equal bytes. An archive that is imported and exported again, by who owns both and with one version of
Vitrine, differs in one thing: each run's provenance says imported. From then on it comes back byte for byte.

The digests tell damage and careless changes. They are no signature: who changes an archive and all of its digests has
made another archive, which is why imported runs say so of themselves and never answer for anyone else (store.adopting).
"""

from __future__ import annotations

import io
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from backends.core.digest import canonical_json, sha256
from backends.core.errors import ArtifactMissing, Busy, TooLarge
from backends.experiments.archive_forms import ARTIFACTS, DOCUMENT_MAX, FORMAT, MANIFEST, SESSION
from backends.experiments.archive_reading import judge, not_plain
from backends.experiments.archive_session import referenced, session_document
from backends.experiments.plain_zip import CHUNK, ENTRIES_MAX, TOTAL_MAX, Content, NotPlain, total_size, write_zip
from backends.runtime.lab import Lab
from backends.store.values import Session

AT_ONCE = 2  # archives judged at the same time: it is work for a processor, and there are few
WAIT_SECONDS = 30.0
WHAT = (
    "A session of Vitrine: session.json tells its runs, artifacts/ holds their inputs and results by sha256. "
    "Import it on a Vitrine's page of sessions."
)


_PLACES = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Archive:
    """An archive on its way out. file_name: safe on every system. size: in bytes."""

    file_name: str
    size: int
    contents: tuple[Content, ...]

    def chunks(self) -> Iterator[bytes]:
        """The file in pieces, read from disk as they are asked for. Raises ArtifactMissing where a file has gone."""
        try:
            yield from write_zip(self.contents)
        except (NotPlain, OSError) as err:
            raise ArtifactMissing("A stored file went while it was exported.", hint="Export it again.") from err

    def save(self, path: Path) -> None:
        """Write it to a file."""
        with path.open("wb") as file:
            file.writelines(self.chunks())


def write_archive(lab: Lab, address: str, visitor: str) -> Archive:
    """The session that the visitor's link opens, or their own by its id, as an archive; speaker notes for its owner.

    Every stored file is held against its digest before this returns; memory does not grow with their size.
    Raises NotFound, LinkClosed, ArtifactMissing where a file is gone or damaged, TooLarge.
    """
    session = lab.store.sessions.open(address, visitor)
    artifacts = [_artifact(lab, digest, visitor) for digest in sorted(referenced(session))]
    document = canonical_json(session_document(session))
    told = {
        "format": FORMAT,
        "what": WHAT,
        "vitrine": lab.version,
        "session": sha256(document),
        "artifacts": [{"sha256": item.name.removeprefix(ARTIFACTS), "bytes": item.size} for item in artifacts],
    }
    manifest = canonical_json(told)
    contents = (Content.of(MANIFEST, manifest), Content.of(SESSION, document), *artifacts)
    size = total_size(contents)
    if size > TOTAL_MAX or len(contents) > ENTRIES_MAX or max(len(document), len(manifest)) > DOCUMENT_MAX:
        raise TooLarge(
            "This session is too large for one archive.", hint="Duplicate it, and take some of its results out."
        )
    return Archive(file_name(session.title), size, contents)


def import_archive(lab: Lab, source: bytes | Path | IO[bytes], visitor: str) -> Session:
    """Keep an archive's session as a new one of the visitor's, with its own link and runs of their own; all or nothing.

    source: the file's bytes, its path, or a file that can be sought in. Runs keep their state, times and provenance;
    those of actions or models that are not here, or of a newer form, can be looked at and exported again.
    Raises BadArchive (not an archive, damaged, changed, too large: one sentence each), NewerSchema, QuotaExceeded,
    Busy, StoreError.
    """
    if not _PLACES.acquire(timeout=WAIT_SECONDS):
        raise Busy("Several archives are being imported just now.", retry_after=WAIT_SECONDS)
    try:
        with _opened(source) as file:
            return lab.store.adopt(visitor, judge(lab, file))
    except NotPlain as err:  # it was cut while it was copied
        raise not_plain(err) from err
    finally:
        _PLACES.release()


def _opened(source: bytes | Path | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    return source.open("rb") if isinstance(source, Path) else nullcontext(source)


def file_name(title: str) -> str:
    """A name for the download: the title's letters and digits of any script, with dashes between."""
    words = re.sub(r"[^\w]+|_+", "-", title).strip("-")[:60].strip("-")
    return f"{words or 'session'}.vitrine.zip"


def _artifact(lab: Lab, digest: str, visitor: str) -> Content:
    path = lab.store.artifacts.open_path(digest, visitor)
    size = crc = 0
    for piece in _pieces(path):
        size, crc = size + len(piece), zlib.crc32(piece, crc)
    return Content(ARTIFACTS + digest, size, crc, lambda: _pieces(path))


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece
