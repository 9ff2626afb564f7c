"""The two servers of the bench, each in a process of its own: `python -m tests.bench.shell_load_server stock|vitrine`.

Both have the same Streamlit page, the same Gradio stream and the same libraries and network in memory. 'stock' is
FastAPI + Gradio + Streamlit as their documentation puts them together, all defaults; 'vitrine' is app/server.py with
every guard and its own start, where only the shell's script is the bench's page.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOKENS = 100
PER_SECOND = 100.0
STREAM = "/play/stream"
PAGE = Path(__file__).with_name("shell_load_page.py")


def stream_blocks() -> Any:
    """A Gradio app whose button streams TOKENS words at PER_SECOND."""
    import gradio as gr

    def tokens() -> Iterator[str]:
        text = ""
        for index in range(TOKENS):
            time.sleep(1 / PER_SECOND)
            text += f"word{index} "
            yield text

    with gr.Blocks(title="Stream") as blocks:
        button = gr.Button("Start", elem_id="start")
        shown = gr.Textbox(elem_id="text")
        button.click(tokens, None, shown, concurrency_limit=None)
    return blocks


def stock_app() -> Any:
    """FastAPI as the root, Gradio mounted in it, Streamlit mounted last. Nothing is tuned."""
    import gradio as gr
    import streamlit
    from fastapi import FastAPI

    shell = streamlit.App(PAGE)
    root = FastAPI(lifespan=shell.lifespan())
    root = gr.mount_gradio_app(root, stream_blocks(), STREAM)
    root.mount("/", shell)
    return root


def load_a_lab() -> Any:
    """What a lab has in memory: the libraries and one network of the playgrounds' size."""
    import timm
    import torch
    import torchvision  # noqa: F401 - part of the process's weight

    torch.set_num_threads(1)
    return timm.create_model("resnet18", num_classes=2).eval()


def serve_stock() -> None:
    """Serve until killed."""
    import uvicorn

    network = load_a_lab()
    uvicorn.run(stock_app(), host="127.0.0.1", port=int(os.environ["VITRINE_PORT"]), log_level="warning")
    del network


def serve_vitrine() -> None:
    """Serve by app/server.py and app/serve.py, with the bench's page as the shell and the stream beside the rest."""
    from app import environment, logs
    from app.settings import Settings

    settings = Settings()
    logs.configure("warning")
    environment.prepare(settings)
    import gradio as gr
    import streamlit

    import app.server
    from app.serve import Server

    network = load_a_lab()
    app.server._shell = lambda: streamlit.App(PAGE)
    application = app.server.create_app(settings)
    shell = application.root.router.routes.pop()  # mounted last, as it answers every path
    gr.mount_gradio_app(application.root, stream_blocks(), STREAM, ssr_mode=False)
    application.root.router.routes.append(shell)
    Server(application, settings, strict=True).run()
    del network


if __name__ == "__main__":
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # for both: a bench must not call out either
    {"stock": serve_stock, "vitrine": serve_vitrine}[sys.argv[1]]()
