"""Which files a playground's events may name: those that were uploaded here, and nothing else.

Any value that an event receives may be a 'file' with a path of the client's choice. Stock Gradio judges it only in apps
that were started by `launch()`: in a mounted one it copied /etc/passwd for whoever named it. It also fetches a file
that is named by a web address, and so asks the internet on a visitor's word.
"""

from __future__ import annotations

from typing import Any, NoReturn


def judge_files(blocks: Any) -> None:
    """Make Gradio judge the paths that events of this mounted app receive: in its upload folder, or refused."""
    blocks.has_launched = True  # gradio.processing_utils._check_allowed returns early without it


def never_fetch() -> None:
    """Files are given, not fetched: a web address in a file's place ends in a sentence."""
    from gradio import processing_utils

    processing_utils.async_ssrf_protected_download = _refuse


async def _refuse(url: str, cache_dir: str) -> NoReturn:
    """Stands in for Gradio's download."""
    import gradio as gr

    del url, cache_dir
    raise gr.Error("A file cannot be fetched from a web address. Give the file itself.", print_exception=False)
