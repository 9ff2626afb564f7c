"""Weight folders: fp16 safetensors in shards, a manifest of hashes, and a configuration.

Knows files and tensors only, no network and no data. Reading never runs code from a file: safetensors and JSON.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from backends.core.digest import canonical_json, sha256
from backends.core.errors import WeightsCorrupt, WeightsMissing

SHARD_BYTES = 9_000_000  # hosts and reviewers choke on larger files; a shard stays below 9 MB with its header
MANIFEST = "manifest.json"
CONFIG = "config.json"


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON that ends in a newline."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """The JSON in `path`. Raises WeightsMissing or WeightsCorrupt, which name the file but not where it lies."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise WeightsMissing(f"{path.parent.name} has no {path.name}.", hint="Train the model again.") from err
    except ValueError as err:
        raise WeightsCorrupt(f"{path.name} of {path.parent.name} is damaged.", hint="Fetch the model again.") from err


def half_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """`state` as it ships: floating tensors in fp16 on the CPU; BatchNorm's batch counters are left out."""
    return {
        name: tensor.detach().to("cpu", torch.float16).contiguous()
        for name, tensor in state.items()
        if not name.endswith("num_batches_tracked")
    }


def write_weights(folder: Path, state: dict[str, Tensor], config: dict[str, Any]) -> str:
    """Write fp16 shards, `config.json` and `manifest.json` into `folder`. Returns the weight digest.

    Shards of an earlier run are removed first, so that a folder never mixes two runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.safetensors"):
        old.unlink()
    shards = _shards(half_state(state))
    for index, shard in enumerate(shards, start=1):
        name = "model.safetensors" if len(shards) == 1 else f"model-{index:05d}-of-{len(shards):05d}.safetensors"
        (folder / name).write_bytes(save(shard))
    write_json(folder / CONFIG, config)
    listed = [*sorted(path.name for path in folder.glob("*.safetensors")), CONFIG]
    files = {name: _entry((folder / name).read_bytes()) for name in sorted(listed)}
    digest = weight_digest(files)
    write_json(folder / MANIFEST, {"files": files, "digest": digest})
    return digest


def weight_digest(files: dict[str, dict[str, Any]]) -> str:
    """The digest of a manifest's files: sha256 of the canonical JSON of {name: sha256}, as the registry checks it."""
    return sha256(canonical_json({name: str(entry["sha256"]) for name, entry in files.items()}))


def read_weights(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any], str]:
    """The fp32 tensors, the configuration and the digest of `folder`, after checking every hash.

    Raises WeightsMissing or WeightsCorrupt.
    """
    files, digest = _read_manifest(folder)
    state: dict[str, Tensor] = {}
    for name, entry in files.items():
        path = folder / name
        if not path.is_file():
            raise WeightsMissing(f"{folder.name} has no {name}.", hint="Fetch or train the model again.")
        raw = path.read_bytes()
        if _entry(raw) != entry:
            raise WeightsCorrupt(f"{name} of {folder.name} does not match its digest.", hint="Fetch the model again.")
        if name.endswith(".safetensors"):
            state |= {key: tensor.float() for key, tensor in load(raw).items()}  # the bytes that were hashed
    return state, read_json(folder / CONFIG), digest


def _read_manifest(folder: Path) -> tuple[dict[str, dict[str, Any]], str]:
    """The files and the digest of a manifest. Names are plain: none leads out of the folder."""
    manifest = read_json(folder / MANIFEST)
    try:
        files, digest = dict(manifest["files"]), str(manifest["digest"])
        sound = weight_digest(files) == digest and all(Path(name).name == name for name in files)
    except (KeyError, TypeError, ValueError) as err:
        raise WeightsCorrupt(f"The manifest of {folder.name} is damaged.", hint="Fetch the model again.") from err
    if not sound:
        raise WeightsCorrupt(f"The manifest of {folder.name} is damaged.", hint="Fetch the model again.")
    return files, digest


def _entry(raw: bytes) -> dict[str, Any]:
    return {"sha256": sha256(raw), "bytes": len(raw)}


def _shards(state: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """Greedy split in order of the names, each part below SHARD_BYTES (one larger tensor stays whole)."""
    room = SHARD_BYTES - 100_000  # the header: names and offsets
    shards: list[dict[str, Tensor]] = [{}]
    used = 0
    for name in sorted(state):
        size = state[name].numel() * state[name].element_size()
        if shards[-1] and used + size > room:
            shards.append({})
            used = 0
        shards[-1][name] = state[name]
        used += size
    return shards
