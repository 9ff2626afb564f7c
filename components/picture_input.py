"""Where a picture comes in: a drop zone for the user's own file, and a strip of examples.

The file is judged and stripped by the action's `prepare_input` before anything is kept; the upload itself is removed.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr

from backends.core.action import Action
from backends.core.errors import BadImage, NotFound, TooLarge
from backends.core.parameters import Parameter
from backends.core.playground import Example
from backends.runtime.lab import Lab

_PICK = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-example]');
  if (!button) return;
  element.querySelectorAll('button[data-example]').forEach((other) => other.setAttribute('aria-pressed', 'false'));
  button.setAttribute('aria-pressed', 'true');
  trigger('select', {value: button.dataset.example});
});
"""


class PictureInput:
    """Drop zone and examples of one image parameter, built inside the current Gradio block."""

    def __init__(self, parameter: Parameter, action: type[Action], examples: Sequence[Example]) -> None:
        self.parameter = parameter
        self.action = action
        self.examples = {example.id: example for example in examples}
        self.file = gr.File(
            label="Drop a file, or click to choose one",
            height=72,
            elem_classes="vt-drop",
            elem_id=f"vt-{parameter.name}-file",
        )
        self.strip = gr.HTML(strip_html(examples), js_on_load=_PICK, visible=bool(examples), elem_classes="vt-examples")

    def from_upload(self, path: str, lab: Lab) -> bytes:
        """The prepared bytes of an uploaded file; the file is gone afterwards. Raises BadImage or TooLarge."""
        file = Path(path)
        try:
            if file.stat().st_size > lab.limits.upload_bytes:
                raise TooLarge(
                    f"The file is larger than {lab.limits.upload_bytes / 2**20:.0f} MB.",
                    hint="Choose a smaller one.",
                    field=self.parameter.name,
                )
            return self.action.prepare_input(self.parameter.name, file.read_bytes())
        except OSError as err:
            raise BadImage("The upload did not arrive.", hint="Try again.", field=self.parameter.name) from err
        finally:
            file.unlink(missing_ok=True)

    def unpressed(self) -> Any:
        """The strip with no example chosen, once the picture is the user's own."""
        return gr.update(value=strip_html(list(self.examples.values())))

    def example(self, example_id: str) -> tuple[Example, bytes]:
        """An example and its prepared bytes. Raises NotFound."""
        if example_id not in self.examples:
            raise NotFound("There is no such example.", hint="Choose another one.")
        return self.examples[example_id], _prepared(self.action, self.parameter.name, self.examples[example_id])


@cache  # examples are few, small and never change while the server runs
def _prepared(action: type[Action], parameter: str, example: Example) -> bytes:
    return action.prepare_input(parameter, example.read())


def strip_html(examples: Sequence[Example], chosen: str = "") -> str:
    """The strip: one button an example, with picture, title, and where it comes from on hover."""
    return (
        f'<div class="vt-strip" role="group" aria-label="Examples">{"".join(_tile(e, chosen) for e in examples)}</div>'
    )


def _tile(example: Example, chosen: str) -> str:
    picture = base64.b64encode(example.thumbnail()).decode()
    badge = "<em>synthetic</em>" if example.synthetic else ""
    pressed = str(example.id == chosen).lower()
    return (
        f'<button type="button" data-example="{html.escape(example.id)}" aria-pressed="{pressed}" '
        f'title="{html.escape(example.source)}">'
        f'<img src="data:image/png;base64,{picture}" alt="" width="72" height="72">'
        f"<span>{html.escape(example.title)}</span>{badge}</button>"
    )
