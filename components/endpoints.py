"""The actions of a playground as named endpoints for gradio_client: typed, documented, and run like any other.

client = gradio_client.Client("http://localhost:7860/play/medical")
run, outputs = client.predict(image=gradio_client.handle_file("chest.png"), api_name="/classify")
"""

from __future__ import annotations

import inspect
import json
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components.api_component import Api
from gradio.utils import get_upload_folder

from backends.core.action import Action
from backends.core.errors import BadInput, TooLarge, VitrineError
from backends.core.parameters import Parameter, Value
from backends.core.playground import Playground
from backends.experiments.code import endpoint_name
from backends.experiments.naming import file_name
from backends.experiments.schemas import SEED, described, parameter_schema
from backends.runtime.executor import Final, Progressed, RunEvent
from backends.runtime.lab import Lab
from backends.store.values import Run
from components.controls import read_seed
from components.visitor import visitor_of

# What is given as a file; the rest as JSON. A figure too: the client would take a path drawn in it for a file's.
_FILES = ("image", "gallery", "audio", "file", "figure", "grid")
_LOOK = 0.5  # seconds between looks at whether the client is still there
_STATE: Any = {"type": "object", "additionalProperties": {}}


def add_endpoints(playground: Playground, lab: Lab) -> None:
    """One endpoint an action and one its sweep, in the current Gradio block."""
    for action in playground.actions:
        sweep = lab.actions.sweep_of(action.name)
        for offered in (action, sweep) if sweep else (action,):
            _add(offered, playground, lab)


def _add(action: type[Action], playground: Playground, lab: Lab) -> None:
    given = _Given(action)

    def answer(*received: Any) -> Iterator[list[Any]]:
        *values, request, progress = received
        yield from _Call(given, lab, request, progress).answer(values)

    answer.__signature__ = given.signature  # type: ignore[attr-defined]  # names and defaults are read from it
    answer.__annotations__ = {"request": gr.Request}
    gr.on(
        [],
        answer,
        [Api(item.default, _schema(item, lab), item.title) for item in given.parameters],
        [Api(None, _STATE, "run"), Api(None, _STATE, "outputs")],
        api_name=endpoint_name(action),
        api_description=_description(action, playground),
        preprocess=False,
        postprocess=False,
        show_progress="hidden",
        concurrency_limit=None,
    )


class _Given:
    """What an endpoint takes: the declared parameters, and a seed where one counts."""

    def __init__(self, action: type[Action]) -> None:
        ordered = sorted(action.parameters(), key=lambda item: not item.required)  # as in a Python function
        self.action = action
        self.parameters = (*ordered, *([SEED] if action.seeded else []))

    @property
    def signature(self) -> inspect.Signature:
        """As a Python function, with what Gradio fills in itself: the request and the progress."""
        empty, kind = inspect.Parameter.empty, inspect.Parameter.POSITIONAL_OR_KEYWORD
        shown = [inspect.Parameter(p.name, kind, default=empty if p.required else p.default) for p in self.parameters]
        request = inspect.Parameter("request", kind, default=None, annotation=gr.Request)
        progress = inspect.Parameter("progress", kind, default=gr.Progress())
        return inspect.Signature([*shown, request, progress])

    def read(self, received: Sequence[Any], lab: Lab, visitor: str) -> tuple[Action, int]:
        """The action and its seed. Raises BadParameter, and what taking a file raises."""
        values: dict[str, Value] = dict(zip((item.name for item in self.parameters), received, strict=True))
        seed = read_seed(values.pop("seed")) if self.action.seeded else 0
        for item in self.parameters:
            if item.kind == "image" and isinstance(values[item.name], Mapping):
                values[item.name] = self._bring(item, values[item.name], lab, visitor)
        return self.action.parse({name: value for name, value in values.items() if value is not None}), seed

    def _bring(self, parameter: Parameter, file: Any, lab: Lab, visitor: str) -> str:
        """Keep a file that the client has uploaded -> its digest."""
        path = _uploaded(file)
        try:
            if path.stat().st_size > lab.limits.upload_bytes:
                most = f"{lab.limits.upload_bytes / 2**20:.0f} MiB"
                raise TooLarge(f"The file is larger than {most}.", hint="Choose a smaller one.", field=parameter.name)
            data = self.action.prepare_input(parameter.name, path.read_bytes())
        finally:
            path.unlink(missing_ok=True)
        keep = lab.actions.playground_of(self.action.name).keep_hours
        return lab.store.artifacts.put(visitor, data, "application/octet-stream", keep_hours=keep)


class _Call:
    """One call of an endpoint, followed to its end."""

    def __init__(self, given: _Given, lab: Lab, request: gr.Request, progress: gr.Progress) -> None:
        self._given = given
        self._lab = lab
        self._request = request
        self._progress = progress

    def answer(self, received: Sequence[Any]) -> Iterator[list[Any]]:
        """How far it is, then the run and its results. Raises gr.Error with our sentence and hint."""
        try:
            yield from self._answer(received)
        except VitrineError as err:
            raise gr.Error(f"{err.sentence} {err.hint}".strip(), print_exception=False) from err

    def _answer(self, received: Sequence[Any]) -> Iterator[list[Any]]:
        visitor = visitor_of(self._request, self._lab)
        action, seed = self._given.read(received, self._lab, visitor)
        run = self._lab.runtime.submit(self._lab.experiment(action, seed), visitor)
        told = {"id": run.id, "state": run.state, "fraction": run.fraction, "sentence": run.sentence}
        try:
            for event in _with_pauses(self._lab.runtime.watch(run.id, visitor)):
                match event:
                    case Final():
                        run = event.run
                    case Progressed():
                        self._progress(event.fraction, desc=event.sentence)
                        told |= {"state": "running", "fraction": event.fraction, "sentence": event.sentence}
                    case None:
                        yield [told, {}]
        finally:
            if not run.ended:  # the client has stopped the job, or is gone
                self._lab.runtime.cancel(run.id, visitor)
        yield [_summary(run), self._outputs(run, visitor)]

    def _outputs(self, run: Run, visitor: str) -> dict[str, Any]:
        """Result name -> file or value. Raises the error of a run that is not done."""
        if run.state != "done":
            error = run.error or {}
            raise VitrineError(error.get("message") or f"The run ended {run.state}.", hint=error.get("hint", ""))
        found: dict[str, Any] = {}
        for output in run.outputs:
            data = self._lab.store.artifacts.read(output.digest, visitor)
            if output.kind in _FILES:
                found[output.name] = _file(data, run, file_name(output))
            else:
                found[output.name] = data.decode() if output.kind == "text" else json.loads(data)
        return found


def _summary(run: Run) -> dict[str, Any]:
    """digests: result name -> sha256 of its bytes. files: the names of results that are files."""
    return {
        "id": run.id,
        "state": run.state,
        "experiment": run.experiment.digest,
        "digests": {output.name: output.digest for output in run.outputs},
        "files": [output.name for output in run.outputs if output.kind in _FILES],
    }


def _with_pauses(events: Iterator[RunEvent]) -> Iterator[RunEvent | None]:
    """The events, and None whenever there is none for a while: only then can Gradio stop the one who waits."""
    ready: queue.Queue[RunEvent | VitrineError | None] = queue.Queue()

    def follow() -> None:
        try:
            for event in events:
                ready.put(event)
        except VitrineError as err:
            ready.put(err)
        finally:
            ready.put(None)

    threading.Thread(target=follow, name="vitrine-endpoint", daemon=True).start()
    while True:
        try:
            event = ready.get(timeout=_LOOK)
        except queue.Empty:
            yield None
            continue
        if event is None:
            return
        if isinstance(event, VitrineError):
            raise event
        yield event


def _file(data: bytes, run: Run, name: str) -> dict[str, Any]:
    """A file that the client fetches. It lies under the run's id, which nobody can guess; it is swept like uploads."""
    folder = Path(get_upload_folder()) / run.id
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return {"path": str(path), "orig_name": name, "meta": {"_type": "gradio.FileData"}}


def _uploaded(file: Mapping[str, Any]) -> Path:
    """Where an uploaded file lies. Raises BadInput for a path of anything else: the client names it."""
    folder, path = Path(get_upload_folder()).resolve(), Path(str(file.get("path", ""))).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise BadInput("This is not a file that was uploaded here.", hint="Give it with handle_file(path).")
    return path


def _schema(parameter: Parameter, lab: Lab) -> Any:
    """The parameter's JSON schema as Gradio takes it, with what `view_api` prints beside it."""
    declared = parameter_schema(parameter, lab.catalogue)
    shape = gr.File(render=False).api_info() if parameter.kind == "image" else declared
    return {**shape, "title": parameter.title, "additional_description": described(parameter)}


def _description(action: type[Action], playground: Playground) -> str:
    outputs = ", ".join(f"{output.name} ({output.kind})" for output in action.outputs)
    words = f"{action.summary()} Returns the run, and its outputs by name: {outputs}. {playground.notice}"
    return " ".join(words.split())
