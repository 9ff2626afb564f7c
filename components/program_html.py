"""A program as HTML: Python's comments, texts and words are told apart, and nothing in it is markup."""

from __future__ import annotations

import io
import keyword
import tokenize
from html import escape


def program_html(text: str) -> str:
    """A Python program, or anything else as it is."""
    return f'<pre class="vt-program" tabindex="0" aria-label="Program"><code>{_marked(text)}</code></pre>'


def _marked(text: str) -> str:
    lines = io.StringIO(text).readlines()  # as the tokenizer counts them: form feeds and the like end no line
    parts: list[str] = []
    at = (1, 0)
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = _kind(token)
            if kind:
                parts += [_between(lines, at, token.start), f'<span class="{kind}">{escape(token.string)}</span>']
                at = token.end
    except (tokenize.TokenError, IndentationError):  # no Python: a shell's commands
        return escape(text)
    return "".join([*parts, _between(lines, at, (len(lines) + 1, 0))])


def _kind(token: tokenize.TokenInfo) -> str:
    match token.type:
        case tokenize.COMMENT:
            return "vt-remark"
        case tokenize.STRING:
            return "vt-text"
        case tokenize.NAME if keyword.iskeyword(token.string):
            return "vt-word"
    return ""


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """The escaped text from one (row from 1, column) to another."""
    if start[0] == end[0]:
        return escape(lines[start[0] - 1][start[1] : end[1]]) if start[0] <= len(lines) else ""
    found = [lines[start[0] - 1][start[1] :] if start[0] <= len(lines) else "", *lines[start[0] : end[0] - 1]]
    if end[0] <= len(lines):
        found.append(lines[end[0] - 1][: end[1]])
    return escape("".join(found))
