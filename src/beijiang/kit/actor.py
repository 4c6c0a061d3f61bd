"""Who acts: a visitor, a person of an organisation, an application, or the platform itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class ActorKind(StrEnum):
    """What sort of subject an actor is."""

    ANONYMOUS = "anonymous"
    PERSON = "person"
    APPLICATION = "application"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """The subject of one request, resolved once at the door and passed down by name."""

    id: str
    name: str
    kind: ActorKind
    org_id: str | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    session_id: str | None = None
    """The session or API key that proved the identity; part of every evidence record."""
    scopes: frozenset[str] | None = None
    """The permissions that an API key is limited to; None means all that the roles allow."""

    def to_json(self) -> dict[str, Any]:
        """Return the actor as plain data, for work that goes on without the person."""
        return {
            "id": self.id,
            "name": self.name,
            "kind": self.kind.value,
            "org_id": self.org_id,
            "roles": sorted(str(role) for role in self.roles),
            "session_id": self.session_id,
            "scopes": None if self.scopes is None else sorted(self.scopes),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` gave."""
        scopes = None if value["scopes"] is None else frozenset(value["scopes"])
        given = {"kind": ActorKind(value["kind"]), "roles": frozenset(value["roles"]), "scopes": scopes}
        return cls(**{**value, **given})

    @property
    def is_anonymous(self) -> bool:
        """Tell whether nobody has signed in."""
        return self.kind is ActorKind.ANONYMOUS


ANONYMOUS = Actor(id="anonymous", name="访客", kind=ActorKind.ANONYMOUS)
SYSTEM = Actor(id="system", name="平台", kind=ActorKind.SYSTEM)
