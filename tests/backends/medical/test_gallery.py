"""Examples and model cards: what ships is there, readable, and says where it comes from."""

import io
import json

import pytest
from PIL import Image

from backends.core.errors import IncompleteModel, WeightsCorrupt
from backends.medical.actions import Classify
from backends.medical.gallery import examples
from backends.medical.models import FOLDER, models
from backends.medical.study import read_study

ALL = examples()


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.id)
def test_an_example_goes_through_the_same_door_as_an_upload(example):
    study = read_study(Classify.prepare_input("image", example.read()))
    assert study.count >= 1
    assert example.source
    assert example.title
    assert example.values["model"] in ("medical/pneumonia-resnet18", "medical/redcells-resnet18")
    Classify.parse({"image": "0" * 64, **example.values})


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.id)
def test_a_thumbnail_is_a_small_png(example):
    with Image.open(io.BytesIO(example.thumbnail())) as picture:
        assert picture.format == "PNG"
        assert 48 <= max(picture.size) <= 96
        assert len({pixel for _, pixel in picture.convert("L").getcolors(256)}) > 8


def test_there_are_real_examples_of_several_kinds_with_their_licences():
    ids = {example.id for example in ALL}
    assert len(ids) == len(ALL)
    assert {"ct-spine", "mr-abdomen", "ihc-colon", "retina"} <= ids
    real = [example for example in ALL if not example.synthetic]
    assert all("licence" in example.source for example in real)
    kinds = {read_study(Classify.prepare_input("image", e.read())).modality for e in real}
    assert {"CT", "MR", "US", "NM", ""} <= kinds


def test_drawn_examples_are_told_as_synthetic_and_come_in_turns(tmp_path):
    entries = []
    for generator, prefix, names in (
        ("medical/redcell-generator", "redcell", ("burr_cell", "normal_cell")),
        ("medical/xray-generator", "xray", ("normal", "pneumonia")),
    ):
        for name in names:
            for seed in (1, 2):
                file = f"{prefix}-{name}-{seed}.png"
                Image.new("L", (28, 28), seed * 40).save(tmp_path / file)
                entries.append({"file": file, "class": name, "generator": generator, "seed": seed, "synthetic": True})
    entries.append({**entries[0], "file": "gone.png"})
    (tmp_path / "examples.json").write_text(json.dumps(entries))
    drawn = [example for example in examples(tmp_path) if example.synthetic]
    assert [example.title for example in drawn[:4]] == [
        "Chest X-ray, pneumonia",
        "Chest X-ray, normal",
        "Chest X-ray, pneumonia",
        "Chest X-ray, normal",
    ]
    assert len(drawn) == 8
    assert drawn[4].values == {"model": "medical/redcells-resnet18"}
    assert all("Synthetic" in example.source for example in drawn)


def test_cards_are_read_from_the_folders_that_ship():
    for card in models():
        assert card.source.folder.parent == FOLDER
        assert card.task == "image-classification"
        assert len(card.labels) >= 2
        assert 3 < card.bytes / card.parameters < 5
        assert "clinical" in card.text


def test_a_shipped_model_loads_and_answers_to_its_card():
    for card in models():
        model = card.loader(card.source.folder, "cpu")
        assert model.classes == card.labels
        assert not model.training
        held = sum(t.numel() * t.element_size() for t in (*model.parameters(), *model.buffers()))
        assert 0.9 < card.bytes / held < 1.1


def test_a_damaged_config_names_its_folder_and_other_kinds_are_passed_over(tmp_path):
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "config.json").write_text(json.dumps({"kind": "generator"}))
    assert models(tmp_path) == ()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "config.json").write_text("{")
    with pytest.raises(WeightsCorrupt, match="bad"):
        models(tmp_path)


def test_a_config_without_its_parameters_is_not_offered_as_a_model(tmp_path):
    (tmp_path / "new").mkdir()
    config = {"kind": "classifier", "id": "medical/new", "architecture": "x", "classes": ["a", "b"]}
    (tmp_path / "new" / "config.json").write_text(json.dumps(config))
    with pytest.raises(IncompleteModel, match="parameters"):
        models(tmp_path)
