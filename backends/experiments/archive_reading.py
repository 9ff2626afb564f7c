"""An archive from elsewhere, judged as a whole before anything of it is kept. The format is told in archive.py."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from backends.core.action import Action
from backends.core.digest import canonical_json, sha256
from backends.core.errors import BadArchive, NotFound
from backends.core.limits import MIB
from backends.core.results import Encoded
from backends.core.sweep import base_of
from backends.experiments.archive_forms import (
    ARTIFACTS,
    DOCUMENT_MAX,
    HINT,
    MANIFEST,
    SESSION,
    ManifestForm,
    SessionForm,
    check_format,
    read_form,
    read_json,
)
from backends.experiments.archive_inputs import check_input
from backends.experiments.archive_results import IN_MEMORY_MAX, OddResult, check_result
from backends.experiments.archive_session import read_session, referenced
from backends.experiments.plain_zip import Entry, NotPlain, Part, Reason, read_first, read_zip
from backends.runtime.lab import Lab
from backends.store.adopting import Adopted, BroughtFile, inputs_of
from backends.store.values import Session, StoredOutput

CHECK_SECONDS = 120.0  # five medical runs take 0.1; small files can unpack to pictures that take very long
_NAME = re.compile(r"manifest\.json|session\.json|artifacts/[0-9a-f]{64}")
_AGAIN = "Download or copy it again."
_SENTENCES: dict[Reason, tuple[str, str]] = {
    "no_zip": ("This file is not a zip archive.", "Choose the .zip that Vitrine gave for a session."),
    "cut": ("This archive is cut off: its end is missing.", _AGAIN),
    "encrypted": ("This archive is encrypted.", HINT),
    "foreign": ("This zip archive was not written by Vitrine, or another program packed it again.", HINT),
    "names": ("This zip archive holds files that do not belong to a session.", HINT),
    "too_many": ("This archive holds more files than a session can have.", HINT),
    "damaged": ("This archive is damaged in {where}.", _AGAIN),
}
Entries = dict[str, Entry]


@dataclass(frozen=True)
class _Deadline:
    """Until when an archive must have been judged; on the machine's monotonic clock."""

    ends: float

    def check(self) -> None:
        """Raises BadArchive when it is too late."""
        if time.monotonic() > self.ends:
            raise BadArchive("Judging this archive takes too long.", hint="Take some results out of the session.")


def judge(lab: Lab, file: IO[bytes]) -> Adopted:
    """The session in the archive, ready to be kept: all of its bytes have been looked at.

    file: can be sought in; is read again when the session is kept. Raises BadArchive, which says what is wrong in
    which part and repeats nothing of it; NewerSchema; Busy where an input cannot be judged now.
    """
    whole, deadline = Part(file, 0, file.seek(0, 2)), _Deadline(time.monotonic() + CHECK_SECONDS)
    try:
        if whole.size > lab.limits.archive_bytes:
            most = lab.limits.archive_bytes / MIB
            raise BadArchive(f"This archive has more than {most:.0f} MiB.", hint="Take some results out first.")
        return _judge(lab, whole, deadline)
    except NotPlain as err:
        raise not_plain(err) from err


def not_plain(error: NotPlain) -> BadArchive:
    """What is told of a zip file that is not as it should be."""
    sentence, hint = _SENTENCES[error.reason]
    return BadArchive(sentence.format(where=_part(error.name)), hint=hint)


def _judge(lab: Lab, whole: Part, deadline: _Deadline) -> Adopted:
    first = read_first(whole)
    if first.name != MANIFEST or first.part.size > DOCUMENT_MAX:
        raise NotPlain("foreign")
    manifest = first.read()
    check_format(read_json(manifest, "The manifest"))  # before anything that a later format may do otherwise
    entries = read_zip(whole, lambda name: _NAME.fullmatch(name) is not None)
    told = read_form(ManifestForm, manifest, "The manifest")
    sizes = _sizes(entries, told)
    document = _document(entries, told.session)
    session = read_session(read_form(SessionForm, document, "The session"))
    _check_files(session, sizes)
    for digest in sizes:
        deadline.check()
        if entries[ARTIFACTS + digest].sha256() != digest:
            raise _changed(_part(ARTIFACTS + digest))
    _check_outputs(lab, session, entries, deadline)
    _check_inputs(lab, session, entries, deadline)
    return Adopted(session, _files(session, entries), len(document), lambda name: _keep_hours(lab, name))


def _sizes(entries: Entries, manifest: ManifestForm) -> dict[str, int]:
    """Digest -> bytes of the files, which must be those that the manifest lists."""
    told = {file.sha256: file.bytes for file in manifest.artifacts}
    if list(entries) != [MANIFEST, SESSION, *(ARTIFACTS + digest for digest in sorted(told))]:
        raise _changed("its list of files")
    if any(entries[ARTIFACTS + digest].part.size != size for digest, size in told.items()):
        raise _changed("its list of files")
    return told


def _document(entries: Entries, digest: str) -> bytes:
    if entries[SESSION].part.size > DOCUMENT_MAX:
        raise BadArchive(f"The session of this archive has more than {DOCUMENT_MAX // MIB} MiB of texts.", hint=HINT)
    document = entries[SESSION].read()
    if sha256(document) != digest:
        raise _changed(_part(SESSION))
    return document


def _check_files(session: Session, sizes: dict[str, int]) -> None:
    """The files must be exactly those that the session refers to; else any hash would open any file in the store."""
    named = referenced(session)
    if named - set(sizes):
        raise BadArchive("This archive lacks a file that its session names.", hint=HINT)
    if set(sizes) - named:
        raise BadArchive("This archive holds a file that its session does not name.", hint=HINT)
    if any(output.bytes != sizes[output.digest] for run in session.runs for output in run.outputs):
        raise BadArchive("A result of this archive has another length than its session tells.", hint=HINT)


def _check_outputs(lab: Lab, session: Session, entries: Entries, deadline: _Deadline) -> None:
    seen = set[tuple[str, str, str, bytes]]()
    for place, output in _outputs(session):
        key = (output.digest, output.kind, output.media_type, canonical_json(output.meta))
        if key in seen:
            continue
        seen.add(key)
        deadline.check()
        try:
            check_result(_encoded(output, entries[ARTIFACTS + output.digest]), lab.limits)
        except OddResult as err:
            raise BadArchive(f"A result of item {place} is not what its kind promises.", hint=HINT) from err


def _encoded(output: StoredOutput, entry: Entry) -> Encoded:
    if output.kind == "file":
        return Encoded(output.kind, output.media_type, b"", output.meta)
    if entry.part.size > IN_MEMORY_MAX:
        raise BadArchive(f"A result of this archive has more than {IN_MEMORY_MAX // MIB} MiB.", hint=HINT)
    return Encoded(output.kind, output.media_type, entry.read(), output.meta)


def _outputs(session: Session) -> Iterator[tuple[int, StoredOutput]]:
    return ((place, output) for place, run in enumerate(session.runs, 1) for output in run.outputs)


def _check_inputs(lab: Lab, session: Session, entries: Entries, deadline: _Deadline) -> None:
    seen = set[tuple[type[Action], str, str]]()
    for place, run in enumerate(session.runs, 1):
        for parameter, digest in inputs_of(run.experiment).items():
            action = _taker(lab, run.experiment.action, parameter)
            if action is None or (action, parameter, digest) in seen:
                continue
            seen.add((action, parameter, digest))
            deadline.check()
            entry = entries[ARTIFACTS + digest]
            if entry.part.size > lab.limits.upload_bytes:
                most = lab.limits.upload_bytes / MIB
                raise BadArchive(f"An input of item {place} has more than {most:.0f} MiB.", hint=HINT)
            check_input(action, parameter, entry.read(), f"item {place}")


def _taker(lab: Lab, name: str, parameter: str) -> type[Action] | None:
    """The action that takes such an input, if it is known here."""
    try:
        action = base_of(lab.actions.get(name))
    except NotFound:
        return None
    taken = [item.name for item in action.parameters() if item.kind == "image"]
    return action if parameter in taken else None


def _files(session: Session, entries: Entries) -> dict[str, BroughtFile]:
    types = {output.digest: output.media_type for _, output in _outputs(session)}
    parts = {digest: entries[ARTIFACTS + digest].part for digest in referenced(session)}
    usual = "application/octet-stream"
    return {
        digest: BroughtFile(digest, part.size, types.get(digest, usual), part.chunks) for digest, part in parts.items()
    }


def _keep_hours(lab: Lab, name: str) -> float:
    try:
        hours = lab.actions.playground_of(name).keep_hours
    except NotFound:
        hours = None
    return lab.limits.keep_hours if hours is None else hours


def _changed(where: str) -> BadArchive:
    return BadArchive(f"This archive was changed after it was written: {where} is not what its digest says.", hint=HINT)


def _part(name: str) -> str:
    """An entry in words; its name has been held against the ones there are."""
    if name.startswith(ARTIFACTS):
        return f"the file {name.removeprefix(ARTIFACTS)[:12]}"
    return {MANIFEST: "its manifest", SESSION: "its session"}.get(name, "its list of files")
