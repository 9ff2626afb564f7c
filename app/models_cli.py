"""`python -m app models ...`: what is in the catalogue, whether its files are sound, what loading one costs.

Works on a registry of its own in this process; a running server has its own, which its Models page shows.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from backends.core.errors import VitrineError
from backends.registry.catalogue import Hub, ModelCard, Source
from backends.registry.registry import Registry
from backends.registry.status import ModelStatus

ModelId = Annotated[str, typer.Argument(metavar="ID", help="The model's id, as `list` shows it.")]


def models_app(open_registry: Callable[[], Registry]) -> typer.Typer:
    """The `models` commands. open_registry: makes the registry when a command runs; it is closed afterwards."""
    app = typer.Typer(no_args_is_help=True, help="The models of the catalogue: list, show, verify, load, unload.")

    @app.command("list")
    def _list(
        as_json: Annotated[bool, typer.Option("--json", help="Print the whole status as JSON.")] = False,
    ) -> None:
        """All models: where they come from and how much memory they take."""
        with _registry(open_registry) as registry:
            list_models(registry, as_json)

    @app.command("show")
    def _show(model_id: ModelId) -> None:
        """One model: its facts, its labels and its card."""
        with _registry(open_registry) as registry:
            show_model(registry, model_id)

    @app.command("verify")
    def _verify(
        model_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="All, if none is named.")] = None,
    ) -> None:
        """Hash every weight file again and compare with the manifest."""
        with _registry(open_registry) as registry:
            verify_models(registry, model_ids or [])

    @app.command("load")
    def _load(model_id: ModelId) -> None:
        """Load a model here (downloading it first where needed), say what that took, and let it go."""
        with _registry(open_registry) as registry:
            load_model(registry, model_id)

    @app.command("unload")
    def _unload(model_id: ModelId) -> None:
        """Load a model here, unload it, and say how much memory came back."""
        with _registry(open_registry) as registry:
            unload_model(registry, model_id)

    return app


def list_models(registry: Registry, as_json: bool = False) -> None:
    """Print one line a model, or the status as JSON."""
    status = registry.status()
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(status), indent=2))
        return
    cards = [(registry.catalogue.get(model.id), model) for model in status.models]
    rows = [(card.id, card.task, _mega(card.bytes), card.licence, _from(card.source), _lies(m)) for card, m in cards]
    _table(("id", "task", "memory", "licence", "from", "state"), rows)


def show_model(registry: Registry, model_id: str) -> None:
    """Print all facts of a model, then its card. Raises NotFound."""
    card = registry.catalogue.get(model_id)
    _table((), [(name + ":", value) for name, value in _facts(registry, card)])
    if card.text:
        typer.echo("\n" + card.text.rstrip())


def verify_models(registry: Registry, model_ids: Sequence[str]) -> None:
    """Check the named models, or all. Prints one line each; raises the first error once all have been looked at."""
    first: VitrineError | None = None
    for model_id in model_ids or [card.id for card in registry.catalogue]:
        try:
            typer.echo(f"{model_id}  ok  {registry.verify(model_id)}")
        except VitrineError as err:
            typer.echo(f"{model_id}  {err.code}")
            first = first or err
    if first is not None:
        raise first


def load_model(registry: Registry, model_id: str) -> ModelStatus:
    """Load a model, print seconds and bytes, leave it loaded. Raises ModelError."""
    started = time.perf_counter()
    model = registry.load(model_id)
    seconds = time.perf_counter() - started
    typer.echo(f"{model_id} loaded in {seconds:.2f} s: {_mega(model.bytes)} of {model.memory} on {model.device}")
    if model.commit:
        typer.echo(f"commit {model.commit}, {_mega(model.download_total)} of files")
    return model


def unload_model(registry: Registry, model_id: str) -> None:
    """Load a model, unload it, and print what its memory held before and after. Raises ModelError."""
    loaded = load_model(registry, model_id)
    gone = registry.unload(model_id)
    after = registry.status().model(model_id)
    typer.echo(f"{model_id} {'unloaded' if gone else 'still in use'}: {_mega(loaded.bytes - after.bytes)} came back")


@contextmanager
def _registry(open_registry: Callable[[], Registry]) -> Iterator[Registry]:
    """A registry for one command; an error of ours becomes its sentence on stderr and exit code 1."""
    registry: Registry | None = None
    try:
        registry = open_registry()
        yield registry
    except VitrineError as err:
        typer.echo(" ".join(part for part in (err.sentence, err.hint) if part), err=True)
        raise typer.Exit(1) from err
    finally:
        if registry is not None:
            registry.close()


def _facts(registry: Registry, card: ModelCard) -> list[tuple[str, str]]:
    status = registry.status().model(card.id)
    facts = [
        ("id", card.id),
        ("title", card.title),
        ("task", card.task),
        ("domain", card.domain),
        ("family", card.family),
        ("parameters", f"{card.parameters:,}"),
        ("memory", f"{_mega(card.bytes)} of {status.memory}"),
        ("licence", card.licence),
        ("from", _from(card.source)),
        ("labels", ", ".join(card.labels)),
        ("weights", _revision(registry, card)),
    ]
    return [(name, value) for name, value in facts if value]


def _revision(registry: Registry, card: ModelCard) -> str:
    """The digest, or why there is none: a model that has not been fetched can still be shown."""
    try:
        return registry.revision(card.id)
    except VitrineError as err:
        return err.sentence


def _from(source: Source) -> str:
    return f"Hub {source.repo}@{source.revision[:12]}" if isinstance(source, Hub) else type(source).__name__.lower()


def _lies(model: ModelStatus) -> str:
    return model.state + (f" ({model.error})" if model.error else "")


def _mega(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


def _table(head: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    lines = [row for row in (head, *rows) if row]
    widths = [max(len(str(row[column])) for row in lines) for column in range(len(lines[0]))] if lines else []
    for row in lines:
        typer.echo("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
