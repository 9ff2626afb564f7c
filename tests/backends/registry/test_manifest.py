"""Weight folders: what is refused, how soon, and that nothing in them is ever run."""

from __future__ import annotations

import json
import os
import pickle
import time
from pathlib import Path
from typing import Any

import pytest

from backends.core.digest import canonical_json, sha256
from backends.core.errors import LoadFailed, WeightsCorrupt, WeightsMissing
from backends.registry.catalogue import Local
from backends.registry.manifest import (
    HEADER_BYTES,
    HEADER_TENSORS,
    MANIFEST,
    Manifest,
    Verifier,
    check_header,
    safe_name,
)
from tests.backends.registry.support import Workshop, write_weights

AT_ONCE = 0.1  # seconds in which hostile files are refused


class Evil:
    """Unpickled, it would leave a file behind."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch evil-was-here",)


def header(value: Any, body: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with this header."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return (len(raw) if length is None else length).to_bytes(8, "little") + raw + body


def tensors(count: int) -> dict[str, Any]:
    return {f"t{number}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(count)}


def test_the_digest_is_of_names_and_hashes(tmp_path: Path) -> None:
    manifest = Manifest.read(write_weights(tmp_path))
    hashes = {"model.safetensors": sha256((tmp_path / "model.safetensors").read_bytes())}
    assert manifest.digest == sha256(canonical_json(hashes))
    assert json.loads((tmp_path / MANIFEST).read_text()) == {
        "files": {"model.safetensors": {"sha256": hashes["model.safetensors"], "bytes": manifest.bytes}},
        "digest": manifest.digest,
    }


def test_a_sound_folder_is_checked_and_hashed_once(tmp_path: Path) -> None:
    manifest, verifier, hashed = Manifest.read(write_weights(tmp_path)), Verifier(), []
    verifier.check(tmp_path, manifest, hashed.append)
    assert sum(hashed) == manifest.bytes
    verifier.check(tmp_path, manifest, hashed.append)
    assert sum(hashed) == manifest.bytes
    verifier.check(tmp_path, manifest, hashed.append, again=True)
    assert sum(hashed) == 2 * manifest.bytes


def test_a_changed_byte_is_found_even_after_the_file_was_known(tmp_path: Path) -> None:
    manifest, verifier = Manifest.read(write_weights(tmp_path)), Verifier()
    verifier.check(tmp_path, manifest)
    path = tmp_path / "model.safetensors"
    stat = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    with pytest.raises(WeightsCorrupt, match="does not match its digest"):
        verifier.check(tmp_path, manifest)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda folder: (folder / MANIFEST).unlink(), WeightsMissing),
        (lambda folder: (folder / "model.safetensors").unlink(), WeightsMissing),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"short"), WeightsCorrupt),
        (lambda folder: (folder / MANIFEST).write_text("{"), WeightsCorrupt),
        (lambda folder: (folder / MANIFEST).write_text("[" * 100_000), WeightsCorrupt),
        (lambda folder: (folder / MANIFEST).write_text("[]"), WeightsCorrupt),
        (lambda folder: (folder / MANIFEST).write_text('{"files": {}, "digest": ""}'), WeightsCorrupt),
        (lambda folder: (folder / MANIFEST).write_text(" " * 2**21), WeightsCorrupt),
        (lambda folder: (folder / "extra.safetensors").write_bytes(header({})), WeightsCorrupt),
        (lambda folder: (folder / "weights.PT").write_bytes(b"x"), WeightsCorrupt),
        (lambda folder: (folder / "sub").mkdir() or (folder / "sub" / "a b (1).bin").write_bytes(b"x"), WeightsCorrupt),
    ],
)
def test_a_folder_that_is_not_what_its_manifest_says_is_refused(
    workshop: Workshop, change: Any, error: type[Exception]
) -> None:
    registry = workshop.registry([workshop.card("a")])
    change(workshop.folder)
    for ask in (registry.load, registry.verify):
        with pytest.raises(error) as caught:
            ask("test/a")
        assert str(workshop.folder.parent) not in str(caught.value)
    assert workshop.calls["a"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "0" * 64},
        {"files": {"../model.safetensors": {"sha256": "0" * 64, "bytes": 1}}},
        {"files": {"model.safetensors": {"sha256": "zz", "bytes": 1}}},
        {"files": {"model.safetensors": {"sha256": "0" * 64, "bytes": "1"}}},
    ],
)
def test_a_manifest_with_wrong_entries_is_damaged(tmp_path: Path, change: dict[str, Any]) -> None:
    write_weights(tmp_path)
    raw = {**json.loads((tmp_path / MANIFEST).read_text()), **change}
    if "files" in change and ".." not in next(iter(change["files"])):
        raw["digest"] = sha256(canonical_json({name: e["sha256"] for name, e in change["files"].items()}))
    (tmp_path / MANIFEST).write_text(json.dumps(raw))
    with pytest.raises(WeightsCorrupt, match="manifest"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("name", ["model.pt", "pytorch_model.bin", "model.pkl", "model.safetensors"])
def test_a_malicious_pickle_is_refused_at_once_and_never_run(
    workshop: Workshop, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pickle under its own name and one renamed to .safetensors, both with a manifest that vouches for them."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "evil"
    folder.mkdir()
    if name != "model.safetensors":
        write_weights(folder)
    (folder / name).write_bytes(pickle.dumps(Evil()))
    registry = workshop.registry([workshop.card("a", source=Local(folder))])
    started = time.perf_counter()
    with pytest.raises(WeightsCorrupt, match=r"format that can run code|not a sound safetensors"):
        registry.load("test/a")
    assert time.perf_counter() - started < AT_ONCE
    assert not list(tmp_path.rglob("evil-was-here"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        header({}, length=2**40),
        header({}, length=HEADER_BYTES + 1),
        header(b" " * (HEADER_BYTES + 1)),
        header(tensors(HEADER_TENSORS + 1)),
        header(b"not json"),
        header([]),
        header({"t": {}}),
        header({"t": {"data_offsets": [0]}}),
        header({"t": {"data_offsets": [0, 8]}}, b"1234"),
        header({}, b"hidden"),
    ],
)
def test_an_unsound_safetensors_header_is_refused_before_it_is_parsed(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    started = time.perf_counter()
    with pytest.raises(WeightsCorrupt, match="not a sound safetensors"):
        check_header(path)
    assert time.perf_counter() - started < AT_ONCE


def test_a_header_of_a_hundred_thousand_tensors_is_refused_by_the_registry_at_once(
    workshop: Workshop, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(header(tensors(100_000)))
    Manifest.of(tmp_path).write(tmp_path)
    registry = workshop.registry([workshop.card("a", source=Local(tmp_path))])
    started = time.perf_counter()
    with pytest.raises(WeightsCorrupt):
        registry.load("test/a")
    assert time.perf_counter() - started < AT_ONCE
    assert workshop.calls["a"] == 0


def test_the_largest_allowed_header_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(header({**tensors(HEADER_TENSORS), "__metadata__": {"format": "pt"}}))
    assert check_header(path) == HEADER_TENSORS


def test_an_owners_folder_without_a_manifest_is_taken_as_it_is(workshop: Workshop, tmp_path: Path) -> None:
    write_weights(tmp_path)
    (tmp_path / MANIFEST).unlink()
    registry = workshop.registry([workshop.card("a", source=Local(tmp_path))])
    first = registry.revision("test/a")
    assert registry.load("test/a").revision == first == Manifest.of(tmp_path).digest
    registry.unload("test/a")
    write_weights(tmp_path, {"other": (5,)})
    (tmp_path / MANIFEST).unlink()
    assert registry.revision("test/a") != first


def test_an_empty_or_missing_folder_has_no_weights(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    registry = workshop.registry(
        [workshop.card("a", source=Local(tmp_path / "empty")), workshop.card("b", source=Local(tmp_path / "nowhere"))]
    )
    with pytest.raises(WeightsMissing, match="holds no safetensors"):
        registry.load("test/a")
    with pytest.raises(WeightsMissing, match="no folder nowhere"):
        registry.load("test/b")


def test_a_damaged_file_that_the_loader_notices_is_a_failed_load(workshop: Workshop) -> None:
    workshop.trouble["a"] = [OSError("short read")]
    with pytest.raises(LoadFailed):
        workshop.registry([workshop.card("a")]).load("test/a")


@pytest.mark.parametrize("name", ["../a", "/a", "a/../b", "a//b", "a\\b", ".hidden", "C:a", "a\0b", "", "a/", "a\n"])
def test_names_that_leave_their_folder_are_unsafe(name: str) -> None:
    assert not safe_name(name)
    assert safe_name("sub/model-00001-of-00002.safetensors")
