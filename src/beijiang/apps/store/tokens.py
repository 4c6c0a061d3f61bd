"""Codes, sign-ons, tokens and the keys that sign; every secret stands here as its digest, every key sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, or_, select, update

from beijiang.apps.models import ClientState, Code, SignOnFamily, Token, TokenKind
from beijiang.apps.store.client_schema import app_client, app_code, app_sign_on, app_signing_key, app_token

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["SigningKey", "TokenFacts", "TokenStore"]

_F = app_sign_on.c
_K = app_code.c
_T = app_token.c
_CHECK = (
    select(
        _T.client_id,
        _T.family_id,
        _T.scopes,
        _T.issued_at,
        _T.expires_at,
        _F.person_id,
        app_client.c.org_id,
        app_client.c.facts,
    )
    .join(app_client, app_client.c.id == _T.client_id)
    .outerjoin(app_sign_on, _F.id == _T.family_id)
    .where(
        _T.digest == bindparam("digest"),
        _T.kind == bindparam("kind"),
        _T.ended_at.is_(None),
        _T.expires_at > bindparam("now"),
        app_client.c.state == ClientState.ACTIVE.value,
        or_(_T.family_id.is_(None), _F.ended_at.is_(None)),
    )
)
"""One look for all that makes a token good: itself, its sign-on and its application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """What a good access token stands for."""

    client_id: str
    client_name: str
    org_id: str
    family_id: str | None
    person_id: str | None
    scopes: frozenset[str]
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key that signs identity tokens, sealed; ``ends_at`` is when it is published no longer."""

    id: str
    secret: str = field(repr=False)
    public: dict[str, Any]
    made_at: datetime
    ends_at: datetime | None


class TokenStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def good(self, digest: str, now: datetime, kind: TokenKind = TokenKind.ACCESS) -> TokenFacts | None:
        """Return what a token stands for; None unless it, its sign-on and its application hold now."""
        row = self._connection.execute(_CHECK, {"digest": digest, "now": now, "kind": kind.value}).one_or_none()
        if row is None:
            return None
        return TokenFacts(
            client_id=row.client_id,
            client_name=row.facts["name"],
            org_id=row.org_id,
            family_id=row.family_id,
            person_id=row.person_id,
            scopes=frozenset(row.scopes) & frozenset(row.facts["scopes"]),
            issued_at=row.issued_at,
            expires_at=row.expires_at,
        )

    def find(self, digest: str) -> Token | None:
        """Return a token, whatever became of it."""
        row = self._connection.execute(select(app_token).where(_T.digest == digest)).one_or_none()
        return None if row is None else _token(row)

    def marked(self, start: str, client_id: str) -> Token | None:
        """Return an application's own token by the beginning of its digest, unless it was revoked; it may be over."""
        here = (
            _T.digest >= start,
            _T.digest < f"{start}g",
            _T.client_id == client_id,
        )  # a span, so that the key is used
        own = (_T.family_id.is_(None), _T.kind == TokenKind.ACCESS.value, _T.ended_at.is_(None))
        row = self._connection.execute(select(app_token).where(*here, *own).limit(1)).one_or_none()
        return None if row is None or not start else _token(row)

    def add(self, tokens: Sequence[Token]) -> None:
        """Add tokens."""
        self._connection.execute(insert(app_token), [_token_facts(one) for one in tokens])

    def end(self, digest: str, at: datetime) -> bool:
        """Spend or revoke a token; False if that was done before."""
        here = (_T.digest == digest) & _T.ended_at.is_(None)
        return self._connection.execute(update(app_token).where(here).values(ended_at=at)).rowcount == 1

    def add_code(self, code: Code, family: SignOnFamily) -> None:
        """Add a code and the sign-on that begins with it."""
        self.add_family(family)
        values = {name: getattr(code, name) for name in code.__slots__}
        self._connection.execute(insert(app_code).values(**{**values, "scopes": sorted(code.scopes)}))

    def add_family(self, family: SignOnFamily) -> None:
        """Add a sign-on."""
        self._connection.execute(
            insert(app_sign_on).values(
                id=family.id,
                client_id=family.client_id,
                person_id=family.person_id,
                session_id=family.session_id,
                scopes=sorted(family.scopes),
                began_at=family.began_at,
                ends_at=family.ends_at,
            )
        )

    def code(self, digest: str) -> Code | None:
        """Return a code, whatever became of it."""
        row = self._connection.execute(select(app_code).where(_K.digest == digest)).one_or_none()
        return None if row is None else Code(**{**row._mapping, "scopes": frozenset(row.scopes)})  # noqa: SLF001 - its documented name

    def spend_code(self, digest: str, at: datetime) -> bool:
        """Spend a code; False if that was done before."""
        here = (_K.digest == digest) & _K.spent_at.is_(None)
        return self._connection.execute(update(app_code).where(here).values(spent_at=at)).rowcount == 1

    def family(self, family_id: str) -> SignOnFamily | None:
        """Return a sign-on."""
        row = self._connection.execute(select(app_sign_on).where(_F.id == family_id)).one_or_none()
        return None if row is None else _family(row)

    def living(
        self, person_id: str, now: datetime, client_id: str | None = None, session_id: str | None = None
    ) -> Sequence[SignOnFamily]:
        """Return the sign-ons of a person that hold: all, or those to one application or out of one session."""
        query = select(app_sign_on).where(_F.person_id == person_id, _F.ended_at.is_(None), _F.ends_at > now)
        if client_id is not None:
            query = query.where(_F.client_id == client_id)
        if session_id is not None:
            query = query.where(_F.session_id == session_id)
        return [_family(row) for row in self._connection.execute(query)]

    def end_family(self, family_id: str, at: datetime) -> bool:
        """End a sign-on with every token of it; False if it was over."""
        here = (_F.id == family_id) & _F.ended_at.is_(None)
        return self._connection.execute(update(app_sign_on).where(here).values(ended_at=at)).rowcount == 1

    def sweep(self, before: datetime, most: int) -> int:
        """Forget codes, tokens and sign-ons that were over long before, so many of each at most; return how many."""
        gone = 0
        for table, key, over in (
            (app_code, _K.digest, _K.expires_at),
            (app_token, _T.digest, _T.expires_at),
            (app_sign_on, _F.id, _F.ends_at),
        ):
            some = select(key).where(over < before).limit(most)
            gone += self._connection.execute(delete(table).where(key.in_(some))).rowcount
        return gone

    def signing_keys(self) -> Sequence[SigningKey]:
        """Return the signing keys, the newest first."""
        query = select(app_signing_key).order_by(app_signing_key.c.made_at.desc(), app_signing_key.c.id)
        return [SigningKey(**row._mapping) for row in self._connection.execute(query)]  # noqa: SLF001 - its documented name

    def add_key(self, key: SigningKey) -> None:
        """Add a signing key."""
        values = {name: getattr(key, name) for name in key.__slots__}
        self._connection.execute(insert(app_signing_key).values(**values))

    def end_keys(self, but: str, at: datetime) -> None:
        """Have the keys that have no end yet end at ``at``, but for the newest."""
        here = (app_signing_key.c.id != but) & app_signing_key.c.ends_at.is_(None)
        self._connection.execute(update(app_signing_key).where(here).values(ends_at=at))

    def seal_key(self, key_id: str, secret: str) -> None:
        """Write the secret of a key as it is sealed now."""
        self._connection.execute(update(app_signing_key).where(app_signing_key.c.id == key_id).values(secret=secret))

    def drop_keys(self, now: datetime) -> None:
        """Forget keys that are published no longer."""
        self._connection.execute(delete(app_signing_key).where(app_signing_key.c.ends_at < now))


def _token(row: Row[Any]) -> Token:
    return Token(
        digest=row.digest,
        kind=TokenKind(row.kind),
        client_id=row.client_id,
        family_id=row.family_id,
        scopes=frozenset(row.scopes),
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
    )


def _token_facts(token: Token) -> dict[str, Any]:
    return {
        "digest": token.digest,
        "kind": token.kind.value,
        "client_id": token.client_id,
        "family_id": token.family_id,
        "scopes": sorted(token.scopes),
        "issued_at": token.issued_at,
        "expires_at": token.expires_at,
        "ended_at": token.ended_at,
    }


def _family(row: Row[Any]) -> SignOnFamily:
    return SignOnFamily(
        id=row.id,
        client_id=row.client_id,
        person_id=row.person_id,
        session_id=row.session_id,
        scopes=frozenset(row.scopes),
        began_at=row.began_at,
        ends_at=row.ends_at,
        ended_at=row.ended_at,
    )
