"""The page of a playground: notice, banner of an opened link, and one frame for each action.

`components/playgrounds/<name>.py` may offer `view(action) -> View` and `title(run, results) -> str`; without it both
are derived, so a new playground needs no file here.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from itertools import chain, islice
from typing import Any

import gradio as gr

from backends.core.action import Action
from backends.core.errors import VitrineError
from backends.core.playground import Playground
from backends.core.results import Grid, Result
from backends.runtime.lab import Lab
from backends.store.values import Run
from components import status
from components.address import TOO_LONG, passed_on, too_long
from components.conduct import Stored
from components.endpoints import add_endpoints
from components.frame import ActionFrame
from components.linked import Linked, linked, origin_words
from components.playgrounds import own_code
from components.saving import Title
from components.streaming import streamed
from components.views import DerivedView, View
from components.visitor import visitor_of

_PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}


def build(playground: Playground, lab: Lab) -> gr.Blocks:
    """The Gradio app of a playground."""
    make_view, title_of = _special(playground.name)
    with gr.Blocks(title=f"{playground.title} - Vitrine", analytics_enabled=False, fill_width=True) as blocks:
        gate = _Gate(playground)
        with gr.Column(visible=not playground.notice, elem_classes="vt-page") as page:
            banner = gr.HTML("", visible=False, elem_id="vt-banner")
            tabs, frames = _frames(playground, lab, make_view, title_of)
            if playground.notice:
                gr.HTML(
                    f'<p class="vt-fineprint">{html.escape(playground.notice.split(". ")[0])}.</p>',
                    elem_classes="vt-fine",
                )
        places = [component for frame in frames for component in frame.everything]

        def open_page(request: gr.Request) -> Iterator[list[Any]]:
            yield from streamed(_open(playground, lab, frames, request))

        def accept(request: gr.Request) -> Iterator[list[Any]]:
            lab.store.visitors.accept(visitor_of(request, lab), playground.notice)
            yield from open_page(request)

        def declaration() -> dict[str, Any]:
            return describe(playground)

        everything = [gate.box, page, banner, *([tabs] if tabs else []), *places]
        blocks.load(open_page, None, everything, **_PRIVATE)
        gate.button.click(accept, None, everything, **_PRIVATE)
        gr.api(declaration, api_name="describe")
        add_endpoints(playground, lab)
    return blocks


def describe(playground: Playground) -> dict[str, Any]:
    """The declaration of a playground as plain data: its actions with parameters and outputs."""
    return {
        "name": playground.name,
        "title": playground.title,
        "actions": [
            {
                "name": action.name,
                "title": action.title,
                "summary": action.summary(),
                "parameters": [asdict(parameter) for parameter in action.parameters()],
                "outputs": [asdict(output) for output in action.outputs],
            }
            for action in playground.actions
        ],
    }


class _Gate:
    """A notice that stands before the page until it is accepted, once a visitor."""

    def __init__(self, playground: Playground) -> None:
        with gr.Column(visible=False, elem_classes="vt-gate", elem_id="vt-gate") as self.box:
            gr.HTML(f'<h2>Before you start</h2><p class="vt-notice">{html.escape(playground.notice)}</p>')
            self.button = gr.Button("I understand", variant="primary", elem_id="vt-accept")


def _frames(
    playground: Playground, lab: Lab, make_view: Callable[[type[Action]], View], title_of: Title
) -> tuple[Any, list[ActionFrame]]:
    """The tabs, where there is more than one action, and the frames."""
    if len(playground.actions) == 1:
        return None, [ActionFrame(playground, playground.actions[0], lab, make_view, title_of)]
    frames = []
    with gr.Tabs() as tabs:
        for action in playground.actions:
            with gr.Tab(action.title, id=action.name):
                frames.append(ActionFrame(playground, action, lab, make_view, title_of))
    return tabs, frames


def _open(playground: Playground, lab: Lab, frames: list[ActionFrame], request: gr.Request) -> Iterator[list[Any]]:
    """Updates of the whole page: its doors at once, then what each frame shows first, then the runs they follow.

    Behind a notice that was not accepted nothing is computed, and nothing set that accepting it would change.
    """
    accepted = not playground.notice or lab.store.visitors.has_accepted(visitor_of(request, lab), playground.notice)
    doors = [gr.update(visible=not accepted), gr.update(visible=accepted)]
    query = passed_on(playground, dict(request.query_params))
    stored, banner = _stored(lab, query, request)
    if too_long(query):
        query, banner = {}, gr.update(value=status.failed(VitrineError(TOO_LONG)), visible=True)
    tab = [gr.update(selected=_named(frames, stored, query))] if len(frames) > 1 else []
    skips = [[gr.skip()] * len(frame.everything) for frame in frames]
    yield [*doors, banner, *tab, *(skip for part in skips for skip in part)]  # stands before anything is computed
    if not accepted:
        return
    opening = [frame.open(stored, query, request) for frame in frames]
    first = ((index, updates) for index, one in enumerate(opening) for updates in islice(one, 1))
    then = ((index, updates) for index, one in enumerate(opening) for updates in one)
    for index, updates in chain(first, then):
        rest = [*skips[:index], updates, *skips[index + 1 :]]
        yield [*([gr.skip()] * (3 + len(tab))), *(update for part in rest for update in part)]


def _named(frames: list[ActionFrame], stored: Stored | None, query: Mapping[str, str]) -> str:
    """The action whose tab is shown: the stored run's, or the address's."""
    asked = stored[0].experiment.action.split("/")[1] if stored else query.get("action", "")
    names = [frame.action.name for frame in frames]
    return next((name for name in names if name.split("/")[-1] == asked), names[0])


def _stored(lab: Lab, query: Mapping[str, str], request: gr.Request) -> tuple[Stored | None, Any]:
    """The run that the page's address names, and what is said above it."""
    visitor = visitor_of(request, lab)
    try:
        found = linked(lab, query, visitor)
        if found is None:
            return None, gr.update(visible=False)
        return (found.run, lab.store.runs.outputs(found.run.id, visitor)), _banner(found)
    except VitrineError as err:
        return None, gr.update(value=status.failed(err), visible=True)


def _banner(found: Linked) -> Any:
    if found.session is None:
        return gr.update(visible=False)
    title, words = html.escape(found.session.title), html.escape(origin_words(found.session, found.run))
    return gr.update(
        value=f'<div class="vt-banner" role="status"><b>{title}</b><span>{words}</span></div>', visible=True
    )


def _special(name: str) -> tuple[Callable[[type[Action]], View], Title]:
    module = own_code(name)
    if module is None:
        return DerivedView, _title
    special: Title = getattr(module, "title", _title)

    def title(run: Run, results: dict[str, Result]) -> str:
        grid = results.get("grid")
        return f"{grid.title} ({run.created:%d %b %Y})" if isinstance(grid, Grid) else special(run, results)

    return getattr(module, "view", DerivedView), title


def _title(run: Run, results: dict[str, Result]) -> str:
    """A session's first title, when the playground has no better one."""
    del results
    day = run.created.strftime("%d %b %Y")
    return f"{run.experiment.action.split('/')[-1].replace('_', ' ').capitalize()}, {day}"
