"""The command line: `python -m app serve | models | train | evaluate | new | bench | doctor`."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Annotated

import typer

from app.models_cli import models_app
from app.settings import ROOT, Settings
from backends.core.errors import VitrineError
from backends.registry.registry import Registry

_ID = "A bundled model, as `models list` names it."

cli = typer.Typer(
    help="Vitrine: a lab in the browser where deep-learning models are run, tuned, explained and shown.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on (VITRINE_HOST).")] = "",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one (VITRINE_PORT).")] = -1,
    strict: Annotated[bool, typer.Option(help="Exit when the boot self-test finds something.")] = False,
) -> None:
    """Start the server."""
    from app import environment, logs

    given = {name: value for name, value in (("host", host), ("port", port)) if value not in ("", -1)}
    settings = Settings().model_copy(update=given)
    logs.configure(settings.log_level)
    environment.prepare(settings)  # before the frameworks are imported
    from app.serve import Server
    from app.server import create_app

    server = Server(create_app(settings), settings, strict=strict)
    where = "localhost" if settings.host in ("0.0.0.0", "127.0.0.1", "::") else settings.host
    typer.echo(f"Vitrine is starting at http://{where}:{settings.port}")
    server.run()
    if server.failed or not server.started:
        raise typer.Exit(1)


new = typer.Typer(no_args_is_help=True, help="Begin something of one's own.")
cli.add_typer(new, name="new")


@new.command("playground")
def new_playground(name: Annotated[str, typer.Argument(help="One word in lower case, used in addresses.")]) -> None:
    """Write a page, a layout, an action and a test that work, to be changed into a playground of one's own."""
    from app import scaffold

    for path in scaffold.new_playground(name):
        typer.echo(f"wrote {path}")
    typer.echo(f"`make run` shows it at /{name}; `make test` runs its test with all others.")


@new.callback()
def _only_playgrounds_yet() -> None:
    """Keep 'playground' a word of its own: typer folds a single command away."""


_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": ["--about"]}


@cli.command(context_settings=_PASSED_ON)
def train(context: typer.Context, model_id: Annotated[str, typer.Argument(help=_ID)]) -> None:
    """Train a bundled model again, by its recipe; `train <id> --help` names the recipe's options."""
    _dispatch("train", model_id, context.args)


@cli.command(context_settings=_PASSED_ON)
def evaluate(context: typer.Context, model_id: Annotated[str, typer.Argument(help=_ID)]) -> None:
    """Print the figures of a model's card, computed again from its weights."""
    _dispatch("evaluate", model_id, context.args)


@cli.command()
def bench() -> None:
    """Print the figures of tests/bench/README.md, measured now."""
    raise typer.Exit(subprocess.call([sys.executable, "-m", "tests.bench"], cwd=ROOT))


@cli.command()
def doctor() -> None:
    """Say in plain words what is missing or slow on this machine."""
    from app import environment
    from app.doctor import examine

    settings = Settings()
    environment.quieten(settings)  # as many threads as the server would use
    findings = examine(settings)
    for finding in findings:
        typer.secho(f"{finding.mark}  {finding.sentence}", fg=finding.colour)
    if any(finding.is_broken for finding in findings):
        raise typer.Exit(1)


def _dispatch(what: str, model_id: str, arguments: list[str]) -> None:
    """Hand a command over to the playground folder that a model id begins with: backends/<folder>/<what>.py: main."""
    folder = model_id.split("/", 1)[0]
    name = f"backends.{folder}.{what}"
    if not folder.isidentifier() or not (ROOT / "backends" / folder / f"{what}.py").exists():
        raise typer.BadParameter(f"there is no recipe for '{model_id}'; ids look like medical/pneumonia-resnet18.")
    recipe = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    recipe.command()(importlib.import_module(name).main)
    recipe([model_id, *arguments], prog_name=f"python -m app {what}")


def _open_registry() -> Registry:
    from app import environment
    from app.wiring import build_registry
    from backends.runtime import discovery

    settings = Settings()
    environment.quieten(settings)
    return build_registry(settings, discovery.catalogue())


def main() -> None:
    """Run a command; errors of ours end in a sentence, not a traceback."""
    cli.add_typer(models_app(_open_registry), name="models")
    try:
        cli()
    except VitrineError as err:
        typer.secho(f"{err.sentence} {err.hint}", fg="red", err=True)
        raise SystemExit(1) from err


if __name__ == "__main__":
    main()
