"""A session as the plain data of session.json, and back. The format is told in archive.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from backends.core.digest import canonical_json
from backends.core.errors import BadArchive, BadInput, Interrupted
from backends.core.experiment import SCHEMA, Experiment
from backends.experiments.archive_forms import (
    FORMAT,
    HINT,
    ExperimentForm,
    ItemForm,
    OutputForm,
    ProvenanceForm,
    RunForm,
    SessionForm,
    check,
)
from backends.store.adopting import inputs_of
from backends.store.texts import checked_item_title, checked_tags, checked_text, checked_title
from backends.store.values import Item, Run, Session, StoredOutput

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # the store gives a session that comes in its own times


def session_document(session: Session) -> dict[str, Any]:
    """What the reader may see of it, without ids, links and owners. A run that has not ended is told as interrupted."""
    return {
        "format": FORMAT,
        "title": session.title,
        "notes": session.notes,
        "tags": list(session.tags),
        "items": [_item_document(item) for item in session.items],
    }


def read_session(form: SessionForm) -> Session:
    """The session as values, without ids. Raises BadArchive where a text or an experiment is none."""
    try:
        session = Session(
            id="",
            link="",
            title=checked_title(form.title),
            notes=checked_text(form.notes, "notes", "The notes"),
            tags=tuple(checked_tags(form.tags)),
            created=_NEVER,
            updated=_NEVER,
            deleted=None,
            items=tuple(_item(item, place) for place, item in enumerate(form.items, 1)),
            links=(),
            mine=True,
        )
    except BadArchive:
        raise
    except BadInput as err:
        raise BadArchive(f"A text of this archive cannot be taken. {err.sentence}", hint=err.hint) from err
    if _texts(session) != _texts(form):  # tidied, so nobody wrote it here
        raise BadArchive("A text of this archive is not as Vitrine keeps it.", hint=HINT)
    return session


def _texts(told: Session | SessionForm) -> list[Any]:
    items = [(item.title, item.note, item.speaker) for item in told.items]
    return [told.title, told.notes, tuple(told.tags), *items]


def referenced(session: Session) -> set[str]:
    """The digests of all files that its runs refer to."""
    outputs = {output.digest for run in session.runs for output in run.outputs}
    return outputs.union(*(inputs_of(run.experiment).values() for run in session.runs))


def _item_document(item: Item) -> dict[str, Any]:
    told = {"title": item.title, "note": item.note, "live": item.live, "run": _run_document(_ended(item.run))}
    return {**told, "speaker": item.speaker} if item.speaker else told


def _run_document(run: Run) -> dict[str, Any]:
    return {
        "experiment": run.experiment.as_dict(),
        "state": run.state,
        "fraction": run.fraction,
        "sentence": run.sentence,
        "created": _time(run.created),
        "started": _time(run.started),
        "finished": _time(run.finished),
        "error": run.error,
        "provenance": run.provenance,
        "outputs": [
            {
                "name": output.name,
                "kind": output.kind,
                "media_type": output.media_type,
                "meta": output.meta,
                "digest": output.digest,
                "bytes": output.bytes,
            }
            for output in run.outputs
        ],
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _ended(run: Run) -> Run:
    """The run as one that will not change: elsewhere nobody is computing it."""
    if run.ended:
        return run
    error = Interrupted("This was not finished when the session was exported.", hint="Run it again.").as_dict()
    return replace(run, state="interrupted", finished=run.finished or run.started or run.created, error=error)


def _item(form: ItemForm, place: int) -> Item:
    return Item(
        run=_run(form.run, f"Item {place}"),
        title=checked_item_title(form.title),
        note=checked_text(form.note, "note", "The note"),
        speaker=checked_text(form.speaker, "speaker", "The speaker note"),
        live=form.live,
    )


def _run(form: RunForm, called: str) -> Run:
    provenance = check(ProvenanceForm, form.provenance, called)
    if form.state == "done" and not provenance.version:
        raise BadArchive(f"{called} of this archive does not tell which version made it.", hint=HINT)
    names = [output.name for output in form.outputs]
    if len(set(names)) != len(names):
        raise BadArchive(f"{called} of this archive has two outputs of one name.", hint=HINT)
    run = Run(
        id="",
        visitor="",
        experiment=_experiment(form.experiment, called),
        state=form.state,
        fraction=form.fraction,
        sentence=form.sentence,
        created=form.created,
        started=form.started,
        finished=form.finished,
        error=form.error.model_dump() if form.error else None,
        reference="",
        provenance=form.provenance,
        saved=True,
        outputs=tuple(map(_output, form.outputs)),
    )
    return _ended(run)


def _output(form: OutputForm) -> StoredOutput:
    return StoredOutput(form.name, form.kind, form.digest, form.media_type, form.bytes, form.meta)


def _experiment(raw: dict[str, Any], called: str) -> Experiment:
    """The experiment; of a newer form all of it is kept, and what is known of it can be shown."""
    form = raw.get("schema")
    if type(form) is not int or form <= SCHEMA:
        check(ExperimentForm, raw, called)
    try:
        experiment = Experiment.from_json(canonical_json(raw))
    except BadInput as err:
        raise BadArchive(f"{called} of this archive names no experiment.", hint=HINT) from err
    names = (experiment.action, *experiment.parameters, *experiment.inputs, *experiment.models)
    values = (experiment.seed, *experiment.parameters.values())
    numbers = [value for value in values if isinstance(value, int | float)]
    if not all(len(name) <= 200 and name.isprintable() for name in names) or any(abs(it) >= 2**63 for it in numbers):
        raise BadArchive(f"{called} of this archive names no experiment.", hint=HINT)
    return experiment
