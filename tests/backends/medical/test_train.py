"""Training recipes on tiny synthetic sets: all that ships is written, and the loss falls."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from backends.core.errors import BadInput, NotFound
from backends.medical import models, supervised, train
from backends.medical.data import SOURCES, Augmentation, load_image_set, to_grey
from backends.medical.evaluate import evaluate
from backends.medical.isolate import isolate
from backends.medical.networks import ARCHITECTURES, load_classifier
from backends.medical.training import Budget, arithmetic, has_bfloat16, schedule

STEPS = 24


class CountedBudget(Budget):
    """A budget of questions instead of seconds, so that a busy machine trains as far as an idle one."""

    def __init__(self, _minutes: float) -> None:
        super().__init__(1.0)
        self._left = STEPS

    def done(self) -> float:
        self._left -= 1
        return 1.0 - max(0, self._left) / STEPS


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set like PneumoniaMNIST in shape: class 1 is brighter in the middle."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {"classes": np.array(["normal", "pneumonia"])}
    for part, n in (("train", 128), ("val", 32), ("test", 32)):
        labels = np.arange(n) % 2
        images = rng.integers(60, 120, (n, 28, 28))
        images[:, 8:20, 8:20] += 100 * labels[:, None, None]
        arrays |= {f"{part}_images": images.astype(np.uint8), f"{part}_labels": labels}
    (root / SOURCES["pneumonia"].folder).mkdir()
    np.savez(root / SOURCES["pneumonia"].folder / "data.npz", **arrays)
    return root


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    out, said = tmp_path_factory.mktemp("assets"), list[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "Budget", CountedBudget)
        train.train("medical/pneumonia-resnet18", data, 0.05, "cpu", 0, 1, out, said.append)
    return out, said


def test_a_classifier_recipe_writes_all_that_ships(trained: tuple[Path, list[str]], data: Path) -> None:
    folder = trained[0] / "models" / "medical" / "pneumonia-resnet18"
    names = {path.name for path in folder.iterdir()}
    assert names == {"model.safetensors", "manifest.json", "config.json", "card.md", "metrics.json"}
    assert load_classifier(folder).classes == ("normal", "pneumonia")
    assert evaluate("medical/pneumonia-resnet18", data, trained[0]) == json.loads((folder / "metrics.json").read_text())


def test_the_card_says_what_a_reader_must_know(trained: tuple[Path, list[str]]) -> None:
    folder = trained[0] / "models" / "medical" / "pneumonia-resnet18"
    card = (folder / "card.md").read_text()
    digest = json.loads((folder / "manifest.json").read_text())["digest"]
    wanted = [
        digest,
        "CC BY 4.0",
        "Kermany",
        "Not for clinical use",
        "--minutes 0.05 --threads 1",
        "95 % interval",
        "ECE",
    ]
    assert [text for text in wanted if text not in card] == []
    assert str(folder.parents[3]) not in card


def test_the_loss_falls(trained: tuple[Path, list[str]]) -> None:
    losses = [float(found[1]) for line in trained[1] if (found := re.search(r"loss ([\d.]+)", line))]
    assert len(losses) > 1
    assert losses[-1] < losses[0]


def test_an_unknown_model_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        train.train("medical/none", tmp_path, 0.01, "cpu", 0, 1, tmp_path)


def test_missing_data_is_told_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not there") as caught:
        load_image_set(tmp_path, "redcells")
    assert "github.com" in caught.value.hint


def test_only_the_classes_of_the_source_are_used(tmp_path: Path) -> None:
    """The labels of the set on chest films: a class from another hospital is left out of all its parts."""
    arrays: dict[str, Any] = {"classes": np.array(["covid19", "no_finding", "pneumonia"])}
    for part, n in (("train", 9), ("val", 6), ("test", 3)):
        arrays |= {f"{part}_labels": np.arange(n) % 3, f"{part}_images": np.arange(n, dtype=np.uint8)[:, None, None]}
    (tmp_path / SOURCES["nih"].folder).mkdir()
    np.savez(tmp_path / SOURCES["nih"].folder / "data.npz", **arrays)
    images = load_image_set(tmp_path, "nih")
    assert images.classes == ("no_finding", "pneumonia")
    assert images.train.labels.tolist() == [0, 1] * 3
    assert images.train.images.ravel().tolist() == [1, 2, 4, 5, 7, 8]
    assert len(images.test.labels) == 2


@pytest.mark.parametrize("model_id", supervised.RECIPES)
def test_every_recipe_names_a_network_a_set_and_a_title(model_id: str) -> None:
    recipe = supervised.RECIPES[model_id]
    assert recipe.architecture in ARCHITECTURES
    assert recipe.source in SOURCES
    assert model_id in models.WORDS


def test_help_says_where_the_data_comes_from() -> None:
    shown = CliRunner().invoke(train.cli, ["--help"]).output
    assert "medmnist.com" in shown
    assert "Chula-RBC-12-Dataset" in shown


def test_temperature_cools_a_classifier_that_is_too_sure() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    right = np.where(rng.random(400) < 0.8, labels, 1 - labels)  # right four times of five, and always sure
    logits = torch.from_numpy(10.0 * np.eye(2)[right])
    assert supervised.fit_temperature(logits, labels) == pytest.approx(10.0 / np.log(4.0), rel=0.15)


def test_schedule_rises_then_falls_to_zero() -> None:
    assert schedule(0.0) == 0.02
    assert schedule(0.1) == pytest.approx(1.0)
    assert schedule(1.0) == pytest.approx(0.0, abs=1e-9)


def test_augmentation_is_seeded_and_keeps_the_range() -> None:
    images = torch.rand(8, 3, 48, 48)
    first, second = (supervised.CELLS(images, torch.Generator().manual_seed(1)) for _ in range(2))
    torch.testing.assert_close(first, second)
    assert first.shape == images.shape
    assert 0.0 <= float(first.min()) <= float(first.max()) <= 1.0
    assert not torch.equal(first, images)


def test_augmentation_of_nothing_changes_nothing() -> None:
    still = Augmentation(degrees=0, shift=0, scale=0, flips=False, gain=0, offset=0, gamma=0)
    images = torch.rand(4, 1, 28, 28).clamp_min(0.01)
    torch.testing.assert_close(still(images, torch.Generator()), images, atol=1e-4, rtol=1e-4)


def test_cells_are_never_rescaled() -> None:
    assert supervised.CELLS.scale == 0.0


def test_isolating_keeps_the_middle_and_fades_the_border() -> None:
    image = np.full((1, 48, 48, 3), 200, dtype=np.uint8)
    image[:, 16:32, 16:32] = 90
    image[:, :4, :4] = 60  # a neighbour
    alone = isolate(image)
    assert (alone[:, 16:32, 16:32] == 90).all()
    assert (alone[:, :4, :4] == 200).all()


def test_grey_images_have_equal_channels() -> None:
    grey = to_grey(torch.rand(2, 3, 8, 8))
    torch.testing.assert_close(grey[:, 0], grey[:, 2])


def test_bfloat16_is_used_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for capabilities, has in (({"avx2": True}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=capabilities: found, raising=False)
        assert has_bfloat16("cpu") is has
        with arithmetic("cpu"):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is (torch.bfloat16 if has else torch.float32)
    assert has_bfloat16("cuda")
