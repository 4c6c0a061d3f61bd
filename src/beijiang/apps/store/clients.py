"""Registrations of applications, their secrets, and what people agreed to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, or_, select, update

from beijiang.apps.models import Client, ClientDraft, ClientSecret, ClientState, Consent
from beijiang.apps.store.client_schema import app_client, app_client_secret, app_consent

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["ClientStore", "client_of"]

_C = app_client.c
_S = app_client_secret.c
_A = app_consent.c


class ClientStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Sequence[Client]:
        """Return all applications, the newest first."""
        return [client_of(row) for row in self._connection.execute(select(app_client).order_by(_C.id.desc()))]

    def get(self, client_id: str) -> Client | None:
        """Return one application."""
        row = self._connection.execute(select(app_client).where(_C.id == client_id)).one_or_none()
        return None if row is None else client_of(row)

    def add(self, client: Client) -> None:
        """Add an application."""
        self._connection.execute(insert(app_client).values(id=client.id, **_facts(client)))

    def set(self, client: Client) -> None:
        """Write what an application is now."""
        self._connection.execute(update(app_client).where(_C.id == client.id).values(**_facts(client)))

    def add_secret(self, secret: ClientSecret) -> None:
        """Add a secret."""
        self._connection.execute(
            insert(app_client_secret).values(
                id=secret.id,
                client_id=secret.client_id,
                digest=secret.digest,
                made_at=secret.made_at,
                ends_at=secret.ends_at,
            )
        )

    def end_secrets(self, client_id: str, at: datetime) -> int:
        """Have every secret that is good beyond ``at`` end then; return how many."""
        here = (_S.client_id == client_id) & or_(_S.ends_at.is_(None), _S.ends_at > at)
        return self._connection.execute(update(app_client_secret).where(here).values(ends_at=at)).rowcount

    def secrets(self, client_id: str, now: datetime) -> Sequence[ClientSecret]:
        """Return the secrets that are good now, the newest first."""
        good = (_S.client_id == client_id) & or_(_S.ends_at.is_(None), _S.ends_at > now)
        query = select(app_client_secret).where(good).order_by(_S.made_at.desc(), _S.id.desc())
        return [
            ClientSecret(id=r.id, client_id=r.client_id, digest=r.digest, made_at=r.made_at, ends_at=r.ends_at)
            for r in self._connection.execute(query)
        ]

    def consent(self, person_id: str, client_id: str) -> frozenset[str]:
        """Return what a person agreed to."""
        here = (_A.person_id == person_id) & (_A.client_id == client_id)
        found = self._connection.execute(select(_A.scopes).where(here)).scalar_one_or_none()
        return frozenset(found or ())

    def set_consent(self, person_id: str, client_id: str, scopes: frozenset[str], at: datetime) -> None:
        """Write what a person agrees to."""
        self.drop_consent(person_id, client_id)
        values = {"person_id": person_id, "client_id": client_id, "scopes": sorted(scopes), "at": at}
        self._connection.execute(insert(app_consent).values(**values))

    def drop_consent(self, person_id: str, client_id: str) -> int:
        """Forget what a person agreed to."""
        here = (_A.person_id == person_id) & (_A.client_id == client_id)
        return self._connection.execute(delete(app_consent).where(here)).rowcount

    def sweep_consents(self, before: datetime) -> int:
        """Forget what was agreed to long before; return how many."""
        return self._connection.execute(delete(app_consent).where(_A.at < before)).rowcount

    def consents(self, person_id: str) -> Sequence[Consent]:
        """Return all that a person agreed to, the newest first."""
        query = (
            select(app_consent, app_client.c.facts, app_client.c.org_id)
            .join(app_client, _C.id == _A.client_id)
            .where(_A.person_id == person_id)
            .order_by(_A.at.desc(), _A.client_id)
        )
        return [
            Consent(client_id=r.client_id, name=r.facts["name"], org_id=r.org_id, scopes=frozenset(r.scopes), at=r.at)
            for r in self._connection.execute(query)
        ]


def client_of(row: Row[Any]) -> Client:
    """Return an application from its row."""
    return Client(
        id=row.id,
        org_id=row.org_id,
        facts=ClientDraft.from_json(row.facts),
        state=ClientState(row.state),
        proposed=None if row.proposed is None else ClientDraft.from_json(row.proposed),
        by_id=row.by_id,
        by=row.by,
        at=row.at,
        decided_by=row.decided_by,
        note=row.note,
    )


def _facts(client: Client) -> dict[str, Any]:
    return {
        "org_id": client.org_id,
        "facts": client.facts.to_json(),
        "state": client.state.value,
        "proposed": None if client.proposed is None else client.proposed.to_json(),
        "by_id": client.by_id,
        "by": client.by,
        "at": client.at,
        "decided_by": client.decided_by,
        "note": client.note,
    }
