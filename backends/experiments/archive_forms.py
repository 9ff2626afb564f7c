"""What stands in an archive's two JSON files, as types: every field with its range, and nothing besides them.

The format itself is told in archive.py. Knows no store and no zip file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from backends.core.digest import canonical_json, is_sha256
from backends.core.errors import BadArchive, NewerSchema
from backends.core.limits import MIB
from backends.core.results import Kind
from backends.core.seeds import SEED_MAX
from backends.store.values import State

FORMAT = 1  # raised when an older Vitrine could not read it any more
MANIFEST, SESSION, ARTIFACTS = "manifest.json", "session.json", "artifacts/"
DOCUMENT_MAX = 4 * MIB  # of each JSON file; a medical run takes about 4 KiB
HINT = "Import the file as Vitrine gave it."
_FORMAT_MAX = 10_000  # what is above was not written by any Vitrine
DEPTH_MAX = 64
_DOCUMENT_MAX = 256 * 1024  # bytes of one experiment, one provenance, or what is told of one output
_YEARS = (2000, 2200)
F = TypeVar("F", bound="_Form")


def _digest(text: str) -> str:
    if not is_sha256(text):
        raise ValueError("not a content hash")
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("not printable")
    return text


def _time(value: object) -> datetime:
    """Exactly what `datetime.isoformat` gives for a time in UTC."""
    if not isinstance(value, str):
        raise ValueError("not a time")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None or moment.astimezone(UTC).isoformat() != value:
        raise ValueError("not in UTC")
    if not _YEARS[0] <= moment.year < _YEARS[1]:
        raise ValueError("not of this age")
    return moment.astimezone(UTC)


def _small(value: dict[str, Any]) -> dict[str, Any]:
    if len(canonical_json(value)) > _DOCUMENT_MAX:
        raise ValueError("too large")
    return value


Digest = Annotated[str, AfterValidator(_digest)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_printable)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
Word = Annotated[str, StringConstraints(max_length=200), AfterValidator(_printable)]
Time = Annotated[datetime, BeforeValidator(_time)]
Bytes = Annotated[int, Field(ge=0, lt=2**32)]
Count = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Real = Annotated[float, Field(allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=1e9)]
Small = Annotated[dict[str, Any], AfterValidator(_small)]
MediaType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.+-]{0,40}/[a-z0-9][a-z0-9.+-]{0,50}$")]
One = Annotated[int, Field(ge=1, le=1)]  # Literal[1] would take true as well
Texts = Annotated[str, StringConstraints(max_length=2000)]


class _Form(BaseModel):
    """Strict: a number in quotes is no number, and an unknown field is an error."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class OutputForm(_Form):
    """A result: its bytes are artifacts/<digest>."""

    name: Name
    kind: Kind
    media_type: MediaType
    meta: Small
    digest: Digest
    bytes: Bytes


class ErrorForm(_Form):
    """Why a run failed."""

    code: Word
    message: Texts
    hint: Texts
    field: Texts


class ProvenanceForm(_Form):
    """What is known of a run's circumstances. Members that are not known here pass, within the size of all."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)
    version: Annotated[str, StringConstraints(max_length=100)] = ""
    experiment: Word = ""
    seed: Count = 0
    device: Word = ""
    gpu: Word = ""
    threads: Annotated[int, Field(ge=1, le=4096)] = 1
    models: dict[str, dict[str, Word]] = {}
    versions: dict[str, Word] = {}
    machine: dict[str, Word | Count] = {}
    seconds_queued: Seconds = 0.0
    seconds_running: Seconds = 0.0
    rss_before_bytes: Count = 0
    rss_peak_bytes: Count = 0
    cached: bool = False
    imported: bool = False


class ExperimentForm(_Form):
    """An experiment of the form that this Vitrine writes: core.experiment."""

    form: One = Field(alias="schema")
    action: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)+$", max_length=200)]
    parameters: dict[Identifier, str | Count | Real | bool | None]
    inputs: dict[Identifier, Digest]
    models: dict[Identifier, tuple[Word, Word]]
    seed: Annotated[int, Field(ge=0, le=SEED_MAX)]


class RunForm(_Form):
    """A run, without ids and owner."""

    experiment: Small
    state: State
    fraction: Annotated[float, Field(ge=0, le=1)]
    sentence: Annotated[str, StringConstraints(max_length=500)]
    created: Time
    started: Time | None
    finished: Time | None
    error: ErrorForm | None
    provenance: Small
    outputs: list[OutputForm]


class ItemForm(_Form):
    """A run's place in the session, and what its slide says."""

    title: str
    note: str
    speaker: str = ""
    live: bool
    run: RunForm


class SessionForm(_Form):
    """session.json."""

    format: One
    title: str
    notes: str
    tags: list[str]
    items: list[ItemForm]


class FileForm(_Form):
    """One of the files under artifacts/."""

    sha256: Digest
    bytes: Bytes


class ManifestForm(_Form):
    """manifest.json. session: sha256 of session.json."""

    format: One
    what: Texts
    vitrine: Word
    session: Digest
    artifacts: list[FileForm]


def read_json(data: bytes, called: str) -> Any:
    """Canonical JSON as plain data. called: what the sentence calls it. Raises BadArchive on anything else."""
    try:
        value = json.loads(data)
        if not _shallow(value) or canonical_json(value) != data:
            raise ValueError("not as it was written")
    except (ValueError, RecursionError) as err:
        raise BadArchive(f"{called} of this archive cannot be read.", hint=HINT) from err
    return value


def read_form(form: type[F], data: bytes, called: str) -> F:
    """A file as its type. Raises BadArchive, which names the place but nothing that stands there; NewerSchema."""
    raw = read_json(data, called)
    check_format(raw)
    return check(form, raw, called)


def check_format(raw: Any) -> None:
    """Raises NewerSchema where a later Vitrine wrote this file."""
    told = raw.get("format") if isinstance(raw, dict) else None
    if type(told) is int and FORMAT < told < _FORMAT_MAX:
        raise NewerSchema(
            f"This archive was written by a newer Vitrine (format {told}; this one reads {FORMAT}).",
            hint="Update Vitrine to import it.",
        )


def check(form: type[F], raw: Any, called: str) -> F:
    """Plain data as its type. Raises BadArchive, which names the place."""
    try:
        return form.model_validate_json(canonical_json(raw))
    except ValidationError as err:
        where = _where(err.errors()[0]["loc"])
        raise BadArchive(f"{called} of this archive is not what Vitrine writes{where}.", hint=HINT) from err


def _where(place: tuple[int | str, ...]) -> str:
    """': item 3, run, outputs 1'. Only our own words: what else stands in a place came from the file."""
    words: list[str] = []
    for part in place:
        if isinstance(part, int) and words:
            words[-1] += f" {part + 1}"
        elif part in _FIELDS:
            words.append(str(part))
    return f": {', '.join(words)}" if words else ""


def _shallow(value: Any) -> bool:
    """Whether nothing is nested deeper than 64: what reads it later may call itself for each level."""
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            return True
    return False


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


_FIELDS = frozenset(
    name
    for form in (SessionForm, ItemForm, RunForm, OutputForm, ErrorForm, ProvenanceForm, ExperimentForm, ManifestForm)
    for name in (*form.model_fields, *FileForm.model_fields)
)
