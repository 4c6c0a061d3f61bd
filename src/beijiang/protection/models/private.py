"""Differential privacy: what is offered for noisy statistics, what may be asked, and what it costs.

The unit of privacy is one person: an answer hardly changes (by the factor e^epsilon) when all rows of any one person are taken out.
Costs of answers add up (sequential composition), so each question spends from a budget per data set, consumer and period, and all
consumers together from a second one. Costs are kept in millionths, so that they add up exactly. `security.md` 5.3, GB/T 37964.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final

from beijiang.kit import Invalid, Shown, Text, Unavailable
from beijiang.tables import Filter, FilterOp

__all__ = [
    "MICRO",
    "Budget",
    "Cell",
    "Domain",
    "Estimate",
    "OfferDraft",
    "PrivateAnswer",
    "PrivateKind",
    "PrivateOffer",
    "PrivateQuestion",
    "PrivateRules",
    "Spend",
    "epsilon_of",
    "keys_of",
    "micro_of",
    "months_after",
    "period_of",
]

MICRO: Final = 1_000_000
LATTICE: Final = 1 << 53
"""Bounds in steps stay below, so that floating-point numbers carry them exactly."""


class PrivateKind(StrEnum):
    """What is asked for."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"

    @property
    def text(self) -> Text:
        """Return its name for people."""
        return _KIND_NAMES[self]


_KIND_NAMES = {
    PrivateKind.COUNT: Text("计数", "count"),
    PrivateKind.SUM: Text("求和", "sum"),
    PrivateKind.MEAN: Text("平均", "mean"),
}


def micro_of(words: object) -> int:
    """Read an epsilon as millionths.

    Raises:
        Invalid: it is no number above 0 with at most six decimals (``bad_epsilon``).

    """
    try:
        exact = Decimal(str(words)) * MICRO
        whole = int(exact)
    except (InvalidOperation, ValueError, OverflowError):
        whole, exact = 0, Decimal(0)
    if whole != exact or not 0 < whole <= 1000 * MICRO:
        raise Invalid(
            "隐私预算 ε 应为大于 0 的数，最多六位小数，例如 0.1。",
            "An epsilon is a number above 0 with at most six decimals, such as 0.1.",
            code="bad_epsilon",
        )
    return whole


def epsilon_of(micro: int) -> str:
    """Write millionths as an epsilon."""
    return f"{(Decimal(micro) / MICRO).normalize():f}"


def months_after(day: date, months: int) -> date:
    """Return the same day some months later, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - date(year, month + 1, 1)).days  # noqa: PLR2004
    return date(year, month + 1, min(day.day, last))


def period_of(day: date, months: int) -> tuple[date, date]:
    """Return the first day of the period of the ledger that a day is in, and of the next one."""
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    return first, months_after(first, months)


@dataclass(frozen=True, slots=True)
class PrivateRules:
    """The dated limits of differential privacy (``reference/private.csv``)."""

    values: Mapping[str, int]

    @classmethod
    def on(cls, day: date, rows: Sequence[Mapping[str, str]]) -> PrivateRules:
        """Return the limits in force on a day; of several the latest.

        Raises:
            Unavailable: one is missing, so nothing is answered (``no_private_limit``).

        """
        held = [r for r in rows if date.fromisoformat(r["since"]) <= day]
        held = [r for r in held if not r["until"] or day < date.fromisoformat(r["until"])]
        values = {r["rule"]: int(r["value"]) for r in sorted(held, key=lambda row: row["since"])}
        missing = {row["rule"] for row in rows} - set(values)
        if missing:
            raise Unavailable(
                f"差分隐私在 {day} 没有生效的限值（{'、'.join(sorted(missing))}），不能回答。请在规则表中补上。",
                f"No limit of differential privacy is in force on {day} ({', '.join(sorted(missing))}); nothing is answered.",
                code="no_private_limit",
            )
        return cls(values)


@dataclass(frozen=True, slots=True)
class Domain:
    """What is publicly known of a column, without looking at its data: its keys, or its bounds and step."""

    keys: tuple[str, ...] = ()
    low: Decimal | None = None
    high: Decimal | None = None
    step: Decimal = Decimal(1)
    """Values are rounded to multiples of it; sums are then exact whole numbers, which floating-point ones never are."""

    @property
    def numeric(self) -> bool:
        """Tell whether the column can be summed."""
        return self.low is not None and self.high is not None

    @property
    def lattice(self) -> tuple[int, int]:
        """Return the bounds in steps: the smallest range that holds both."""
        low, high = self.low or Decimal(0), self.high or Decimal(0)
        return math.floor(low / self.step), math.ceil(high / self.step)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        if self.numeric:
            return {"low": str(self.low), "high": str(self.high), "step": str(self.step)}
        return {"keys": list(self.keys)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Domain:
        """Read a domain.

        Raises:
            Invalid: it has neither keys nor bounds, or bounds that make no range (``bad_domain``).

        """
        try:
            keys = tuple(dict.fromkeys(str(key).strip() for key in value.get("keys") or ()))
            low, high = (None if value.get(k) in {None, ""} else Decimal(str(value[k])) for k in ("low", "high"))
            made = cls(tuple(key for key in keys if key), low, high, Decimal(str(value.get("step") or 1)))
            fits = bool(made.keys) != made.numeric and made.step.is_finite() and made.step > 0
            if fits and low is not None and high is not None:
                fits = low.is_finite() and high.is_finite() and low < high
                fits = fits and max(abs(bound) for bound in made.lattice) < LATTICE
        except (InvalidOperation, ValueError, TypeError, OverflowError):
            fits = False
        if not fits:
            raise Invalid(
                "每个数据项要么列出公开的取值，要么给出下界、上界和步长（下界小于上界，步长大于 0）。",
                "Each column has either its public keys, or low, high and step (low below high, a step above 0).",
                code="bad_domain",
            )
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDraft:
    """What a department asks to offer.

    ``domains`` says for each column that may be used what is publicly known of it: ``keys`` (or ``code_set``) to group by, or
    ``low``, ``high`` and ``step`` of numbers. They must not be taken from the data.
    """

    person: str
    domains: Mapping[str, Mapping[str, Any]]
    reason: str
    rows_per_person: int = 1
    consumer_epsilon: str = ""
    """By default the largest that the rules allow."""
    total_epsilon: str = ""


_SHOWN: Final = {
    "person": Text("人的列", "the column of people"),
    "rows_per_person": Text("每人行数", "rows of one person"),
    "domains": Text("开放的列", "the columns"),
    "consumer_micro": Text("各使用方预算", "the budget of a consumer"),
    "total_micro": Text("总预算", "the whole budget"),
    "level": Text("级别", "the grade"),
    "expires": Text("有效期", "how long it holds"),
    "reason": Text("理由", "the reason"),
    "by": Text("提出人", "who offers it"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateOffer:
    """A table that its department offers for noisy statistics, until it expires, is ended or replaced."""

    id: str
    table: str
    org_id: str
    person: str
    """The column that tells which person a row is about."""
    rows_per_person: int
    domains: Mapping[str, Domain]
    consumer_micro: int
    total_micro: int
    level: int
    """The highest grade (1 to 4) of the columns at the time of the offer."""
    needs_approval: bool
    reason: str
    by: str
    at: datetime
    expires: date
    approved_by: str | None = None
    ended_at: datetime | None = None

    @property
    def approved(self) -> bool:
        """Tell whether a second person agreed, where one has to."""
        return not self.needs_approval or self.approved_by is not None

    @property
    def shown(self) -> Shown:
        """Return what a second person agrees to."""
        domains = {name: domain.to_json() for name, domain in self.domains.items()}
        return Shown({name: domains if field == "domains" else getattr(self, field) for field, name in _SHOWN.items()})

    def holds(self, day: date) -> bool:
        """Tell whether questions are answered on a day."""
        return self.ended_at is None and self.approved and day < self.expires


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateQuestion:
    """One question; what it may name stands in the offer."""

    kind: PrivateKind
    column: str | None = None
    by: tuple[str, ...] = ()
    where: tuple[Filter, ...] = ()
    micro: int

    def to_json(self) -> dict[str, Any]:
        """Return the question in one normal form: what asks the same reads the same."""
        where = sorted({(f.column, str(f.op), ",".join(keys_of(f))) for f in self.where})
        return {
            "kind": str(self.kind),
            "column": self.column,
            "by": sorted(self.by),
            "where": [list(one) for one in where],
            "epsilon": epsilon_of(self.micro),
        }

    def digest(self, offer: PrivateOffer, version: int, hidden: Sequence[Filter]) -> str:
        """Name exactly this question about exactly these rows."""
        rows = sorted((f.column, str(f.op), repr(f.value)) for f in hidden)
        domains = {name: offer.domains[name].to_json() for name in sorted({*self.by, *([self.column or ""])} - {""})}
        body = [offer.table, version, offer.person, offer.rows_per_person, domains, rows, self.to_json()]
        return hashlib.sha256(json.dumps(body, ensure_ascii=False).encode()).hexdigest()


def keys_of(one: Filter) -> tuple[str, ...]:
    """Return the keys that a condition names: one, or several for ``in``."""
    if one.op is not FilterOp.IN_:
        return (str(one.value).strip(),)
    values = one.value if isinstance(one.value, list | tuple) else str(one.value).split(",")
    return tuple(sorted({str(value).strip() for value in values}))


@dataclass(frozen=True, slots=True)
class Estimate:
    """How good an answer will be, known before anything is read: it depends on epsilon and bounds alone."""

    within: float
    """With 95 % probability the noise of one cell is no larger; of a mean, where a cell has 1,000 values."""
    cells: int
    micro: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One noisy number with the interval that holds the true one with 95 % probability; None where nothing can be told."""

    keys: tuple[str, ...]
    value: float | int | None
    low: float | int | None
    high: float | int | None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"keys": list(self.keys), "value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """One line of the ledger: reserved before anything was read, and what came of it."""

    id: str
    table: str
    version: int
    digest: str
    consumer: str
    period: date
    micro: int
    question: Mapping[str, Any]
    cells: tuple[Cell, ...] | None
    """None: not answered yet, or a crash came between; spent all the same."""
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateAnswer:
    """An answer as it is handed out: the same to everybody who asks the same."""

    id: str
    table: str
    version: int
    question: Mapping[str, Any]
    cells: tuple[Cell, ...]
    cost: int
    """Millionths of epsilon that this asking cost; nothing where the answer was known."""
    at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "id": self.id,
            "table": self.table,
            "version": self.version,
            "question": dict(self.question),
            "cells": [cell.to_json() for cell in self.cells],
            "confidence": 0.95,
            "cost": epsilon_of(self.cost),
            "at": self.at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a consumer has of a data set in a period, in millionths."""

    consumer: str
    granted: int
    spent: int
    total: int
    total_spent: int
    renews: date
    spenders: Mapping[str, int] = field(default_factory=dict)
    """Millionths by consumer; for the owner's eyes."""

    @property
    def left(self) -> int:
        """Return what may still be spent: the smaller of the consumer's rest and everybody's."""
        return max(0, min(self.granted - self.spent, self.total - self.total_spent))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, as epsilons."""
        numbers = {"granted": self.granted, "spent": self.spent, "left": self.left}
        shown: dict[str, Any] = {name: epsilon_of(micro) for name, micro in numbers.items()}
        return {"consumer": self.consumer, **shown, "renews": self.renews.isoformat()}
