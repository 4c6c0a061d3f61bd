"""The keys under which this node signs: made here, sealed by the vault, one at a time unless a new one is on its way to others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.evidence import ED25519, SM2, Key, signed_text
from beijiang.federation.errors import identity_missing
from beijiang.federation.models import wrapped
from beijiang.federation.store import NodeStore
from beijiang.settings import LogSignature

if TYPE_CHECKING:
    from beijiang.crypto import Vault
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Signer
    from beijiang.federation.models import Envelope
    from beijiang.kit import Clock
    from beijiang.settings import Settings

__all__ = ["NodeKeys"]

_PURPOSE: Final = "federation"


class NodeKeys:
    """Signs for this node; SM2 where the evidence log signs so."""

    def __init__(self, db: Database, vault: Vault, clock: Clock, settings: Settings) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock
        self._kind = SM2 if settings.log_signature is LogSignature.SM2 else ED25519

    def make(self, tx: UnitOfWork, node_id: str) -> str:
        """Make a key and keep it; return its public half, ``name+id+base64``."""
        from beijiang.crypto.signing import Ed25519Signer, Sm2Signer

        secret = (Sm2Signer if self._kind == SM2 else Ed25519Signer).new_secret()
        key = str(Key(node_id, self._kind, _signer(self._kind, secret).public))
        sealed = self._vault.seal(secret, purpose=_PURPOSE, context=key)
        NodeStore(tx.connection).add_key(key, sealed, self._clock.now())
        return key

    def sign(self, key: str, envelope: Envelope) -> str:
        """Return the header that carries an envelope and its signature.

        Raises:
            Conflict: the private half is gone (``node_identity_missing``).

        """
        with self._db.read() as connection:
            sealed = NodeStore(connection).secret(key)
        if sealed is None:
            raise identity_missing()
        public = Key.parse(key)
        secret = self._vault.open(sealed, purpose=_PURPOSE, context=key)
        return wrapped(signed_text(envelope.text, {public: _signer(public.kind, secret)}))

    def renew(self, tx: UnitOfWork) -> int:
        """Seal every private half anew under the present root key; return how many."""
        store = NodeStore(tx.connection)
        held = store.secrets()
        for key, sealed in held:
            store.change_secret(key, self._vault.rewrap(sealed, purpose=_PURPOSE, context=key))
        return len(held)


def _signer(kind: bytes, secret: str) -> Signer:
    from beijiang.crypto.signing import Ed25519Signer, Sm2Signer

    return Sm2Signer(secret) if kind == SM2 else Ed25519Signer(secret)
