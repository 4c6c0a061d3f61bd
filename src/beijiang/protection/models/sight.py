"""How one audience sees one table: each column raw, masked or withheld, and the literal row filter."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beijiang.kit import Text
from beijiang.protection.models.reference import handling
from beijiang.tables import Filter

if TYPE_CHECKING:
    from beijiang.protection.models.choices import MaskChoice
    from beijiang.protection.models.grades import ColumnGrade, Level
    from beijiang.protection.models.granting import Granted

__all__ = [
    "AUDIENCE_NAMES",
    "EVERYBODY",
    "OUTSIDERS",
    "Audience",
    "Obligation",
    "RowRule",
    "RuleEffect",
    "Sight",
    "Treatment",
    "treatment_of",
]


class Audience(StrEnum):
    """In which standing an actor reads; the gate takes the highest that the policies grant."""

    OPEN = "open"
    SHARED = "shared"
    GRANTED = "granted"
    REVIEW = "review"
    OWN = "own"
    PLATFORM = "platform"


AUDIENCE_NAMES: Final = {
    Audience.OPEN: Text("社会公众", "the public"),
    Audience.SHARED: Text("其他部门", "other departments"),
    Audience.GRANTED: Text("获授权的部门", "who holds a grant"),
    Audience.REVIEW: Text("审核人员", "reviewers"),
    Audience.OWN: Text("本部门", "the own department"),
    Audience.PLATFORM: Text("平台自身", "the platform itself"),
}
EVERYBODY: Final = Text("所有人", "everybody")
OUTSIDERS: Final = frozenset({Audience.OPEN, Audience.SHARED, Audience.GRANTED})
"""Who reads released versions only."""


class Treatment(StrEnum):
    """What becomes of a column."""

    RAW = "raw"
    MASKED = "masked"
    WITHHELD = "withheld"


def treatment_of(audience: Audience, level: Level, kind: str) -> Treatment:
    """Look up the treatment; a case that the table does not know is withheld."""
    table = handling()
    found = table.get((audience, level, kind)) or table.get((audience, level, "*"))
    return Treatment(found) if found else Treatment.WITHHELD


@dataclass(frozen=True, slots=True)
class Obligation:
    """The treatment of one column that may be seen."""

    column: str
    grade: ColumnGrade
    treatment: Treatment
    choice: MaskChoice | None = None
    """The mask that a steward chose, where it holds for this audience; else a masked column has its default."""

    @property
    def mask(self) -> str:
        """Return the name of the mask, with the parameters of a chosen one."""
        return self.grade.mask if self.choice is None else self.choice.words


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """A literal row filter on a table, for everybody or for one audience; rules of one table are joined by AND."""

    id: str
    table: str
    audience: Audience | None
    filters: tuple[Filter, ...]
    reason: str
    by: str
    at: datetime

    def binds(self, audience: Audience) -> bool:
        """Tell whether readers in this standing are under the rule; who holds a grant is one of the other departments."""
        others = audience is Audience.GRANTED and self.audience is Audience.SHARED
        return others or self.audience in {None, audience}


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """What the row rules of a table do to one version of it."""

    table: str
    version: int
    rows: int
    rules: tuple[RowRule, ...]
    hidden: Mapping[str, int | None]
    """Rows that each rule keeps back, by its id; None when it fits the table no longer, which shows nobody any row."""
    hidden_from: Mapping[Audience, int | None]
    """Rows kept back from each audience by all rules together, in the same manner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The outcome of a decision; its digest is in receipts and page tokens."""

    audience: Audience
    table: str
    version: int
    obligations: tuple[Obligation, ...]
    withheld: tuple[str, ...]
    row_filters: tuple[Filter, ...] = field(default=())
    grant: Granted | None = None
    """The grant that is read under. Not in the digest: equal grants make equal obligations."""
    own: Granted | None = None
    """The grant of the application that asks for the reader, where there is one."""

    @property
    def grants(self) -> tuple[Granted, ...]:
        """Return every grant that it is read under; a quota of any of them counts."""
        return tuple({one.id: one for one in (self.grant, self.own) if one is not None}.values())

    @property
    def digest(self) -> str:
        """Name exactly these obligations: audience, version, columns, masks and row filter."""
        columns = [
            [o.column, o.treatment, o.mask, o.grade.level, *([o.choice.id] if o.choice else [])]
            for o in self.obligations
        ]
        filters = [[f.column, f.op, repr(f.value)] for f in self.row_filters]
        own = [] if self.own is None else [self.own.id]
        body = json.dumps([self.audience, self.table, self.version, columns, filters, *own], ensure_ascii=False)
        return hashlib.sha256(body.encode()).hexdigest()

    @property
    def grade(self) -> str:
        """Return the highest grade among the columns shown, L1 when there is none."""
        return max((o.grade.level for o in self.obligations), default="L1")
