"""The classifiers of the medical playground: networks from timm behind one wrapper that owns what its input means.

Residual networks follow He et al., 2015 (arXiv:1512.03385). Letters: B images, C channels, H x W pixels, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from timm.models.resnet import BasicBlock, ResNet
from torch import Tensor, nn

from backends.core.errors import LoadFailed, WeightsCorrupt
from backends.medical.weights import read_weights

# Half of ResNet-18's 64-128-256-512: 2.8 M parameters, 5.6 MB as fp16, and a quarter of the arithmetic.
HALF_WIDTH = (32, 64, 128, 256)


class Classifier(nn.Module):
    """A network with its classes, its input normalisation and its calibration.

    classes: K names, in the order of the logits. input_size: pixels of a side; channels: 1 (grey) or 3 (RGB).
    cam_layer: name of the submodule whose output (B, F, h, w) class-activation maps use.
    temperature: (,) float32 > 0, fitted on validation data; divides the logits before softmax.
    """

    mean: Tensor
    std: Tensor
    temperature: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        classes: Sequence[str],
        *,
        input_size: int,
        channels: int,
        mean: Sequence[float],
        std: Sequence[float],
        cam_layer: str = "backbone.layer4",
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.classes = tuple(classes)
        self.input_size = input_size
        self.channels = channels
        self.cam_layer = cam_layer
        # Not persistent: these live in config.json in full precision, the weights file is fp16.
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("temperature", torch.tensor(temperature), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, K), not divided by the temperature. images: (B, C, H, W) float32 in [0, 1]."""
        logits: Tensor = self.backbone((images - self.mean) / self.std)
        return logits

    def probabilities(self, images: Tensor) -> Tensor:
        """Calibrated probabilities (B, K), rows sum to 1. images: (B, C, H, W) float32 in [0, 1]."""
        return torch.softmax(self(images) / self.temperature, dim=1)


def build_classifier(architecture: str, classes: int, channels: int) -> nn.Module:
    """An untrained backbone: (B, `channels`, H, W) to logits (B, `classes`).

    architecture: a key of ARCHITECTURES. Raises LoadFailed for any other.
    """
    try:
        build = ARCHITECTURES[architecture]
    except KeyError as err:
        raise LoadFailed(f"There is no architecture named {architecture}.") from err
    return build(classes, channels)


def load_classifier(folder: Path) -> Classifier:
    """The classifier shipped in `folder`, in eval mode, fp32, on the CPU.

    Reads safetensors and JSON only and checks every hash. Raises WeightsMissing, WeightsCorrupt or LoadFailed.
    """
    state, config, _digest = read_weights(folder)
    model = classifier_from_config(config)
    strict_load(model, state, folder.name)
    return model.eval()


def classifier_from_config(config: dict[str, Any]) -> Classifier:
    """An untrained classifier as `config` (the content of a config.json) describes it."""
    backbone = build_classifier(config["architecture"], len(config["classes"]), config["channels"])
    return Classifier(
        backbone,
        config["classes"],
        input_size=config["input_size"],
        channels=config["channels"],
        mean=config["mean"],
        std=config["std"],
        cam_layer=config["cam_layer"],
        temperature=config["temperature"],
    )


def strict_load(model: nn.Module, state: dict[str, Tensor], name: str) -> None:
    """Load `state` into `model`; every tensor must be there. BatchNorm's batch counters do not ship.

    Raises WeightsCorrupt when names or shapes do not fit.
    """
    counters = {key: value for key, value in model.state_dict().items() if key.endswith("num_batches_tracked")}
    try:
        model.load_state_dict(state | counters)
    except RuntimeError as err:
        raise WeightsCorrupt(f"The weights of {name} do not fit its network.", hint="Fetch the model again.") from err


def _resnet18_half(stem_stride: int, output_stride: int, *, standardise: bool) -> Callable[[int, int], nn.Module]:
    """ResNet-18 at half width for small images: a 3x3 stem and no max-pool.

    The usual stem (7x7, stride 2, max-pool) divides the side by 32 and leaves one cell of a 28-pixel image, where a
    class-activation map has nothing to show. See ARCHITECTURES for what is left here.

    standardise: whether each channel of each image is brought to mean 0 and deviation 1 first (Ulyanov et al., 2016,
    arXiv:1607.08022), so that exposure and stain cannot be learned.
    """

    def build(classes: int, channels: int) -> nn.Module:
        net = ResNet(
            BasicBlock,
            [2, 2, 2, 2],
            num_classes=classes,
            in_chans=channels,
            channels=HALF_WIDTH,
            output_stride=output_stride,
        )
        net.conv1 = nn.Conv2d(channels, net.conv1.out_channels, 3, stem_stride, 1, bias=False)
        nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
        if standardise:
            net.conv1 = nn.Sequential(nn.InstanceNorm2d(channels), net.conv1)
        net.maxpool = nn.Identity()
        module: nn.Module = net
        return module

    return build


ARCHITECTURES: dict[str, Callable[[int, int], nn.Module]] = {
    # 28 px: sides 28, 28, 14, 7, 4, so the last map is 4x4.
    "resnet18-half-28": _resnet18_half(stem_stride=1, output_stride=32, standardise=False),
    # 48 px: sides 24, 24, 12, 6, 6 (the last stage dilates instead of striding), so the last map is 6x6.
    # Stride 1 in the stem gives the same map at three times the cost. Stain differs by slide batch, so each image is
    # standardised: after 90 steps the training loss was 2.08 with it and AdamW, 2.32 without it and SGD.
    "resnet18-half-48": _resnet18_half(stem_stride=2, output_stride=16, standardise=True),
}
