"""The Hub source against a stand-in on loopback: downloads, resuming, what is kept."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import torch

from backends.core.cancellation import Cancellation
from backends.core.errors import (
    Busy,
    Cancelled,
    DownloadFailed,
    WeightsMissing,
)
from backends.registry import transfer
from backends.registry.catalogue import Hub
from backends.registry.hub import HubCache
from backends.registry.manifest import MANIFEST, Manifest
from tests.backends.registry.hub_stand_in import COMMIT, StandIn
from tests.backends.registry.hub_support import WEIGHTS, Watched, card, registry_of
from tests.backends.registry.support import Crowd, until


def test_models_of_two_architectures_come_whole_and_compute_what_the_originals_do(
    cache: HubCache, saved: dict[str, Path]
) -> None:
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    registry = registry_of(cache, card(), card("gpt2", "AutoModelForCausalLM"))
    tokens = torch.tensor([[5, 17, 3, 199]])
    for name, original in (("bert", AutoModelForSequenceClassification), ("gpt2", AutoModelForCausalLM)):
        theirs = original.from_pretrained(saved[name]).eval()
        with registry.lease(f"test/{name}") as ours, torch.no_grad():
            assert type(ours) is type(theirs)
            assert not ours.training
            assert torch.equal(ours(tokens).logits, theirs(tokens).logits)
    status = registry.status().model("test/gpt2")
    assert status.commit == COMMIT
    assert status.download_done == status.download_total > 0
    assert status.bytes == sum(tensor.numel() * 4 for tensor in theirs.parameters())


def test_only_files_that_cannot_run_code_are_fetched(hub: StandIn, cache: HubCache, saved: dict[str, Path]) -> None:
    snapshot = cache.fetch(card().source, Watched())
    assert set(snapshot.manifest.files) == {"config.json", WEIGHTS, "vocab.txt"}
    assert not hub.asked("pytorch_model.bin")
    assert not hub.asked(".py")
    here = {path.name for path in snapshot.folder.iterdir() if not path.name.startswith(".")}
    assert here == {*snapshot.manifest.files, MANIFEST}
    written = json.loads((snapshot.folder / MANIFEST).read_text())
    assert (written["repo"], written["commit"], written["digest"]) == ("tiny/bert", COMMIT, snapshot.manifest.digest)
    assert snapshot.manifest.files[WEIGHTS].sha256 == hub.repos["tiny/bert"].lfs(WEIGHTS)


def test_a_card_can_ask_for_fewer_files_but_never_for_pickles(cache: HubCache) -> None:
    source = Hub("tiny/bert", COMMIT, files=("*.safetensors", "*.bin", "*.py"))
    assert set(cache.fetch(source, Watched()).manifest.files) == {WEIGHTS}


def test_progress_in_bytes_only_grows_and_ends_at_the_total(cache: HubCache) -> None:
    progress = Watched()
    snapshot = cache.fetch(card().source, progress)
    done = [shown for shown, total in progress.shown if total]
    assert done == sorted(done)
    assert len(set(done)) >= 5
    assert progress.shown[-1] == (snapshot.manifest.bytes, snapshot.manifest.bytes)


@pytest.mark.parametrize("cuts", [[50_000], [30_000, 20_000, 1], [0, 0, 40_000]])
def test_a_cut_connection_is_taken_up_at_the_last_byte(hub: StandIn, cache: HubCache, cuts: list[int]) -> None:
    hub.cut_after = list(cuts)
    snapshot = cache.fetch(card().source, Watched())
    ranges = [header for _, path, header in hub.requests if "/cdn/" in path]
    assert ranges[0] == ""
    starts = [int(header[6:-1]) if header else 0 for header in ranges]
    assert starts == [sum(cuts[:count]) for count in range(len(cuts) + 1)]
    assert snapshot.manifest.files[WEIGHTS].sha256 == hub.repos["tiny/bert"].lfs(WEIGHTS)


def test_a_download_that_broke_off_for_good_goes_on_after_a_restart(hub: StandIn, cache: HubCache) -> None:
    hub.cut_after = [50_000] + [0] * transfer.ATTEMPTS
    with pytest.raises(DownloadFailed, match="broke off") as caught:
        cache.fetch(card().source, Watched())
    assert "kept" in caught.value.hint
    hub.requests.clear()
    progress = Watched()
    again = HubCache(cache.folder, endpoint=hub.address, token=False)
    assert again.fetch(card().source, progress).commit == COMMIT
    assert [header for _, path, header in hub.requests if "/cdn/" in path] == ["bytes=50000-"]
    assert not hub.asked("config.json")  # what was whole is not fetched again
    assert progress.shown[0][0] > 50_000


def test_a_server_without_ranges_is_read_from_the_start(hub: StandIn, cache: HubCache) -> None:
    hub.ranges, hub.cut_after = False, [50_000]
    progress = Watched()
    snapshot = cache.fetch(card().source, progress)
    assert snapshot.manifest.files[WEIGHTS].sha256 == hub.repos["tiny/bert"].lfs(WEIGHTS)
    assert progress.done == snapshot.manifest.bytes


def test_a_token_goes_to_the_hub_and_not_to_where_it_redirects(hub: StandIn, tmp_path: Path) -> None:
    HubCache(tmp_path, endpoint=hub.address, token="hf_secret").fetch(card().source, Watched())
    sent = {path.startswith("/cdn/"): token for path, token in hub.tokens}
    assert sent == {False: "Bearer hf_secret", True: ""}


def test_what_is_here_is_used_without_a_single_request_even_offline(hub: StandIn, cache: HubCache) -> None:
    registry = registry_of(cache, card())
    before = registry.revision("test/bert")
    registry.load("test/bert")
    hub.requests.clear()
    offline = registry_of(HubCache(cache.folder, endpoint="http://127.0.0.1:9", offline=True), card())
    assert offline.load("test/bert").commit == COMMIT
    assert offline.revision("test/bert") == offline.verify("test/bert") == before
    assert hub.requests == []


def test_the_endpoint_of_the_environment_is_respected(
    hub: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.address + "/")
    cache = HubCache(tmp_path, token=False)
    assert cache.endpoint == hub.address
    assert cache.fetch(card().source, Watched()).commit == COMMIT
    monkeypatch.delenv("HF_ENDPOINT")
    assert cache.endpoint == "https://huggingface.co"


def test_a_branch_stays_the_commit_it_was_first_resolved_to(hub: StandIn, cache: HubCache) -> None:
    registry = registry_of(cache, card())
    first = registry.revision("test/bert")
    assert len(hub.requests) == 1
    hub.repos["tiny/bert"].commit = "d" * 40
    assert registry.revision("test/bert") == first
    assert len(hub.requests) == 1
    assert cache.known_commit(card().source) == COMMIT


def test_a_pinned_commit_has_its_revision_without_any_request(hub: StandIn, cache: HubCache) -> None:
    registry = registry_of(cache, card(revision=COMMIT))
    assert len(registry.revision("test/bert")) == 64
    assert hub.requests == []
    with pytest.raises(WeightsMissing, match="not been downloaded"):
        registry.verify("test/bert")


def test_stopping_a_download_keeps_what_has_arrived(hub: StandIn, cache: HubCache) -> None:
    hub.gate = threading.Event()
    registry = registry_of(cache, card())
    cancellation, crowd = Cancellation(), Crowd()
    crowd.start(lambda: registry.load("test/bert", cancellation=cancellation))
    assert hub.half_way.wait(20)
    until(lambda: registry.status().model("test/bert").download_done > 50_000)
    status = registry.status().model("test/bert")
    assert (status.phase, status.download_total > status.download_done) == ("fetching", True)
    with pytest.raises(Busy, match="still being downloaded"):
        registry.load("test/bert", deadline=0.0)
    cancellation.cancel()
    crowd.join()
    assert isinstance(crowd.errors[0], Cancelled)
    hub.gate.set()
    until(lambda: registry.status().model("test/bert").state == "absent")
    hub.gate = None
    hub.requests.clear()
    registry.load("test/bert")
    assert [header != "" for _, path, header in hub.requests if "/cdn/" in path] in ([True], [])


def test_two_caches_on_one_folder_download_once(hub: StandIn, cache: HubCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.registry.hub.LOCK_WAIT", 0.01)
    hub.gate = threading.Event()
    other, waiting = HubCache(cache.folder, endpoint=hub.address, token=False), Watched()
    crowd = Crowd()
    crowd.start(lambda: cache.fetch(card().source, Watched()))
    assert hub.half_way.wait(20)
    crowd.start(lambda: other.fetch(card().source, waiting))
    until(lambda: waiting.moves > 2)  # it waits for the other's file lock, and can be told to stop
    hub.gate.set()
    crowd.join()
    assert not crowd.errors
    assert len(hub.asked("/cdn/")) == 1


def test_files_left_by_a_download_that_never_ended_are_checked_before_they_are_kept(
    hub: StandIn, cache: HubCache
) -> None:
    snapshot = cache.fetch(card().source, Watched())
    (snapshot.folder / MANIFEST).unlink()
    for name in ("config.json", WEIGHTS):
        data = bytearray((snapshot.folder / name).read_bytes())
        data[-1] ^= 1
        (snapshot.folder / name).write_bytes(data)
    hub.requests.clear()
    assert cache.fetch(card().source, Watched()).manifest == snapshot.manifest
    assert (len(hub.asked("/cdn/")), len(hub.asked("config.json")), len(hub.asked("vocab.txt"))) == (1, 1, 0)


def test_the_stand_in_is_hub_enough_for_the_library_itself(hub: StandIn, tmp_path: Path) -> None:
    from huggingface_hub import snapshot_download

    wanted = ["*.safetensors", "*.json"]
    snapshot_download("tiny/gpt2", endpoint=hub.address, local_dir=tmp_path, token=False, allow_patterns=wanted)
    assert Manifest.of(tmp_path).files[WEIGHTS].sha256 == hub.repos["tiny/gpt2"].lfs(WEIGHTS)
