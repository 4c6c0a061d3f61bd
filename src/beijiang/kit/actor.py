"""Who acts: a visitor, a person of an organisation, an application, or the platform itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


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

    @property
    def is_anonymous(self) -> bool:
        """Tell whether nobody has signed in."""
        return self.kind is ActorKind.ANONYMOUS


ANONYMOUS = Actor(id="anonymous", name="访客", kind=ActorKind.ANONYMOUS)
SYSTEM = Actor(id="system", name="平台", kind=ActorKind.SYSTEM)
