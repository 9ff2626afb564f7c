"""Small classifiers with weights from a seed: real networks of the kind that ships, without its files."""

import torch

from backends.medical.networks import Classifier, build_classifier


def classifier(channels: int = 1, side: int = 28, classes: tuple[str, ...] = ("normal", "pneumonia")) -> Classifier:
    """In eval mode; BatchNorm statistics are those of noise, so that activations have sensible sizes."""
    torch.manual_seed(0)
    architecture = "resnet18-half-28" if side == 28 else "resnet18-half-48"
    backbone = build_classifier(architecture, len(classes), channels)
    model = Classifier(
        backbone,
        classes,
        input_size=side,
        channels=channels,
        mean=[0.5] * channels,
        std=[0.25] * channels,
        temperature=1.5,
    )
    model.train()
    with torch.no_grad():
        model(torch.rand(16, channels, side, side))
    return model.eval()


def hooks(model: torch.nn.Module) -> int:
    """How many hooks hang on the model and all its modules."""
    return sum(
        len(value) for module in model.modules() for name, value in module.__dict__.items() if name.endswith("hooks")
    )
