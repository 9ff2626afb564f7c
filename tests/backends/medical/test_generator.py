"""The example generator: shapes, determinism, a short training, and the examples that ship."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from backends.core.errors import BadParameter, ModelError
from backends.medical import examples, synthesis
from backends.medical.data import ImageSet, Split, to_tensor
from backends.medical.generator import Generator, generate, generator_from_config, load_generator
from backends.medical.networks import Classifier, build_classifier
from backends.medical.training import Budget
from backends.medical.weights import write_weights

ASSETS = Path(__file__).resolve().parents[3] / "assets"
SHIPPED = ASSETS / "examples" / "medical"
MODELS = ["xray-generator", "redcell-generator"]


class CountedBudget(Budget):
    """A budget of questions instead of seconds, so that a busy machine trains as far as an idle one."""

    def __init__(self, questions: int) -> None:
        super().__init__(1.0)
        self._left = self._all = questions

    def done(self) -> float:
        self._left -= 1
        return 1.0 - max(0, self._left) / self._all


def small(channels: int = 1, patch: int = 1) -> Generator:
    torch.manual_seed(0)
    model = Generator(
        ["a", "b"], input_size=16, channels=channels, patch=patch, widths=(8, 8, 8), embedding=16, steps=3
    )
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def judge_of(bias: list[float]) -> Classifier:
    """A classifier that has made up its mind: logits are `bias`, whatever the image."""
    backbone = build_classifier("resnet18-half-28", 2, 1)
    state = backbone.state_dict()
    backbone.load_state_dict(state | {"fc.weight": state["fc.weight"] * 0.0, "fc.bias": torch.tensor(bias)})
    return Classifier(backbone, ["a", "b"], input_size=16, channels=1, mean=[0.5], std=[0.5]).eval()


@pytest.mark.parametrize(("channels", "patch", "shape"), [(1, 1, (16, 16)), (3, 2, (16, 16, 3))])
def test_generate_gives_pixels_in_the_expected_shape(channels: int, patch: int, shape: tuple[int, ...]) -> None:
    image = generate(small(channels, patch), 1, seed=5)
    assert image.shape == shape
    assert image.dtype == np.uint8


def test_a_seed_draws_the_same_image_again_and_another_seed_another() -> None:
    model = small()
    first = generate(model, 0, seed=7)
    np.testing.assert_array_equal(first, generate(model, 0, seed=7))
    assert not np.array_equal(first, generate(model, 0, seed=8))
    assert not np.array_equal(first, generate(model, 1, seed=7))


def test_a_class_that_does_not_exist_is_a_typed_error() -> None:
    with pytest.raises(BadParameter):
        generate(small(), 2, seed=0)


def test_training_lowers_the_loss() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(128) % 2
    images = (rng.integers(0, 20, (128, 28, 28, 1)) + 200 * labels[:, None, None, None]).astype(np.uint8)
    part, said = Split(images, labels), list[str]()
    recipe = synthesis.GENERATORS["medical/xray-generator"]
    data = ImageSet(("a", "b"), part, part, part)
    model, epochs = synthesis.fit_generator(recipe, data, CountedBudget(24), device="cpu", seed=0, report=said.append)
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in said]
    assert epochs == len(losses) > 1
    assert losses[-1] < losses[0]
    assert not model.training


def test_turning_keeps_every_pixel() -> None:
    images = torch.rand(32, 3, 8, 8)
    turned = synthesis._turn(images, torch.Generator().manual_seed(0))
    torch.testing.assert_close(turned.flatten(1).sort(1).values, images.flatten(1).sort(1).values)
    assert not torch.equal(turned, images)


def test_examples_are_those_the_classifier_is_surest_of(tmp_path: Path) -> None:
    model = small()
    chosen = examples.choose_examples(model, judge_of([5.0, 0.0]), per_class=2)
    assert [(example.class_index, example.seed) for example in chosen] == [(0, 0), (0, 1)]  # alike: the first two
    origin = {"generator": "medical/x", "generator_digest": "d"}
    for _ in range(2):  # a second run replaces, never adds
        examples.write_examples(tmp_path, "xray", model, chosen, origin)
    entries = json.loads((tmp_path / "examples.json").read_text())
    assert [entry["file"] for entry in entries] == ["xray-a-0.png", "xray-a-1.png"]
    assert entries[0] == {"file": "xray-a-0.png", "class": "a", **origin, "seed": 0, "synthetic": True}
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "xray-a-0.png")), generate(model, 0, 0))


def test_a_classifier_that_agrees_with_nothing_is_told() -> None:
    with pytest.raises(ModelError):
        examples.choose_examples(small(), judge_of([0.0, 0.0]), per_class=1)


def test_distance_finds_a_turned_copy() -> None:
    train = torch.rand(5, 1, 8, 8)
    copy = torch.rot90(train[3:4], 1, (2, 3))
    assert examples.nearest_distance(copy, train)[0] == pytest.approx(0.0, abs=1e-3)
    assert examples.nearest_distance(torch.rand(1, 1, 8, 8), train)[0] > 0.1


def test_written_generators_load_again(tmp_path: Path) -> None:
    config: dict[str, Any] = {"classes": ["a", "b"], "input_size": 16, "channels": 1, "patch": 1, "widths": [8, 8, 8]}
    config |= {"mean": 0.6, "std": 0.15, "shift": 3.0, "steps": 3, "guidance": 1.5}
    write_weights(tmp_path / "g", generator_from_config(config).state_dict(), config)
    assert generate(load_generator(tmp_path / "g"), 0, 0).shape == (16, 16)


@pytest.mark.parametrize("name", MODELS)
def test_shipped_generators_are_small_and_their_manifest_holds(name: str) -> None:
    folder = ASSETS / "models" / "medical" / name
    load_generator(folder)  # checks every hash
    assert sum(path.stat().st_size for path in folder.glob("*.safetensors")) < 3.2e6
    assert "Not for clinical use" in (folder / "card.md").read_text()


def test_shipped_examples_are_listed_and_said_to_be_synthetic() -> None:
    entries = json.loads((SHIPPED / "examples.json").read_text())
    assert {entry["file"] for entry in entries} == {path.name for path in SHIPPED.glob("*.png")}
    assert all(entry["synthetic"] is True for entry in entries)
    assert len({entry["class"] for entry in entries if entry["file"].startswith("redcell-")}) >= 6
    assert sum(entry["file"].startswith("xray-") for entry in entries) >= 4
    for entry in entries:
        digest = json.loads((ASSETS / "models" / entry["generator"] / "manifest.json").read_text())["digest"]
        assert entry["generator_digest"] == digest


@pytest.mark.parametrize("prefix", ["xray", "redcell"])
def test_a_shipped_example_is_drawn_again_from_its_seed(prefix: str) -> None:
    entry = next(e for e in json.loads((SHIPPED / "examples.json").read_text()) if e["file"].startswith(prefix))
    model = load_generator(ASSETS / "models" / entry["generator"])
    again = generate(model, model.classes.index(entry["class"]), entry["seed"])
    shipped = np.asarray(Image.open(SHIPPED / entry["file"]))
    # One grey level of room: kernels round differently on other processors.
    assert np.abs(again.astype(int) - shipped.astype(int)).max() <= 1
    assert float(to_tensor(again.reshape(1, *again.shape[:2], -1)).std()) > 0.02
