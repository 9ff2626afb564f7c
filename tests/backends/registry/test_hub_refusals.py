"""What the Hub source refuses, and the sentences it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backends.core.errors import (
    DownloadFailed,
    IncompleteModel,
    LoadFailed,
    WeightsCorrupt,
    WeightsMissing,
)
from backends.registry.catalogue import Hub
from backends.registry.hub import HubCache
from backends.registry.manifest import MANIFEST
from tests.backends.registry.hub_stand_in import COMMIT, Repo, StandIn
from tests.backends.registry.hub_support import WEIGHTS, Watched, card, registry_of


@pytest.mark.parametrize("name", [WEIGHTS, "config.json"])
def test_a_file_that_is_not_what_the_hub_says_is_refused_and_removed(hub: StandIn, cache: HubCache, name: str) -> None:
    hub.repos["tiny/bert"].lies = {name}
    registry = registry_of(cache, card())
    with pytest.raises(WeightsCorrupt, match=f"{name} arrived, but is not what the Hub says"):
        registry.load("test/bert")
    assert not list(cache.folder.rglob(f"*{name}*"))
    assert not list(cache.folder.rglob(MANIFEST))
    hub.repos["tiny/bert"].lies = set()
    assert registry.load("test/bert").state == "resident"


@pytest.mark.parametrize("way", ["setting", "environment"])
def test_offline_a_model_that_is_not_here_is_missing_and_nothing_is_asked(
    hub: StandIn, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "environment":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    registry = registry_of(HubCache(tmp_path, endpoint=hub.address, offline=way == "setting"), card())
    for ask in (registry.load, registry.revision):
        with pytest.raises(WeightsMissing, match="tiny/bert is not on this machine, and downloads are off") as caught:
            ask("test/bert")
    assert caught.value.hint
    assert hub.requests == []


def test_without_a_hub_its_models_say_so(workshop: Any) -> None:
    registry = registry_of(None, card())
    with pytest.raises(WeightsMissing, match="downloads are off"):
        registry.load("test/bert")


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        (Hub("tiny/nothing", "main"), 0, "has no model tiny/nothing"),
        (Hub("tiny/bert", "v9"), 0, "no revision 'v9'"),
        (Hub("tiny/bert", "main"), 500, "answered 500"),
        (Hub("tiny/bert", COMMIT), 403, "answered 403"),
        (Hub("tiny/bert", "main"), 401, "asks for its terms to be accepted"),
    ],
)
def test_what_the_hub_refuses_becomes_a_sentence(
    hub: StandIn, cache: HubCache, source: Hub, status: int, words: str
) -> None:
    hub.status = status
    with pytest.raises(DownloadFailed, match=words) as caught:
        cache.fetch(source, Watched())
    assert caught.value.hint


def test_a_hub_that_names_no_commit_is_not_believed(hub: StandIn, cache: HubCache) -> None:
    hub.repos["tiny/bert"].commit = "../../etc"
    with pytest.raises(DownloadFailed, match="does not say which commit"):
        cache.fetch(card().source, Watched())


def test_a_hub_that_is_not_there_becomes_a_sentence(tmp_path: Path) -> None:
    cache = HubCache(tmp_path, endpoint="http://127.0.0.1:9", token=False)
    with pytest.raises(DownloadFailed, match="could not be reached for tiny/bert"):
        cache.fetch(card().source, Watched())


def test_a_repository_without_safetensors_is_refused(hub: StandIn, cache: HubCache) -> None:
    hub.repos["tiny/pickles"] = Repo({"pytorch_model.bin": b"x", "config.json": b"{}"})
    with pytest.raises(WeightsMissing, match="no safetensors"):
        cache.fetch(Hub("tiny/pickles", "main"), Watched())


def test_a_file_name_that_leaves_its_folder_is_refused(hub: StandIn, cache: HubCache) -> None:
    hub.repos["tiny/escape"] = Repo({"../../evil.safetensors": b"x"})
    with pytest.raises(WeightsCorrupt, match="leaves its folder"):
        cache.fetch(Hub("tiny/escape", "main"), Watched())


def test_a_disk_without_room_is_told_before_anything_is_fetched(
    hub: StandIn, cache: HubCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.registry.hub.SPARE_BYTES", 2**62)
    with pytest.raises(DownloadFailed, match="MB that the disk does not have"):
        cache.fetch(card().source, Watched())
    assert not hub.asked("/resolve/")


def test_a_folder_that_cannot_be_written_becomes_a_sentence(hub: StandIn, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    for revision in ("main", COMMIT):
        cache = HubCache(tmp_path / "file", endpoint=hub.address, token=False)
        with pytest.raises(DownloadFailed, match="tiny/bert could not be written to the disk"):
            cache.fetch(Hub("tiny/bert", revision), Watched())


def test_an_answer_that_passes_is_asked_for_again(hub: StandIn, cache: HubCache) -> None:
    hub.cdn_status = [503, 429]
    assert cache.fetch(card().source, Watched()).commit == COMMIT
    assert len(hub.asked("/cdn/")) == 3


def test_an_answer_that_stays_ends_the_download(hub: StandIn, cache: HubCache) -> None:
    hub.cdn_status = [403]
    with pytest.raises(DownloadFailed, match="answered 403"):
        cache.fetch(card().source, Watched())
    assert len(hub.asked("/cdn/")) == 1


def test_a_snapshot_damaged_on_disk_is_refused_once_and_then_fetched_anew(hub: StandIn, cache: HubCache) -> None:
    registry = registry_of(cache, card())
    registry.load("test/bert")
    registry.unload("test/bert")
    path = next(cache.folder.rglob(WEIGHTS))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsCorrupt, match="does not match its digest"):
        registry.load("test/bert")
    hub.requests.clear()
    assert registry.load("test/bert").state == "resident"
    assert len(hub.asked("/cdn/")) == 1
    assert not hub.asked("config.json")


def test_a_model_that_needs_code_of_its_repository_is_not_loaded(hub: StandIn, cache: HubCache, tmp_path: Path) -> None:
    repo = hub.repos["tiny/bert"]
    config = {
        **json.loads(repo.files["config.json"]),
        "model_type": "evil",
        "auto_map": {"AutoConfig": "modeling_evil.C"},
    }
    hub.repos["tiny/evil"] = Repo({**repo.files, "config.json": json.dumps(config).encode()})
    registry = registry_of(cache, card("evil"))
    with pytest.raises(LoadFailed):
        registry.load("test/evil")
    assert not hub.asked("modeling_evil.py")


def test_a_source_must_name_a_repository_and_a_revision() -> None:
    for repo, revision in (("../etc", "main"), ("a/b/c", "main"), ("a/b", ""), ("a/b", "../main"), ("a/b", "x/../y")):
        with pytest.raises(IncompleteModel):
            Hub(repo, revision)
