import os
from pathlib import Path

import pytest

from backends.core.digest import sha256
from backends.core.errors import ArtifactMissing, BadInput, NotFound, QuotaExceeded, StoreError, TooLarge
from backends.core.limits import MIB, Limits
from backends.core.results import File
from backends.store.store import Store
from tests.backends.store.making import FakeClock, done_run, files_on_disk, open_store


def path_of(tmp_path: Path, digest: str) -> Path:
    return tmp_path / "artifacts" / digest[:2] / digest[2:4] / digest


def test_bytes_come_back_as_they_were_put(either_store: Store, tmp_path: Path) -> None:
    data = os.urandom(3 * MIB)
    digest = either_store.artifacts.put("alice", data, "image/png")
    assert digest == sha256(data)
    assert either_store.artifacts.read(digest, "alice") == data
    assert either_store.artifacts.open_path(digest, "alice") == path_of(tmp_path, digest)
    assert either_store.artifacts.media_type(digest, "alice") == "image/png"
    assert either_store.usage("alice") == len(data)


def test_nothing_is_left_in_the_incoming_folder(store: Store, tmp_path: Path) -> None:
    store.artifacts.put("alice", b"x", "text/plain")
    store.check()
    assert list((tmp_path / "artifacts" / ".incoming").iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"xother", None])
def test_damaged_bytes_are_never_handed_out(store: Store, tmp_path: Path, damage: bytes | None) -> None:
    digest = store.artifacts.put("alice", b"xdata!", "text/plain")
    path = path_of(tmp_path, digest)
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    with pytest.raises(ArtifactMissing):
        store.artifacts.read(digest, "alice")
    with pytest.raises(ArtifactMissing):
        store.artifacts.open_path(digest, "alice")


def test_putting_the_same_bytes_again_repairs_a_damaged_file(store: Store, tmp_path: Path) -> None:
    digest = store.artifacts.put("alice", b"xdata!", "text/plain")
    path_of(tmp_path, digest).write_bytes(b"xother")  # as long as before
    store.artifacts.put("bob", b"xdata!", "text/plain")
    assert store.artifacts.read(digest, "alice") == b"xdata!"


def test_an_upload_over_the_limit_is_refused_and_leaves_nothing(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path, clock, Limits(upload_bytes=100))
    with pytest.raises(TooLarge):
        store.artifacts.put("alice", bytes(101), "image/png")
    assert files_on_disk(tmp_path) == set()
    store.artifacts.put("alice", bytes(100), "image/png")
    store.close()


def test_a_full_space_says_how_much_is_used_and_what_to_do(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path, clock, Limits(visitor_bytes=2 * MIB))
    kept = store.artifacts.put("alice", bytes(MIB), "image/png")
    with pytest.raises(QuotaExceeded, match=r"1\.0 of 2\.0 MiB are used and 1\.5 MiB more") as caught:
        store.artifacts.put("alice", bytes(3 * MIB // 2), "image/png")
    assert "Delete saved sessions" in caught.value.hint
    assert files_on_disk(tmp_path) == {kept}
    assert store.artifacts.put("alice", bytes(MIB), "image/png") == kept  # what is theirs already costs nothing
    assert store.artifacts.put("bob", bytes(3 * MIB // 2), "image/png")  # another's space is another's
    store.close()


def test_a_result_that_does_not_fit_is_refused_and_the_run_goes_on(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path, clock, Limits(visitor_bytes=1000))
    with pytest.raises(QuotaExceeded):
        done_run(store, "alice", {"big": File("big", "application/x-npy", bytes(1001))})
    (run,) = store.runs.recent("alice")
    assert run.state == "running"
    assert run.outputs == ()
    assert store.usage("alice") == 0
    done_run(store, "alice", {"big": File("big", "application/x-npy", bytes(1000))})
    with pytest.raises(QuotaExceeded):  # nothing left: said before anything is computed
        done_run(store, "alice", {"small": File("small", "text/plain", b"s")})
    store.close()


def test_what_is_kept_twice_counts_once(store: Store) -> None:
    digest = store.artifacts.put("alice", b"12345", "text/plain")
    done_run(store, "alice", {"copy": File("copy", "text/plain", b"12345")}, photo=digest)
    assert store.usage("alice") == 5
    assert store.usage("bob") == 0


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "a" * 63, "\0" * 64, "a" * 64])
def test_what_is_no_known_digest_is_not_found(store: Store, digest: str) -> None:
    for read in (store.artifacts.read, store.artifacts.open_path, store.artifacts.media_type):
        with pytest.raises(NotFound):
            read(digest, "alice")


@pytest.mark.parametrize("visitor", ["", "a b", "x" * 129, "a/b", "é", "a\n"])
def test_what_cannot_be_a_visitor_is_refused(store: Store, visitor: str) -> None:
    with pytest.raises(BadInput):
        store.artifacts.put(visitor, b"x", "text/plain")
    with pytest.raises(BadInput):
        store.visitors.seen(visitor)


@pytest.mark.parametrize("media_type", ["text/html\r\nSet-Cookie: a=b", "", "png", "a/" + "b" * 200])
def test_a_media_type_that_is_none_becomes_plain_bytes(store: Store, media_type: str) -> None:
    digest = store.artifacts.put("alice", b"x", media_type)
    assert store.artifacts.media_type(digest, "alice") == "application/octet-stream"


def test_a_disk_that_refuses_is_told_as_a_store_error(store: Store, tmp_path: Path) -> None:
    digest = sha256(b"blocked")
    (tmp_path / "artifacts" / digest[:2]).write_bytes(b"a file where a folder must be")
    with pytest.raises(StoreError):
        store.artifacts.put("alice", b"blocked", "text/plain")
    assert store.usage("alice") == 0
    assert list((tmp_path / "artifacts" / ".incoming").iterdir()) == []
