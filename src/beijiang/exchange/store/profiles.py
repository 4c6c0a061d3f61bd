"""Profiles of Delta Sharing: one for each API key, of whose token only the digest is kept."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from beijiang.exchange.store.schema import exchange_profile

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

__all__ = ["ProfileStore"]

_P = exchange_profile.c


class ProfileStore:
    """Read and write profiles on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, key_id: str, person_id: str, digest: str, at: datetime) -> bool:
        """Keep a profile; False where the key has one."""
        try:
            with self._connection.begin_nested():
                values = {"key_id": key_id, "person_id": person_id, "digest": digest, "issued_at": at}
                self._connection.execute(insert(exchange_profile).values(**values))
        except IntegrityError:
            return False
        return True

    def find(self, digest: str) -> tuple[str, str] | None:
        """Return the key and the person that a token stands for."""
        row = self._connection.execute(select(_P.key_id, _P.person_id).where(_P.digest == digest)).first()
        return None if row is None else (row.key_id, row.person_id)

    def issued(self, keys: Collection[str]) -> set[str]:
        """Return which of the keys have a profile."""
        return set(self._connection.execute(select(_P.key_id).where(_P.key_id.in_(keys))).scalars())
