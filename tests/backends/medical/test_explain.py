"""Grad-CAM: the right numbers, and no trace of it on the model."""

import gc
import hashlib
import threading

import numpy as np
import psutil
import pytest
import torch
from captum.attr import LayerGradCam

from backends.core.errors import BadParameter, LayerNotFound, LoadFailed
from backends.medical.explain import NEGLIGIBLE, class_index, grad_cam, private_twin
from tests.backends.medical.classifiers import classifier, hooks

LAYER = "backbone.layer4"


@pytest.fixture(scope="module")
def model():
    return classifier()


def picture(seed: int, side: int = 28, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((1, channels, side, side), np.float32)


def state(model: torch.nn.Module) -> tuple:
    weights = hashlib.sha256(b"".join(t.detach().numpy().tobytes() for t in model.state_dict().values())).hexdigest()
    flags = [module.training for module in model.modules()] + [p.requires_grad for p in model.parameters()]
    grads = [p.grad is None for p in model.parameters()]
    return hooks(model), weights, flags, grads, [id(module) for module in model.modules()]


@pytest.mark.parametrize(("side", "channels", "count"), [(28, 1, 2), (48, 3, 12)])
def test_the_map_is_captums_for_every_class(side, channels, count):
    model = classifier(channels, side, tuple(f"c{k}" for k in range(count)))
    reference = LayerGradCam(model, model.backbone.layer4)
    image = picture(3, side, channels)
    for target in range(count):
        wanted = reference.attribute(torch.from_numpy(image), target, relu_attributions=True)[0, 0].detach().numpy()
        found = grad_cam(model, image, target).evidence
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() <= 1e-5


def test_the_map_is_what_the_paper_says(model):
    """Written out with autograd alone: weights are mean gradients, the map is the positive part of the weighted sum."""
    kept = {}
    handle = model.backbone.layer4.register_forward_hook(lambda _m, _i, out: kept.update(a=out))
    image = torch.from_numpy(picture(5)).requires_grad_()
    logits = model(image)
    handle.remove()
    (gradient,) = torch.autograd.grad(logits[0, 1], kept["a"])
    wanted = (gradient.mean((2, 3), keepdim=True) * kept["a"]).sum(1).clamp_min(0)[0].detach().numpy()
    assert np.abs(grad_cam(model, picture(5), 1).evidence - wanted).max() <= 1e-5


def test_probabilities_are_the_models_own_and_the_predicted_class_is_explained(model):
    image = picture(7)
    found = grad_cam(model, image, None)
    with torch.inference_mode():
        wanted = model.probabilities(torch.from_numpy(image))[0].numpy()
    assert np.abs(found.probabilities - wanted).max() <= 1e-6
    assert found.probabilities.sum() == pytest.approx(1)
    assert found.target == int(wanted.argmax())
    assert found.peak == found.evidence.max()


def test_the_model_is_left_as_it_was_found(model):
    before = state(model)
    grad_cam(model, picture(0), 0)
    assert state(model) == before
    assert before[0] == 0


@pytest.mark.parametrize("break_at", ["backbone.layer2", "backbone.layer4", "backbone.fc"])
def test_a_failure_inside_leaves_no_hook_either(model, break_at):
    def fail(*_):
        raise ZeroDivisionError

    before = state(model)
    handle = model.get_submodule(break_at).register_forward_hook(fail)
    with pytest.raises(ZeroDivisionError):
        grad_cam(model, picture(0), 0)
    handle.remove()
    assert state(model) == before
    assert grad_cam(model, picture(0), 0).evidence.shape == (4, 4)


def test_a_frozen_model_can_be_explained_and_stays_frozen():
    model = classifier()
    wanted = grad_cam(model, picture(1), 1).evidence
    model.requires_grad_(False)
    before = state(model)
    assert np.array_equal(grad_cam(model, picture(1), 1).evidence, wanted)
    assert state(model) == before


def test_four_threads_on_one_model_get_exactly_what_one_gets(model):
    jobs = [(picture(seed), seed % 2) for seed in range(24)]
    serial = [grad_cam(model, image, target) for image, target in jobs]
    parallel: list = [None] * len(jobs)
    start = threading.Barrier(4)

    def work(part: int) -> None:
        start.wait()
        for index in range(part, len(jobs), 4):
            parallel[index] = grad_cam(model, *jobs[index])

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(serial, parallel, strict=True):
        assert np.array_equal(one.evidence, other.evidence)
        assert np.array_equal(one.probabilities, other.probabilities)


def test_two_hundred_explanations_keep_no_memory(model):
    for seed in range(20):
        grad_cam(model, picture(seed), 0)
    gc.collect()
    before = psutil.Process().memory_info().rss
    for seed in range(200):
        grad_cam(model, picture(seed), seed % 2)
    gc.collect()
    assert psutil.Process().memory_info().rss - before <= 20 * 2**20
    assert hooks(model) == 0


def test_a_map_without_positive_evidence_is_empty_and_said_to_be():
    model = classifier()
    with torch.no_grad():
        model.backbone.fc.weight[1] = -model.backbone.fc.weight[
            1
        ].abs()  # activations are >= 0: nothing can speak for it
    found = grad_cam(model, picture(2), 1)
    assert found.peak <= NEGLIGIBLE
    assert not found.positive
    assert grad_cam(model, picture(2), 0).evidence.max() >= 0


@pytest.mark.parametrize("layer", ["backbone.layer9", "", "backbone.layer4.0.nothing"])
def test_a_layer_that_is_not_there_is_refused(layer):
    model = classifier()
    model.cam_layer = layer
    with pytest.raises(LayerNotFound):
        grad_cam(model, picture(0), 0)


def test_a_layer_without_a_map_is_refused():
    model = classifier()
    model.cam_layer = "backbone.fc"
    with pytest.raises(LayerNotFound):
        grad_cam(model, picture(0), 0)
    assert hooks(model) == 0


@pytest.mark.parametrize("target", [-1, 2, 99])
def test_a_class_that_is_not_there_is_refused(model, target):
    with pytest.raises(BadParameter):
        grad_cam(model, picture(0), target)
    assert hooks(model) == 0


def test_an_answer_that_is_not_a_number_is_an_error_and_not_an_empty_map(model):
    broken = classifier()
    with torch.no_grad():
        broken.backbone.fc.bias[0] = float("nan")
    with pytest.raises(LoadFailed):
        grad_cam(broken, picture(0), 1)


def test_a_twin_shares_weights_and_nothing_that_hooks_hang_on(model):
    twin = private_twin(model, LAYER)
    assert twin is not model
    assert twin.backbone.layer4 is not model.backbone.layer4
    assert twin.backbone.layer1 is model.backbone.layer1
    assert all(a is b for a, b in zip(twin.parameters(), model.parameters(), strict=True))
    twin.backbone.layer4.register_forward_hook(lambda *_: None)
    assert hooks(model) == 0
    image = torch.from_numpy(picture(0))
    assert torch.equal(twin(image), model(image))


def test_a_label_is_found_by_name():
    assert class_index(("a", "b"), "b") == 1
    assert class_index(("a", "b"), "predicted") is None
    with pytest.raises(BadParameter) as caught:
        class_index(("a", "b"), "c")
    assert caught.value.field == "explain"
    assert "a, b" in caught.value.sentence
