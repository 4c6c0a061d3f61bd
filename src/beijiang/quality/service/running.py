"""Holding the rules of a table against one version: all in one pass, one by one only where that fails."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from beijiang.kit import BeijiangError, Text
from beijiang.quality.errors import too_slow
from beijiang.quality.models import FALLING, Fact, Kind, Limit, Outcome, Rule, RuleDraft
from beijiang.quality.models.judging import Judged, judged
from beijiang.quality.models.measure import failing_places, measure, tables_of
from beijiang.quality.models.values import Facts

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beijiang.catalog import Catalog
    from beijiang.kit import Clock
    from beijiang.quality.models.queries import Reader
    from beijiang.standards import Standards
    from beijiang.tables import Measured, Measures

__all__ = ["ASKED_SECONDS", "RUN_SECONDS", "Counted", "Runner", "outcome_of"]

log = logging.getLogger(__name__)

RULES_AT_ONCE: Final = 60
"""Larger queries are planned for longer than they save."""
RUN_SECONDS: Final = 1800.0
"""For the rules of a run that are counted together, and again for all those in SQL."""
SQL_SECONDS: Final = 300.0
"""For one rule in SQL, which is counted on its own: what people write may cost anything."""
ASKED_SECONDS: Final = 5.0
"""For all that is counted while somebody waits for the answer."""

Counted = tuple[int, int]
"""B, and how much of it fails."""


class Runner:
    """Compiles rules and counts what they say; knows no actor and writes nothing."""

    def __init__(
        self,
        measures: Measures,
        standards: Standards,
        catalog: Catalog,
        clock: Clock,
        zone: ZoneInfo,
        read: Reader,
    ) -> None:
        self.measures = measures
        self.zone = zone
        self.standards = standards
        self.catalog = catalog
        self._clock = clock
        self.read = read

    def version(self, table: str, version: int | None = None) -> Measured:
        """Return what a version has."""
        return self.measures.version(table, version)

    def facts_for(self, table: Measured) -> Facts:
        """Return what rules are compiled by."""
        return Facts(
            table=table,
            types={column.name: column.type for column in table.columns},
            now=self._clock.now().astimezone(self.zone),
            codes=self._codes,
            named=self._named,
            spans=self.standards.code_spans,
            element=self.standards.element,
            columns_of=self._columns_of,
            keeps_history=lambda name: self.measures.version(name).history,
            read=self.read,
        )

    def count(
        self, table: Measured, drafts: Sequence[RuleDraft], seconds: float | None = None
    ) -> list[Counted | BeijiangError]:
        """Return for each rule B and what fails, or why it could not be judged.

        ``seconds`` is the time for all of them; rules that it does not suffice for are ``rule_too_slow``.
        """
        facts = self.facts_for(table)
        compiled: list[Judged | BeijiangError] = [self._compiled(draft, facts) for draft in drafts]
        found: list[Counted | BeijiangError] = [one if isinstance(one, BeijiangError) else (0, 0) for one in compiled]
        good = [(place, one) for place, one in enumerate(compiled) if isinstance(one, Judged)]
        plain = [(place, one) for place, one in good if drafts[place].kind is not Kind.SQL]
        until = time.monotonic() + (math.inf if seconds is None else seconds)
        for start in range(0, len(plain), RULES_AT_ONCE):
            part = plain[start : start + RULES_AT_ONCE]
            for (place, _), answer in zip(part, self._together(table, [one for _, one in part], until), strict=True):
                found[place] = answer
        until = min(until, time.monotonic() + RUN_SECONDS)
        for place, one in good:
            if drafts[place].kind is Kind.SQL:
                found[place] = self._alone(table, one, min(SQL_SECONDS, until - time.monotonic()))
        return found

    def judge(self, table: Measured, rules: Sequence[Rule]) -> tuple[list[Fact], float]:
        """Return the facts of rules for a version, and the seconds that they took."""
        started = time.monotonic()
        counted = self.count(table, rules)
        facts = [_fact(rule, found) for rule, found in zip(rules, counted, strict=True)]
        return facts, time.monotonic() - started

    def places(
        self, table: Measured, rule: RuleDraft, limit: int, seconds: float = RUN_SECONDS
    ) -> Sequence[tuple[int, int]]:
        """Return where rows are that fail a rule, at most ``limit``; none where no row is to blame."""
        one = judged(rule, self.facts_for(table))
        query = failing_places(table, one, limit)
        return () if query is None else self.measures.places(query, tables_of(table, [one]), seconds)

    def known(self, table: Measured, before: Sequence[bool]) -> list[Fact]:
        """Return what the platform knows of a table without a rule; ``before`` tells of each recent run whether it worked."""
        resource = self.catalog.resource_for_table(table.table)
        items = {} if resource is None else {item.column: item for item in resource.entry.items}
        letters = {kind.code: kind.column_type for kind in self.standards.item_types()}
        real = {column.name: column.type for column in table.columns}
        described = [name for name in real if name in items]
        same = sum(letters.get(items[name].type, "") == real[name] for name in described)
        levelled = sum(items[name].level is not None for name in described)
        return [
            _plain("0103", same, len(described), Text("目录登记的类型与实际一致", "types equal the catalog's")),
            _plain("0106", levelled, len(described), Text("数据项已定级", "items have a grade")),
            _plain("0601", sum(before), len(before), Text("读取成功次数", "times it could be read")),
        ]

    def _together(self, table: Measured, rules: Sequence[Judged], until: float) -> list[Counted | BeijiangError]:
        """Count rules in one query; where that fails each on its own, for its share of the time if this was too short."""
        left = min(RUN_SECONDS, until - time.monotonic())
        if len(rules) == 1 or left <= 0:
            return [self._alone(table, rule, left) for rule in rules]
        try:
            row = self.measures.count(measure(table, rules), tables_of(table, rules), left)
        except BeijiangError as error:
            log.warning("the rules of a table failed together (%s); they are counted one by one", error.reason)
            each = RUN_SECONDS / len(rules) if error.reason == "query_timeout" else RUN_SECONDS
            return [self._alone(table, rule, min(each, until - time.monotonic())) for rule in rules]
        return [(row[f"b{n}"], row[f"f{n}"]) for n in range(len(rules))]

    def _alone(self, table: Measured, rule: Judged, seconds: float) -> Counted | BeijiangError:
        if seconds <= 0:
            return too_slow()
        try:
            row = self.measures.count(measure(table, [rule]), tables_of(table, [rule]), seconds)
        except BeijiangError as error:
            return too_slow() if error.reason == "query_timeout" else error
        return row["b0"], row["f0"]

    @staticmethod
    def _compiled(draft: RuleDraft, facts: Facts) -> Judged | BeijiangError:
        try:
            return judged(draft, facts)
        except BeijiangError as error:
            return error

    def _codes(self, code_set: str) -> Sequence[str]:
        return [value.code for value in self.standards.code_set(code_set).values]

    def _named(self, code_set: str) -> Sequence[tuple[str, str]]:
        return [(value.code, value.name.zh) for value in self.standards.code_set(code_set).values]

    def _columns_of(self, table: str) -> Mapping[str, str]:
        return {column.name: column.type for column in self.measures.version(table).columns}


def _fact(rule: Rule, found: Counted | BeijiangError) -> Fact:
    if isinstance(found, BeijiangError):
        return _of(rule, 0, 0, Outcome.ERROR, found.text)
    b, failing = found
    a = failing if rule.indicator in FALLING else b - failing
    outcome = outcome_of(rule, b, failing)
    return _of(rule, 0, 0, outcome) if outcome is Outcome.NOT_ASSESSED else _of(rule, a, b, outcome)


def outcome_of(rule: RuleDraft, b: int, failing: int) -> Outcome:
    """Return how a rule came out that counted so much."""
    if not b:
        return Outcome.NOT_ASSESSED
    good = Limit.parse(rule.limit).holds(failing, b) if rule.limit else (b - failing) / b >= rule.threshold
    return Outcome.PASSED if good else Outcome.FAILED


def _of(rule: Rule, a: int, b: int, outcome: Outcome, error: Text | None = None) -> Fact:
    return Fact(
        indicator=rule.indicator,
        a=a,
        b=b,
        outcome=outcome,
        rule_id=rule.id,
        revision=rule.revision,
        severity=rule.severity,
        threshold=rule.threshold,
        name=rule.name,
        error=error,
    )


def _plain(indicator: str, a: int, b: int, name: Text) -> Fact:
    outcome = Outcome.NOT_ASSESSED if not b else Outcome.PASSED if a == b else Outcome.FAILED
    return Fact(indicator=indicator, a=a, b=b, outcome=outcome, name=name.zh)
