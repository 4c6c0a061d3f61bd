"""An application and its versions as the platform keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from beijiang.apps.models.words import AudienceKind, VersionState
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["App", "AppVersion", "Check", "Release"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """To whom an application is released."""

    kind: AudienceKind
    names: tuple[str, ...] = ()
    """Ids of departments or logins of people; none for the public."""
    people: tuple[str, ...] = ()
    """The ids of the people, found when it was released."""

    def admits(self, actor: Actor) -> bool:
        """Tell whether somebody is among them."""
        if self.kind is AudienceKind.PUBLIC:
            return True
        if self.kind is AudienceKind.DEPARTMENTS:
            return actor.org_id is not None and actor.org_id in self.names
        return actor.id in self.people

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as plain data."""
        return {"kind": self.kind.value, "names": [*self.names], "people": [*self.people]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> Self | None:
        """Read what ``to_json`` gave."""
        if not value:
            return None
        return cls(kind=AudienceKind(value["kind"]), names=tuple(value["names"]), people=tuple(value["people"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One application: what it is now, whichever versions it has."""

    id: str
    org_id: str
    name: Text
    purpose: Text
    current: int | None = None
    """The version that readers get."""
    release: Release | None = None
    off: bool = False
    off_reason: str = ""
    at: datetime

    @property
    def serves(self) -> bool:
        """Tell whether anybody gets it."""
        return self.current is not None and self.release is not None and not self.off


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One automatic check and what it found."""

    name: str
    text: Text
    good: bool
    found: Text

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "text": {"zh": self.text.zh, "en": self.text.en},
            "good": self.good,
            "found": {"zh": self.found.zh, "en": self.found.en},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` gave."""
        return cls(
            name=value["name"], text=Text(**value["text"]), good=bool(value["good"]), found=Text(**value["found"])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AppVersion:
    """One version: its files never change, only what was decided on it."""

    app_id: str
    number: int
    label: str
    digest: str
    files: Mapping[str, str]
    state: VersionState
    checks: tuple[Check, ...]
    by_id: str
    by: str
    at: datetime
    decided_by: str = ""
    decided_by_id: str = ""
    note: str = ""
    released_by: str = ""
    released_at: datetime | None = None
