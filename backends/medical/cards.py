"""Model cards: one page of Markdown, written by the recipe from the numbers it measured, never by hand."""

from __future__ import annotations

from typing import Any

from backends.medical.data import SOURCES, Source

NAMES = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "balanced_accuracy_without_colour": "Balanced accuracy, images turned grey",
    "ece": "Calibration error (ECE, 15 bins), with temperature",
    "ece_before_temperature": "Calibration error (ECE, 15 bins), before",
    "classifier_agreement": "Samples that the bundled classifier takes for the class asked for",
    "nearest_training_distance_samples": "Distance to the nearest training image, samples, median",
    "low_training_distance_samples": "Distance to the nearest training image, samples, 5th percentile",
    "nearest_training_distance_test": "Distance to the nearest training image, test images, median",
    "low_training_distance_test": "Distance to the nearest training image, test images, 5th percentile",
}


def render_card(config: dict[str, Any], metrics: dict[str, Any]) -> str:
    """The card of a model as Markdown. config: its config.json; metrics: its metrics.json."""
    source = SOURCES[config["data"]]
    parts = [
        f"# {config['id']}",
        "**Not for clinical use.** For teaching only; it must not inform the care of anyone.",
        f"## Task\n\n{_task(config)}",
        f"## Data\n\n{_data(source)}",
        f"## Training\n\n{_training(config)}",
        f"## Results on test\n\n{_metrics(metrics)}",
        "## Limits\n\n" + "\n".join(f"- {line}" for line in (*source.limits, *_limits(config))),
        f"## Weights\n\nfp16 safetensors, digest `{metrics['digest']}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _task(config: dict[str, Any]) -> str:
    size, channels = config["input_size"], "grey" if config["channels"] == 1 else "RGB"
    classes = ", ".join(config["classes"])
    if config["kind"] == "generator":
        return f"Draw a synthetic {size} x {size} {channels} image of a class: {classes}."
    return f"Classify a {size} x {size} {channels} image as one of {len(config['classes'])}: {classes}."


def _data(source: Source) -> str:
    return "\n".join(
        (
            f"- {source.title}, from {source.public}",
            f"- Licence: {source.licence}",
            f"- Attribution: {source.attribution}",
            "- Nothing was chosen on test images: they are scored at the end, on the weights that ship.",
        )
    )


def _training(config: dict[str, Any]) -> str:
    facts = config["training"]
    lines = [
        f"- Command: `{facts['command']}`",
        f"- Budget: {facts['minutes']:g} minutes of wall-clock, {facts['epochs']} epochs, seed {facts['seed']}",
        f"- Hardware: {facts['hardware']}, {facts.get('arithmetic', 'bfloat16')} arithmetic, PyTorch {facts['torch']}",
        f"- Network: {config['architecture']}, {facts['parameters']:,} parameters",
        *(f"- {line}" for line in facts["notes"]),
    ]
    return "\n".join(lines)


def _metrics(metrics: dict[str, Any]) -> str:
    rows = ["| Measure | Value | 95 % interval | n |", "|---|---|---|---|"]
    for key, row in metrics["metrics"].items():
        name = NAMES.get(key) or "Sensitivity, " + key.partition("/")[2].replace("_", " ")
        rows.append(f"| {name} | {row['value']:.4f} | {row['low']:.4f} to {row['high']:.4f} | {row['n']} |")
    if "floors" not in metrics:
        note = (
            "Distances are root-mean-square pixel differences, images in [0, 1], over all eight positions of a square."
        )
        return "\n".join(rows) + f"\n\n{note}"
    rows += ["", "| Floor on the same images | AUC | Accuracy | Balanced accuracy |", "|---|---|---|---|"]
    titles = {"majority": "Always the commonest training class", "ridge": "Ridge regression on 16 x 16 pixels"}
    for key, row in metrics["floors"].items():
        rows.append(f"| {titles[key]} | {row['auc']:.4f} | {row['accuracy']:.4f} | {row['balanced_accuracy']:.4f} |")
    rows += [
        "",
        "Intervals: percentile bootstrap over images, 1,000 resamples, seeded; measured on the shipped weights.",
    ]
    return "\n".join(rows)


def _limits(config: dict[str, Any]) -> tuple[str, ...]:
    if config["kind"] == "generator":
        looks = "Its pictures look like the data; they show no patient and prove nothing about any disease."
        cut = "Trained on crops whose surroundings were faded out: it draws one cell, and outlines are often broken."
        return (looks, cut) if config["alone"] else (looks,)
    return (
        f"Images of {config['input_size']} pixels a side hide most of what a reader would look at.",
        "Probabilities are calibrated on validation images and too sure of themselves on images of another origin.",
    )
