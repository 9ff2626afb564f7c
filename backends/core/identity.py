"""Who is visiting: an anonymous id in a signed cookie. Both halves (shell and playgrounds) read it here."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

from itsdangerous import BadSignature, Signer

COOKIE = "vitrine_visitor"
ID_BYTES = 16  # 128 bits: ids that are shared or owned cannot be guessed


def new_id() -> str:
    """An unguessable id: 128 random bits as 22 URL-safe characters."""
    return secrets.token_urlsafe(ID_BYTES)


def guest(session: str) -> str:
    """The visitor behind a client without cookies, for as long as its own session lasts. session: its secret name."""
    return "guest-" + hashlib.sha256(session.encode()).hexdigest()[:22]


class Identity:
    """Makes and reads the visitor cookie's value. `secret`: at least 16 characters, kept by the server."""

    def __init__(self, secret: str) -> None:
        if len(secret) < 16:
            raise ValueError("the cookie secret needs at least 16 characters")
        self._signer = Signer(secret, salt="vitrine.visitor")

    def issue(self) -> tuple[str, str]:
        """A new visitor: (id, cookie value)."""
        visitor = new_id()
        return visitor, self._signer.sign(visitor).decode()

    def read(self, cookies: Mapping[str, str]) -> str | None:
        """The visitor's id, or None when there is no cookie of ours or its signature is wrong."""
        value = cookies.get(COOKIE)
        if not value:
            return None
        try:
            visitor = self._signer.unsign(value).decode()
        except (BadSignature, UnicodeDecodeError):
            return None
        # Base64 leaves spare bits in its last character, so several spellings of one signature are valid: take ours.
        return visitor if self._signer.sign(visitor).decode() == value else None
