"""A new version that some readers get first, and how both versions answer meanwhile."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from beijiang.kit import Shown, Text, Word

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["BOUNDS", "Answered", "Canary", "CanaryKind", "CanaryTo", "Comparison", "Side", "bound_of"]

BOUNDS: Final = (0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 1.0, 1.5, 2.5, 4.0, 6.0, 10.0, 20.0)
"""Seconds up to which answers are counted together; the last count is of those that took longer."""
_PARTS: Final = 10_000

_TRIAL: Final = Text("试发的版本和对象", "the version on trial and its readers")
_IN_USE: Final = Text("在用的版本", "the version in use")
_FAILED: Final = Text("试发中出错", "answers of the trial that failed")


class CanaryKind(Word):
    """Who gets a new version first."""

    SHARE = "share", "一部分读者", "a share of the readers"
    PEOPLE = "people", "指定人员", "people"
    DEPARTMENTS = "departments", "指定部门", "departments"


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryTo:
    """Who is to get it first: a share in percent, or ids of departments, or logins of people."""

    kind: CanaryKind
    names: Sequence[str] = ()
    percent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A version on trial; it goes to nobody to whom the application is not released."""

    app_id: str
    version: int
    kind: CanaryKind
    names: tuple[str, ...]
    people: tuple[str, ...]
    """The ids of the people, found when it began."""
    percent: int
    salt: str
    """The key under which readers are shared out: another one for each trial, so that it is not always the same who are tried on."""
    by_id: str
    by: str
    at: datetime

    def admits(self, actor: Actor, whence: str = "") -> bool:
        """Tell whether somebody gets the new version: the same person, or visitor from one place, always gets the same."""
        if self.kind is CanaryKind.PEOPLE:
            return actor.id in self.people
        if self.kind is CanaryKind.DEPARTMENTS:
            return actor.org_id is not None and actor.org_id in self.names
        viewer = f"visitor {whence}" if actor.is_anonymous else f"person {actor.id}"
        if actor.is_anonymous and not whence:
            return False
        digest = hmac.digest(self.salt.encode(), viewer.encode(), "sha256")
        return int.from_bytes(digest[:8], "big") % _PARTS < self.percent * (_PARTS // 100)

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as plain data; the key stays here."""
        return {
            "version": self.version,
            "to": self.kind.value,
            "names": [*self.names],
            "percent": self.percent,
            "by": self.by,
            "at": self.at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How many answers of a version in one hour took so long, and in how many of them something failed."""

    app_id: str
    version: int
    hour: str
    bound: int
    """The place in ``BOUNDS``."""
    answers: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """How one version answered since the trial began."""

    version: int
    answers: int
    errors: int
    median: float | None
    """Seconds within which half of the answers came, as far as ``BOUNDS`` tell; None for none, or for longer than the last."""
    slow: float | None
    """The same of nineteen in twenty."""

    @property
    def error_share(self) -> float:
        """Return the part of the answers in which something failed."""
        return self.errors / self.answers if self.answers else 0.0

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as plain data."""
        return {
            "version": self.version,
            "answers": self.answers,
            "errors": self.errors,
            "error_share": round(self.error_share, 4),
            "median_within": self.median,
            "p95_within": self.slow,
        }

    @classmethod
    def of(cls, version: int, found: Sequence[Answered]) -> Side:
        """Sum up the counts of one version."""
        counts = {n: sum(one.answers for one in found if one.bound == n) for n in range(len(BOUNDS) + 1)}
        answers = sum(counts.values())
        return cls(
            version=version,
            answers=answers,
            errors=sum(one.errors for one in found),
            median=_within(counts, answers, 0.5),
            slow=_within(counts, answers, 0.95),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A trial and both versions side by side."""

    canary: Canary
    before: Side
    trial: Side

    @property
    def shown(self) -> Shown:
        """Return what somebody promotes: the trial, what is in use beside it, and whether it failed for anybody.

        How many answers there are is no part of it: it grows while somebody reads.
        """
        return Shown({_TRIAL: self.canary.to_json(), _IN_USE: self.before.version, _FAILED: self.trial.errors > 0})

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as plain data."""
        sides = {"before": self.before.to_json(), "trial": self.trial.to_json()}
        return {**self.canary.to_json(), **sides, "seen": self.shown.token}


def bound_of(seconds: float) -> int:
    """Return the place in ``BOUNDS`` of an answer that took so long."""
    return next((n for n, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))


def _within(counts: Mapping[int, int], answers: int, part: float) -> float | None:
    seen = 0
    for n, bound in enumerate(BOUNDS):
        seen += counts[n]
        if answers and seen >= part * answers:
            return bound
    return None
