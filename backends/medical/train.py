"""Training of the bundled medical models: `python -m backends.medical.train <model-id>`.

Puts together what a recipe needs: data, training under a wall-clock budget, weights, metrics, card, examples.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch import nn

from backends.core.errors import NotFound, VitrineError
from backends.medical import examples, supervised, synthesis
from backends.medical.cards import render_card
from backends.medical.data import SOURCES, default_data_root, load_image_set, to_tensor
from backends.medical.evaluate import ASSETS, evaluate, model_folder
from backends.medical.networks import load_classifier
from backends.medical.scores import logits_of
from backends.medical.training import Budget, Report, has_bfloat16, quiet
from backends.medical.weights import half_state, write_json, write_weights

HELP = "Train a bundled medical model and write its weights, card, metrics and examples.\n\n" + "\n\n".join(
    f"Data for {source.folder}/data.npz: {source.title}, {source.public}, {source.licence}."
    for source in SOURCES.values()
)
cli = typer.Typer(add_completion=False)


def train(
    model_id: str,
    data: Path,
    minutes: float,
    device: str,
    seed: int,
    threads: int,
    out: Path,
    report: Report = quiet,
) -> None:
    """Train a bundled model and write all that ships of it.

    data: the folder that holds the image sets. minutes: wall-clock budget of the training alone. device: "cpu" or
    "cuda". out: the assets folder; the model goes to `models/<model_id>`, example images to `examples/medical`.
    Raises NotFound for an unknown id, BadInput when the data is not there.
    """
    torch.set_num_threads(threads)
    if model_id in supervised.RECIPES:
        _train_classifier(supervised.RECIPES[model_id], data, minutes, device, seed, out, report)
    elif model_id in synthesis.GENERATORS:
        _train_generator(synthesis.GENERATORS[model_id], data, minutes, device, seed, out, report)
    else:
        known = ", ".join([*supervised.RECIPES, *synthesis.GENERATORS])
        raise NotFound(f"There is no recipe for {model_id}.", hint=f"Choose one of {known}.")


def _train_classifier(
    recipe: supervised.Recipe, data: Path, minutes: float, device: str, seed: int, out: Path, report: Report
) -> None:
    images = load_image_set(data, recipe.source)
    model, epochs, chosen = supervised.fit(recipe, images, Budget(minutes), device=device, seed=seed, report=report)
    model = model.to("cpu").to(memory_format=torch.contiguous_format)
    round_to_half(model)  # so that the temperature fits the weights that ship
    config = supervised.classifier_config(recipe, images)
    config["temperature"] = supervised.fit_temperature(
        logits_of(model, to_tensor(images.val.images)), images.val.labels
    )
    notes = [f"Epoch {chosen} had the best mean of AUC and balanced accuracy on clean and disturbed validation images"]
    config["training"] = _facts(model, recipe.model_id, minutes, epochs, seed, device) | {"notes": notes}
    _write(recipe.model_id, model, config, data, out, report)


def _train_generator(
    recipe: synthesis.GeneratorRecipe, data: Path, minutes: float, device: str, seed: int, out: Path, report: Report
) -> None:
    images = load_image_set(data, recipe.source)
    judge = load_classifier(model_folder(recipe.judge, out))
    model, epochs = synthesis.fit_generator(recipe, images, Budget(minutes), device=device, seed=seed, report=report)
    model = model.to("cpu").to(memory_format=torch.contiguous_format)
    round_to_half(model)
    config = synthesis.generator_config(recipe, images)
    notes = [
        f"Examples: of seeds 0 to {examples.SEEDS - 1}, those {recipe.judge} is surest of, p >= {examples.CONFIDENT}"
    ]
    config["training"] = _facts(model, recipe.model_id, minutes, epochs, seed, device) | {"notes": notes}
    digest = _write(recipe.model_id, model, config, data, out, report)
    chosen = examples.choose_examples(model, judge, recipe.per_class)
    origin = {"generator": recipe.model_id, "generator_digest": digest}
    examples.write_examples(out / "examples" / "medical", recipe.examples, model, chosen, origin)
    report(f"{len(chosen)} examples written")


def round_to_half(model: nn.Module) -> None:
    """Round the weights of `model` to what ships (fp16), in place."""
    model.load_state_dict({name: value.float() for name, value in half_state(model.state_dict()).items()}, strict=False)


def _write(model_id: str, model: nn.Module, config: dict[str, Any], data: Path, out: Path, report: Report) -> str:
    """Weights first; then metrics and card, measured on the files just written. Returns the weight digest."""
    folder = model_folder(model_id, out)
    digest = write_weights(folder, model.state_dict(), config)
    metrics = evaluate(model_id, data, out)
    write_json(folder / "metrics.json", metrics)
    (folder / "card.md").write_text(render_card(config, metrics), encoding="utf-8")
    for name, row in metrics["metrics"].items():
        report(f"{name} {row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}] n = {row['n']}")
    return digest


def _facts(model: nn.Module, model_id: str, minutes: float, epochs: int, seed: int, device: str) -> dict[str, Any]:
    """How the weights were made, for the configuration and the card."""
    threads = torch.get_num_threads()
    cpu = f"{platform.machine()} CPU, {threads} thread{'s' if threads > 1 else ''}"
    options = f"--minutes {minutes:g} --threads {threads} --device {device} --seed {seed}"
    return {
        "command": f"python -m backends.medical.train {model_id} {options}",
        "minutes": minutes,
        "epochs": epochs,
        "seed": seed,
        "hardware": cpu if device == "cpu" else torch.cuda.get_device_name(),
        "arithmetic": "bfloat16" if has_bfloat16(device) else "float32",
        "torch": torch.__version__.partition("+")[0],
        "parameters": sum(p.numel() for p in model.parameters()),
    }


@cli.command(help=HELP)
def main(
    model_id: Annotated[str, typer.Argument(help="for example medical/pneumonia-resnet18")],
    data: Annotated[Path | None, typer.Option(help="folder of the image sets; else VITRINE_DATA")] = None,
    minutes: Annotated[float, typer.Option(help="wall-clock budget of the training, in minutes", min=0.01)] = 20.0,
    threads: Annotated[int, typer.Option(help="CPU threads", min=1)] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    seed: Annotated[int, typer.Option(help="seed of everything random")] = 0,
    out: Annotated[Path, typer.Option(help="assets folder to write into", show_default="this project's")] = ASSETS,
) -> None:
    """Train a bundled medical model and write its weights, card, metrics and examples."""
    try:
        train(model_id, data or default_data_root(), minutes, device, seed, threads, out, typer.echo)
    except VitrineError as err:
        typer.echo(f"{err.sentence} {err.hint}", err=True)
        raise typer.Exit(1) from err


if __name__ == "__main__":
    cli()
