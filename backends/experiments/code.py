"""A run as short programs that make it again: over HTTP, by gradio_client, here in Python, and by curl.

Everything that a user could have typed goes in as a literal made by `repr`, so no text can become code.
"""

from __future__ import annotations

import json
import os
import shlex
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from backends.core.action import Action
from backends.core.experiment import Experiment
from backends.core.parameters import Parameter
from backends.core.sweep import SUFFIX
from backends.experiments import templates
from backends.runtime.lab import Lab
from backends.store.values import Run

HTTP, GRADIO, LOCAL = "run_http.py", "run_gradio.py", "run_local.py"  # no names of modules that they import


@dataclass(frozen=True)
class Recipe:
    """What a script makes again. digests: result name -> sha256; empty where nothing is known to compare with.

    when: the day of the run, in words. threads: how many shared one computation.
    """

    action: type[Action]
    experiment: Experiment
    digests: Mapping[str, str] = field(default_factory=dict)
    when: str = ""
    threads: int = 1


def recipe_of(lab: Lab, run: Run) -> Recipe:
    """The recipe of a run. Raises NotFound where its action is no longer here, NewerSchema."""
    bare = recipe_for(lab, run.experiment)
    digests = {output.name: output.digest for output in run.outputs} if run.state == "done" else {}
    threads = int(run.provenance.get("threads") or bare.threads)
    return Recipe(bare.action, run.experiment, digests, run.created.strftime("%d %b %Y"), threads)


def recipe_for(lab: Lab, experiment: Experiment) -> Recipe:
    """The recipe of an experiment that may never have been run. Raises as `recipe_of` does."""
    experiment.check_form()
    return Recipe(lab.actions.get(experiment.action), experiment, threads=_threads())


def http_script(lab: Lab, run: Run, address: str) -> str:
    """The run as a program for a server at `address`, with nothing but Python's own library."""
    return by_http(recipe_of(lab, run), address)


def gradio_script(lab: Lab, run: Run, address: str) -> str:
    """The run as a program for a server at `address`, by gradio_client."""
    return by_gradio(recipe_of(lab, run), address)


def local_script(lab: Lab, run: Run) -> str:
    """The run as a program that imports `backends` and needs no server."""
    return by_import(recipe_of(lab, run))


def by_http(recipe: Recipe, address: str) -> str:
    """See `http_script`."""
    return templates.HTTP.substitute(
        _shared(recipe),
        address=_literal(address),
        files=_files(recipe),
        parameters=_parameters(recipe),
    )


def by_gradio(recipe: Recipe, address: str) -> str:
    """See `gradio_script`."""
    playground = recipe.experiment.action.split("/")[0]
    seed = [("seed", recipe.experiment.seed, "")] if recipe.action.seeded else []
    return templates.GRADIO.substitute(
        _shared(recipe),
        address=_literal(address),
        files=_files(recipe),
        parameters=_dictionary([*_values(recipe), *seed]),
        playground=playground,
        endpoint=_literal(f"/{endpoint_name(recipe.action)}"),
    )


def by_import(recipe: Recipe) -> str:
    """See `local_script`."""
    asked = recipe.experiment
    titles = {item.name: _told(item) for item in recipe.action.parameters()}
    parameters = [(name, value, titles.get(name, "")) for name, value in asked.parameters.items()]
    return templates.LOCAL.substitute(
        _shared(recipe),
        parameters=_dictionary(parameters, 1),
        inputs=_dictionary([(name, digest, "") for name, digest in asked.inputs.items()], 1),
        models=_dictionary([(name, pair, "") for name, pair in asked.models.items()], 1),
        threads=_literal(str(recipe.threads)),
    )


def by_curl(recipe: Recipe, address: str) -> str:
    """The experiment as shell commands for a server at `address`. Every value stands in quotes made by `shlex`."""
    asked, name = recipe.experiment, recipe.action.name
    body = {"parameters": {key: value for key, value, _ in _values(recipe)} | dict(asked.inputs), "seed": asked.seed}
    lines = [
        f"# {_line(recipe.action.title)} ({_line(name)}) by curl. The cookies keep who you are between the calls.",
        f"ADDRESS={shlex.quote(address)}",
        'CURL="curl -s -b vitrine.cookies -c vitrine.cookies"',
    ]
    for parameter, digest in asked.inputs.items():
        query = f"action={name}&parameter={parameter}"
        lines += ["", f"# Give the file; its sha256 is what the action takes as '{parameter}'."]
        lines += [f"$CURL -H 'Content-Type: application/octet-stream' --data-binary @inputs/{digest} \\"]
        lines += [f'  "$ADDRESS/api/inputs?{query}"']
    lines += ["", "# Run it, and wait up to a minute. The answer lists the results, each with its address."]
    lines += [f"$CURL -H 'Content-Type: application/json' \"$ADDRESS/api/actions/{name}?wait=60\" \\"]
    return "\n".join([*lines, f"  -d {shlex.quote(json.dumps(body, indent=2))}", ""])


def write_zip(lab: Lab, run: Run, visitor: str, address: str, file: IO[bytes]) -> None:
    """All scripts, the inputs under inputs/<sha256>, and how to run them. Raises as `recipe_of` does, ArtifactMissing.

    Raises NotFound where the visitor may not read an input.
    """
    recipe = recipe_of(lab, run)
    words = templates.README.substitute(_shared(recipe), when=recipe.when)
    texts = {HTTP: by_http(recipe, address), GRADIO: by_gradio(recipe, address), LOCAL: by_import(recipe)}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**texts, "README.txt": words}.items():
            archive.writestr(zipfile.ZipInfo(name), text)
        for digest in sorted(set(run.experiment.inputs.values())):
            archive.writestr(zipfile.ZipInfo(f"inputs/{digest}"), lab.store.artifacts.read(digest, visitor))


def endpoint_name(action: type[Action]) -> str:
    """What gradio_client calls the action: its verb, with '_sweep' for its sweep."""
    verb = action.name.removesuffix(SUFFIX).split("/", 1)[1].replace("/", "_")
    return f"{verb}_sweep" if action.name.endswith(SUFFIX) else verb


def _shared(recipe: Recipe) -> dict[str, Any]:
    """What all scripts say. Titles and names are declarations, not a user's; still, they must stay in their line."""
    digests = _dictionary([(name, digest, "") for name, digest in recipe.digests.items()])
    return {
        "title": _line(recipe.action.title),
        "action": _line(recipe.action.name),
        "action_literal": _literal(recipe.action.name),
        "seed": repr(recipe.experiment.seed),
        "expected": f"EXPECTED = {digests}  # sha256 of each result of {recipe.when}\n" if recipe.digests else "",
        "verdict": templates.COMPARED if recipe.digests else templates.PRINTED,
    }


def _files(recipe: Recipe) -> str:
    """Inputs as files beside the script."""
    titles = {item.name: item.title for item in recipe.action.parameters()}
    inputs = recipe.experiment.inputs.items()
    return _dictionary([(name, f"inputs/{digest}", titles.get(name, "")) for name, digest in inputs])


def _parameters(recipe: Recipe) -> str:
    return _dictionary(_values(recipe))


def _values(recipe: Recipe) -> list[tuple[str, Any, str]]:
    """What a server is asked: each declared parameter but the inputs, with what it is called."""
    values = recipe.experiment.values()
    declared = [item for item in recipe.action.parameters() if item.kind != "image" and item.name in values]
    return [(item.name, values[item.name], _told(item)) for item in declared]


def _told(parameter: Parameter) -> str:
    return f"{parameter.title} ({parameter.unit})" if parameter.unit else parameter.title


def _dictionary(entries: Iterable[tuple[str, Any, str]], depth: int = 0) -> str:
    """(key, plain value, comment) as the text of a dictionary. depth: how far its last line is set in."""
    inner, outer = "    " * (depth + 1), "    " * depth
    lines = [
        f"{inner}{_literal(key)}: {_literal(value)}," + (f"  # {_line(note)}" if note else "")
        for key, value, note in entries
    ]
    return "\n".join(["{", *lines, f"{outer}}}"]) if lines else "{}"


def _literal(value: Any) -> str:
    """A plain value as Python text: what `repr` says, in double quotes where it can be.

    `repr` also writes out what cannot be seen, such as marks that turn the direction of reading.
    """
    if isinstance(value, str) and '"' not in value:
        return '"' + repr("'" + value)[2:]  # with a single quote in it, `repr` takes double ones
    if isinstance(value, float) and value.is_integer():
        return repr(int(value))  # as an experiment is stored
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))})"
    return repr(value)


def _line(text: str) -> str:
    """`text` on one line, for a comment."""
    return " ".join(text.split())


def _threads() -> int:
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) else 1
