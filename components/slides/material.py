"""What a slide is made of: a run's results as they were stored, and where their bytes come from."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from backends.core.action import OutputSpec
from backends.core.encoding import decode
from backends.core.errors import NotFound
from backends.core.playground import Actions
from backends.core.results import Encoded, Result
from backends.store.values import Run, StoredOutput

Read = Callable[[StoredOutput], bytes]


@dataclass(frozen=True)
class Material:
    """The surroundings of a presentation.

    read: the stored bytes of a result; raises VitrineError. live: served by the running lab, where pictures and sound
    come by address and controls can be moved; else all of it travels inside the page.
    address: what opens the session. origin: where the lab is found, for a file that is opened elsewhere.
    draws: whether the page draws figures; elsewhere a figure is the table behind it.
    """

    actions: Actions
    read: Read
    live: bool
    address: str = ""
    origin: str = ""
    draws: bool = True

    def source(self, run: Run, output: StoredOutput, data: bytes) -> str:
        """What `src` of a picture or sound says. data: its bytes."""
        if not self.live:
            return data_address(output.media_type, data)
        return f"/api/runs/{quote(run.id, safe='')}/outputs/{quote(output.name, safe='')}"

    def result(self, output: StoredOutput) -> Result:
        """The decoded result. Raises VitrineError where its bytes are gone or damaged."""
        return decode(Encoded(output.kind, output.media_type, self.read(output), output.meta))

    def playground(self, run: Run) -> str:
        """The title of the run's playground; empty where it is no longer there."""
        try:
            return self.actions.playground_of(run.experiment.action).title
        except NotFound:
            return ""

    def frame(self, run: Run) -> str:
        """The address of the run with its controls, for a slide."""
        name = run.experiment.action.partition("/")[0]
        return f"/play/{quote(name, safe='')}/?session={quote(self.address)}&run={quote(run.id)}&bare=1"

    def declared(self, run: Run) -> list[tuple[StoredOutput, str]]:
        """The run's results in the order of the declaration, each with the title that it has there."""
        try:
            specs = {spec.name: (place, spec.title) for place, spec in enumerate(self._outputs(run))}
        except NotFound:
            specs = {}
        last = (len(specs), "")
        ordered = sorted(run.outputs, key=lambda output: specs.get(output.name, last)[0])
        return [(output, specs.get(output.name, last)[1] or _spoken(output.name)) for output in ordered]

    def _outputs(self, run: Run) -> tuple[OutputSpec, ...]:
        return self.actions.get(run.experiment.action).outputs


class Results(Mapping[str, Result]):
    """A run's results by name, each decoded when it is asked for: a title needs one sentence, not every picture."""

    def __init__(self, material: Material, run: Run) -> None:
        self._material = material
        self._by_name = {output.name: output for output in run.outputs}

    def __getitem__(self, name: str) -> Result:
        return self._material.result(self._by_name[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


def data_address(media_type: str, data: bytes) -> str:
    """Bytes as a data: address."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()
