"""A contract as the platform keeps it: its versions with their state, who agreed to them, and which tables it binds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from beijiang.kit import Shown, Text, Word

__all__ = ["OPEN_STATES", "Binding", "Contract", "State", "Version", "next_version", "semver"]

_SEMVER: Final = re.compile(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:[-+][0-9A-Za-z.+-]{1,40})?", re.ASCII)


class State(Word):
    """How a version stands here; the same words as the standard's status, but here they are decided, not claimed."""

    DRAFT = "draft", "草稿", "draft"
    PROPOSED = "proposed", "待批准", "waiting for approval"
    ACTIVE = "active", "生效", "active"
    DEPRECATED = "deprecated", "已被取代", "deprecated"
    RETIRED = "retired", "已终止", "retired"


OPEN_STATES: Final = frozenset({State.DRAFT, State.PROPOSED})
"""States in which a version binds nobody yet."""


@dataclass(frozen=True, slots=True)
class Binding:
    """An object of a contract and the table that it is about."""

    object: str
    table: str


_CONTENT: Final = Text("契约内容", "its terms")
_NUMBER: Final = Text("版本号", "its number")
_REASON: Final = Text("理由", "the reason")
_PROPOSED: Final = Text("提交人", "who proposed it")
_SEQUENCE: Final = Text("第几版", "which version it is")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of a contract; ``digest`` names its text as it is, ``original`` as it was handed in (SHA-256)."""

    contract: str
    seq: int
    version: str
    state: State
    digest: str
    original: str
    revision: int
    """Rises with every change."""
    reason: str
    by: str
    by_name: str
    at: datetime
    proposed_by: str = ""
    proposed_at: datetime | None = None
    decided_by: str = ""
    decided_name: str = ""
    decided_at: datetime | None = None
    decision: str = ""

    @property
    def shown(self) -> Shown:
        """Return what somebody decides on who approves it."""
        parts: dict[Text, object] = {
            _CONTENT: self.digest,
            _NUMBER: self.version,
            _REASON: self.reason,
            _PROPOSED: self.proposed_by,
        }
        return Shown({**parts, _SEQUENCE: self.seq})

    @property
    def untouched(self) -> bool:
        """Tell whether its text is what was handed in, byte for byte."""
        return self.digest == self.original


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract with all its versions, oldest first."""

    id: str
    odcs_id: str
    """The id that its file bears."""
    org_id: str
    name: str
    at: datetime
    versions: tuple[Version, ...] = ()
    bindings: tuple[Binding, ...] = ()

    @property
    def newest(self) -> Version:
        """Return the version that was handed in last."""
        return self.versions[-1]

    @property
    def active(self) -> Version | None:
        """Return the version that binds."""
        return next((v for v in reversed(self.versions) if v.state is State.ACTIVE), None)

    @property
    def ended(self) -> bool:
        """Tell whether it bound once, and nothing of it does now."""
        return self.active is None and any(v.state is State.RETIRED for v in self.versions)

    @property
    def open(self) -> Version | None:
        """Return the version that is being worked on."""
        return next((v for v in reversed(self.versions) if v.state in OPEN_STATES), None)

    def version(self, words: str) -> Version | None:
        """Return a version by its number in the file, the newest of that number."""
        return next((v for v in reversed(self.versions) if v.version == words), None)

    def table_of(self, name: str) -> str | None:
        """Return the table that an object is bound to."""
        return next((b.table for b in self.bindings if b.object == name), None)


def semver(words: str) -> tuple[int, int, int] | None:
    """Read a semantic version; None where it is none."""
    found = _SEMVER.fullmatch(words.strip())
    return None if found is None else (int(found[1]), int(found[2]), int(found[3] or 0))


def next_version(words: str, *, breaking: bool) -> str:
    """Return the version after one: a new major number for what breaks, a new minor one otherwise."""
    major, minor, _ = semver(words) or (0, 0, 0)
    return f"{major + 1}.0.0" if breaking else f"{major}.{minor + 1}.0"
