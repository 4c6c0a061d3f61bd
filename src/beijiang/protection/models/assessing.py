"""Tiers and grades of a whole table: who would be harmed and how much (GB/T 43697-2024), and what many items together ask for.

``standards.md`` 7.1, 7.2 and 7.4. The matrix, the sectors, the factors and the rules on items that stand together are dated data
with their basis under ``reference/``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from beijiang.kit import Invalid, Text, Word
from beijiang.protection.models.grades import ColumnGrade, Level, Personal
from beijiang.protection.models.reference import packaged

__all__ = [
    "AffectedObject",
    "Assessment",
    "AssessmentDraft",
    "AssessmentState",
    "Cell",
    "Harm",
    "Named",
    "Tier",
    "TogetherFinding",
    "TogetherRule",
    "decisive",
    "factors",
    "found_together",
    "matrix",
    "read_draft",
    "sectors",
    "together_rules",
]


class AffectedObject(Word):
    """Whose interest is harmed when data leaks, is changed, destroyed or misused."""

    NATIONAL_SECURITY = "national_security", "国家安全", "national security"
    ECONOMIC_OPERATION = "economic_operation", "经济运行", "economic operation"
    SOCIAL_ORDER = "social_order", "社会秩序", "social order"
    PUBLIC_INTEREST = "public_interest", "公共利益", "public interest"
    ORGANISATION_RIGHTS = "organisation_rights", "组织权益", "rights of organisations"
    PERSONAL_RIGHTS = "personal_rights", "个人权益", "rights of persons"


class Harm(Word):
    """How grave the harm would be, the gravest first."""

    EXTREME = "extreme", "特别严重危害", "extremely serious harm"
    SERIOUS = "serious", "严重危害", "serious harm"
    GENERAL = "general", "一般危害", "general harm"
    NONE = "none", "无危害", "no harm"


class Tier(Word):
    """The legal tier of data; important and core stand above the grades."""

    GENERAL = "general", "一般数据", "general data"
    IMPORTANT = "important", "重要数据", "important data"
    CORE = "core", "核心数据", "core data"

    @property
    def rank(self) -> int:
        """Return 0 for general data up to 2 for core data."""
        return list(Tier).index(self)


class AssessmentState(Word):
    """How an assessment stands."""

    PROPOSED = "proposed", "待他人决定", "waits for a decision"
    IN_FORCE = "in_force", "生效", "in force"
    REPLACED = "replaced", "已被替代", "replaced"
    REFUSED = "refused", "未获同意", "refused"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of the matrix: what harm of this degree to this object makes of data."""

    object: AffectedObject
    harm: Harm
    tier: Tier
    level: Level
    basis: str

    @property
    def rank(self) -> tuple[int, int]:
        """Order cells by how strict they are: the tier first."""
        return self.tier.rank, self.level.rank


@dataclass(frozen=True, slots=True)
class Named:
    """One word of a dated list, with its basis."""

    id: str
    text: Text
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentDraft:
    """What somebody judges of a table: its sector, the harm to each object (none where it is not named), and why."""

    category: str
    harms: Mapping[AffectedObject, Harm]
    factors: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One version of the judgement on a table; versions are kept."""

    id: str
    table: str
    org_id: str
    revision: int
    category: str
    harms: Mapping[AffectedObject, Harm]
    object: AffectedObject
    harm: Harm
    tier: Tier
    level: Level
    factors: tuple[str, ...]
    rows: int
    """Rows that the table had: it cannot hold data on more persons."""
    reason: str
    by: str
    by_name: str
    at: datetime
    state: AssessmentState
    decided_by: str = ""
    decided_at: datetime | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """Order assessments by how strict they are."""
        return self.tier.rank, self.level.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class TogetherRule:
    """What items ask for when they stand together in one table, or are about many persons."""

    id: str
    text: Text
    kinds: tuple[frozenset[str], ...]
    """Of each of these sets one kind has to be there."""
    other_personal: int
    """How many further personal items."""
    least_level: Level | None
    """The personal items that count are of this grade at least; None: all of them."""
    least_persons: int
    review: bool
    """Whether people have to review the table for the level; else the table as a whole has it."""
    level: Level
    basis: str


@dataclass(frozen=True, slots=True)
class TogetherFinding:
    """A rule that a table meets, with the columns because of which it does."""

    rule: TogetherRule
    columns: tuple[str, ...]


def _in_force(name: str, on: date) -> list[dict[str, str]]:
    day = on.isoformat()
    return [row for row in packaged(name) if row["since"] <= day and (not row["until"] or day < row["until"])]


def matrix(on: date) -> Mapping[tuple[AffectedObject, Harm], Cell]:
    """Return the matrix that holds on a day (GB/T 43697-2024)."""
    cells = (
        Cell(
            object=AffectedObject(row["object"]),
            harm=Harm(row["harm"]),
            tier=Tier(row["tier"]),
            level=Level(row["level"]),
            basis=row["basis"],
        )
        for row in _in_force("matrix", on)
    )
    return {(cell.object, cell.harm): cell for cell in cells}


def sectors(on: date) -> Mapping[str, Named]:
    """Return the sectors by which data is classified first."""
    return _named("sectors", "category", on)


def factors(on: date) -> Mapping[str, Named]:
    """Return the factors that a judgement of harm looks at."""
    return _named("factors", "factor", on)


def _named(name: str, key: str, on: date) -> dict[str, Named]:
    return {
        row[key]: Named(row[key], Text(row["name_zh"], row["name_en"]), row["basis"]) for row in _in_force(name, on)
    }


def together_rules(on: date) -> tuple[TogetherRule, ...]:
    """Return the rules on items that stand together (`standards.md` 7.4)."""
    return tuple(
        TogetherRule(
            id=row["rule"],
            text=Text(row["name_zh"], row["name_en"]),
            kinds=tuple(frozenset(group.split("|")) for group in row["kinds"].split(";") if group),
            other_personal=int(row["other_personal"]),
            least_level=Level(row["least_level"]) if row["least_level"] else None,
            least_persons=int(row["least_persons"]),
            review=row["outcome"] == "review",
            level=Level(row["level"]),
            basis=row["basis"],
        )
        for row in _in_force("together", on)
    )


def found_together(grades: Collection[ColumnGrade], rows: int, on: date) -> tuple[TogetherFinding, ...]:
    """Return the rules that a table of these columns and so many rows meets; a table holds no more persons than rows."""
    found = ((rule, _columns(rule, grades, rows)) for rule in together_rules(on))
    return tuple(TogetherFinding(rule, columns) for rule, columns in found if columns)


def _columns(rule: TogetherRule, grades: Collection[ColumnGrade], rows: int) -> tuple[str, ...]:
    personal = [one for one in grades if one.personal is not Personal.NO]
    if rule.least_level is not None:
        personal = [one for one in personal if one.level.rank >= rule.least_level.rank]
    if not personal or rows < rule.least_persons:
        return ()
    named = [one for one in personal if any(one.kind in group for group in rule.kinds)]
    others = [one for one in personal if one not in named]
    there = all(any(one.kind in group for one in named) for group in rule.kinds)
    if not there or len(others) < rule.other_personal:
        return ()
    return tuple(one.column for one in (personal if not rule.kinds else [*named, *others]))


def decisive(harms: Mapping[AffectedObject, Harm], on: date) -> Cell:
    """Return the strictest of the chosen cells (就高从严); objects that are not named are not harmed."""
    cells = matrix(on)
    chosen = [cells[one, harms.get(one, Harm.NONE)] for one in AffectedObject]
    return max(chosen, key=lambda cell: cell.rank)


_LONGEST: Final = 1000


def read_draft(
    category: str, harms: Mapping[str, str], weighed: Iterable[str], reason: str, on: date
) -> AssessmentDraft:
    """Return a draft from its words.

    Raises:
        Invalid: an unknown sector, object, degree or factor, nothing judged, or no reason.

    """
    if category not in sectors(on):
        raise _unknown(Text("行业领域", "sector"), category, sectors(on))
    for given, known, what in (
        (harms, list(AffectedObject), Text("影响对象", "affected object")),
        (harms.values(), list(Harm), Text("危害程度", "degree of harm")),
        (weighed := tuple(dict.fromkeys(weighed)), factors(on), Text("分级要素", "factor")),
    ):
        for word in given:
            if word not in known:
                raise _unknown(what, word, known)
    if not harms:
        raise Invalid(
            "请至少对一个影响对象判断危害程度；没有危害时选“无危害”。",
            "Judge the harm to one object at least; choose none where there is none.",
            code="assessment_incomplete",
        )
    if not reason.strip():
        raise Invalid("定级需要说明理由。", "An assessment needs a reason.", code="reason_needed")
    judged = {AffectedObject(one): Harm(harm) for one, harm in harms.items()}
    return AssessmentDraft(category=category, harms=judged, factors=weighed, reason=reason.strip()[:_LONGEST])


def _unknown(what: Text, word: str, known: Iterable[str]) -> Invalid:
    listed = ", ".join(known)
    return Invalid(
        f"没有这个{what.zh}：{word[:60]}。可用：{listed}。",
        f"There is no {what.en} {word[:60]}. Known: {listed}.",
        code="unknown_word",
    )
