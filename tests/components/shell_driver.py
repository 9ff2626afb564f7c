"""Uses the shell's pages as a person does, through Streamlit's own test runner over a real laboratory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from backends.core.identity import COOKIE
from backends.runtime.lab import Lab
from backends.store.values import Session
from tests.components.shell_lab import shaded

ROOT = Path(__file__).parents[2]
SECONDS = 30


def come_in(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new visitor with the cookie that the server gives; the test runner itself sends none. Returns who it is."""
    visitor, cookie = lab.identity.issue()
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _: {COOKIE: cookie}))
    return visitor


def open_shell() -> AppTest:
    """The shell, on its front page."""
    return AppTest.from_file(str(ROOT / "app" / "shell.py"), default_timeout=SECONDS).run()


def go(shell: AppTest, page: str, **params: str) -> AppTest:
    """To a page, with what its address asks for."""
    shell.switch_page(f"../pages/{page}.py")
    for name, value in params.items():
        shell.query_params[name] = value
    return still_well(shell.run())


def still_well(shell: AppTest) -> AppTest:
    """The shell, if nothing was raised."""
    assert not shell.exception, shell.exception
    return shell


def words(shell: AppTest) -> str:
    """All HTML and Markdown on the page."""
    return "\n".join([*(part.proto.body for part in shell.get("html")), *(part.value for part in shell.markdown)])


def toasts(shell: AppTest) -> list[str]:
    """What toasts say, as it is read."""
    return [re.sub(r"\\(.)", r"\1", toast.value) for toast in shell.toast]


def press(shell: AppTest, label: str, index: int = 0) -> AppTest:
    """Press the button of that label."""
    found = [button for button in shell.button if button.label == label]
    assert found, [button.label for button in shell.button]
    return still_well(found[index].click().run())


def choose(shell: AppTest, key: str, option: Any) -> AppTest:
    """Choose in a menu."""
    return still_well(shell.menu_button(key=key).click(option).run())


def save(lab: Lab, visitor: str, title: str, *amounts: float, notes: str = "Two words.", tags: tuple[str, ...] = ()):
    """A session with one finished run for each amount."""
    session = lab.store.sessions.create(visitor, title, notes, tags)
    for amount in amounts or (30.0,):
        session = lab.store.sessions.add_run(session.id, visitor, shaded(lab, visitor, amount).id)
    return session


def titles(sessions: list[Session]) -> list[str]:
    """What they are called, in their order."""
    return [session.title for session in sessions]
