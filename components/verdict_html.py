"""A verdict as HTML, the same on both sides: the sentence, what differs and by how much, and what was not the same."""

from __future__ import annotations

from html import escape

from backends.experiments.differences import Change, Circumstance, OutputChange, Verdict

_WORDS: dict[Change, str] = {
    "identical": "identical",
    "equal": "same values",
    "different": "differs",
    "missing": "missing",
    "added": "added",
}


def verdict_html(verdict: Verdict) -> str:
    """The verdict as one piece of HTML; announced to screen readers when it appears."""
    kind = "vt-same" if verdict.same else "vt-differs"
    unequal = [item for item in verdict.outputs if not item.same]
    alike = [item for item in verdict.outputs if item.same]
    parts = [f"<p><strong>{escape(verdict.sentence)}</strong></p>", _listed(unequal)]
    if alike and unequal:
        parts.append(f"<details><summary>{len(alike)} the same</summary>{_listed(alike)}</details>")
    elif alike:
        parts.append(f"<details><summary>{len(alike)} results compared</summary>{_listed(alike)}</details>")
    parts.append(circumstances_html(verdict.circumstances, "The first run", "The new run"))
    return f'<div class="vt-verdict {kind}" role="status">{"".join(parts)}</div>'


def circumstances_html(found: tuple[Circumstance, ...], first: str, second: str) -> str:
    """What was not the same around two runs, folded; empty where all was. first, second: what the runs are called."""
    if not found:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(item.title)}</th><td>{escape(item.first)}</td><td>{escape(item.second)}</td>'
        f"<td>{'can change results' if item.explains else 'changes no results'}</td></tr>"
        for item in found
    )
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("What", first, second, "Effect"))
    table = f'<table class="vt-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    count = f"{len(found)} difference{'s' if len(found) > 1 else ''} in libraries and machine"
    return f'<details><summary>{count}</summary><div class="vt-scroll">{table}</div></details>'


def _listed(changes: list[OutputChange]) -> str:
    if not changes:
        return ""
    items = "".join(
        f"<li><b>{escape(item.title)}</b> <span>{_WORDS[item.change]}</span> {escape(item.sentence)}</li>"
        for item in changes
    )
    return f"<ul>{items}</ul>"
