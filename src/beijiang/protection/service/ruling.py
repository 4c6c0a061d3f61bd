"""Row rules: people decide which rows of a table are kept back, from everybody or from one audience."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.access import Permission
from beijiang.kit import Invalid, NotFound, new_id
from beijiang.protection.models.conditions import conditions
from beijiang.protection.models.sight import OUTSIDERS, Audience, RowRule, RuleEffect
from beijiang.protection.models.types import type_word
from beijiang.protection.store import GradeStore, TableFacts
from beijiang.tables import HIDDEN, Filter

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog import Catalog
    from beijiang.db import Database, UnitOfWork
    from beijiang.engine import Engine
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Lake, Snapshot

__all__ = ["Ruling", "visible_types"]

CONDITIONS_LIMIT: Final = 30
COUNT_SECONDS: Final = 60.0


class Ruling:
    """Set, show and lift the row rules of a table; what grading shares with it is here too."""

    def __init__(
        self,
        db: Database,
        lake: Lake,
        engine: Engine,
        catalog: Catalog,
        access: Access,
        evidence: Evidence,
        clock: Clock,
    ) -> None:
        self._db = db
        self._lake = lake
        self._engine = engine
        self._catalog = catalog
        self._access = access
        self._evidence = evidence
        self._clock = clock

    def restrict(
        self, actor: Actor, table: str, filters: Sequence[Filter], *, audience: Audience | None = None, reason: str
    ) -> RowRule:
        """Show only the rows that meet the literal filters, to everybody or to one audience.

        Raises:
            Invalid: unknown column, a value that does not fit, no filter or no reason.

        """
        facts = self._seen(actor, table, Permission.PROTECTION_GRADE_READ)
        self._access.require(actor, Permission.PROTECTION_GRADE_CORRECT, facts.org_id)
        if not 1 <= len(filters) <= CONDITIONS_LIMIT or not reason.strip():
            raise Invalid(
                f"请给出 1 到 {CONDITIONS_LIMIT} 个条件，并说明理由。",
                f"Give 1 to {CONDITIONS_LIMIT} conditions, and a reason.",
                code="rule_incomplete",
            )
        conditions(filters, visible_types(self._lake.snapshot(facts.name, facts.version)))
        rule = RowRule(
            id=new_id("rule"),
            table=facts.name,
            audience=audience,
            filters=tuple(filters),
            reason=reason,
            by=actor.id,
            at=self._clock.now(),
        )
        with self._db.begin() as tx:
            GradeStore(tx.connection).add_rule(rule)
            self._tell_held(tx, facts.name)
            detail: dict[str, JsonValue] = {
                "rule": rule.id,
                "audience": None if audience is None else str(audience),
                "columns": [f.column for f in filters],
                "reason": reason,
            }
            self._evidence.record(tx, actor, "protection.restrict", target=facts.name, detail=detail)
        return rule

    def lift(self, actor: Actor, rule_id: str, reason: str, *, table: str | None = None) -> RowRule:
        """End a row rule; return it.

        Raises:
            Invalid: no reason.
            NotFound: it is not in force, not of the table named, or its table is hidden from this actor.

        """
        with self._db.read() as connection:
            rule = GradeStore(connection).rule(rule_id)
        if rule is not None and table not in {None, rule.table}:
            rule = None
        facts = None if rule is None else self.facts(rule.table)
        org = None if facts is None else facts.org_id
        if rule is None or not self._access.allows(actor, Permission.PROTECTION_GRADE_READ, org):
            self._access.require(actor, Permission.PROTECTION_GRADE_READ)
            raise _no_rule()
        self._access.require(actor, Permission.PROTECTION_GRADE_CORRECT, org)
        if not reason.strip():
            raise Invalid("解除行规则需要说明理由。", "Lifting a row rule needs a reason.", code="reason_needed")
        with self._db.begin() as tx:
            if not GradeStore(tx.connection).end_rule(rule_id, self._clock.now()):
                raise _no_rule()
            self._tell_held(tx, rule.table)
            detail: dict[str, JsonValue] = {"rule": rule_id, "reason": reason}
            self._evidence.record(tx, actor, "protection.lift", target=rule.table, detail=detail)
        return rule

    def rules(self, actor: Actor, table: str) -> RuleEffect:
        """Return the row rules in force, and how many rows of the newest graded version they keep back from whom.

        Raises:
            NotFound: no such graded table, or it is hidden from this actor.

        """
        facts = self._seen(actor, table, Permission.PROTECTION_GRADE_READ)
        with self._db.read() as connection:
            rules = tuple(GradeStore(connection).rules(facts.name))
        snapshot = self._lake.snapshot(facts.name, facts.version)
        asked: dict[str, tuple[Filter, ...]] = {rule.id: rule.filters for rule in rules}
        asked |= {one: tuple(f for rule in rules if rule.binds(one) for f in rule.filters) for one in Audience}
        hidden = self._hidden(snapshot, asked)
        return RuleEffect(
            table=facts.name,
            version=snapshot.version,
            rows=snapshot.rows,
            rules=rules,
            hidden={rule.id: hidden[rule.id] for rule in rules},
            hidden_from={one: hidden[one] for one in Audience},
        )

    def facts(self, table: str) -> TableFacts | None:
        """Return whose a table is and up to which version it is graded; for the gate."""
        with self._db.read() as connection:
            return GradeStore(connection).table(table)

    def _hidden(self, snapshot: Snapshot, asked: Mapping[str, tuple[Filter, ...]]) -> dict[str, int | None]:
        """Count, in one query, the rows that each set of filters keeps back; None where it does not fit the columns."""
        from beijiang.engine import QueryLimits

        types = visible_types(snapshot)
        found: dict[str, int | None] = dict.fromkeys(asked, 0)
        counted: list[exp.Expr] = []
        names: list[str] = []
        for name, filters in asked.items():
            try:
                kept = conditions(filters, types)
            except Invalid:
                found[name] = None
                continue
            if kept is not None:
                counted.append(exp.alias_(exp.Anonymous(this="COUNT_IF", expressions=[kept]), f"n{len(names)}"))
                names.append(name)
        if counted:
            table = exp.table_(exp.to_identifier(snapshot.table, quoted=True), db="lake")
            scan = self._lake.scan(snapshot, list(dict.fromkeys(f.column for n in names for f in asked[n])))
            query = exp.select(*counted, copy=False).from_(table, copy=False)
            answer = self._engine.fetch(query, {snapshot.table: scan}, QueryLimits(seconds=COUNT_SECONDS))
            found |= {name: snapshot.rows - int(answer.column(i)[0].as_py()) for i, name in enumerate(names)}
        return found

    def _tell_held(self, tx: UnitOfWork, table: str) -> None:
        """Let the catalog know whether it may tell outsiders how many rows the table has."""
        rules = GradeStore(tx.connection).rules(table)
        self._catalog.hold_count(tx, table, held=any(rule.binds(one) for rule in rules for one in OUTSIDERS))

    def _seen(self, actor: Actor, table: str, permission: Permission) -> TableFacts:
        facts = self.facts(table)
        if not self._access.allows(actor, permission, None if facts is None else facts.org_id):
            self._access.require(actor, permission)
            facts = None
        if facts is None:
            raise NotFound(
                f"没有名为 {table[:60]} 的表，或者它还没有定级。请用 beijiang tables list 查看。",
                f"There is no table named {table[:60]}, or it is not graded yet. See beijiang tables list.",
                code="table_not_found",
            )
        return facts


def visible_types(snapshot: Snapshot) -> dict[str, str]:
    """Return the type of each column that people know of."""
    return {field.name: type_word(field) for field in snapshot.schema if field.name not in HIDDEN}


def _no_rule() -> NotFound:
    return NotFound(
        "没有这条行规则，或者它已解除。请用 beijiang protection rules 查看。",
        "There is no such row rule, or it was lifted. See beijiang protection rules.",
        code="rule_not_found",
    )
