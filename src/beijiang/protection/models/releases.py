"""The release check: what is demanded of data that leave the department, what was counted, and the verdict.

`standards.md` 7.7 rows 1 to 7 and 9. k-anonymity and l-diversity are demanded where rows are about persons: where the table has
an identifier or an attribute of persons, or its department declared quasi-identifiers. A list of stations or licensed firms
is not about persons, even where it names legal representatives.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from beijiang.kit import Text, Unavailable

__all__ = ["CHECK_NAMES", "ColumnRole", "Finding", "Limits", "Outcome", "ReleaseReport", "Roles"]


class ColumnRole(StrEnum):
    """What a column does to the anonymity of persons (GB/T 37964: quasi-identifiers, sensitive attributes, other)."""

    QUASI = "quasi"
    SENSITIVE = "sensitive"
    COUNT = "count"
    """Numbers of persons in an aggregate, of which small ones are not shown."""
    PLAIN = "plain"
    """Not about persons, as its department says: what looks like telephones or names in it is explained."""

    @property
    def text(self) -> Text:
        """Return its name for people."""
        return _ROLE_NAMES[self]


_ROLE_NAMES = {
    ColumnRole.QUASI: Text("准标识符", "quasi-identifier"),
    ColumnRole.SENSITIVE: Text("敏感属性", "sensitive attribute"),
    ColumnRole.COUNT: Text("人数", "count of persons"),
    ColumnRole.PLAIN: Text("与个人无关", "not about persons"),
}


class Outcome(StrEnum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    NOTED = "noted"
    NOT_APPLICABLE = "not_applicable"

    @property
    def text(self) -> Text:
        """Return its name for people."""
        return _OUTCOME_NAMES[self]


_OUTCOME_NAMES = {
    Outcome.PASSED: Text("通过", "passed"),
    Outcome.FAILED: Text("未通过", "failed"),
    Outcome.NOTED: Text("记录", "noted"),
    Outcome.NOT_APPLICABLE: Text("不适用", "does not apply"),
}

CHECK_NAMES = {
    "levels": Text("处理后的级别", "levels after treatment"),
    "identifiers": Text("直接标识符已去除", "identifiers are gone"),
    "doubted": Text("可能的人名（请人工查看）", "possible names (for people to read)"),
    "quasi": Text("准标识符已考虑", "quasi-identifiers considered"),
    "k": Text("k-匿名", "k-anonymity"),
    "l": Text("l-多样性", "l-diversity"),
    "t": Text("t-接近性", "t-closeness"),
    "cells": Text("小单元格", "small cells"),
    "complement": Text("小单元格不可推算", "small cells cannot be derived"),
    "difference": Text("与上次发布之差", "difference against the release before"),
    "effect": Text("去标识化效果等级", "grade of de-identification"),
    "unchecked": Text("未能检查", "could not be checked"),
}

_FOUND_NAMES = {
    "id_valid": Text("公民身份号码", "citizen numbers"),
    "embedded_id": Text("文字中的公民身份号码", "citizen numbers in text"),
    "card_valid": Text("银行卡号", "card numbers"),
    "mobile": Text("手机号码", "mobile numbers"),
    "embedded_mobile": Text("文字中的手机号码", "mobile numbers in text"),
    "email": Text("电子邮箱", "e-mail addresses"),
    "plate": Text("机动车号牌", "vehicle plates"),
    "named_person": Text("文字中的人名", "names of persons in text"),
    "maybe_named": Text("可能指名个人的文字", "texts that may name persons"),
    "dwelling": Text("文字中的住址", "dwellings in text"),
    "sole_trader": Text("个体工商户信用代码", "credit codes of sole traders"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one audience demands, with the legal basis; of the day of the check."""

    values: Mapping[str, int]
    basis: Mapping[str, str]

    @classmethod
    def on(cls, day: date, audience: str, rows: list[dict[str, str]]) -> Limits:
        """Return the rules in force on a day; of several the latest.

        Raises:
            Unavailable: none is in force for one of the checks, so nothing can be released.

        """
        mine = [r for r in rows if r["audience"] == audience and date.fromisoformat(r["since"]) <= day]
        mine = [r for r in mine if not r["until"] or day < date.fromisoformat(r["until"])]
        mine.sort(key=lambda row: row["since"])
        missing = {"k", "l", "cell", "level"} - {row["check"] for row in mine}
        if missing:
            raise Unavailable(
                f"发布检查在 {day} 没有生效的限值（{'、'.join(sorted(missing))}），不能发布。请在规则表中补上。",
                f"No limit of the release check is in force on {day} ({', '.join(sorted(missing))}); nothing can be released.",
                code="no_release_limit",
            )
        return cls({r["check"]: int(r["value"]) for r in mine}, {r["check"]: r["basis"] for r in mine})


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The roles of a table's columns: as declared by its department, or as proposed."""

    table: str
    roles: Mapping[str, ColumnRole]
    persons: bool
    """Whether its rows are about persons."""
    declared_by: str = ""
    declared_at: datetime | None = None
    reason: str = ""

    @property
    def declared(self) -> bool:
        """Tell whether the department said so, and not the platform."""
        return bool(self.declared_by)

    def having(self, role: ColumnRole) -> tuple[str, ...]:
        """Return the columns of a role, in order."""
        return tuple(name for name, one in self.roles.items() if one is role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: its outcome, the numbers behind it, and the columns it looked at. No value of the data is in it."""

    check: str
    outcome: Outcome
    numbers: Mapping[str, int] = field(default_factory=dict)
    limit: int | None = None
    columns: tuple[str, ...] = ()
    basis: str = ""

    @property
    def name(self) -> Text:
        """Return the check's name for people."""
        return CHECK_NAMES[self.check]

    @property
    def found(self) -> tuple[tuple[str, Text, int], ...]:
        """Return the column, what was found in it (nothing where the number is of the column itself), and how many."""
        parts = ((key.rpartition("/"), number) for key, number in self.numbers.items())
        return tuple(
            (column, _FOUND_NAMES[what], number)
            if column and what in _FOUND_NAMES
            else (f"{column}{slash}{what}", Text("", ""), number)
            for (column, slash, what), number in parts
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "check": self.check,
            "outcome": str(self.outcome),
            "numbers": dict(self.numbers),
            "limit": self.limit,
            "columns": list(self.columns),
            "basis": self.basis,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Finding:
        """Read a stored finding back."""
        return cls(**{**value, "outcome": Outcome(value["outcome"]), "columns": tuple(value["columns"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReport:
    """The verdict on one version for one audience; kept for good."""

    id: str
    table: str
    org_id: str
    version: int
    audience: str
    subject: str
    """Digest of all that was judged: version, columns, masks, row rules, roles and limits."""
    rows: int
    findings: tuple[Finding, ...]
    by: str
    at: datetime
    sealed: str = ""
    """The report's digest, sealed under the root key when it was made."""
    intact: bool | None = None
    """Whether the report still is what was sealed; None where that cannot be told."""

    @property
    def digest(self) -> str:
        """Return SHA-256 of what the report says; it stands in the evidence log too."""
        said = {k: v for k, v in self.to_json().items() if k not in {"digest", "intact"}}
        return hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Return the checks that failed."""
        return tuple(one for one in self.findings if one.outcome is Outcome.FAILED)

    @property
    def passed(self) -> bool:
        """Tell whether nothing failed."""
        return not self.failed

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, for download."""
        return {
            "id": self.id,
            "table": self.table,
            "version": self.version,
            "audience": self.audience,
            "passed": self.passed,
            "rows": self.rows,
            "findings": [one.to_json() for one in self.findings],
            "subject": self.subject,
            "by": self.by,
            "at": self.at.isoformat(),
            "intact": self.intact,
        }
