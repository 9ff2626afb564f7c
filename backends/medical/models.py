"""The classifiers of the medical viewer, as the catalogue sees them: read from the folders that ship, when asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from backends.core.errors import WeightsCorrupt
from backends.registry.catalogue import Bundled, ModelCard

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "models" / "medical"
LICENCE = "Apache-2.0"  # of the weights; the card names the data's
WORDS = {
    "medical/pneumonia-resnet18": ("Pneumonia in a chest X-ray, ResNet-18", "ResNet-18, half width"),
    "medical/pneumonia-efficientnet-b0": ("Pneumonia in a chest X-ray, EfficientNet-B0", "EfficientNet-B0"),
    "medical/pneumonia-vit-tiny": ("Pneumonia in a chest X-ray, ViT-Tiny", "ViT-Tiny"),
    "medical/redcells-resnet18": ("Red blood cell types, ResNet-18", "ResNet-18, half width"),
    "medical/redcells-vit-tiny": ("Red blood cell types, ViT-Tiny", "ViT-Tiny"),
    "medical/modality-efficientnet-b0": ("Kind of picture: CT, MRI or X-ray, EfficientNet-B0", "EfficientNet-B0"),
    "medical/nih-resnet18": ("Pneumonia in a chest X-ray at 128 px, ResNet-18", "ResNet-18, half width"),
}


def models(folder: Path = FOLDER) -> tuple[ModelCard, ...]:
    """The cards of the classifiers in `folder`, one a subfolder, by name. Raises WeightsCorrupt on a damaged config."""
    found = [(path.parent, _config(path)) for path in sorted(folder.glob("*/config.json"))]
    return tuple(_card(place, config) for place, config in found if config.get("kind") == "classifier")


def _config(path: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as err:
        raise WeightsCorrupt(f"config.json of {path.parent.name} is damaged.", hint="Fetch the model again.") from err
    return config


def _card(folder: Path, config: dict[str, Any]) -> ModelCard:
    title, family = WORDS.get(config["id"], (config["id"].partition("/")[2], config["architecture"]))
    return ModelCard(
        id=config["id"],
        title=title,
        task="image-classification",
        domain="medical",
        family=family,
        parameters=int(config.get("training", {}).get("parameters", 0)),  # 0 is refused by the card, with a name
        bytes=2 * sum(path.stat().st_size for path in folder.glob("*.safetensors")),  # fp16 on disk, fp32 in memory
        licence=LICENCE,
        source=Bundled(folder),
        loader=_load,
        labels=tuple(config["classes"]),
        card="card.md",
    )


def _load(folder: Path, device: str) -> Any:
    """A networks.Classifier on `device`. torch and timm come in here, with the first model."""
    from backends.medical.networks import load_classifier

    return load_classifier(folder).to(device)
