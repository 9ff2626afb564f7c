"""Scores against scikit-learn, and intervals that a second run repeats."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score, roc_auc_score

from backends.medical import evaluate, scores
from backends.medical.data import SOURCES, ImageSet, Split, default_data_root

MODELS = sorted(path.parent.name for path in evaluate.model_folder("medical").glob("*/metrics.json"))


def guesses(n: int, k: int) -> tuple[scores.Labels, scores.Floats]:
    rng = np.random.default_rng(3)
    labels = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    raw = np.round(rng.random((n, k)) + 0.5 * np.eye(k)[labels], 1) + 0.1  # rounded, so that there are ties
    return labels, raw / raw.sum(1, keepdims=True)


def test_binary_auc_equals_scikit_learn_with_ties() -> None:
    labels, probabilities = guesses(60, 2)
    assert scores.auc(labels, probabilities) == pytest.approx(roc_auc_score(labels, probabilities[:, 1]))


def test_multiclass_scores_equal_scikit_learn() -> None:
    labels, probabilities = guesses(80, 5)
    top = probabilities.argmax(1)
    assert scores.auc(labels, probabilities) == pytest.approx(roc_auc_score(labels, probabilities, multi_class="ovr"))
    assert scores.accuracy(labels, probabilities) == pytest.approx(np.mean(top == labels))
    assert scores.balanced_accuracy(labels, probabilities) == pytest.approx(balanced_accuracy_score(labels, top))
    recalls = recall_score(labels, top, average=None)
    assert [scores.sensitivity(labels, probabilities, k) for k in range(5)] == pytest.approx(list(recalls))


def test_calibration_error_of_a_hand_made_case() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    labels = np.array([0, 1, 1, 1])
    assert scores.calibration_error(labels, probabilities) == pytest.approx(0.5 * abs(0.5 - 0.9) + 0.5 * abs(1.0 - 0.6))


def test_a_score_of_one_class_alone_is_nan_and_not_an_error() -> None:
    labels, probabilities = np.zeros(4, dtype=np.int64), np.full((4, 2), 0.5)
    assert np.isnan(scores.auc(labels, probabilities))
    assert np.isnan(scores.sensitivity(labels, probabilities, 1))


def test_intervals_hold_the_value_and_repeat() -> None:
    labels, probabilities = guesses(120, 2)
    first = evaluate.interval(scores.auc, labels, probabilities)
    assert first["low"] < first["value"] < first["high"]
    assert first["n"] == 120
    assert evaluate.interval(scores.auc, labels, probabilities) == first


def test_more_images_give_a_narrower_interval() -> None:
    few, many = (evaluate.interval(scores.accuracy, *guesses(n, 2)) for n in (40, 1000))
    assert many["high"] - many["low"] < few["high"] - few["low"]


def test_floors_know_the_majority_and_a_linear_pattern() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([0, 0, 1] * 40)
    images = (rng.integers(0, 40, (120, 28, 28, 1)) + 150 * labels[:, None, None, None]).astype(np.uint8)
    part = Split(images, labels)
    floors = evaluate.floors(ImageSet(("a", "b"), part, part, part))
    assert floors["majority"] == {"auc": 0.5, "accuracy": 0.6667, "balanced_accuracy": 0.5}
    assert floors["ridge"]["auc"] == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_evaluating_shipped_weights_gives_the_numbers_of_the_card(name: str) -> None:
    metrics = json.loads((evaluate.model_folder(f"medical/{name}") / "metrics.json").read_text())
    if not (default_data_root() / SOURCES[metrics["data"]].folder / "data.npz").is_file():
        pytest.skip("the data is not here")
    assert evaluate.evaluate(f"medical/{name}", default_data_root()) == metrics
