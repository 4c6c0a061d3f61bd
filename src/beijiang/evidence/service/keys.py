"""The private keys of the log: made once, sealed by the vault, opened when a checkpoint is to be signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from beijiang.evidence.models import Signer
from beijiang.evidence.store import KeyRow, TreeStore
from beijiang.evidence.verifier import ED25519, SM2, WITNESS, Key
from beijiang.settings import LogSignature

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from beijiang.crypto import Vault
    from beijiang.db import Database, UnitOfWork
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
        self._opened: dict[str, tuple[str, Signer]] = {}

    @property
    def name(self) -> str:
        """Return the name of the log, under which it signs."""
        return next(iter(self.signers)).name

    @property
    def signers(self) -> dict[Key, Signer]:
        """Return the keys that sign checkpoints now; they are made at the first call.

        While one key follows another, both sign.

        Raises:
            Unavailable: the root key that seals them is gone (``root_key_missing``).

        """
        witnesses = self.witnesses  # made with the others, so that they can be told to those who will trust them
        signing = self._signing("log", *(["log-sm2"] if self._settings.log_signature is LogSignature.SM2 else []))
        held = {str(key) for key in (*signing, *witnesses)}
        for retired in self._opened.keys() - held:  # what signs no more is not kept open in memory either
            self._opened.pop(retired, None)
        return signing

    @property
    def witnesses(self) -> dict[Key, Signer]:
        """Return the keys under which this installation witnesses the logs of others now: two while one follows another."""
        return self._signing("witness")

    def public(self, connection: Connection | None = None) -> Sequence[Key]:
        """Return all that others need to check what this log has signed; the private halves are not opened."""
        if connection is not None:
            return [row.public for row in TreeStore(connection).all_keys()]
        with self._db.read() as own:
            found = self.public(own)
        if not found:
            return [*self.signers, *self.witnesses]  # nothing is signed yet, and somebody wants to know what will sign
        return found

    def signer(self, row: KeyRow) -> Signer:
        """Return what signs with a key; its secret is opened once."""
        sealed, found = self._opened.get(str(row.public), ("", None))
        if found is None or sealed != row.secret:
            found = _signer(row.role, self._vault.open(row.secret, purpose=_PURPOSE, context=row.context))
            self._opened[str(row.public)] = row.secret, found
        return found

    def made(self, role: str, generation: int, name: str) -> KeyRow:
        """Return a new key, sealed; it is not kept yet."""
        from beijiang.crypto.signing import Ed25519Signer, Sm2Signer

        secret = (Sm2Signer if _ROLES[role] == SM2 else Ed25519Signer).new_secret()
        public = Key(name, _ROLES[role], _signer(role, secret).public)
        row = KeyRow(role, public, "", self._clock.now(), generation)
        return replace(row, secret=self._vault.seal(secret, purpose=_PURPOSE, context=row.context))

    def renew(self, tx: UnitOfWork) -> int:
        """Seal every private key anew under the present root key; return how many."""
        store = TreeStore(tx.connection)
        held = [row for row in store.all_keys() if row.secret]
        for row in held:
            secret = self._vault.rewrap(row.secret, purpose=_PURPOSE, context=row.context)
            store.change_key(replace(row, secret=secret))
        return len(held)

    def _signing(self, *roles: str) -> dict[Key, Signer]:
        now = self._clock.now()
        with self._db.read() as connection:
            rows = [row for row in TreeStore(connection).all_keys() if row.role in roles and row.signs(now)]
        rows += [self._newest(role) for role in set(roles) - {row.role for row in rows}]
        return {row.public: self.signer(row) for row in sorted(rows, key=lambda row: (row.role, row.generation))}

    def _newest(self, role: str) -> KeyRow:
        with self._db.read() as connection:
            row = TreeStore(connection).key(role)
        if row is not None:
            return row
        with self._db.begin() as tx:
            store = TreeStore(tx.connection)
            first = store.key("log")
            name = first.public.name if first else self._settings.log_name or urlsplit(self._settings.public_url).netloc
            store.add_key(self.made(role, 1, name))
            row = store.key(role)
        assert row is not None  # noqa: S101  # it, or that of a faster process
        return row


def _signer(role: str, secret: str) -> Signer:
    from beijiang.crypto.signing import Ed25519Signer, Sm2Signer

    return Sm2Signer(secret) if _ROLES[role] == SM2 else Ed25519Signer(secret)
