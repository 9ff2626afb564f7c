"""First sight: the stored result that an address opens, in the HTML page itself, to be seen with its first byte.

The app boots beneath and takes its place once it shows the same (theme/first.js). Nothing is shown here that the app
would not show: the same rules, by the same calls. Whatever is wrong, there is none, and the app says what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from backends.core.errors import TooLarge, VitrineError
from backends.core.playground import Playground
from backends.runtime.lab import Lab
from backends.store.values import Item, Run
from components.address import LINK, SHOWN, passed_on, too_long
from components.linked import Linked, linked, origin_words
from components.pieces import chip, notes_html
from components.run_words import run_title
from components.session_page import about_html
from components.session_runs import DRAWN
from components.shell_results import arranged, declared_titles, output_html
from components.slides.material import Material
from components.slides.pieces import pieces_of
from components.theme.page import first_script, first_style
from components.words import STATES

HTML_MAX = 1_500_000  # characters: results beyond it are left to the app
READ_MAX = 16 * 2**20  # bytes of stored results that are read for one page
_COMING = '<p role="status">The controls are on their way.<noscript>They need JavaScript.</noscript></p>'
_BY_ADDRESS = frozenset(("image", "audio", "file"))  # kinds that the browser fetches: here they are only checked
_PANELS = "<i></i>" * 6  # where the controls will be
_BRAND = '<header><img src="/assets/brand/wordmark.svg" alt="Vitrine" width="105" height="32"></header>'


def first_sight(lab: Lab, page: str, query: Mapping[str, str], visitor: str) -> str:
    """HTML for the beginning of the page's body; empty where there is nothing to show.

    page: the address of the shell's page, without slashes. query: what the address asks of it.
    """
    if any(name in SHOWN or name.startswith("embed") for name in query):
        return ""  # the page is asked to look otherwise
    try:
        body = _of_session(lab, query, visitor) if page == "sessions" else _of_playground(lab, page, query, visitor)
    except VitrineError:
        return ""
    kind = "session" if page == "sessions" else "playground"
    return body and (
        f'{first_style()}<main id="vt-first" data-page="{kind}">{_BRAND}<div class="vt-first-page">{body}</div></main>'
        f"{first_script()}"
    )


@dataclass
class _Room:
    """How many characters may still be written."""

    left: int = HTML_MAX

    def fitting(self, parts: Iterable[str]) -> str:
        """Those parts, joined, that still fit."""
        kept = []
        for part in parts:
            if len(part) <= self.left:
                self.left -= len(part)
                kept.append(part)
        return "".join(kept)


def _of_playground(lab: Lab, name: str, query: Mapping[str, str], visitor: str) -> str:
    playground = next((one for one in lab.actions.playgrounds if one.name == name), None)
    if playground is None or not any(query.get(key) for key in LINK):
        return ""
    if playground.notice and not lab.store.visitors.has_accepted(visitor, playground.notice):
        return ""  # before the link is opened: the page would show its notice, and nothing else
    asked = passed_on(playground, query)
    found = None if too_long(asked) else linked(lab, asked, visitor)
    if found is None or found.run.state != "done" or not _offers(playground, found.run):
        return ""
    data = _bytes_of(lab, found.run, visitor)
    material = Material(lab.actions, lambda output: data[output.digest], live=True, draws=False)
    pieces, room = pieces_of(found.run, material, ""), _Room()
    shots = f'<div class="vt-shots">{room.fitting(pieces.seen)}</div>' if pieces.seen else ""
    return (
        f'{_banner(playground, found)}<div class="vt-first-bench"><div class="vt-first-controls" aria-hidden="true">'
        f"{_PANELS}</div><div>{_COMING}{shots}{room.fitting(pieces.below)}"
        f'<div class="vt-read">{room.fitting(pieces.read)}</div></div></div>'
    )


def _offers(playground: Playground, run: Run) -> bool:
    """Whether the page shows this run's own results; above a sweep it shows those of its base controls."""
    return run.experiment.action in {action.name for action in playground.actions}


def _banner(playground: Playground, found: Linked) -> str:
    if found.session is None:
        return f'<h1 class="vt-unseen">{escape(playground.title)}</h1>'
    words = escape(origin_words(found.session, found.run))
    return f'<div class="vt-banner"><h1>{escape(found.session.title)}</h1><span>{words}</span></div>'


def _of_session(lab: Lab, query: Mapping[str, str], visitor: str) -> str:
    address = query.get("session", "")
    session = lab.store.sessions.open(address, visitor) if address else None
    if session is None or not session.items:
        return ""
    room = _Room()
    cards = [_card(lab, item, index, visitor, room) for index, item in enumerate(session.items[:DRAWN], start=1)]
    notes = notes_html(session.notes) if session.notes.strip() else ""
    attributes = f"{' data-own' if session.mine else ''}{' data-several' if len(session.items) > 1 else ''}"
    return (
        f"<h1>{escape(session.title)}</h1>{about_html(session)}{_COMING}"
        f'<div class="vt-first-notes"{attributes}>{notes}</div>{"".join(cards)}'
    )


def _card(lab: Lab, item: Item, index: int, visitor: str, room: _Room) -> str:
    run, titles = item.run, declared_titles(lab.actions, item.run)
    _check_size(run)
    for output in run.outputs:
        if output.kind in _BY_ADDRESS:
            lab.store.artifacts.open_path(output.digest, visitor)
    groups = arranged(run.outputs)
    pictures, rest, wide = (
        room.fitting(output_html(lab, run, output, visitor, titles.get(output.name, "")) for output in group)
        for group in groups
    )
    state = "" if run.state == "done" else chip(STATES[run.state], "care")
    title = f"{index}. {escape(item.title or run_title(lab, run))} {state}"
    beside = f'<div class="vt-first-rest">{rest}</div>' if rest else ""
    return (
        f'<section class="vt-first-card"><h2>{title}</h2>'
        f'<div class="vt-first-results" data-pictures="{len(groups[0])}">{pictures}{beside}</div>{wide}</section>'
    )


def _bytes_of(lab: Lab, run: Run, visitor: str) -> dict[str, bytes]:
    """All that was stored of it, by digest. Raises ArtifactMissing where a file is gone or damaged, TooLarge."""
    _check_size(run)
    return {output.digest: lab.store.artifacts.read(output.digest, visitor) for output in run.outputs}


def _check_size(run: Run) -> None:
    if sum(output.bytes for output in run.outputs) > READ_MAX:
        raise TooLarge("This result is too large to be read for a first sight.")
