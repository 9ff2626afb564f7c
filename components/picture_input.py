"""Where a picture comes in: a drop zone for the user's own file, and a strip of examples.

The file is judged and stripped by the action's `prepare_input` before anything is kept; the upload itself is removed.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import gradio as gr

from backends.core.action import Action
from backends.core.digest import sha256
from backends.core.errors import BadImage, NotFound, TooLarge
from backends.core.parameters import Parameter, Value
from backends.core.playground import Example
from backends.runtime.lab import Lab

_KNOWN = 512  # pictures of which it is remembered what they suggest
_PICK = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-example]');
  if (!button) return;
  element.querySelectorAll('button[data-example]').forEach((other) => other.setAttribute('aria-pressed', 'false'));
  button.setAttribute('aria-pressed', 'true');
  trigger('select', {value: button.dataset.example});
});
window.vitrine.strip();
"""


class PictureInput:
    """Drop zone and examples of one image parameter, built inside the current Gradio block."""

    def __init__(self, parameter: Parameter, action: type[Action], examples: Sequence[Example]) -> None:
        self.parameter = parameter
        self.action = action
        self.examples = {example.id: example for example in examples}
        self._suggested: dict[str, Mapping[str, Value]] = {}
        self._from_example: dict[str, str] = {}
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

    def example(self, example_id: str) -> tuple[Example, bytes]:
        """An example and its prepared bytes. Raises NotFound."""
        if example_id not in self.examples:
            raise NotFound("There is no such example.", hint="Choose another one.", field=self.parameter.name)
        example = self.examples[example_id]
        data = _prepared(self.action, self.parameter.name, example)
        self._from_example[sha256(data)] = example_id
        return example, data

    def example_of(self, digest: str) -> str:
        """The id of the example that this picture is; empty for any other."""
        return self._from_example.get(digest, "")

    def remember(self, digest: str, suggested: Mapping[str, Value]) -> Mapping[str, Value]:
        """Keep in mind what controls a picture suggests, by its digest; returns the same."""
        while len(self._suggested) >= _KNOWN:
            self._suggested.pop(next(iter(self._suggested)), None)
        self._suggested[digest] = suggested
        return suggested

    def suggested(self, digest: str) -> Mapping[str, Value] | None:
        """What was remembered of that picture; None of one that was not seen since the start."""
        return self._suggested.get(digest)


@cache  # examples are few, small and never change while the server runs
def _prepared(action: type[Action], parameter: str, example: Example) -> bytes:
    return action.prepare_input(parameter, example.read())


def strip_html(examples: Sequence[Example]) -> str:
    """The strip: one button an example, with picture, title, and where it comes from on hover.

    None is pressed: theme/address.js presses the one that the page's state names.
    """
    return f'<div class="vt-strip" role="group" aria-label="Examples">{"".join(map(_tile, examples))}</div>'


def _tile(example: Example) -> str:
    picture = base64.b64encode(example.thumbnail()).decode()
    badge = "<em>synthetic</em>" if example.synthetic else ""
    return (
        f'<button type="button" data-example="{html.escape(example.id)}" aria-pressed="false" '
        f'title="{html.escape(example.source)}">'
        f'<img src="data:image/png;base64,{picture}" alt="" width="72" height="72">'
        f"<span>{html.escape(example.title)}</span>{badge}</button>"
    )
