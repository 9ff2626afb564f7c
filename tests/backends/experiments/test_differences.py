"""Differences of every kind, measured against NumPy computed here on its own."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from backends.core.digest import sha256
from backends.core.encoding import array_file, encode
from backends.core.experiment import Experiment
from backends.core.results import (
    Audio,
    Axis,
    Figure,
    File,
    Gallery,
    Grid,
    GridCell,
    Image,
    Number,
    Result,
    Table,
    Text,
    Tokens,
)
from backends.experiments.arrays import array_of
from backends.experiments.differences import OutputChange, Verdict, differences
from backends.experiments.measured import distance
from backends.experiments.words import changed, word_diff
from backends.store.values import Run, StoredOutput

NOW = datetime(2026, 5, 1, tzinfo=UTC)
MADE_WITH = {
    "version": "1.0",
    "device": "cpu",
    "versions": {"python": "3.11.9", "numpy": "2.4.0", "torch": "2.14.1"},
    "models": {"a/model": {"digest": "ab" * 32, "device": "cpu", "dtype": "float32"}},
    "machine": {"processor": "Old", "cores": 2, "memory_gib": 8, "system": "Linux x86_64"},
}
EXPERIMENT = Experiment("demo/act", {"gain": 1}, {}, {})


def made(results: dict[str, Result], provenance: dict[str, Any] | None = None, **changed: Any) -> Run:
    """A finished run with these results."""
    encoded = {name: encode(result) for name, result in results.items()}
    outputs = tuple(
        StoredOutput(name, item.kind, sha256(item.data), item.media_type, len(item.data), dict(item.meta))
        for name, item in encoded.items()
    )
    provenance = MADE_WITH if provenance is None else provenance
    run = Run("a" * 22, "ann", EXPERIMENT, "done", 1.0, "", NOW, NOW, NOW, None, "", provenance, False, outputs)
    return replace(run, **changed)


def judged(first: Result, second: Result) -> tuple[Verdict, OutputChange]:
    """The verdict on runs that found one result each, and what it says of that."""
    one, other = {"it": first}, {"it": second}
    verdict = differences(made(one), made(other), one, other)
    return verdict, verdict.outputs[0]


def noise(*shape: int, top: int = 256) -> np.ndarray:
    return np.random.default_rng(3).integers(0, top, shape, dtype=np.int64).astype(np.uint8)


def test_equal_results_are_reproduced_bit_for_bit():
    verdict, change = judged(Image(noise(8, 9), "x"), Image(noise(8, 9), "x"))
    assert (verdict.same, verdict.sentence, change.change) == (True, "Reproduced bit for bit.", "identical")


@pytest.mark.parametrize("shape", [(12, 17), (12, 17, 3), (12, 17, 4)])
def test_pictures_differ_by_grey_levels_and_by_a_share_of_their_pixels(shape):
    first = noise(*shape)
    second = first.copy()
    second[2:5, 3:9] = 255 - second[2:5, 3:9]
    verdict, change = judged(Image(first, "x"), Image(second, "x"))
    gaps = np.abs(second.astype(float) - first.astype(float)).reshape(12, 17, -1).max(axis=2)
    assert change.change == "different"
    assert change.figures["max_abs"] == gaps.max()
    assert change.figures["mean_abs"] == pytest.approx(gaps.mean())
    assert change.figures["share"] == pytest.approx((gaps > 0).mean())
    assert f"pictures by at most {int(gaps.max())} grey levels" in verdict.sentence


def test_one_grey_level_is_told_as_one():
    verdict, _ = judged(Image(np.zeros((4, 4), np.uint8), "x"), Image(np.eye(4, dtype=np.uint8), "x"))
    assert "1 of 1 result differs, pictures by at most 1 grey level." in verdict.sentence


def test_a_picture_of_another_size_has_no_grey_levels_to_tell():
    _, change = judged(Image(noise(8, 9), "x"), Image(noise(9, 8), "x"))
    assert change.sentence == "The size is 8 x 9 instead of 9 x 8 pixels."
    assert not change.figures


def test_grey_and_the_same_grey_in_colour_are_the_same_values_stored_differently():
    grey = noise(5, 5)
    verdict, change = judged(Image(grey, "x"), Image(np.repeat(grey[:, :, None], 3, axis=2), "x"))
    assert (verdict.same, change.change) == (True, "equal")
    assert change.sentence == "The same values, stored differently."
    assert "bit for bit" not in verdict.sentence


def test_another_encoder_of_the_same_pixels_is_no_false_alarm():
    from PIL import Image as Pillow

    result = Image(noise(40, 40), "x")
    buffer = io.BytesIO()
    Pillow.fromarray(result.pixels).save(buffer, "PNG", compress_level=9)
    first, second = made({"it": result}), made({"it": result})
    other = replace(second.outputs[0], digest=sha256(buffer.getvalue()))
    verdict = differences(first, replace(second, outputs=(other,)), {"it": result}, {"it": result})
    assert first.outputs[0].digest != other.digest
    assert (verdict.same, verdict.outputs[0].change) == (True, "equal")


def test_a_new_wording_of_a_title_is_no_difference_in_values():
    verdict, change = judged(Image(noise(4, 4), "x", "Old"), Image(noise(4, 4), "x", "New"))
    assert (verdict.same, change.change) == (True, "equal")
    assert "worded differently" in change.sentence


def test_numbers_differ_absolutely_and_as_a_part():
    _, change = judged(Number(-4.0, "Mean", "HU"), Number(-5.0, "Mean", "HU"))
    assert (change.figures["max_abs"], change.figures["max_rel"]) == (1.0, 0.25)
    assert change.sentence == "By 1 HU (25 %)."
    _, from_nothing = judged(Number(0.0, "Mean"), Number(2.0, "Mean"))
    assert dict(from_nothing.figures) == {"max_abs": 2.0}
    _, bounds = judged(Number(1.0, "M", low=0.0, high=2.0), Number(1.0, "M", low=0.5, high=2.0))
    assert "its interval" in bounds.sentence


def test_large_numbers_are_written_out():
    assert judged(Number(1.0, "n"), Number(17_621.4, "n"))[1].sentence == "By 17,620 (1,762,040 %)."


def test_tables_are_joined_by_name_and_tell_the_worst_column():
    first = Table(("Class", "p", "n"), (("a", 0.5, 10), ("b", 0.25, 20), ("c", 0.25, 30)))
    second = Table(("Class", "p", "n"), (("b", 0.375, 20), ("a", 0.5, 10), ("c", 0.125, 33)))
    _, change = judged(first, second)
    assert change.figures == {"cells": 3, "max_abs": 3, "max_abs of p": 0.125, "max_abs of n": 3}
    assert change.sentence == "3 of 9 cells differ, n by at most 3."
    _, moved = judged(Table(("C", "p"), (("a", 1.0), ("b", 0.5))), Table(("C", "p"), (("b", 0.5), ("a", 1.0))))
    assert moved.sentence == "The rows stand in another order."
    _, fewer = judged(Table(("C",), (("a",), ("b",))), Table(("C",), (("a",),)))
    assert fewer.sentence == "1 rows instead of 2."


def test_texts_tell_how_many_characters_and_lines_changed():
    _, change = judged(Text("one two\nthree\nfour"), Text("one 22\nthree\nfour"))
    assert dict(change.figures) == {"characters": 5, "lines": 1}
    assert change.sentence == "5 characters changed in 1 line."


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", "new"),
        ("a b c", "a x c"),
        ("a  b\n", "a b"),
        ("**bold** text", "text **bold**"),
        ("x " * 5000, "x " * 4999),
    ],
)
def test_a_word_diff_leads_from_one_text_to_the_other(first, second):
    pieces = word_diff(first, second)
    assert "".join(piece.text for piece in pieces if piece.change != "added") == first
    assert "".join(piece.text for piece in pieces if piece.change != "removed") == second
    assert changed(first, second)[0] == sum(len(piece.text) for piece in pieces if piece.change != "same")


def test_tokens_differ_by_their_weights():
    _, change = judged(Tokens(("a", "b"), (0.5, 1.0), "p"), Tokens(("a", "b"), (0.25, 1.0), "p"))
    assert change.figures == {"max_abs": 0.25}
    _, other = judged(Tokens(("a",), (1.0,), "p"), Tokens(("b",), (1.0,), "p"))
    assert "pieces of text" in other.sentence


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.complex64])
def test_arrays_differ_by_at_most_so_much(dtype):
    first = np.arange(24).reshape(4, 6).astype(dtype)
    second = first.copy()
    second[1, 2] += 3
    _, change = judged(array_file("a.npy", first), array_file("a.npy", second))
    gaps = np.abs(second - first)
    assert change.figures["max_abs"] == gaps.max() == 3
    assert change.figures["max_rel"] == pytest.approx(3 / np.abs(first).max())
    assert change.figures["share"] == 1 / 24


def test_large_integers_are_told_apart_exactly():
    first = np.array([2**60, 1])
    _, change = judged(array_file("a.npy", first), array_file("a.npy", first + np.array([1, 0])))
    assert change.change == "different"
    assert change.figures["share"] == 0.5


def test_what_is_not_a_number_equals_its_like_and_is_counted_where_it_is_new():
    first, second = np.array([np.nan, np.inf, 1.0, 2.0]), np.array([np.nan, np.inf, np.nan, 2.5])
    assert distance(array_file("a.npy", first), array_file("b.npy", first)).equal
    _, change = judged(array_file("a.npy", first), array_file("a.npy", second))
    assert change.figures["max_abs"] == 0.5
    assert "1 value without a finite difference" in change.sentence


def test_another_shape_or_type_of_an_array_is_said():
    flat = np.zeros((2, 3), np.float32)
    _, shape = judged(array_file("a.npy", flat), array_file("a.npy", flat.T))
    assert shape.sentence == "The shape is 3 x 2 instead of 2 x 3."
    _, dtype = judged(array_file("a.npy", flat), array_file("a.npy", flat.astype(np.float16)))
    assert dtype.sentence == "The values are equal as float16 instead of float32."


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", "pretend"])
def test_a_file_that_only_claims_to_be_an_array_is_compared_by_its_bytes(damage):
    header = str({"descr": "<f8", "fortran_order": False, "shape": (10**12,)}).encode().ljust(117) + b"\n"
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header if damage == "pretend" else damage
    file = File("a.npy", "application/x-npy", data)
    assert array_of(file) is None
    _, change = judged(file, array_file("a.npy", np.zeros(3)))
    assert "bytes instead of" in change.sentence


def test_files_and_sounds_are_measured():
    _, file = judged(File("a", "text/plain", b"abcd"), File("a", "text/plain", b"abXY"))
    assert file.sentence == "2 of 4 bytes differ."
    first, second = np.array([0, 100, -200], np.int16), np.array([0, 150, -200], np.int16)
    _, sound = judged(Audio(first, 8000), Audio(second, 8000))
    assert (sound.figures["max_abs"], sound.figures["max_rel"]) == (50, 0.25)
    _, rate = judged(Audio(first, 8000), Audio(first, 16000))
    assert rate.sentence == "16000 instead of 8000 samples a second."


def test_a_figure_is_judged_by_its_numbers_then_by_its_drawing():
    numbers = Table(("x", "y"), (("a", 1.0),))
    _, change = judged(Figure({"data": []}, numbers), Figure({"data": []}, replace(numbers, rows=(("a", 1.5),))))
    assert change.figures["max_abs"] == 0.5
    _, drawn = judged(Figure({"data": []}, numbers), Figure({"data": [], "layout": {"width": 2}}, numbers))
    assert "drawn in another way" in drawn.sentence


def test_galleries_and_grids_tell_how_many_of_their_parts_differ():
    one, other = Image(np.zeros((3, 3), np.uint8), "x"), Image(np.full((3, 3), 7, np.uint8), "x")
    _, gallery = judged(Gallery((one, one)), Gallery((one, other)))
    assert gallery.sentence == "1 of 2 pictures differs, by at most 7 grey levels."
    axis = Axis("gain", "Gain", "", (1, 2), ("1", "2"))
    cells = {(0, 0): GridCell({"it": encode(one)}, {"m": (1.0,)}), (1, 0): GridCell({"it": encode(one)}, {"m": (2.0,)})}
    grid = Grid(axis, None, cells, {"m": "Mean"}, 1)
    changed_cells = {**cells, (1, 0): GridCell({"it": encode(other)}, {"m": (2.5,)})}
    _, change = judged(grid, replace(grid, cells=changed_cells))
    assert dict(change.figures) == {"cells": 1, "max_abs": 0.5}
    _, axes = judged(grid, replace(grid, x=replace(axis, values=(1, 3))))
    assert axes.sentence == "Other values were swept."


def test_missing_added_and_changed_kinds_are_told():
    one: dict[str, Result] = {"kept": Text("a"), "gone": Text("b"), "turned": Text("c")}
    other: dict[str, Result] = {"kept": Text("a"), "turned": Number(1, "c"), "new": Text("d")}
    verdict = differences(made(one), made(other), one, other)
    assert {item.name: item.change for item in verdict.outputs} == {
        "kept": "identical",
        "gone": "missing",
        "turned": "different",
        "new": "added",
    }
    assert "3 of 4 results differ" in verdict.sentence


def test_changed_circumstances_are_named_with_both_values_and_whether_they_explain_it():
    provenance = {
        **MADE_WITH,
        "versions": {"python": "3.11.10", "numpy": "2.4.0", "torch": "2.15.0"},
        "device": "cuda:0",
        "gpu": "H200",
        "models": {"a/model": {"digest": "ab" * 32, "device": "cuda:0", "dtype": "float16"}},
    }
    one, other = {"it": Number(1.0, "m")}, {"it": Number(1.5, "m")}
    verdict = differences(made(one), made(other, provenance), one, other)
    told = {item.title: (item.first, item.second, item.explains) for item in verdict.circumstances}
    assert told == {
        "python": ("3.11.9", "3.11.10", False),
        "torch": ("2.14.1", "2.15.0", True),
        "Device": ("cpu", "cuda:0", True),
        "GPU": ("not known", "H200", True),
        "Number format of a/model": ("float32", "float16", True),
    }
    assert "torch 2.14.1 -> 2.15.0" in verdict.sentence
    assert "python" not in verdict.sentence


def test_without_a_recorded_cause_it_says_so():
    one, other = {"it": Number(1.0, "m")}, {"it": Number(1.5, "m")}
    assert "Nothing that is recorded explains it." in differences(made(one), made(other), one, other).sentence


@pytest.mark.parametrize("provenance", [{}, {"versions": "none", "models": [1], "machine": None}])
def test_provenance_of_any_form_is_survived(provenance):
    one = {"it": Number(1.0, "m")}
    assert differences(made(one), made(one, provenance), one, one).same


@pytest.mark.parametrize(
    ("state", "error", "said"),
    [
        ("cancelled", {"message": "Stopped."}, "The new run was stopped before its end. Nothing was compared."),
        ("failed", {"message": "No lung."}, "The new run did not finish: No lung. Nothing was compared."),
        ("running", None, "The new run has not ended yet. Nothing was compared."),
    ],
)
def test_a_run_that_is_not_done_is_not_compared(state, error, said):
    one = {"it": Number(1.0, "m")}
    verdict = differences(made(one), made({}, state=state, error=error), one, {})
    assert (verdict.same, verdict.sentence, verdict.outputs) == (False, said, ())


def test_a_result_whose_bytes_are_gone_is_told_and_stops_nothing():
    one, other = {"a": Text("1"), "b": Text("2")}, {"a": Text("1"), "b": Text("3")}
    verdict = differences(made(one), made(other), {}, other)
    assert [item.change for item in verdict.outputs] == ["identical", "different"]
    assert verdict.outputs[1].sentence == "Its stored bytes are gone or damaged."
