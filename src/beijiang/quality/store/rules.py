"""Rules in all their revisions, and the versions of the scorecard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from beijiang.kit import Text
from beijiang.quality.models import Kind, Rule, Scorecard, Severity
from beijiang.quality.store.schema import quality_rule, quality_scorecard

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["RuleStore"]

_MINE = quality_rule.c


class RuleStore:
    """Read and write rules on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_table(self, table: str) -> list[Rule]:
        """Return the rules in force of a table by name, so that those about one column stand together."""
        query = select(quality_rule).where(
            _MINE.table_name == table, _MINE.is_current.is_(True), _MINE.retired.is_(False)
        )
        return [_rule(row) for row in self._connection.execute(query.order_by(_MINE.name, _MINE.id))]

    def beside(self, table: str) -> list[Rule]:
        """Return the rules in force of other tables that look into further ones, by table and name."""
        kinds = (Kind.EQUAL.value, Kind.REFERENCE.value, Kind.SQL.value)
        query = select(quality_rule).where(
            _MINE.table_name != table, _MINE.kind.in_(kinds), _MINE.is_current.is_(True), _MINE.retired.is_(False)
        )
        rows = self._connection.execute(query.order_by(_MINE.table_name, _MINE.name, _MINE.id))
        return [_rule(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Return how many rules in force each table has that has any."""
        query = select(_MINE.table_name, func.count()).where(_MINE.is_current.is_(True), _MINE.retired.is_(False))
        return {name: rules for name, rules in self._connection.execute(query.group_by(_MINE.table_name))}  # noqa: C416 - rows are no pairs to the type checker

    def get(self, rule_id: str, revision: int | None = None) -> Rule | None:
        """Return a rule, retired or not, as it is now or was at a revision."""
        which = _MINE.is_current.is_(True) if revision is None else _MINE.revision == revision
        row = self._connection.execute(select(quality_rule).where(_MINE.id == rule_id, which)).one_or_none()
        return None if row is None else _rule(row)

    def history(self, rule_id: str) -> list[Rule]:
        """Return all revisions of a rule, oldest first."""
        query = select(quality_rule).where(_MINE.id == rule_id).order_by(_MINE.revision)
        return [_rule(row) for row in self._connection.execute(query)]

    def add(self, rule: Rule) -> None:
        """Add a revision and make it the one that counts."""
        self._connection.execute(update(quality_rule).where(_MINE.id == rule.id).values(is_current=False))
        self._connection.execute(
            insert(quality_rule).values(
                id=rule.id,
                revision=rule.revision,
                is_current=True,
                retired=rule.retired,
                table_name=rule.table,
                kind=rule.kind.value,
                columns=list(rule.columns),
                params=dict(rule.params),
                name=rule.name,
                severity=rule.severity.value,
                threshold=rule.threshold,
                indicator=rule.indicator,
                condition=rule.where,
                owner=rule.owner,
                limit_words=rule.limit,
                contract=rule.contract,
                reason=rule.reason,
                set_by=rule.by,
                set_at=rule.at,
            )
        )

    def scorecards(self) -> list[Scorecard]:
        """Return the scorecards that were set, newest first."""
        rows = self._connection.execute(select(quality_scorecard).order_by(quality_scorecard.c.version.desc()))
        return [_scorecard(row) for row in rows]

    def add_scorecard(self, card: Scorecard) -> None:
        """Add a version of the scorecard."""
        body = {
            "name": {"zh": card.name.zh, "en": card.name.en},
            "dimensions": dict(card.dimensions),
            "indicators": dict(card.indicators),
            "critical_cap": card.critical_cap,
            "failed_runs_count": card.failed_runs_count,
        }
        self._connection.execute(
            insert(quality_scorecard).values(
                version=card.version, body=body, reason=card.reason, by=card.by, at=card.at
            )
        )

    def newest_scorecard(self) -> int:
        """Return the number of the newest scorecard that was set, 0 where none was."""
        return self._connection.execute(select(func.max(quality_scorecard.c.version))).scalar_one() or 0


def _rule(row: Row[Any]) -> Rule:
    return Rule(
        id=row.id,
        table=row.table_name,
        revision=row.revision,
        kind=Kind(row.kind),
        columns=tuple(row.columns),
        params=row.params,
        name=row.name,
        severity=Severity(row.severity),
        threshold=row.threshold,
        indicator=row.indicator,
        where=row.condition,
        owner=row.owner,
        limit=row.limit_words,
        contract=row.contract,
        reason=row.reason,
        by=row.set_by,
        at=row.set_at,
        retired=row.retired,
    )


def _scorecard(row: Row[Any]) -> Scorecard:
    body = row.body
    return Scorecard(
        version=row.version,
        name=Text(body["name"]["zh"], body["name"]["en"]),
        dimensions=body["dimensions"],
        indicators=body["indicators"],
        critical_cap=body["critical_cap"],
        failed_runs_count=body["failed_runs_count"],
        reason=row.reason,
        by=row.by,
        at=row.at,
    )
