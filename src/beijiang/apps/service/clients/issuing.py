"""Keeping the tokens that applications ask for by themselves: those who ask at once share one commit."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beijiang.apps.store import TokenStore

if TYPE_CHECKING:
    from beijiang.apps.models import Token
    from beijiang.db import Database

__all__ = ["Issuing"]


@dataclass(eq=False, slots=True)
class _Waiting:
    token: Token
    kept: bool = False


class Issuing:
    """Whoever has the turn writes for all who wait; to wait for the disk once for each token took most of the time."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: list[_Waiting] = []
        self._list = threading.Lock()
        self._turn = threading.Lock()

    def keep(self, token: Token) -> None:
        """Return when the token is kept."""
        mine = _Waiting(token)
        with self._list:
            self._waiting.append(mine)
        with self._turn:
            if mine.kept:
                return
            with self._list:
                batch, self._waiting = self._waiting, []
            if mine not in batch:  # another wrote for it, and failed
                batch.append(mine)
            with self._db.begin(counted=False) as tx:
                TokenStore(tx.connection).add([one.token for one in batch])
            for one in batch:
                one.kept = True
