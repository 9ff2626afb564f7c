"""What a person does in the medical viewer, from opening it to giving the link away."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, expect

from tests.browser.pages import Medical

pytestmark = pytest.mark.browser
CT = Path(str(pydicom.data.get_testdata_file("CT_small.dcm", download=False)))


def picture(seed: int = 3) -> tuple[np.ndarray, dict[str, object]]:
    """A grey 28 x 28 picture: the size the network was trained on, so nothing is cropped or resized."""
    rng = np.random.default_rng(seed)
    pixels = (rng.random((28, 28)) * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return pixels, {"name": "mine.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def shown(medical: Medical, index: int) -> np.ndarray:
    """The pixels of a picture on the page."""
    data = medical.picture_bytes()[index].split(",", 1)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(float)


def per_cent(shown: str) -> float:
    """The number in '97.5 %', and in '> 99.9 %'."""
    return float(shown.removesuffix(" %").lstrip("<> "))


def test_it_opens_on_a_finished_example_after_the_notice_is_accepted_once(visitor: BrowserContext):
    medical = Medical(visitor)
    expect(medical.frame.locator("#vt-gate")).to_contain_text("Not for clinical use")
    medical.accept()
    total = sum(map(per_cent, medical.bars().values()))
    assert total == pytest.approx(100, abs=0.3)
    again = Medical(visitor).ready()
    expect(again.frame.locator("#vt-gate")).to_be_hidden()
    assert again.picture_bytes() == medical.picture_bytes()


def test_an_uploaded_picture_gets_the_answer_that_the_network_gives_when_called_directly(visitor: BrowserContext):
    import torch

    from backends.medical.networks import load_classifier

    pixels, file = picture()
    medical = Medical(visitor).accept()
    medical.change(lambda: medical.upload(file))
    folder = Path(__file__).parents[2] / "assets" / "models" / "medical" / "pneumonia-resnet18"
    network = load_classifier(folder)
    with torch.inference_mode():
        logits = network(torch.from_numpy(pixels.astype(np.float32) / 255)[None, None])
    expected = torch.softmax(logits / network.temperature, 1)[0].tolist()
    found = medical.bars()
    for name, probability in zip(network.classes, expected, strict=True):
        assert per_cent(found[name]) == pytest.approx(100 * probability, abs=0.11)


def test_the_window_changes_what_is_seen_and_what_the_model_sees(visitor: BrowserContext):
    medical = Medical(visitor).accept()
    medical.change(lambda: medical.upload(CT))
    expect(medical.frame.locator("#vt-pictures")).to_contain_text("HU")
    low, high = medical.slider_value("centre") - 100, medical.slider_value("centre") + 150
    medical.change(lambda: medical.set_number("centre", str(low)))
    bright, answer = shown(medical, 0).mean(), medical.bars()
    medical.change(lambda: medical.set_number("centre", str(high)))
    assert shown(medical, 0).mean() < bright - 20
    assert medical.bars() != answer


def test_opacity_moves_only_the_overlay_and_zero_hides_it(visitor: BrowserContext):
    medical = Medical(visitor).accept()
    plain, answer = medical.picture_bytes()[0], medical.bars()
    medical.change(lambda: medical.set_number("opacity", "1"))
    assert np.abs(shown(medical, 0) - shown(medical, 1)).max() > 50
    medical.change(lambda: medical.set_number("opacity", "0"))
    assert np.abs(shown(medical, 0) - shown(medical, 1)).max() <= 1
    assert medical.picture_bytes()[0] == plain
    assert medical.bars() == answer


def test_any_class_can_be_explained_without_changing_the_answer(visitor: BrowserContext):
    medical = Medical(visitor).accept()
    answer = medical.bars()
    second = list(answer)[1]
    for name in (second, next(iter(answer))):
        medical.frame.locator("#vt-explain input").click()
        medical.frame.get_by_role("option", name=name, exact=True).click()
        expect(medical.frame.locator("#vt-pictures figcaption").nth(1)).to_contain_text(re.compile(name, re.I))
    assert medical.bars() == answer


def test_another_model_brings_its_own_classes(visitor: BrowserContext):
    medical = Medical(visitor).accept()
    medical.frame.locator("#vt-model input").click()
    medical.frame.get_by_role("option", name=re.compile("red", re.I)).click()
    expect(medical.frame.locator(".vt-bars")).to_contain_text("elliptocyte")
    medical.frame.locator("#vt-explain input").click()
    expect(medical.frame.get_by_role("option", name="teardrop")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("notes.txt", b"not a picture", "not"),
        ("cut.png", picture()[1]["buffer"][:200], "damaged"),  # type: ignore[index]
        ("cut.dcm", CT.read_bytes()[:3000], ""),
        ("empty.png", b"", ""),
    ],
)
def test_a_bad_file_gets_a_sentence_and_costs_nothing(visitor: BrowserContext, name, data, sentence):
    medical = Medical(visitor).accept()
    before, answer = medical.picture_bytes(), medical.bars()
    medical.upload({"name": name, "mimeType": "application/octet-stream", "buffer": data})
    problem = medical.frame.locator(".vt-problem p:visible").first
    expect(problem).to_be_visible()
    expect(problem).to_contain_text(sentence)
    assert medical.picture_bytes() == before
    assert medical.bars() == answer
    medical.change(lambda: medical.upload(picture()[1]))
    expect(medical.frame.locator(".vt-problem p:visible")).to_have_count(0)


def test_a_value_outside_its_range_is_told_beside_its_control(visitor: BrowserContext):
    medical = Medical(visitor).accept()
    before = medical.picture_bytes()
    medical.set_number("opacity", "7")
    expect(medical.frame.locator(".vt-problem p:visible").first).to_contain_text("Overlay opacity must be from 0 to 1")
    assert medical.picture_bytes() == before
    medical.change(lambda: medical.set_number("opacity", "0.9"))
    expect(medical.frame.locator(".vt-problem p:visible")).to_have_count(0)


def test_a_saved_link_shows_exactly_the_same_in_another_browser_until_it_is_deleted(
    visitor: BrowserContext, other_visitor: BrowserContext
):
    medical = Medical(visitor).accept()
    medical.change(lambda: medical.upload(picture(seed=11)[1]))
    medical.change(lambda: medical.set_number("opacity", "0.8"))
    link = medical.save()
    pictures, answer, headline = medical.picture_bytes(), medical.bars(), medical.headline.inner_text()

    other = Medical(other_visitor, link).accept()
    expect(other.frame.locator("#vt-banner")).to_contain_text("Exactly as computed")
    assert other.picture_bytes() == pictures
    assert other.bars() == answer
    assert other.headline.inner_text() == headline
    assert other.slider_value("opacity") == 0.8
    other.change(lambda: other.set_number("opacity", "0.2"))  # and goes on from there, on a copy
    assert Medical(visitor, link).ready().picture_bytes() == pictures

    (session,) = visitor.request.get("/api/sessions").json()
    assert visitor.request.delete(f"/api/sessions/{session['id']}").ok
    gone = Medical(other_visitor, link)
    expect(gone.frame.locator("#vt-banner")).to_contain_text(re.compile("no longer|not|gone|deleted", re.I))


def test_a_run_is_recorded_and_a_second_one_is_known(visitor: BrowserContext):
    medical = Medical(visitor).accept()
    medical.change(lambda: medical.upload(picture(seed=21)[1]))
    medical.run()
    pictures = medical.picture_bytes()
    medical.frame.locator("#vt-run").click()
    expect(medical.status).to_contain_text("Known from before")
    assert medical.picture_bytes() == pictures


def test_the_keyboard_is_enough(visitor: BrowserContext):
    medical = Medical(visitor)
    accept = medical.frame.locator("#vt-accept")
    expect(accept).to_be_visible()
    medical.page.keyboard.press("Tab")
    for _ in range(40):
        if accept.evaluate("e => e === document.activeElement"):
            break
        medical.page.keyboard.press("Tab")
    medical.page.keyboard.press("Enter")
    medical.ready()
    target = medical.frame.locator("button[data-example]").nth(1)
    reached = False
    for _ in range(60):
        medical.page.keyboard.press("Tab")
        if target.evaluate("e => e === document.activeElement"):
            reached = True
            break
    assert reached, "the second example cannot be reached by Tab"
    medical.change(lambda: medical.page.keyboard.press("Enter"))
    medical.page.keyboard.press("Control+Enter")
    expect(medical.status).to_contain_text(re.compile("Done|Known from before"))
