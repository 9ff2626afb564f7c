"""The classifiers of the medical playground: networks from timm behind one wrapper that owns what its input means.

Residual networks follow He et al., 2015 (arXiv:1512.03385), EfficientNet Tan and Le, 2019 (arXiv:1905.11946), vision
transformers Dosovitskiy et al., 2020 (arXiv:2010.11929), ViT-Tiny's width Touvron et al., 2020 (arXiv:2012.12877).
Letters: B images, C channels, H x W pixels, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from timm.models.efficientnet import efficientnet_b0
from timm.models.resnet import BasicBlock, ResNet
from timm.models.vision_transformer import VisionTransformer
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
        found = ARCHITECTURES[architecture]
    except KeyError as err:
        raise LoadFailed(f"There is no architecture named {architecture}.") from err
    return found.build(classes, channels)


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


def _efficientnet_b0(stem_stride: int) -> Callable[[int, int], nn.Module]:
    """EfficientNet-B0 for small images: its last stages dilate instead of striding, so that a map is left to see."""

    def build(classes: int, channels: int) -> nn.Module:
        net = efficientnet_b0(num_classes=classes, in_chans=channels, output_stride=16, drop_rate=0.2)
        net.conv_stem.stride = (stem_stride, stem_stride)
        module: nn.Module = net
        return module

    return build


class TokenMapTransformer(VisionTransformer):  # type: ignore[misc]  # timm has no types
    """A vision transformer that pools its tokens as the map (B, F, h, w) that they are, at a module of its own, `grid`.

    So whatever looks at the last map of a convolutional network looks at this one, with no layer or reshape of the
    user's. There is no class token: every token stands for its patch.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(class_token=False, global_pool="avg", **options)
        self.grid = nn.Identity()

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits (B, K) of tokens (B, h * w, F); the pooled features (B, F) for `pre_logits`."""
        height, width = self.patch_embed.grid_size
        seen = self.grid(x.transpose(1, 2).reshape(len(x), -1, height, width))
        pooled: Tensor = self.fc_norm(seen.mean((2, 3)))
        return pooled if pre_logits else self.head(pooled)


def _vit_tiny(side: int, patch: int) -> Callable[[int, int], nn.Module]:
    """ViT-Tiny (192 wide, 12 deep, 3 heads): `side` pixels cut into patches of `patch` pixels a side."""

    def build(classes: int, channels: int) -> nn.Module:
        module: nn.Module = TokenMapTransformer(
            img_size=side,
            patch_size=patch,
            in_chans=channels,
            num_classes=classes,
            embed_dim=192,
            depth=12,
            num_heads=3,
            drop_path_rate=0.1,
        )
        return module

    return build


@dataclass(frozen=True)
class Architecture:
    """build: (K, C) to an untrained backbone. cam_layer: of Classifier."""

    build: Callable[[int, int], nn.Module]
    cam_layer: str


_RESNET, _EFFICIENTNET, _VIT = "backbone.layer4", "backbone.bn2", "backbone.grid"

ARCHITECTURES: dict[str, Architecture] = {
    # 28 px: sides 28, 28, 14, 7, 4, so the last map is 4x4.
    "resnet18-half-28": Architecture(_resnet18_half(stem_stride=1, output_stride=32, standardise=False), _RESNET),
    # 48 px: sides 24, 24, 12, 6, 6 (the last stage dilates instead of striding), so the last map is 6x6.
    # Stride 1 in the stem gives the same map at three times the cost. Stain differs by slide batch, so each image is
    # standardised: after 90 steps the training loss was 2.08 with it and AdamW, 2.32 without it and SGD.
    "resnet18-half-48": Architecture(_resnet18_half(stem_stride=2, output_stride=16, standardise=True), _RESNET),
    # 128 px: sides 64, 64, 32, 16, 8; exposure differs by film, so each image is standardised.
    "resnet18-half-128": Architecture(_resnet18_half(stem_stride=2, output_stride=32, standardise=True), _RESNET),
    "efficientnet-b0-28": Architecture(_efficientnet_b0(stem_stride=1), _EFFICIENTNET),  # last map 4x4
    "efficientnet-b0-64": Architecture(_efficientnet_b0(stem_stride=2), _EFFICIENTNET),  # last map 4x4
    "vit-tiny-28": Architecture(_vit_tiny(side=28, patch=4), _VIT),  # map 7x7
    "vit-tiny-48": Architecture(_vit_tiny(side=48, patch=6), _VIT),  # map 8x8
}
