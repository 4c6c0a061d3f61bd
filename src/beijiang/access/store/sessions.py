"""SQL on sessions, API keys and failed sign-ins; only digests of secrets are ever stored."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from beijiang.access.models import ApiKey, Session
from beijiang.access.store.schema import api_key, person, session, sign_in_attempt

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row


class SessionStore:
    """Begin, find and end sessions."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, new: Session, digest: str) -> None:
        """Store a session under the digest of its token."""
        values = {
            "digest": digest,
            "id": new.id,
            "person_id": new.person_id,
            "created_at": new.created_at,
            "seen_at": new.seen_at,
            "expires_at": new.expires_at,
            "idle_seconds": new.idle_seconds,
            "source": new.source,
        }
        self.connection.execute(insert(session).values(**values))

    def find(self, digest: str) -> Session | None:
        """Return the session of a token's digest, whether or not it is still good."""
        query = (
            select(session, person.c.password_hash.is_(None).label("must_set_password"))
            .join(person, person.c.id == session.c.person_id)
            .where(session.c.digest == digest)
        )
        row = self.connection.execute(query).one_or_none()
        return None if row is None else _session(row)

    def touch(self, digest: str, at: datetime) -> None:
        """Note that the session was used."""
        self.connection.execute(update(session).where(session.c.digest == digest).values(seen_at=at))

    def end(self, digest: str) -> None:
        """End the session of a token's digest."""
        self.connection.execute(delete(session).where(session.c.digest == digest))

    def end_all(self, person_id: str) -> int:
        """End every session of a person; return how many there were."""
        return self.connection.execute(delete(session).where(session.c.person_id == person_id)).rowcount

    def sweep(self, now: datetime) -> None:
        """Forget sessions that are over in any case."""
        self.connection.execute(delete(session).where(session.c.expires_at < now))


class KeyStore:
    """Issue, find and revoke API keys."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, new: ApiKey, digest: str) -> None:
        """Store a key under the digest of its secret."""
        values = {
            "id": new.id,
            "digest": digest,
            "person_id": new.person_id,
            "name": new.name,
            "scopes": sorted(new.scopes),
            "created_at": new.created_at,
            "expires_at": new.expires_at,
        }
        self.connection.execute(insert(api_key).values(**values))

    def get(self, key_id: str) -> ApiKey | None:
        """Return one key by its id."""
        row = self.connection.execute(select(api_key).where(api_key.c.id == key_id)).one_or_none()
        return None if row is None else _key(row)

    def find(self, digest: str) -> ApiKey | None:
        """Return the key of a secret's digest, whether or not it is still good."""
        row = self.connection.execute(select(api_key).where(api_key.c.digest == digest)).one_or_none()
        return None if row is None else _key(row)

    def all(self, person_id: str | None) -> list[ApiKey]:
        """Return all keys, or those of one person, newest first."""
        query = select(api_key).order_by(api_key.c.created_at.desc(), api_key.c.id)
        if person_id is not None:
            query = query.where(api_key.c.person_id == person_id)
        return [_key(row) for row in self.connection.execute(query)]

    def revoke(self, key_id: str, at: datetime) -> None:
        """End a key for good."""
        self.connection.execute(update(api_key).where(api_key.c.id == key_id).values(revoked_at=at))

    def revoke_all(self, person_id: str, at: datetime) -> int:
        """End every living key of a person; return how many there were."""
        living = (api_key.c.person_id == person_id) & api_key.c.revoked_at.is_(None)
        return self.connection.execute(update(api_key).where(living).values(revoked_at=at)).rowcount

    def touch(self, key_id: str, at: datetime) -> None:
        """Note that the key was used."""
        self.connection.execute(update(api_key).where(api_key.c.id == key_id).values(used_at=at))


class AttemptStore:
    """Count failed sign-ins per login, whether or not such an account exists."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def locked_state(self, login_digest: str, at: datetime) -> tuple[int, datetime, datetime | None]:
        """Return the failures, when the last one was, and until when the login is locked; others wait for the commit."""
        build = sqlite.insert if self.connection.dialect.name == "sqlite" else postgresql.insert
        fresh = build(sign_in_attempt).values(login_digest=login_digest, failures=0, last_at=at)
        self.connection.execute(fresh.on_conflict_do_nothing())
        query = select(sign_in_attempt).where(sign_in_attempt.c.login_digest == login_digest).with_for_update()
        row = self.connection.execute(query).one()
        return row.failures, row.last_at, row.locked_until

    def set(self, login_digest: str, failures: int, at: datetime, locked_until: datetime | None) -> None:
        """Store the count."""
        values = {"failures": failures, "last_at": at, "locked_until": locked_until}
        here = sign_in_attempt.c.login_digest == login_digest
        self.connection.execute(update(sign_in_attempt).where(here).values(**values))

    def clear(self, login_digest: str) -> None:
        """Forget the failures after a success."""
        self.connection.execute(delete(sign_in_attempt).where(sign_in_attempt.c.login_digest == login_digest))

    def sweep(self, before: datetime) -> None:
        """Forget failures that no longer count."""
        self.connection.execute(delete(sign_in_attempt).where(sign_in_attempt.c.last_at < before))


def _session(row: Row[Any]) -> Session:
    return Session(
        id=row.id,
        person_id=row.person_id,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        idle_seconds=row.idle_seconds,
        source=row.source,
        must_set_password=bool(row.must_set_password),
    )


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        person_id=row.person_id,
        name=row.name,
        scopes=frozenset(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        used_at=row.used_at,
    )
