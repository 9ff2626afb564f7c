"""Test metrics of the bundled medical models, each with its n and a bootstrap 95 % interval, from the shipped weights.

Nothing here is chosen on the test images: the recipes in train.py look at the validation images only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch.nn.functional as F  # noqa: N812 - the name everyone reads
import typer

from backends.medical import examples
from backends.medical.data import ImageSet, Split, default_data_root, load_image_set, to_grey, to_tensor
from backends.medical.generator import load_generator
from backends.medical.networks import Classifier, load_classifier
from backends.medical.scores import (
    Floats,
    Labels,
    accuracy,
    auc,
    balanced_accuracy,
    bootstrap,
    calibration_error,
    logits_of,
    sensitivity,
    softmax,
)
from backends.medical.weights import read_weights

Metric = Callable[[Labels, Floats], float]

ASSETS = Path(__file__).resolve().parents[2] / "assets"
RIDGE = 10.0  # L2 penalty of the linear floor, on pixels in [0, 1]


def model_folder(model_id: str, assets: Path = ASSETS) -> Path:
    """Where the weights of `model_id` lie under `assets`."""
    return assets / "models" / model_id


def evaluate(model_id: str, data: Path, assets: Path = ASSETS) -> dict[str, Any]:
    """The numbers of a model's card, computed from its shipped weights; equal to its metrics.json.

    data: the folder that holds the image sets. Raises WeightsMissing, WeightsCorrupt or BadInput.
    """
    folder = model_folder(model_id, assets)
    _state, config, digest = read_weights(folder)
    images = load_image_set(data, config["data"])
    head = {"model": model_id, "digest": digest, "data": config["data"], "split": "test"}
    if config["kind"] == "generator":
        judge = load_classifier(model_folder(config["judge"], assets))
        return head | examples.generator_metrics(load_generator(folder), images, judge, alone=config["alone"])
    return head | classifier_metrics(load_classifier(folder), images)


def classifier_metrics(model: Classifier, images: ImageSet) -> dict[str, Any]:
    """Metrics of `model` on images.test, with the floors that any network must beat."""
    pixels, labels = to_tensor(images.test.images), images.test.labels
    logits = logits_of(model, pixels)
    calibrated = softmax(logits / model.temperature.cpu())
    rows = {
        "auc": interval(auc, labels, calibrated),
        "accuracy": interval(accuracy, labels, calibrated),
        "balanced_accuracy": interval(balanced_accuracy, labels, calibrated),
        "ece": interval(calibration_error, labels, calibrated),
        "ece_before_temperature": interval(calibration_error, labels, softmax(logits)),
    }
    if model.channels == 3:
        grey = softmax(logits_of(model, to_grey(pixels)))
        rows["balanced_accuracy_without_colour"] = interval(balanced_accuracy, labels, grey)
    for index, name in enumerate(model.classes):
        chosen = labels == index
        if chosen.any():
            rows[f"sensitivity/{name}"] = interval(_sensitivity_of(index), labels[chosen], calibrated[chosen])
    return {"metrics": rows, "floors": floors(images)}


def interval(metric: Metric, labels: Labels, probabilities: Floats) -> dict[str, float | int]:
    """`metric` with its 95 % interval. labels: (N,); probabilities: (N, K)."""
    return bootstrap(lambda rows: metric(labels[rows], probabilities[rows]), len(labels))


def floors(images: ImageSet) -> dict[str, dict[str, float]]:
    """What costs nothing: always the commonest training class, and a ridge regression on 16 x 16 pixels."""
    test, k = images.test, len(images.classes)
    commonest = np.bincount(images.train.labels, minlength=k).argmax()
    always = np.tile(np.eye(k)[commonest], (len(test.labels), 1))
    return {"majority": _three(test.labels, always), "ridge": _three(test.labels, ridge_scores(images.train, test, k))}


def ridge_scores(train: Split, test: Split, classes: int) -> Floats:
    """Scores (N, K) of a ridge regression to one-hot labels on 16 x 16 pixels."""
    seen, asked = _small(train), _small(test)
    centre = seen.mean(0)
    seen, asked = seen - centre, asked - centre
    target = np.eye(classes)[train.labels]
    weights = np.linalg.solve(seen.T @ seen + RIDGE * np.eye(seen.shape[1]), seen.T @ (target - target.mean(0)))
    scores: Floats = asked @ weights + target.mean(0)
    return scores


def _sensitivity_of(index: int) -> Metric:
    return lambda labels, probabilities: sensitivity(labels, probabilities, index)


def _three(labels: Labels, scores: Floats) -> dict[str, float]:
    metrics: dict[str, Metric] = {"auc": auc, "accuracy": accuracy, "balanced_accuracy": balanced_accuracy}
    return {name: round(metric(labels, scores), 4) for name, metric in metrics.items()}


def _small(split: Split) -> Floats:
    small: Floats = F.adaptive_avg_pool2d(to_tensor(split.images), 16).flatten(1).double().numpy()
    return small


def main(
    model_id: Annotated[str, typer.Argument(help="for example medical/pneumonia-resnet18")],
    data: Annotated[Path | None, typer.Option(help="folder of the image sets; else VITRINE_DATA")] = None,
) -> None:
    """Print the numbers of a model's card, computed again from its shipped weights."""
    result = evaluate(model_id, data or default_data_root())
    typer.echo(_table(result))


def _table(result: dict[str, Any]) -> str:
    lines = [f"{result['model']}  {result['digest'][:12]}  {result['split']}"]
    for name, row in result["metrics"].items():
        lines.append(f"{name:36} {row['value']:.4f}  [{row['low']:.4f}, {row['high']:.4f}]  n = {row['n']}")
    for name, row in result.get("floors", {}).items():
        lines.append(f"floor: {name:29} " + "  ".join(f"{key} {value:.4f}" for key, value in row.items()))
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
