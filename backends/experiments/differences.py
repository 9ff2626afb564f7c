"""Whether two runs found the same, by how much they differ, and what was not the same around them.

Digests are of the stored bytes; where those differ the values decide, so that another PNG encoder is no false alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from backends.core.results import Kind, Result
from backends.experiments.arrays import count
from backends.experiments.measured import distance
from backends.store.values import Run, StoredOutput

Change = Literal["identical", "equal", "different", "missing", "added"]


@dataclass(frozen=True)
class OutputChange:
    """One result of both runs.

    change: identical to the last byte; equal in its values but stored differently; different; missing from the second
    run; or added by it. sentence: how, in words. figures: the same as numbers (max_abs, mean_abs, share, max_rel, ...).
    """

    name: str
    title: str
    kind: Kind
    change: Change
    sentence: str
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        """Whether the values are equal."""
        return self.change in ("identical", "equal")


@dataclass(frozen=True)
class Circumstance:
    """Something around both runs that was not the same. explains: whether it can change the last digits of results."""

    title: str
    first: str
    second: str
    explains: bool


@dataclass(frozen=True)
class Verdict:
    """What came of comparing a second run with a first. same: whether all values are equal.

    outputs: one entry a result, in the order of the first run. circumstances: those that differ.
    """

    same: bool
    sentence: str
    outputs: tuple[OutputChange, ...]
    circumstances: tuple[Circumstance, ...]


def differences(
    first: Run, second: Run, first_results: Mapping[str, Result], second_results: Mapping[str, Result]
) -> Verdict:
    """Compare the results of `second` with those of `first`; the mappings hold what each found, by name.

    A result that is not in its mapping cannot be read any more; it counts as different unless its digest is the same.
    A run that is not done is not compared: the sentence says how it ended.
    """
    around = circumstances(first, second)
    for run, which in ((first, "The first run"), (second, "The new run")):
        if run.state != "done":
            return Verdict(False, f"{which} {_ended(run)} Nothing was compared.", (), around)
    outputs = tuple(_outputs(first, second, first_results, second_results))
    repeated = first.experiment.digest == second.experiment.digest
    return Verdict(all(item.same for item in outputs), _sentence(outputs, around, repeated), outputs, around)


def circumstances(first: Run, second: Run) -> tuple[Circumstance, ...]:
    """What the provenance of both runs tells and that is not the same."""
    one, other = _facts(first), _facts(second)
    found = []
    for title in dict.fromkeys((*one, *other)):
        before, after = one.get(title), other.get(title)
        if before != after and not (title in _ONLY_IN_BOTH and None in (before, after)):
            explains = title not in _HARMLESS
            found.append(Circumstance(title, before or "not known", after or "not known", explains))
    return tuple(found)


# torch is noted only once it has been loaded by anyone: its absence says that this run did not use it.
_ONLY_IN_BOTH = frozenset(("torch",))
_HARMLESS = frozenset(("Memory (GiB)", "python"))


def _facts(run: Run) -> dict[str, str]:
    """What can be compared of a run's provenance: title -> value."""
    told = run.provenance
    found = {"Vitrine": told.get("version"), **_mapping(told.get("versions"))}
    found |= {"Device": told.get("device"), "GPU": told.get("gpu")}
    for model, facts in sorted(_mapping(told.get("models")).items()):
        found |= {f"{title} of {model}": _mapping(facts).get(key) for key, title in _OF_MODEL}
    machine = _mapping(told.get("machine"))
    found |= {title: machine.get(key) for key, title in _OF_MACHINE}
    return {title: str(value) for title, value in found.items() if value not in (None, "")}


_OF_MODEL = (("digest", "Weights"), ("dtype", "Number format"))
_OF_MACHINE = (
    ("system", "System"),
    ("processor", "Processor"),
    ("cores", "Processor cores"),
    ("memory_gib", "Memory (GiB)"),
)


def _mapping(value: Any) -> Mapping[str, Any]:
    """Provenance of an imported run is whatever its file says."""
    return value if isinstance(value, Mapping) else {}


def _outputs(
    first: Run, second: Run, first_results: Mapping[str, Result], second_results: Mapping[str, Result]
) -> Iterator[OutputChange]:
    after = {item.name: item for item in second.outputs}
    for item in first.outputs:
        other = after.pop(item.name, None)
        if other is None:
            yield _change(item, "missing", "Only the first run has it.")
        elif (item.digest, item.kind) == (other.digest, other.kind):
            yield _identical(item, other)
        elif item.name not in first_results or item.name not in second_results:
            yield _change(item, "different", "Its stored bytes are gone or damaged.")
        else:
            yield _measured(item, first_results[item.name], second_results[item.name])
    for item in after.values():
        yield _change(item, "added", "Only the second run has it.")


def _identical(item: StoredOutput, other: StoredOutput) -> OutputChange:
    if item.meta == other.meta:
        return _change(item, "identical", "Identical to the last byte.")
    return _change(item, "equal", "Identical to the last byte; its title or description is worded differently.")


def _measured(item: StoredOutput, first: Result, second: Result) -> OutputChange:
    found = distance(first, second)
    if not found.equal:
        return _change(item, "different", f"{found.sentence[:1].upper()}{found.sentence[1:]}.", found.figures)
    return _change(item, "equal", "The same values, stored differently.")


def _change(
    item: StoredOutput, change: Change, sentence: str, figures: Mapping[str, float] | None = None
) -> OutputChange:
    title = str(item.meta.get("title") or item.name.replace("_", " ").capitalize())
    return OutputChange(item.name, title, item.kind, change, sentence, figures or {})


def _sentence(outputs: tuple[OutputChange, ...], around: tuple[Circumstance, ...], repeated: bool) -> str:
    """repeated: whether both runs are of the same experiment; else they are compared, and nothing was reproduced."""
    unequal = [item for item in outputs if not item.same]
    if not unequal:
        found = "Reproduced" if repeated else "The same in spite of different settings"
        if all(item.change == "identical" for item in outputs):
            return f"{found} bit for bit." if repeated else f"{found}, bit for bit."
        return f"{found}: the same values, stored or titled differently."
    levels = int(max((_levels(item) for item in unequal if item.kind == "image"), default=0.0))
    by = f", pictures by at most {levels} grey level{'s' if levels > 1 else ''}" if levels else ""
    differ = f"{count(len(outputs), 'result')} {'differs' if len(unequal) == 1 else 'differ'}"
    what = f"Not the same: {len(unequal)} of {differ}{by}."
    if not repeated:
        return f"{what} The settings were not the same."
    causes = [item for item in around if item.explains]
    if not causes:
        return f"{what} Nothing that is recorded explains it."
    return f"{what} Different: {', '.join(f'{item.title} {item.first} -> {item.second}' for item in causes)}."


def _levels(item: OutputChange) -> float:
    return item.figures.get("max_abs", 0.0)


def _ended(run: Run) -> str:
    match run.state:
        case "cancelled":
            return "was stopped before its end."
        case "failed" | "interrupted":
            why = (run.error or {}).get("message", "")
            return f"did not finish: {why}" if why else "did not finish."
        case _:
            return "has not ended yet."
