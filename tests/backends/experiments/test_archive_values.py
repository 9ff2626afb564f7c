"""Whatever stands in an archive's session is held against its range; what is refused is told by its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from backends.core.digest import sha256
from backends.runtime.lab import Lab
from tests.backends.experiments.archives import (
    Parts,
    bent,
    output_of,
    refused,
)

Session = dict[str, Any]


def _item(session: Session) -> Session:
    found: Session = session["items"][0]
    return found


def _set(*path: str | int, to: Any) -> Callable[[Session, Parts], None]:
    """Set what stands at this place of the first item."""

    def change(session: Session, parts: Parts) -> None:
        at: Any = _item(session)
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = to

    return change


def _top(**changes: Any) -> Callable[[Session, Parts], None]:
    return lambda session, parts: session.update(changes)


def _drop_file(session: Session, parts: Parts) -> None:
    del parts["artifacts/" + output_of(session, "number")["digest"]]


def _another_runs_input(session: Session, parts: Parts) -> None:
    _item(session)["run"]["experiment"]["inputs"]["photo"] = sha256(b"what another visitor uploaded")


def _same_name(session: Session, parts: Parts) -> None:
    outputs = _item(session)["run"]["outputs"]
    outputs[1]["name"] = outputs[0]["name"]


def _newer(session: Session, parts: Parts) -> None:
    newer = next(item["run"]["experiment"] for item in session["items"] if item["run"]["experiment"]["schema"] == 2)
    newer["parameters"]["gain"] = 10**400


VALUES: dict[str, tuple[Callable[[Session, Parts], object], str]] = {
    "no title": (_top(title=""), "The title must have"),
    "a title that is a number": (_top(title=5), ": title"),
    "notes without end": (_top(notes="x" * 20_001), "The notes must have"),
    "too many tags": (_top(tags=[f"t{n}" for n in range(21)]), "at most 20 tags"),
    "a member that does not belong": (_top(owner="Zaphod"), "is not what Vitrine writes"),
    "another format": (_top(format=0), ": format"),
    "items that are none": (_top(items={"a": 1}), ": items"),
    "a speaker note that is too long": (_set("speaker", to="x" * 20_001), "The speaker note"),
    "live that is a word": (_set("live", to="yes"), "items 1, live"),
    "another state": (_set("run", "state", to="perfect"), "items 1, run, state"),
    "a fraction above one": (_set("run", "fraction", to=1.5), "fraction"),
    "a time without a zone": (_set("run", "created", to="2026-01-01T00:00:00"), "created"),
    "a time of another form": (_set("run", "created", to="2026-01-01T00:00:00Z"), "created"),
    "a time that is a number": (_set("run", "started", to=0), "started"),
    "a time in the year 9000": (_set("run", "finished", to="9000-01-01T00:00:00+00:00"), "finished"),
    "no time at all": (_set("run", "created", to=None), "created"),
    "an error that is a word": (_set("run", "error", to="bad"), "error"),
    "a provenance that is large": (_set("run", "provenance", "x", to="y" * 300_000), "provenance"),
    "a version that is a number": (_set("run", "provenance", "version", to=1), "Item 1 .*: version"),
    "seconds that are a word": (_set("run", "provenance", "seconds_running", to="long"), "Item 1 .*: seconds_running"),
    "no version": (_set("run", "provenance", to={}), "which version made it"),
    "an experiment of form 0": (_set("run", "experiment", "schema", to=0), "Item 1"),
    "an experiment of no form": (_set("run", "experiment", "schema", to=True), "Item 1"),
    "code for an action": (_set("run", "experiment", "action", to='a/b"; import os'), "Item 1"),
    "code for a parameter": (_set("run", "experiment", "parameters", 'x"]', to=1), "Item 1"),
    "a list for a parameter": (_set("run", "experiment", "parameters", "gain", to=[1]), "Item 1"),
    "a parameter beyond every float": (_set("run", "experiment", "parameters", "gain", to=10**400), "Item 1"),
    "seconds beyond every float": (_set("run", "provenance", "seconds_running", to=10**400), "Item 1"),
    "a parameter of a newer form beyond every float": (_newer, "names no experiment"),
    "a path for an input": (_set("run", "experiment", "inputs", "photo", to="../../secret"), "Item 1"),
    "a model of three parts": (_set("run", "experiment", "models", "m", to=["a", "b", "c"]), "Item 1"),
    "a negative seed": (_set("run", "experiment", "seed", to=-1), "seed"),
    "two outputs of one name": (_same_name, "two outputs of one name"),
    "an output of another kind": (_set("run", "outputs", 0, "kind", to="script"), "outputs 1, kind"),
    "an output of another type": (_set("run", "outputs", 0, "media_type", to="text/html\r\nX: y"), "media_type"),
    "an output of another length": (_set("run", "outputs", 0, "bytes", to=5), "another length"),
    "an output of a negative length": (_set("run", "outputs", 0, "bytes", to=-5), "bytes"),
    "a digest that is none": (_set("run", "outputs", 0, "digest", to="0" * 63), "digest"),
    "a name that cannot be shown": (_set("run", "outputs", 0, "name", to="a\nb"), "name"),
    "a file that is not there": (_drop_file, "lacks a file"),
    "somebody else's file": (_another_runs_input, "lacks a file"),
    "a file that nobody names": (
        lambda session, parts: parts.update({"artifacts/" + sha256(b"x"): b"x"}),
        "does not name",
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_out_of_range_is_refused_and_its_place_told(there: Lab, archive: bytes, name: str) -> None:
    change, words = VALUES[name]
    told = refused(there, bent(archive, change), words)
    assert not any(part in told.sentence for part in ("Zaphod", "import os", "script", "secret"))
