"""The private keys of the log: made once, sealed by the vault, opened when a checkpoint is to be signed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from beijiang.evidence.models import Signer
from beijiang.evidence.store import KeyRow, TreeStore
from beijiang.evidence.verifier import ED25519, SM2, WITNESS, Key
from beijiang.settings import LogSignature

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from beijiang.crypto import Vault
    from beijiang.db import Database
    from beijiang.kit import Clock
    from beijiang.settings import Settings

_PURPOSE: Final = "evidence"
_ROLES: Final = {"log": ED25519, "log-sm2": SM2, "witness": WITNESS}
"""One key, one role: what signs for the log never signs as a witness."""


class LogKeys:
    """Signs under the name of this log. The name is fixed with the first key, whatever the settings say later."""

    def __init__(self, db: Database, vault: Vault, clock: Clock, settings: Settings) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock
        self._settings = settings

    @property
    def name(self) -> str:
        """Return the name of the log, under which it signs."""
        return next(iter(self.signers)).name

    @cached_property
    def signers(self) -> dict[Key, Signer]:
        """Return the keys that sign checkpoints; they are made at the first call.

        Raises:
            Unavailable: the root key that seals them is gone (``root_key_missing``).

        """
        self.witness  # noqa: B018  # made with the others, so that it can be told to those who will trust it
        roles = ["log", *(["log-sm2"] if self._settings.log_signature is LogSignature.SM2 else [])]
        return dict(self._key(role) for role in roles)

    @cached_property
    def witness(self) -> tuple[Key, Signer]:
        """Return the key under which this installation witnesses the logs of others."""
        return self._key("witness")

    def public(self, connection: Connection | None = None) -> Sequence[Key]:
        """Return all that others need to check what this log has signed; the private halves are not opened."""
        if connection is not None:
            return [row.public for row in TreeStore(connection).all_keys()]
        with self._db.read() as own:
            return self.public(own)

    def _key(self, role: str) -> tuple[Key, Signer]:
        with self._db.read() as connection:
            row = TreeStore(connection).key(role)
        if row is None:
            row = self._make(role, self._clock.now())
        return row.public, _signer(role, self._vault.open(row.secret, purpose=_PURPOSE, context=role))

    def _make(self, role: str, at: datetime) -> KeyRow:
        from beijiang.crypto.signing import Ed25519Signer, Sm2Signer

        secret = (Sm2Signer if _ROLES[role] == SM2 else Ed25519Signer).new_secret()
        sealed = self._vault.seal(secret, purpose=_PURPOSE, context=role)
        with self._db.begin() as tx:
            store = TreeStore(tx.connection)
            first = store.key("log")
            name = first.public.name if first else self._settings.log_name or urlsplit(self._settings.public_url).netloc
            store.add_key(KeyRow(role, Key(name, _ROLES[role], _signer(role, secret).public), sealed), at)
            row = store.key(role)
        assert row is not None  # noqa: S101  # it, or that of a faster process
        return row


def _signer(role: str, secret: str) -> Signer:
    from beijiang.crypto.signing import Ed25519Signer, Sm2Signer

    return Sm2Signer(secret) if _ROLES[role] == SM2 else Ed25519Signer(secret)
