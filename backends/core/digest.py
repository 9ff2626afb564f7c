"""Canonical JSON and content hashes.

Canonical JSON follows RFC 8785 in what we need of it: sorted keys, no spaces, UTF-8, shortest round-trip floats,
and no NaN or infinity. Equal values give equal bytes, on every machine.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """`value` as canonical JSON bytes. Raises ValueError on NaN, infinity or a type JSON does not have."""
    text = json.dumps(_normal(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def sha256(data: bytes) -> str:
    """The content hash of `data`: 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def is_sha256(text: str) -> bool:
    """Whether `text` looks like a content hash; what does not is never used as a path or a key."""
    return len(text) == 64 and all(char in "0123456789abcdef" for char in text)


def _normal(value: Any) -> Any:
    """Integral floats become integers, so that 1 and 1.0 (equal in Python and in JavaScript) hash alike."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("canonical JSON needs string keys")
        return {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(item) for item in value]
    return value
