"""Proposing rules: from the names and types of columns, from the standards, and from what stands in the columns."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from beijiang.engine.port import LAKE
from beijiang.kit import BeijiangError, Recent, Refused, Text
from beijiang.quality.models import KINDS, Kind, Rule, RuleDraft, Severity, packaged
from beijiang.quality.service.evident import ENOUGH_ROWS, HOLDS
from beijiang.quality.service.running import RUN_SECONDS

if TYPE_CHECKING:
    from beijiang.quality.service.running import Counted, Runner
    from beijiang.quality.service.waiting import Patience
    from beijiang.tables import Measured

__all__ = ["Suggester", "Suggestion", "Suggestions"]

SLOW: Final = "rule_too_slow"
FILLED: Final = 0.99
"""A column of which fewer rows carry a value may well be left empty."""
LIKELY: Final = 0.9
"""A rule that fewer of the values meet now says nothing of what the column is for."""
WAITED_SECONDS: Final = 20.0
"""For all that is looked at and counted while somebody waits for suggestions."""
KNOWN: Final = 64
"""How many tables' suggestions are kept, each as one kind of reader may see it."""
COLUMNS_MOST: Final = 200
_GOVERNING: Final = frozenset({Kind.CHECK, Kind.CODE_SET, Kind.ELEMENT})
_WORDED: Final = frozenset({Kind.CODE_SET, Kind.FORMAT, Kind.VALUES})
"""What the data suggest of the wording of values; a standard that governs a column has the say there."""
_NAMING: Final = frozenset({"text", "integer"})
"""Types of columns whose values may name a row."""
_BEGINNINGS: Final = (
    ("开始", "结束"),
    ("起始", "终止"),
    ("起", "止"),
    ("自", "至"),
    ("成立", "注销"),
    ("生效", "失效"),
)


class _Says(Enum):
    """What a rule is taken from."""

    NAMES = auto()
    COUNTS = auto()
    ROWS = auto()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A rule that might be meant, why, and how the version at hand does by it."""

    draft: RuleDraft
    why: Text
    b: int
    failing: int
    measured: bool = False
    """Whether the data themselves suggest it, and not a name or a standard."""

    @property
    def share(self) -> float:
        """Return how much of what was assessed is good."""
        return (self.b - self.failing) / self.b if self.b else 1.0

    @property
    def shows_rows(self) -> bool:
        """Tell whether there are rows to blame."""
        return KINDS[self.draft.kind].shows_rows

    @property
    def key(self) -> str:
        """Return a short name of exactly this rule, to choose it by."""
        draft = self.draft
        body = json.dumps([draft.kind.value, draft.columns, dict(draft.params)], ensure_ascii=False)
        return hashlib.sha256(body.encode()).hexdigest()[:16]

    @property
    def subject(self) -> str:
        """Return a short name of what the rule is about, whatever its limits; what was declined stays so by it."""
        body = json.dumps(_about(self.draft), ensure_ascii=False)
        return hashlib.sha256(body.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What might be meant, and what of the table could not be looked at."""

    found: tuple[Suggestion, ...]
    notes: tuple[Text, ...] = ()


class Suggester:
    """Looks at a table and proposes what could be asked of it."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._standards = runner.standards
        self.seconds = WAITED_SECONDS
        """How long somebody waits for suggestions."""
        self.known: Recent[Suggestions] = Recent(KNOWN)

    @contextmanager
    def unhurried(self) -> Iterator[None]:
        """Take all the time there is for a run, where nobody waits for a page."""
        usual, self.seconds = self.seconds, RUN_SECONDS
        try:
            yield
        finally:
            self.seconds = usual

    def suggest(
        self,
        table: Measured,
        present: Sequence[Rule],
        patience: Patience,
        evident: Iterable[tuple[RuleDraft, Text]] = (),
    ) -> list[Suggestion]:
        """Return rules that are not there yet: those of names and standards first, then those ``evident`` in the data.

        Those that could not be counted in time are left out.
        """
        wanted = self._wanted(table, present, patience, evident)
        counted = self._counted(table, [draft for draft, *_ in wanted], patience)
        found = [
            Suggestion(draft if says is _Says.NAMES else _eased(draft, *count), why, *count, says is _Says.ROWS)
            for (draft, why, says), count in zip(wanted, counted, strict=True)
            if not isinstance(count, BeijiangError)
        ]
        orders = {one.draft.columns for one in found if one.draft.kind is Kind.ORDER and _holds(one)}
        return [
            one for one in found if (_holds(one) if one.measured else _likely(one)) and not _either_way(one, orders)
        ]

    def _wanted(
        self, table: Measured, present: Sequence[Rule], patience: Patience, evident: Iterable[tuple[RuleDraft, Text]]
    ) -> list[tuple[RuleDraft, Text, _Says]]:
        """Return what is worth counting, one for each subject: the first that is said of it."""
        known = {(_about(rule), rule.indicator) for rule in present}
        governed = {rule.columns for rule in present if rule.kind in _GOVERNING}
        wanted: dict[object, tuple[RuleDraft, Text, _Says]] = {}
        told = ((*one, _Says.NAMES) for one in self._candidates(table))
        filled = ((*one, _Says.COUNTS) for one in self._by_count(table, patience))
        for draft, why, says in chain(told, filled, ((*one, _Says.ROWS) for one in evident)):
            if says is _Says.ROWS and draft.kind in _WORDED and draft.columns in governed:
                continue
            if says is _Says.NAMES and draft.kind in _GOVERNING:
                governed.add(draft.columns)
            if (_about(draft), KINDS[draft.kind].indicator) not in known:
                wanted.setdefault(_about(draft), (draft, why, says))
        return list(wanted.values())

    def _counted(
        self, table: Measured, drafts: Sequence[RuleDraft], patience: Patience
    ) -> list[Counted | BeijiangError]:
        """Count rules together in half of the time, and in the other half one by one, in their order, where that fails."""
        counted = self._runner.count(table, drafts, patience.left() / 2)
        for place, one in enumerate(counted):
            if isinstance(one, BeijiangError) and one.reason == SLOW and not patience.over():
                counted[place] = self._runner.count(table, [drafts[place]], patience.left())[0]
        patience.lost = patience.lost or any(isinstance(one, BeijiangError) and one.reason == SLOW for one in counted)
        return counted

    def _candidates(self, table: Measured) -> Iterable[tuple[RuleDraft, Text]]:
        types = {column.name: column.type for column in table.columns[:COLUMNS_MOST]}
        yield from self._by_name(types)
        yield from self._by_standard(types)
        yield from _in_order(types)
        cycle = self._runner.catalog.cycle_of(table.table)
        interval = None if cycle is None else self._standards.update_cycle(cycle).interval
        if cycle is not None and interval:
            hours = int((interval + self._standards.update_cycle(cycle).grace).total_seconds() // 3600)
            name = self._standards.update_cycle(cycle).name
            why = Text(f"目录承诺{name.zh}更新", f"the catalog promises an update: {name.en}")
            yield RuleDraft(kind=Kind.FRESHNESS, params={"hours": hours}, severity=Severity.MAJOR), why
        text = tuple(name for name, word in types.items() if word == "text")
        if text:
            why = Text("乱码、测试值、占位值", "garbled, test and placeholder values")
            yield RuleDraft(kind=Kind.DIRTY, columns=text, severity=Severity.MINOR, threshold=0.99), why
        why = Text("整行重复", "rows that are there twice")
        yield RuleDraft(kind=Kind.DUPLICATE, severity=Severity.MAJOR), why

    @staticmethod
    def _by_name(types: dict[str, str]) -> Iterable[tuple[RuleDraft, Text]]:
        for name, word in types.items():
            for row in packaged("suggested"):
                if word not in row["types"].split(";") or not re.search(row["pattern"], name):
                    continue
                params: dict[str, Any] = dict(part.split("=", 1) for part in row["params"].split("|") if part)
                kind = Kind(row["kind"])
                if kind is Kind.EXPRESSION:
                    quoted = exp.to_identifier(name, quoted=True).sql("duckdb")
                    params = {"expression": params["expression"].replace("{column}", quoted)}
                columns = () if kind is Kind.EXPRESSION else (name,)
                draft = RuleDraft(kind=kind, columns=columns, params=params, severity=Severity(row["severity"]))
                yield draft, Text(row["why_zh"], row["why_en"])

    def _by_standard(self, types: dict[str, str]) -> Iterable[tuple[RuleDraft, Text]]:
        for name in types:
            codes = self._standards.code_set_for_column(name)
            if codes is not None:
                why = Text(f"{codes.standard} {codes.name.zh}", f"{codes.standard} {codes.name.en}")
                yield RuleDraft(kind=Kind.CODE_SET, columns=(name,), params={"code_set": codes.id}), why
            element = self._standards.element_for_column(name)
            if element is not None:
                why = Text(f"数据元“{element.name.zh}”", f"data element {element.name.en}")
                params: dict[str, Any] = {"element": f"{element.library}.{element.field}"}
                yield RuleDraft(kind=Kind.ELEMENT, columns=(name,), params=params), why

    def _by_count(self, table: Measured, patience: Patience) -> Iterable[tuple[RuleDraft, Text]]:
        """Propose what holds of nearly every row: never empty, never the same twice."""
        types = {column.name: column.type for column in table.columns[:COLUMNS_MOST]}
        if table.rows < ENOUGH_ROWS or not types or patience.over():
            return
        names = list(types)
        try:
            row = self._runner.measures.count(
                _counts(table.table, types), {table.table: table.version}, patience.left() / 2
            )
        except Refused:
            patience.lost = True
            return
        for n, name in enumerate(names):
            if row[f"v{n}"] >= table.rows * FILLED:
                why = Text(
                    f"{table.rows:,} 行中 {row[f'v{n}']:,} 行有值",
                    f"{row[f'v{n}']:,} of {table.rows:,} rows carry a value",
                )
                yield RuleDraft(kind=Kind.NOT_NULL, columns=(name,)), why
                # The count of distinct values is an estimate; the rule itself is counted exactly before it is proposed.
                if types[name] in _NAMING and row[f"d{n}"] > table.rows * 0.95:
                    yield RuleDraft(kind=Kind.UNIQUE, columns=(name,)), Text("值互不相同", "no value is there twice")


def _eased(draft: RuleDraft, b: int, failing: int) -> RuleDraft:
    """Return a rule that the rows at hand pass: what they are used to is no fault to send back to the supplier."""
    if not failing:
        return draft
    # Whole hundredths, rounded down; a rule that is met worse than that fails.
    return replace(draft, severity=Severity.MINOR, threshold=(b - failing) * 100 // b / 100)


def _likely(one: Suggestion) -> bool:
    return one.share >= LIKELY or one.draft.kind in {Kind.CHECK, Kind.CODE_SET}


def _holds(one: Suggestion) -> bool:
    """Tell whether enough rows were assessed, and nearly all are good."""
    return one.b >= ENOUGH_ROWS and one.share >= HOLDS


def _either_way(one: Suggestion, orders: Collection[tuple[str, ...]]) -> bool:
    """Tell whether two days hold in either order: then they are mostly the same, and neither comes first."""
    return one.measured and one.draft.kind is Kind.ORDER and one.draft.columns[::-1] in orders


def _about(rule: RuleDraft) -> tuple[Kind, tuple[str, ...], object]:
    """Return what a rule is about: two rules of one kind on the same columns say the same, with whatever limits."""
    return rule.kind, rule.columns, rule.params.get("expression")


def _counts(table: str, types: dict[str, str]) -> exp.Select:
    counted: list[exp.Expr] = []
    for n, (name, word) in enumerate(types.items()):
        column = exp.column(exp.to_identifier(name, quoted=True))
        value: exp.Expr = column
        if word == "text":
            value = exp.Nullif(this=exp.Trim(this=column.copy()), expression=exp.Literal.string(""))
        counted.append(exp.alias_(exp.Count(this=value), f"v{n}"))
        if word in _NAMING:
            counted.append(exp.alias_(exp.ApproxDistinct(this=column.copy()), f"d{n}"))
    return exp.select(*counted).from_(exp.table_(exp.to_identifier(table, quoted=True), db=LAKE))


def _in_order(types: dict[str, str]) -> Iterable[tuple[RuleDraft, Text]]:
    moments = [name for name, word in types.items() if word in {"date", "timestamp"}]
    for first in moments:
        for begin, end in _BEGINNINGS:
            last = first.replace(begin, end)
            if begin in first and last != first and last in moments:
                yield RuleDraft(kind=Kind.ORDER, columns=(first, last)), Text("先后顺序", "one comes before the other")
