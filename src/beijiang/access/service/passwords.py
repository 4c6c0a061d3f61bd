"""Secrets and how they are kept: argon2id for passwords, SHA-256 for random tokens."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from beijiang.kit import Throttled
from beijiang.settings import Settings

if TYPE_CHECKING:
    from argon2 import PasswordHasher

TOGETHER = 4
"""Hashes that are computed at the same time; each takes 64 MiB."""

QUEUE = 16
"""Sign-ins that may wait for their turn; more are turned away at once."""

_CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_GROUPS = 4
_CODE_GROUP_LENGTH = 5


class Passwords:
    """Hash and verify passwords (argon2id, RFC 9106), never more than a few at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._slots = threading.BoundedSemaphore(TOGETHER)
        self._lock = threading.Lock()
        self._waiting = 0

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        return PasswordHasher(
            time_cost=self._settings.argon2_rounds, memory_cost=self._settings.argon2_memory_kib, parallelism=1
        )

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(32))

    def hash(self, password: str) -> str:
        """Return the hash to store; it names its own parameters."""
        with self._turn():
            return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether the password fits; without a stored hash the same work is done and the answer is no."""
        from argon2.exceptions import InvalidHashError, VerificationError

        with self._turn():
            try:
                return self._hasher.verify(stored or self._nobody, password) and stored is not None
            except (VerificationError, InvalidHashError):
                return False

    def outdated(self, stored: str) -> bool:
        """Tell whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._lock:
            if self._waiting >= TOGETHER + QUEUE:
                raise Throttled(
                    "登录人数过多，请几秒后再试。", "Too many people are signing in; try again in a few seconds."
                )
            self._waiting += 1
        try:
            with self._slots:
                yield
        finally:
            with self._lock:
                self._waiting -= 1


def new_token() -> str:
    """Return 256 random bits as text for a cookie."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what is stored of a random secret; random secrets need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_token(token: str) -> str:
    """Return the token for forms of one session, derived from its secret and useless without its cookie."""
    return hmac.new(token.encode(), b"beijiang csrf", hashlib.sha256).hexdigest()


def new_code() -> str:
    """Return a one-time code of 100 random bits in groups that can be read aloud."""
    groups = ("".join(secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_GROUP_LENGTH)) for _ in range(_CODE_GROUPS))
    return "-".join(groups)


def code_digest(code: str) -> str:
    """Return what is stored of a one-time code; blanks, hyphens and case do not matter."""
    return digest("".join(code.split()).replace("-", "").upper())
