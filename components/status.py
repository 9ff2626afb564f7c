"""The one line that says what is going on: waiting, running with time left, done, stopped, or what went wrong."""

from __future__ import annotations

import html

from backends.core.errors import VitrineError
from backends.store.values import Run


def quiet(sentence: str) -> str:
    """Nothing is running; `sentence` says what is seen."""
    return _line("quiet", html.escape(sentence))


def loading() -> str:
    """The page has come, and what it opens with has not; theme/opened.js waits for its end."""
    return _line("loading", "Loading")


def running(sentence: str, fraction: float, seconds_left: float | None = None) -> str:
    """A bar at `fraction` in [0, 1], a sentence, and the time left in seconds where it is known."""
    left = "" if seconds_left is None else f" About {_seconds(seconds_left)} left."
    bar = f'<progress max="1" value="{fraction:.3f}" aria-label="Progress"></progress>'
    return _line("running", f"{bar}<span>{html.escape(sentence)}{left}</span>")


def done(sentence: str) -> str:
    """A run has ended well."""
    return _line("done", html.escape(sentence))


def failed(error: VitrineError, reference: str = "") -> str:
    """What was wrong and what to do; with the id to quote when it was not the user's doing."""
    quote = f" <code>{html.escape(reference)}</code>" if reference else ""
    return _line("failed", f"{html.escape(error.sentence)} <span>{html.escape(error.hint)}</span>{quote}")


def ended(run: Run, *, known: bool = False) -> str:
    """The status line of a run that has ended. known: its result was there before it was asked for."""
    if run.state == "done":
        seconds = run.provenance.get("seconds_running")
        took = f" in {seconds:.2g} s" if isinstance(seconds, int | float) else ""
        return done("Known from before: nothing had to be computed." if known else f"Done{took}.")
    if run.state == "cancelled":
        return quiet("Stopped. What was on the page before is still there.")
    error = run.error or {}
    sentence = error.get("message") or "This run was interrupted when the server stopped."
    return failed(VitrineError(sentence, hint=error.get("hint") or "Press Run again."), run.reference or "")


def _line(state: str, body: str) -> str:
    role = "alert" if state == "failed" else "status"
    return f'<div class="vt-status vt-status-{state}" role="{role}">{body}</div>'


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value < 90 else f"{value / 60:.0f} min"
