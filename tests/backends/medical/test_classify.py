"""The action, from a file as a user gives it to what is shown."""

import io
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from backends.core.cancellation import Cancellation
from backends.core.digest import sha256
from backends.core.encoding import encode, read_array
from backends.core.errors import BadParameter, Cancelled
from backends.core.events import Output, Progress
from backends.core.playground import Actions
from backends.medical.actions import Classify
from backends.medical.explain import NEGLIGIBLE
from backends.medical.playground import PLAYGROUND
from backends.medical.sentences import answer_sentence
from tests.backends.medical.classifiers import classifier, hooks
from tests.backends.medical.dicom_files import MULTIFRAME_WORD, file, ramp


class Desk:
    """A job as the runtime gives it: inputs by digest, models by id, a stop sign."""

    seed = 0

    def __init__(self, **models):
        self.cancellation = Cancellation()
        self.models = models or {"grey": classifier(), "colour": classifier(3, 48, tuple("abcdefghijkl"))}
        self.inputs: dict[str, bytes] = {}
        self.leases = self.reads = 0

    def put(self, data: bytes) -> str:
        kept = Classify.prepare_input("image", data)
        self.inputs[sha256(kept)] = kept
        return sha256(kept)

    def read(self, digest):
        self.reads += 1
        return self.inputs[digest]

    @contextmanager
    def lease(self, model_id):
        self.leases += 1
        try:
            yield self.models[model_id]
        finally:
            self.leases -= 1


@pytest.fixture(scope="module")
def desk():
    return Desk()


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def noise(*shape: int) -> bytes:
    return png(np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8))


def ask(desk: Desk, data: bytes, **values) -> dict:
    values.setdefault("model", "grey")
    action = Classify.parse({"image": desk.put(data), **values})
    events = list(action.run(desk))
    assert desk.leases == 0
    return {event.name: event.result for event in events if isinstance(event, Output)}


def test_every_declared_output_comes_and_no_other(desk):
    found = ask(desk, noise(40, 40))
    specs = {spec.name: spec for spec in Classify.outputs}
    assert set(found) <= set(specs)
    assert {name for name, spec in specs.items() if not spec.optional} <= set(found)
    assert all(found[name].kind == specs[name].kind for name in found)
    assert all(encode(result).data for result in found.values())


def test_the_view_comes_before_the_model_is_waited_for(desk):
    action = Classify.parse({"image": desk.put(noise(40, 40)), "model": "grey"})
    events = action.run(desk)
    names = []
    while not names:
        event = next(events)
        names += [event.name] if isinstance(event, Output) else []
    assert names == ["view"]
    assert desk.leases == 0
    events.close()


def test_progress_never_goes_back(desk):
    action = Classify.parse({"image": desk.put(noise(40, 40)), "model": "grey"})
    fractions = [event.fraction for event in action.run(desk) if isinstance(event, Progress)]
    assert fractions == sorted(fractions)


def test_probabilities_are_the_models_on_exactly_these_pixels(desk):
    import torch

    pixels = np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)
    table = ask(desk, png(pixels))["probabilities"]
    with torch.inference_mode():
        wanted = desk.models["grey"].probabilities(torch.from_numpy(pixels[None, None] / np.float32(255)))[0]
    said = dict(table.rows)
    assert said["normal"] == pytest.approx(float(wanted[0]), abs=1e-6)
    assert said["pneumonia"] == pytest.approx(float(wanted[1]), abs=1e-6)
    assert [row[1] for row in table.rows] == sorted((row[1] for row in table.rows), reverse=True)


def test_a_monochrome1_file_and_its_twin_get_the_same_probabilities(desk):
    stored = np.random.default_rng(2).integers(0, 4096, (32, 32)).astype("u2")
    negative = file(stored, BitsStored=12, PhotometricInterpretation="MONOCHROME1")
    twin = file((4095 - stored).astype("u2"), BitsStored=12)
    window = {"centre": 2048, "width": 4096}
    one, other = (dict(ask(desk, data, **window)["probabilities"].rows) for data in (negative, twin))
    assert all(abs(one[name] - other[name]) <= 1e-6 for name in one)


def test_the_window_changes_what_is_shown_and_what_the_model_gets(desk):
    data = noise(40, 40)
    wide, narrow = ask(desk, data), ask(desk, data, centre=100, width=20)
    assert not np.array_equal(wide["view"].pixels, narrow["view"].pixels)
    assert wide["probabilities"].rows != narrow["probabilities"].rows


def test_opacity_and_threshold_change_the_overlay_alone(desk):
    data = noise(40, 40)
    one, other = ask(desk, data, opacity=0.2), ask(desk, data, opacity=0.9, threshold=0.6)
    assert not np.array_equal(one["overlay"].pixels, other["overlay"].pixels)
    assert np.array_equal(one["view"].pixels, other["view"].pixels)
    assert one["probabilities"].rows == other["probabilities"].rows
    assert one["evidence"].data == other["evidence"].data


def test_evidence_is_kept_raw_with_its_peak(desk):
    found = ask(desk, noise(40, 40), explain="pneumonia")
    raw = read_array(found["evidence"])
    assert raw.dtype == np.float32
    assert raw.shape == (4, 4)
    assert found["evidence_peak"].value == float(raw.max())
    if raw.max() > NEGLIGIBLE:
        assert found["scale"].rows[-1][0] == pytest.approx(float(raw.max()))


def test_any_class_can_be_explained(desk):
    maps = {name: read_array(ask(desk, noise(60, 60, 3), model="colour", explain=name)["evidence"]) for name in "abc"}
    assert not np.array_equal(maps["a"], maps["b"])
    assert not np.array_equal(maps["b"], maps["c"])


def test_without_positive_evidence_nothing_is_coloured_and_a_sentence_says_so():
    import torch

    model = classifier()
    with torch.no_grad():
        model.backbone.fc.weight[1] = -model.backbone.fc.weight[1].abs()
    found = ask(Desk(grey=model), noise(40, 40), explain="pneumonia")
    assert "No positive evidence" in found["note"].text
    assert np.array_equal(found["overlay"].pixels, found["view"].pixels)
    assert "scale" not in found
    assert found["evidence_peak"].value <= NEGLIGIBLE


def test_a_picture_of_the_wrong_kind_is_answered_with_a_warning(desk):
    assert "colour" in ask(desk, noise(40, 40, 3))["note"].text
    assert "grey" in ask(desk, noise(60, 60), model="colour")["note"].text


def test_a_frame_of_a_stack_is_the_one_asked_for(desk):
    data = file(ramp("u2", 0, 4095, (3, 16, 16)), frames=3, sop_class=MULTIFRAME_WORD, BitsStored=12)
    window = {"centre": 2048, "width": 4096}
    shown = [ask(desk, data, frame=frame, **window)["view"].pixels.mean() for frame in (1, 2, 3)]
    assert shown == sorted(shown)
    assert shown[0] < shown[2]
    with pytest.raises(BadParameter) as caught:
        ask(desk, data, frame=4, **window)
    assert caught.value.field == "frame"
    assert "3 frames" in caught.value.sentence


def test_a_class_the_model_does_not_have_is_refused_beside_its_control(desk):
    with pytest.raises(BadParameter) as caught:
        ask(desk, noise(40, 40), explain="tuberculosis")
    assert caught.value.field == "explain"
    assert desk.leases == 0


def test_a_model_that_classifies_nothing_is_refused():
    import torch

    with pytest.raises(BadParameter) as caught:
        ask(Desk(grey=torch.nn.Linear(2, 2)), noise(40, 40))
    assert caught.value.field == "model"


@pytest.mark.parametrize("after", range(4))
def test_stop_takes_effect_at_the_next_step_and_frees_the_model(after):
    desk = Desk(grey=classifier())
    events = Classify.parse({"image": desk.put(noise(40, 40)), "model": "grey"}).run(desk)
    for _ in range(after):
        next(events)
    desk.cancellation.cancel()
    with pytest.raises(Cancelled):
        list(events)
    assert desk.leases == 0
    assert hooks(desk.models["grey"]) == 0


def test_the_same_experiment_gives_the_same_bytes(desk):
    one, other = (ask(desk, noise(50, 70), explain="normal") for _ in range(2))
    assert {name: encode(result).data for name, result in one.items()} == {
        name: encode(result).data for name, result in other.items()
    }


def test_the_store_is_asked_every_time_whether_this_visitor_may_see_the_picture(desk):
    data = noise(40, 40)
    ask(desk, data)
    before = desk.reads
    ask(desk, data)
    assert desk.reads == before + 1


def test_controls_move_to_what_the_file_asks_for():
    kept = Classify.prepare_input(
        "image",
        file(ramp("u2", 0, 3000, (5, 8, 8)), frames=5, Modality="CT", RescaleSlope=1, RescaleIntercept=-1000),
    )
    moved = Classify.suggest("image", kept)
    assert (moved["centre"].value, moved["width"].value, moved["frame"].maximum) == (40, 400, 5)
    assert (moved["centre"].minimum, moved["centre"].maximum) == (-1000, 2000)
    picture = Classify.suggest("image", Classify.prepare_input("image", noise(9, 9)))
    assert (picture["centre"].value, picture["width"].value) == (128, 256)
    defaults = {item.name: item.default for item in Classify.parameters()}
    assert (defaults["centre"], defaults["width"]) == (128, 256)


def test_a_suggested_control_never_leaves_its_declared_range():
    declared = {item.name: item for item in Classify.parameters()}
    extremes = (file(ramp("i2", -32768, 32767)), file(ramp("u2", 0, 65535)), file(ramp("u4", 0, 2**32 - 1)))
    for data in extremes:
        for name, hint in Classify.suggest("image", Classify.prepare_input("image", data)).items():
            low, high = declared[name].minimum, declared[name].maximum
            assert low <= hint.minimum <= hint.value <= hint.maximum <= high


def test_every_control_has_a_title_and_one_sentence_of_help():
    for item in Classify.parameters():
        assert item.title
        assert item.help.endswith((".", ")", "?')."))
        assert len(item.help) <= 140
    assert Actions([PLAYGROUND]).get("medical/classify") is Classify
    assert "clinical" in PLAYGROUND.notice


def test_no_probability_is_said_to_be_certain():
    import torch

    from backends.medical.explain import Explanation

    sure = Explanation(torch.tensor([0.0, 1.0]).double().numpy(), 1, np.ones((2, 2), np.float32))
    assert answer_sentence(("normal", "burr_cell"), sure) == "Burr cell, over 99 %"
    other = Explanation(np.array([0.93, 0.07]), 1, np.ones((2, 2), np.float32))
    assert answer_sentence(("normal", "pneumonia"), other) == "Normal, 93 %. Explained: Pneumonia, 7 %"
