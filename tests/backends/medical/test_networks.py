"""Networks: shapes, class-activation resolution, and that what ships is what its manifest says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer

from backends.core.errors import LoadFailed, WeightsCorrupt, WeightsMissing
from backends.medical.networks import (
    ARCHITECTURES,
    Classifier,
    build_classifier,
    classifier_from_config,
    load_classifier,
)
from backends.medical.weights import SHARD_BYTES, read_weights, write_weights

SHIPPED = Path(__file__).resolve().parents[3] / "assets" / "models" / "medical"
CONFIG = {
    "architecture": "resnet18-half-28",
    "classes": ["a", "b"],
    "input_size": 28,
    "channels": 1,
    "mean": [0.5],
    "std": [0.25],
    "temperature": 1.5,
    "cam_layer": "backbone.layer4",
}


def small(**changes: object) -> Classifier:
    torch.manual_seed(0)
    return classifier_from_config(CONFIG | changes).eval()


def of(architecture: str, channels: int = 1, classes: int = 2) -> Classifier:
    """A small classifier of that architecture."""
    facts = {"classes": [str(k) for k in range(classes)], "mean": [0.5] * channels, "std": [0.2] * channels}
    cam_layer = ARCHITECTURES[architecture].cam_layer
    return small(architecture=architecture, channels=channels, cam_layer=cam_layer, **facts)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_cam_map_has_at_least_four_cells_a_side(architecture: str) -> None:
    size = int(architecture.rpartition("-")[2])
    channels = 3 if size == 48 else 1
    model = of(architecture, channels, classes=12)
    maps: list[torch.Tensor] = []
    model.get_submodule(model.cam_layer).register_forward_hook(lambda _m, _i, out: maps.append(out))
    logits = model(torch.rand(3, channels, size, size))
    assert logits.shape == (3, 12)
    assert min(maps[0].shape[2:]) >= 4


@pytest.mark.parametrize(("architecture", "megabytes"), [("resnet18-half-28", 6), ("efficientnet-b0-28", 9)])
def test_a_network_stays_small_in_half_precision(architecture: str, megabytes: int) -> None:
    assert sum(p.numel() for p in build_classifier(architecture, 2, 1).parameters()) * 2 < megabytes * 1e6


def test_the_transformer_computes_what_timms_own_does() -> None:
    """Pooling the tokens as a map changes no number."""
    ours = build_classifier("vit-tiny-28", 2, 1).eval()
    theirs = VisionTransformer(
        img_size=28, patch_size=4, in_chans=1, num_classes=2, embed_dim=192, depth=12, num_heads=3, class_token=False,
        global_pool="avg",
    ).eval()  # fmt: skip
    theirs.load_state_dict(ours.state_dict())
    images = torch.rand(4, 1, 28, 28)
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images))


def test_the_transformers_map_lies_as_the_picture_does() -> None:
    """What changes in one corner changes the map in that corner most."""
    model = of("vit-tiny-28")
    maps: list[torch.Tensor] = []
    model.get_submodule(model.cam_layer).register_forward_hook(lambda _m, _i, out: maps.append(out.detach()))
    images = torch.full((2, 1, 28, 28), 0.5)
    images[1, :, :4, 24:] = 1.0  # the patch in the first row and last column
    with torch.inference_mode():
        model(images)
    change = (maps[0][1] - maps[0][0]).abs().sum(0)
    assert divmod(int(change.argmax()), 7) == (0, 6)


def test_an_unknown_architecture_is_a_typed_error() -> None:
    with pytest.raises(LoadFailed):
        build_classifier("resnet9000", 2, 1)


def test_probabilities_are_the_softmax_of_cooled_logits() -> None:
    model, images = small(), torch.rand(4, 1, 28, 28)
    with torch.inference_mode():
        expected = torch.softmax(model(images) / 1.5, dim=1)
        torch.testing.assert_close(model.probabilities(images), expected)


def test_normalisation_belongs_to_the_model() -> None:
    model, images = small(), torch.rand(2, 1, 28, 28)
    with torch.inference_mode():
        torch.testing.assert_close(model(images), model.backbone((images - 0.5) / 0.25))


def test_written_weights_load_again_as_their_half_precision_values(tmp_path: Path) -> None:
    model, images = small(), torch.rand(2, 1, 28, 28)
    write_weights(tmp_path / "m", model.state_dict(), CONFIG)
    again = load_classifier(tmp_path / "m")
    assert not again.training
    assert {p.dtype for p in again.parameters()} == {torch.float32}
    assert again.classes == ("a", "b")
    assert float(again.temperature) == 1.5
    with torch.inference_mode():
        torch.testing.assert_close(again(images), model(images), atol=0.02, rtol=0.02)


def test_large_weights_are_split_into_shards(tmp_path: Path) -> None:
    state = {f"w{i}": torch.zeros(1000, 1000) for i in range(9)}
    write_weights(tmp_path / "m", state, {})
    shards = sorted(tmp_path.glob("m/*.safetensors"))
    assert [path.name for path in shards] == [f"model-{i:05d}-of-00003.safetensors" for i in (1, 2, 3)]
    assert all(path.stat().st_size <= SHARD_BYTES for path in shards)
    assert set(read_weights(tmp_path / "m")[0]) == set(state)


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    write_weights(tmp_path / "m", small().state_dict(), CONFIG)
    path = tmp_path / "m" / "model.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(WeightsCorrupt):
        load_classifier(tmp_path / "m")


@pytest.mark.parametrize("text", ["[]", "{}", "no json", '{"files": {"../x": {"sha256": "0"}}, "digest": "0"}'])
def test_a_damaged_manifest_is_found(tmp_path: Path, text: str) -> None:
    write_weights(tmp_path / "m", small().state_dict(), CONFIG)
    (tmp_path / "m" / "manifest.json").write_text(text)
    with pytest.raises(WeightsCorrupt):
        load_classifier(tmp_path / "m")


def test_a_missing_shard_is_found(tmp_path: Path) -> None:
    write_weights(tmp_path / "m", small().state_dict(), CONFIG)
    (tmp_path / "m" / "model.safetensors").unlink()
    with pytest.raises(WeightsMissing):
        load_classifier(tmp_path / "m")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    write_weights(tmp_path / "m", small().state_dict(), CONFIG | {"classes": ["a", "b", "c"]})
    with pytest.raises(WeightsCorrupt):
        load_classifier(tmp_path / "m")


@pytest.mark.parametrize("name", ["pneumonia-resnet18", "redcells-resnet18"])
def test_shipped_weights_match_manifest_card_and_metrics(name: str) -> None:
    folder = SHIPPED / name
    model = load_classifier(folder)  # checks every hash
    digest = json.loads((folder / "manifest.json").read_text())["digest"]
    metrics = json.loads((folder / "metrics.json").read_text())
    card = (folder / "card.md").read_text()
    assert metrics["digest"] == digest
    assert digest in card
    assert "Not for clinical use" in card
    with torch.inference_mode():
        out = model.probabilities(torch.rand(2, model.channels, model.input_size, model.input_size))
    torch.testing.assert_close(out.sum(1), torch.ones(2))


@pytest.mark.parametrize(
    ("name", "metric", "floor"),
    [("pneumonia-resnet18", "auc", 0.96), ("redcells-resnet18", "balanced_accuracy", 0.70)],
)
def test_shipped_classifiers_reach_their_goals(name: str, metric: str, floor: float) -> None:
    metrics = json.loads((SHIPPED / name / "metrics.json").read_text())
    assert metrics["metrics"][metric]["value"] >= floor
    assert metrics["metrics"][metric]["low"] > metrics["floors"]["ridge"][metric]
