"""Loaders for models in the format of transformers: safetensors, from local files, no code of a repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backends.registry.catalogue import Loader


def hub_loader(auto_class: str, dtype: str = "float32") -> Loader:
    """A loader by the name of a transformers class ('AutoModelForSequenceClassification').

    dtype: of the weights in memory. The model comes in eval mode, on the device.
    """

    def load(folder: Path, device: str) -> Any:
        import transformers

        found = getattr(transformers, auto_class)
        model = found.from_pretrained(folder, use_safetensors=True, local_files_only=True, dtype=dtype)
        return model.eval().to(device)

    return load
