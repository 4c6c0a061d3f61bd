"""The keys that sign identity tokens: made when first needed, sealed by the vault, followed by new ones with an overlap."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.apps.store import SigningKey, TokenStore
from beijiang.crypto import new_token_key, public_half, sign_claims

if TYPE_CHECKING:
    from beijiang.crypto import Vault
    from beijiang.db import Database, UnitOfWork
    from beijiang.kit import Clock
    from beijiang.settings import Settings

__all__ = ["OVERLAP", "SigningKeys"]

_PURPOSE: Final = "identity-token"
OVERLAP: Final = timedelta(days=1)
"""An earlier key stays published for so long; no token that it signed lives longer."""


class SigningKeys:
    """Sign, and say with what."""

    def __init__(self, db: Database, vault: Vault, clock: Clock, settings: Settings) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock
        self._settings = settings
        self._opened: dict[str, str] = {}

    def sign(self, claims: Mapping[str, Any], kind: str = "JWT") -> str:
        """Return a signed token; a key that is old is followed by a new one first."""
        key = self._newest()
        if key is None or self._clock.now() - key.made_at >= timedelta(days=self._settings.signing_key_days):
            key = self.follow()
        secret = self._opened.get(key.id)
        if secret is None:
            secret = self._opened[key.id] = self._vault.open(key.secret, purpose=_PURPOSE, context=key.id)
        return sign_claims(secret, claims, kind)

    def published(self) -> list[dict[str, Any]]:
        """Return the public keys that signatures are checked with now; there is always one."""
        if self._newest() is None:
            self.follow()
        now = self._clock.now()
        with self._db.read() as connection:
            return [
                key.public for key in TokenStore(connection).signing_keys() if key.ends_at is None or now < key.ends_at
            ]

    def follow(self, tx: UnitOfWork | None = None) -> SigningKey:
        """Make a new key that signs from now on; the ones before stay published for a day."""
        if tx is None:
            with self._db.begin() as own:
                return self.follow(own)
        secret, now = new_token_key(), self._clock.now()
        public = public_half(secret)
        name = str(public["kid"])
        sealed = self._vault.seal(secret, purpose=_PURPOSE, context=name)
        key = SigningKey(id=name, secret=sealed, public=public, made_at=now, ends_at=None)
        store = TokenStore(tx.connection)
        store.drop_keys(now)
        store.add_key(key)
        store.end_keys(but=name, at=now + OVERLAP)
        return key

    def renew(self, tx: UnitOfWork) -> int:
        """Seal every key anew under the present root key; return how many."""
        store = TokenStore(tx.connection)
        held = store.signing_keys()
        for key in held:
            store.seal_key(key.id, self._vault.rewrap(key.secret, purpose=_PURPOSE, context=key.id))
        return len(held)

    def _newest(self) -> SigningKey | None:
        with self._db.read() as connection:
            return next((key for key in TokenStore(connection).signing_keys() if key.ends_at is None), None)
