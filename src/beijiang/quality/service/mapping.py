"""Mapping columns to data elements: suggested with reasons, decided by the steward, and measured in each version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.kit import SYSTEM, BeijiangError, Invalid, Text
from beijiang.quality.events import MappingMoved
from beijiang.quality.models import Kind, RuleDraft
from beijiang.quality.models.mapping import Candidate, Conformity, Mapped, Reason, best, by_words, fits_type
from beijiang.quality.service.base import Base
from beijiang.quality.store import MappingStore

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.quality.service.scoring import Quality
    from beijiang.standards import DataElement, ElementsChanged
    from beijiang.tables import Column, Measured, TableInfo, TableWritten

__all__ = ["ColumnView", "Mappings"]

COLUMNS_MOST: Final = 200
SHOWN: Final = 3
LEAST: Final = 0.35
LIKELY: Final = 0.6
"""From here on a suggestion is ticked beforehand."""
_COUNTED: Final = 5
"""Candidates of a column whose values are looked at."""
_ENOUGH: Final = 20
"""Fewer values prove nothing by themselves."""
_CODES_LEAST: Final = 5
"""Any column of small numbers fits a smaller code set."""
_GOOD, _BAD = 0.9, 0.5
_ALONE: Final = {"check": 0.5, "pattern": 0.4, "code_set": 0.35}
"""What values alone say for an element: a check character is hardly met by chance, a short code is."""


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One column: what it holds, if that was decided, how far it conforms, and what it might hold."""

    column: Column
    mapped: Mapped | None
    element: DataElement | None
    conformity: Conformity | None
    candidates: tuple[Candidate, ...]


class Mappings(Base):
    """Which data element each column of a table holds (GB/T 36344 0101)."""

    def __init__(self, quality: Quality) -> None:
        q = quality
        super().__init__(q.db, q.tables, q.runner, q.access, q.evidence, q.jobs, q.alerts, q.clock)
        self._quality = quality

    def columns(self, actor: Actor, table: str, *, suggest: bool = False) -> Sequence[ColumnView]:
        """Return the columns of a table; with ``suggest`` those without an element come with what they might hold.

        Raises:
            NotFound: no such table, or it is hidden from this actor.

        """
        permission = Permission.QUALITY_RULE_MANAGE if suggest else Permission.QUALITY_RESULT_READ
        info = self._table(actor, table, permission)
        with self.db.read() as connection:
            store = MappingStore(connection)
            decided, measured = store.of_table(info.name), store.measured(info.name)
        holds = {m.column: m for m in decided if m.confirmed}
        conforming = {c.column: c for c in measured}
        found: Mapping[str, tuple[Candidate, ...]] = self._suggest(info, decided) if suggest else {}
        views = []
        for column in info.columns:
            mapped, last = holds.get(column.name), conforming.get(column.name)
            element = None if mapped is None else self.standards.element(mapped.element)
            fresh = last if mapped is not None and last is not None and last.element == mapped.element else None
            views.append(ColumnView(column, mapped, element, fresh, found.get(column.name, ())))
        return views

    def confirm(
        self, actor: Actor, table: str, pairs: Mapping[str, str], reason: str = "", *, rules: bool = True
    ) -> Sequence[Mapped]:
        """Say which element some columns hold (column to element id); with ``rules`` each gets the rule of its element.

        Raises:
            Invalid: no such column, or the element cannot be judged on it.
            NotFound: no such table or element.

        """
        info = self._table(actor, table, Permission.QUALITY_RULE_MANAGE)
        known = {column.name for column in info.columns}
        missing = [name for name in pairs if name not in known]
        if missing or not pairs:
            named = "、".join(missing[:5])
            raise Invalid(
                f"没有这样的列：{named}。" if missing else "请选择要确认的列。",
                f"There is no such column: {named}." if missing else "Choose columns to confirm.",
                code="mapping_columns",
            )
        elements = {column: self.standards.element(element) for column, element in pairs.items()}
        scores = {(one.column, one.element.id): one.score for one in self._by_names(info, elements)}
        made = [
            Mapped(
                table=info.name,
                column=column,
                element=element.id,
                confirmed=True,
                score=scores.get((column, element.id), 0.0),
                reason=reason.strip()[:1000],
                by=actor.id,
                at=self.clock.now(),
            )
            for column, element in elements.items()
        ]
        drafts = [RuleDraft(kind=Kind.ELEMENT, columns=(m.column,), params={"element": m.element}) for m in made]
        self._drop_rules(actor, info.name, {column: element.id for column, element in elements.items()})
        if rules:
            self._quality.add_missing(actor, info.name, drafts, "列已对应数据元")
        self._put(actor, made)
        return made

    def refuse(self, actor: Actor, table: str, column: str, element_id: str, reason: str = "") -> Mapped:
        """Say that a column does not hold an element: it is not suggested again, and its rule is retired if there is one.

        Raises:
            NotFound: no such table or element.
            Invalid: no such column.

        """
        info = self._table(actor, table, Permission.QUALITY_RULE_MANAGE)
        if column not in {c.name for c in info.columns}:
            raise Invalid(f"没有列“{column}”。", f'There is no column "{column}".', code="mapping_columns")
        refused = Mapped(
            table=info.name,
            column=column,
            element=self.standards.element(element_id).id,
            confirmed=False,
            score=0.0,
            reason=reason.strip()[:1000],
            by=actor.id,
            at=self.clock.now(),
        )
        with self.db.read() as connection:
            held = {(m.column, m.element) for m in MappingStore(connection).of_table(info.name) if m.confirmed}
        if (column, refused.element) in held:
            self._drop_rules(actor, info.name, {column: ""})
        self._put(actor, [refused])
        return refused

    def measure(self, actor: Actor, table: str) -> Sequence[Conformity]:
        """Count how far each mapped column of the newest version conforms, all columns in one pass, and keep it."""
        info = self._table(actor, table, Permission.QUALITY_RULE_MANAGE)
        return self._measure(self.runner.version(info.name), actor)

    def conformity(self, actor: Actor, table: str, version: int | None = None) -> Sequence[Conformity]:
        """Return what was measured of a version, by default the newest that was measured."""
        info = self._table(actor, table)
        with self.db.read() as connection:
            return MappingStore(connection).measured(info.name, version)

    def used(self, actor: Actor, element_id: str) -> Sequence[Mapped]:
        """Return the columns that hold an element, of the tables whose results the actor may see."""
        self.access.require(actor, Permission.QUALITY_RESULT_READ)
        with self.db.read() as connection:
            found = MappingStore(connection).of_element(element_id)
        orgs = {t.name: t.org_id for t in self.tables.list(actor)} if found else {}
        seen = {org: self.access.allows(actor, Permission.QUALITY_RESULT_READ, org) for org in set(orgs.values())}
        return [one for one in found if one.table in orgs and seen[orgs[one.table]]]

    def on_table_written(self, event: TableWritten) -> None:
        """Measure a new version of a table whose columns are mapped. Idempotent."""
        with self.db.read() as connection:
            mapped = any(m.confirmed for m in MappingStore(connection).of_table(event.table))
        if mapped:
            self._measure(self.runner.version(event.table, event.version), SYSTEM)
            with self.db.begin() as tx:
                self._announce(tx, SYSTEM, event.table)

    def on_elements_changed(self, event: ElementsChanged) -> None:
        """Say what the columns that hold the elements are graded at least from now on. Idempotent."""
        with self.db.begin() as tx:
            store = MappingStore(tx.connection)
            for table in sorted({one.table for element in event.levels for one in store.of_element(element)}):
                self._announce(tx, SYSTEM, table)

    def _put(self, actor: Actor, made: Sequence[Mapped]) -> None:
        with self.db.begin() as tx:
            store = MappingStore(tx.connection)
            for one in made:
                store.put(one)
            self._announce(tx, actor, made[0].table, made[0].reason)
            what = "quality.map" if made[0].confirmed else "quality.unmap"
            said = {one.column: one.element for one in made}
            self.evidence.record(tx, actor, what, target=made[0].table, detail={**said, "reason": made[0].reason})

    def _announce(self, tx: UnitOfWork, actor: Actor, table: str, reason: str = "") -> None:
        """Say what each column holds now and how it is graded at least.

        Both are read once the announcement has its number, and from the database: of two, the later must not know less.
        """
        store = MappingStore(tx.connection)
        number = store.say(table)
        held = {one.column: one.element for one in store.of_table(table) if one.confirmed}
        today = self.clock.now().astimezone(self.runner.zone).date()
        least = self.standards.least_grades(tx.connection, set(held.values()), today)
        tx.publish(
            MappingMoved(
                table=table,
                number=number,
                held=held,
                levels={column: least[element] for column, element in held.items()},
                by=actor.id,
                by_name=actor.name,
                reason=reason,
            )
        )

    def _drop_rules(self, actor: Actor, table: str, pairs: Mapping[str, str]) -> None:
        """Retire the element rules of columns that are to hold another element, or none."""
        for rule in self._quality.rules(actor, table):
            column = rule.columns[0] if rule.columns else ""
            if rule.kind is Kind.ELEMENT and column in pairs and rule.params.get("element") != pairs[column]:
                self._quality.retire(actor, rule.id, "列对应的数据元已变更")

    def _measure(self, version: Measured, actor: Actor) -> Sequence[Conformity]:
        with self.db.read() as connection:
            decided = [m for m in MappingStore(connection).of_table(version.table) if m.confirmed]
        there = {column.name for column in version.columns}
        mapped = [m for m in decided if m.column in there]
        drafts = [RuleDraft(kind=Kind.ELEMENT, columns=(m.column,), params={"element": m.element}) for m in mapped]
        found = []
        for one, counted in zip(mapped, self.runner.count(version, drafts), strict=True):
            error = counted.text if isinstance(counted, BeijiangError) else None
            b, failing = (0, 0) if isinstance(counted, BeijiangError) else counted
            found.append(
                Conformity(
                    table=version.table,
                    version=version.version,
                    column=one.column,
                    element=one.element,
                    element_version=self.standards.element(one.element).edition.version,
                    a=b - failing,
                    b=b,
                    at=self.clock.now(),
                    error=error,
                )
            )
        with self.db.begin() as tx:
            MappingStore(tx.connection).set_measured(version.table, version.version, found)
            detail = {"version": version.version, "columns": len(found)}
            self.evidence.record(tx, actor, "quality.conformity", target=version.table, detail=detail)
        return found

    # Suggestions

    def _suggest(self, info: TableInfo, decided: Sequence[Mapped]) -> Mapping[str, tuple[Candidate, ...]]:
        done = {m.column for m in decided if m.confirmed}
        refused = {(m.column, m.element) for m in decided if not m.confirmed}
        open_columns = [c for c in info.columns[:COLUMNS_MOST] if c.name not in done]
        named: dict[str, list[Candidate]] = defaultdict(list)
        for one in self._by_names(info, None):
            if one.column not in done and (one.column, one.element.id) not in refused:
                named[one.column].append(one)
        version = self.runner.version(info.name)
        counted = self._with_values(version, [c for cs in named.values() for c in best(cs, _COUNTED, 0.0)])
        unnamed = [c for c in open_columns if not any(one.score >= LEAST for one in counted.get(c.name, ()))]
        alone = self._by_values(version, unnamed, refused)
        return {c.name: best([*counted.get(c.name, ()), *alone.get(c.name, ())], SHOWN, LEAST) for c in open_columns}

    def _by_names(self, info: TableInfo, only: Mapping[str, DataElement] | None) -> Iterable[Candidate]:
        """Return for each column the elements whose names or comments speak for it, those of the right type first."""
        resource = self.runner.catalog.resource_for_table(info.name)
        items = {} if resource is None else {item.column: item.name for item in resource.entry.items}
        every = self.standards.data_elements()
        for column in info.columns[:COLUMNS_MOST]:
            comment = f"{column.comment} {items.get(column.name, '')}".strip().removeprefix(column.name).strip()
            for element in every if only is None else [only[column.name]] if column.name in only else []:
                reasons = by_words(column.name, comment, element)
                if reasons and not fits_type(element, column.type):
                    against = Text(f"列类型 {column.type} 不符", f"its type {column.type} does not fit")
                    reasons = (*reasons, Reason(against, -0.3))
                if reasons:
                    yield Candidate(column.name, element, reasons)

    def _with_values(self, version: Measured, candidates: Sequence[Candidate]) -> Mapping[str, list[Candidate]]:
        drafts = [
            RuleDraft(kind=Kind.ELEMENT, columns=(one.column,), params={"element": one.element.id})
            for one in candidates
        ]
        found: dict[str, list[Candidate]] = defaultdict(list)
        for one, counted in zip(candidates, self.runner.count(version, drafts), strict=True):
            if isinstance(counted, BeijiangError) or not counted[0]:
                found[one.column].append(one)
                continue
            b, failing = counted
            telling = bool(one.element.check or one.element.pattern or one.element.code_set)
            reason = _of_values((b - failing) / b, 0.35 if telling else 0.1)
            reasons = one.reasons if reason is None else (*one.reasons, reason)
            found[one.column].append(replace(one, reasons=reasons, b=b, meeting=b - failing))
        return found

    def _by_values(
        self, version: Measured, columns: Sequence[Column], refused: set[tuple[str, str]]
    ) -> Mapping[str, list[Candidate]]:
        """Look for elements whose check, pattern or codes nearly all values of a column meet, whatever it is called."""
        telling = self._telling()
        pairs = [
            (column.name, element, weight)
            for column in columns
            if column.type in {"text", "integer"}
            for element, weight in telling
            if (column.name, element.id) not in refused and fits_type(element, column.type)
        ]
        drafts = [RuleDraft(kind=Kind.ELEMENT, columns=(name,), params={"element": e.id}) for name, e, _ in pairs]
        found: dict[str, list[Candidate]] = defaultdict(list)
        for (name, element, weight), counted in zip(pairs, self.runner.count(version, drafts), strict=True):
            if isinstance(counted, BeijiangError) or counted[0] < _ENOUGH:
                continue
            b, failing = counted
            reason = _of_values((b - failing) / b, weight)
            if reason is not None and reason.weight > 0:
                found[name].append(Candidate(name, element, (reason,), b, b - failing))
        return found

    def _telling(self) -> list[tuple[DataElement, float]]:
        """Return one element for each check, pattern and larger code set: the first that has it."""
        found: dict[tuple[str, str], tuple[DataElement, float]] = {}
        for element in self.standards.data_elements():
            for kind, value in (("check", element.check), ("pattern", element.pattern), ("code_set", element.code_set)):
                if not value:
                    continue
                if kind != "code_set" or len(self.standards.code_set(value).values) >= _CODES_LEAST:
                    found.setdefault((kind, value), (element, _ALONE[kind]))
                break
        return list(found.values())


def _of_values(share: float, weight: float) -> Reason | None:
    text = Text(f"{share:.1%} 的值符合", f"{share:.1%} of the values meet it")
    if share >= _GOOD:
        return Reason(text, round(weight * share, 2))
    return Reason(text, -0.4) if share < _BAD else None
