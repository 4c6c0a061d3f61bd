"""What came of the rules: raw counts per rule and run, never only a score."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from beijiang.kit import Shown, Text, Word
from beijiang.quality.models.rules import FALLING, Severity

__all__ = ["Fact", "Hold", "Outcome", "Release", "Run", "Trigger"]


class Outcome(Word):
    """How a rule came out; what could not be assessed is neither good nor bad."""

    PASSED = "passed", "通过", "passed"
    FAILED = "failed", "未通过", "failed"
    NOT_ASSESSED = "not_assessed", "未评估", "not assessed"
    ERROR = "error", "出错", "error"


class Trigger(Word):
    """Why a run was made."""

    WRITTEN = "written", "新版本", "a new version"
    ASKED = "asked", "手工检查", "somebody asked"
    TIME = "time", "按日复评", "a day went by"
    """Rules that time alone can break were held against the same version again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What one rule, or the platform's own knowledge, counted in one version: A, B and X as GB/T 36344 has them."""

    indicator: str
    a: int
    b: int
    outcome: Outcome
    rule_id: str | None = None
    """None: the platform knows it without a rule."""
    revision: int = 0
    severity: Severity = Severity.MINOR
    threshold: float = 1.0
    name: str = ""
    error: Text | None = None

    @property
    def x(self) -> float | None:
        """Return A / B, None where nothing was assessed."""
        return self.a / self.b if self.b else None

    @property
    def share(self) -> float | None:
        """Return how much of what was assessed is good, 0 to 1."""
        return None if self.x is None else (1 - self.x if self.indicator in FALLING else self.x)

    @property
    def failing(self) -> int:
        """Return how many elements, records or periods fail."""
        return self.a if self.indicator in FALLING else self.b - self.a


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The rules of a table held against one version."""

    id: str
    table: str
    org_id: str
    version: int
    rows: int
    at: datetime
    trigger: Trigger
    by: str
    seconds: float
    facts: tuple[Fact, ...] = ()

    @property
    def failed(self) -> tuple[Fact, ...]:
        """Return the facts that failed or could not be had."""
        return tuple(f for f in self.facts if f.outcome in {Outcome.FAILED, Outcome.ERROR})

    @property
    def blocking(self) -> tuple[Fact, ...]:
        """Return those of critical rules: they keep readers on the last good version."""
        return tuple(f for f in self.failed if f.severity is Severity.CRITICAL)


_VERSION: Final = Text("版本", "version")
_BROKEN: Final = Text("未通过的规则和数量", "rules that fail, and how many rows")


@dataclass(frozen=True, slots=True)
class Hold:
    """A version that readers do not get, and why."""

    table: str
    version: int
    run_id: str
    rules: tuple[str, ...]
    """Names of the critical rules that fail."""
    facts: tuple[Fact, ...] = ()
    """How each of them came out; none where nothing was judged yet."""

    @property
    def shown(self) -> Shown:
        """Return what somebody releases all the same: a check anew that counts the same is the same."""
        broken = [(f.rule_id, f.revision, f.name, f.outcome.value, f.failing, f.b) for f in self.facts]
        return Shown({_VERSION: (self.table, self.version), _BROKEN: broken or list(self.rules)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A person's decision that a version is given to readers although critical rules fail."""

    table: str
    version: int
    run_id: str
    rules: tuple[str, ...]
    reason: str
    by: str
    at: datetime
