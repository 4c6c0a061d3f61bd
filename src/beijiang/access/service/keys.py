"""The verbs on API keys: shown once, limited to scopes, always with an end."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Final

from beijiang.access.models import ApiKey, KeyDraft, Permission
from beijiang.access.service.decisions import Decisions
from beijiang.access.service.passwords import digest
from beijiang.access.service.sessions import KEY_PREFIX
from beijiang.access.store import KeyStore, PersonStore
from beijiang.kit import Actor, ActorKind, Invalid, NotFound, new_id

_NEVER = frozenset(
    {
        Permission.ACCESS_ADMINISTRATOR_MANAGE,
        Permission.ACCESS_KEY_ISSUE,
        Permission.ACCESS_KEY_MANAGE,
        Permission.ACCESS_MEMBER_CONFIRM,
        Permission.ACCESS_ORGANISATION_MANAGE,
        Permission.ACCESS_PASSWORD_CHANGE,
        Permission.ACCESS_PERSON_MANAGE,
        Permission.ACCESS_ROLE_ASSIGN,
        Permission.ACCESS_SECRET_ROTATE,
        Permission.ACCESS_TARGET_ALLOW,
        Permission.APPS_CLIENT_REGISTER,
        Permission.APPS_CLIENT_REVIEW,
        Permission.APPS_CLIENT_SIGN_ON,
    }
)
"""What no key may be limited to, because no key may do it (policies/limits.cedar)."""

SCOPES: Final = tuple(permission for permission in Permission if permission not in _NEVER)
"""What a key, or an application written elsewhere, may be limited to."""


class Keys(Decisions):
    """Keep the API keys of people."""

    def issue_key(self, actor: Actor, draft: KeyDraft) -> tuple[ApiKey, str]:
        """Issue a key to oneself; return it and its secret ``bj_<id>_<256 bits>``, shown once.

        Raises:
            Invalid: no name, no or unknown scopes, or a life beyond ``api_key_days``.

        """
        self.require(actor, Permission.ACCESS_KEY_ISSUE)
        scopes = self._checked_scopes(draft)
        now = self._clock.now()
        key = ApiKey(
            id=new_id("key"),
            person_id=actor.id,
            name=draft.name.strip(),
            scopes=scopes,
            created_at=now,
            expires_at=now + timedelta(days=draft.days),
            revoked_at=None,
            used_at=None,
        )
        secret = f"{KEY_PREFIX}{key.id.removeprefix('key_')}_{secrets.token_hex(32)}"
        with self._db.begin() as tx:
            if actor.kind is not ActorKind.PERSON or PersonStore(tx.connection).get(actor.id) is None:
                raise Invalid("API 密钥只能签发给人员。", "A key is issued to a person.", code="key_needs_person")
            KeyStore(tx.connection).add(key, digest(secret))
            self._evidence.record(
                tx, actor, "access.key.issue", target=key.id, detail={"scopes": [*sorted(scopes)], "days": draft.days}
            )
        return key, secret

    def keys(self, actor: Actor, person_id: str | None = None) -> list[ApiKey]:
        """Return one's own keys; those of somebody else, or all, only to those who manage keys."""
        if person_id is None and not self.allows(actor, Permission.ACCESS_KEY_MANAGE):
            person_id = actor.id
        self.require(actor, Permission.ACCESS_KEY_ISSUE if person_id == actor.id else Permission.ACCESS_KEY_MANAGE)
        with self._db.read() as connection:
            return KeyStore(connection).all(person_id)

    def revoke_key(self, actor: Actor, key_id: str) -> ApiKey:
        """End a key at once: one's own, or anybody's by those who manage keys.

        Raises:
                Denied: it is not one's own.
            NotFound: there is no such key.

        """
        with self._db.read() as connection:
            key = KeyStore(connection).get(key_id)
        mine = key is not None and key.person_id == actor.id
        self.require(actor, Permission.ACCESS_KEY_ISSUE if mine else Permission.ACCESS_KEY_MANAGE)
        if key is None:
            raise NotFound("没有这个 API 密钥。", "There is no such API key.", code="key_unknown")
        if key.revoked_at is not None:
            return key
        with self._db.begin() as tx:
            now = self._clock.now()
            KeyStore(tx.connection).revoke(key_id, now)
            self._evidence.record(tx, actor, "access.key.revoke", target=key_id)
        return replace(key, revoked_at=now)

    def _checked_scopes(self, draft: KeyDraft) -> frozenset[str]:
        known = {str(permission) for permission in Permission if permission not in _NEVER}
        unknown = sorted(draft.scopes - known)
        if not draft.name.strip() or not draft.scopes or unknown:
            raise Invalid(
                "API 密钥须有名称，并至少限定一个可授予密钥的权限"
                + (f"；以下权限不存在或不可授予密钥：{'、'.join(unknown)}。" if unknown else "。"),
                "A key needs a name and at least one permission that a key may hold"
                + (f"; unknown or not for keys: {', '.join(unknown)}." if unknown else "."),
                code="key_scopes",
                detail={"unknown": [*unknown]},
            )
        if not 1 <= draft.days <= self._settings.api_key_days:
            raise Invalid(
                f"API 密钥的有效期须为 1 至 {self._settings.api_key_days} 天。",
                f"A key lives from 1 to {self._settings.api_key_days} days.",
                code="key_days",
                detail={"days": draft.days},
            )
        return draft.scopes
