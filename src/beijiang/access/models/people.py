"""People, their sessions and their API keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from beijiang.access.models.permission import ADMINISTRATORS, Role, incompatible
from beijiang.kit import Actor, ActorKind, Invalid, Refused, normalise

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")

SET_UP_PENDING = "set_up_pending"
"""Stands for the roles of somebody who signed in with a one-time code; no policy knows it."""

PASSWORD_LENGTH = 10
PASSPHRASE_LENGTH = 16
PASSWORD_CLASSES = 3
PASSWORD_LIMIT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One account. ``must_set_password`` holds until the one-time code has been exchanged for a password."""

    id: str
    login: str
    name: str
    org_id: str | None
    roles: frozenset[Role]
    must_set_password: bool
    disabled_at: datetime | None
    created_at: datetime

    @property
    def is_administrator(self) -> bool:
        """Tell whether this is one of the three administrators."""
        return bool(self.roles & ADMINISTRATORS)

    def as_actor(self, session_id: str | None, *, pending: bool = False) -> Actor:
        """Return the subject that this person's requests are decided by; ``pending`` holds back every role.

        A session that was opened with a one-time code is pending until a password is set.
        """
        roles = {SET_UP_PENDING} if pending else {str(role) for role in self.roles}
        return Actor(
            id=self.id,
            name=self.name,
            kind=ActorKind.PERSON,
            org_id=self.org_id,
            roles=frozenset(roles),
            session_id=session_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonDraft:
    """An account to be added. Roles may be given only by somebody who may assign them."""

    login: str
    name: str
    org_id: str | None = None
    roles: frozenset[Role] = field(default_factory=frozenset)

    def checked(self) -> PersonDraft:
        """Return the draft with its login in normal form.

        Raises:
            Invalid: login or name will not do.
            Refused: the roles may not be held together.

        """
        login = normalise(self.login)
        if not _LOGIN.fullmatch(login):
            raise Invalid(
                f"账号“{self.login}”不合规：2 至 64 个小写字母、数字、点、连字符或下划线，以字母或数字开头。",
                f"The login “{self.login}” will not do: 2 to 64 lower-case letters, digits, dot, hyphen or underscore, beginning with a letter or digit.",
                detail={"field": "login"},
            )
        if not self.name.strip():
            raise Invalid("请填写姓名。", "Give the person a name.", detail={"field": "name"})
        check_roles(self.roles)
        return PersonDraft(login=login, name=self.name.strip(), org_id=self.org_id, roles=self.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One signed-in browser; the token itself is known to the browser only."""

    id: str
    person_id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    """The absolute end, whatever happens."""
    idle_seconds: int
    source: str
    must_set_password: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A fresh session: the token for the cookie, the token for forms, and who it is."""

    token: str = field(repr=False)
    csrf: str = field(repr=False)
    session: Session
    actor: Actor


@dataclass(frozen=True, slots=True)
class PasswordReset:
    """What a reset gives and takes: the one-time code, and how many API keys ended with the old password."""

    code: str = field(repr=False)
    keys_revoked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One API key; its secret was shown once and is not stored."""

    id: str
    person_id: str
    name: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDraft:
    """A key to be issued: for what, limited to which permissions, until when."""

    name: str
    scopes: frozenset[str]
    days: int


def check_roles(roles: frozenset[Role]) -> None:
    """Refuse roles that one person may not hold together (三员分立).

    Raises:
        Refused: an administrator role stands beside another role.

    """
    if incompatible(roles):
        raise Refused(
            "三员分立：系统、安全、审计管理员须由不同的人担任，且不得兼任业务角色。请为其另建账号。",
            "The three administrators must be three people and hold no other role. Make another account.",
            code="roles_incompatible",
            detail={"roles": [str(role) for role in sorted(roles)]},
        )


def check_password(password: str, login: str) -> None:
    """Refuse a password that is short, simple, endless or contains the account's name.

    Raises:
        Invalid: it will not do; the message says what is asked for.

    """
    kinds = [r"[a-z]", r"[A-Z]", r"[0-9]", r"[^a-zA-Z0-9]"]
    classes = sum(1 for kind in kinds if re.search(kind, password))
    strong = len(password) >= PASSPHRASE_LENGTH or (len(password) >= PASSWORD_LENGTH and classes >= PASSWORD_CLASSES)
    plain = login in normalise(password) or len(set(password)) < PASSWORD_LENGTH // 2
    if not strong or plain or len(password) > PASSWORD_LIMIT:
        raise Invalid(
            f"口令太弱：至少 {PASSWORD_LENGTH} 个字符并含大写、小写、数字、符号中的三类，或至少 {PASSPHRASE_LENGTH} 个字符；不得包含账号，不得多次重复同一字符，最长 {PASSWORD_LIMIT} 个字符。",
            f"The password is too weak: at least {PASSWORD_LENGTH} characters with three of upper case, lower case, digit and symbol, or at least {PASSPHRASE_LENGTH} characters; without the login, without one character over and over, at most {PASSWORD_LIMIT}.",
            code="password_weak",
        )
