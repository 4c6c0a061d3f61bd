"""Codes, tokens and the sign-ons that they belong to. Of every secret only the digest is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from beijiang.kit import Word

__all__ = ["OWN_MARK", "Code", "SignOnFamily", "Token", "TokenKind", "digest_of_secret", "mark_of"]

OWN_MARK: Final = "tok_"
"""How the mark of a token begins that an application holds for itself."""
_MARK_DIGITS: Final = 24


class TokenKind(Word):
    """What a token opens."""

    ACCESS = "access", "访问令牌", "access token"
    REFRESH = "refresh", "刷新令牌", "refresh token"
    TICKET = "ticket", "进入凭条", "ticket to a relayed application"
    VISIT = "visit", "访问会话", "visit to a relayed application"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOnFamily:
    """One sign-on of a person to an application: every token of it ends with it."""

    id: str
    client_id: str
    person_id: str
    session_id: str | None
    scopes: frozenset[str]
    began_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code: for one application, one address, one minute and one use."""

    digest: str
    family_id: str
    client_id: str
    person_id: str
    redirect_uri: str
    scopes: frozenset[str]
    nonce: str
    challenge: str
    signed_in_at: datetime
    expires_at: datetime
    spent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access or refresh token; one without a family is an application's own."""

    digest: str
    kind: TokenKind
    client_id: str
    family_id: str | None
    scopes: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    """Spent (refresh) or revoked."""


def digest_of_secret(secret: str) -> str:
    """Return what is kept of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def mark_of(digest: str) -> str:
    """Return by what an application's own token is known in the evidence and in work that it began: part of its digest."""
    return OWN_MARK + digest[:_MARK_DIGITS]
