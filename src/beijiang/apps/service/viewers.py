"""Tokens of an application's server for one viewer: good for a minute, kept in memory alone, and for reading only."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import SCOPES, TOKEN_PREFIX, Permission, TokenProof
from beijiang.apps.models import App, digest_of_secret
from beijiang.apps.store import AppStore

if TYPE_CHECKING:
    from beijiang.db import Database
    from beijiang.kit import Actor, Clock

__all__ = ["VIEWER_MARK", "Viewers"]

_LIFE: Final = timedelta(minutes=1)
_STREAMS: Final = timedelta(minutes=15)
"""How long what began under a token may go on; each look at it asks for the application as it is then."""
_READING: Final = frozenset(
    str(one)
    for one in (
        Permission.CATALOG_RESOURCE_SEARCH,
        Permission.OPENDATA_DATASET_READ,
        Permission.PROTECTION_ROWS_READ_OWN,
        Permission.PROTECTION_ROWS_READ_SHARED,
        Permission.PROTECTION_SQL_RUN,
    )
) & frozenset(str(one) for one in SCOPES)
VIEWER_MARK: Final = "srv_"
"""How proofs of these tokens begin."""


@dataclass(frozen=True, slots=True)
class _Viewer:
    app: App
    person_id: str
    scopes: frozenset[str]
    issued_at: datetime


class Viewers:
    """Who looks at which application's server; a token of it proves both."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._held: dict[str, _Viewer] = {}
        self._turn = threading.Lock()

    def issue(self, app: App, viewer: Actor) -> str:
        """Return a token for one request of a viewer."""
        now, secret = self._clock.now(), TOKEN_PREFIX + secrets.token_hex(32)
        scopes = _READING if viewer.scopes is None else _READING & viewer.scopes  # a narrow key stays as narrow
        with self._turn:
            self._held = {name: one for name, one in self._held.items() if now - one.issued_at < _STREAMS}
            self._held[VIEWER_MARK + digest_of_secret(secret)] = _Viewer(app, viewer.id, scopes, now)
        return secret

    def proof(self, secret: str) -> TokenProof | None:
        """Return what a token proves now."""
        name = VIEWER_MARK + digest_of_secret(secret)
        held = self._held.get(name)
        if held is None or self._clock.now() - held.issued_at >= _LIFE:
            return None
        return self.standing(name)

    def standing(self, proof_id: str) -> TokenProof | None:
        """Return what began under a token as of now: nothing once the application is off or released to others than then."""
        held = self._held.get(proof_id)
        if held is None or self._clock.now() - held.issued_at >= _STREAMS:
            return None
        with self._db.read() as connection:
            app = AppStore(connection).get(held.app.id)
        if app is None or not app.serves or app.release != held.app.release:
            return None
        return TokenProof(
            id=proof_id,
            person_id=held.person_id,
            client_id=app.id,
            client_name=app.name.zh,
            org_id=app.org_id,
            scopes=held.scopes,
        )
