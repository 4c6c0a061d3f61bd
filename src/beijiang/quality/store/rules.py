"""Rules in all their revisions, and the versions of the scorecard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select

from beijiang.db import Revisions, upsert
from beijiang.kit import Text
from beijiang.quality.models import Declined, Kind, Rule, Scorecard, Severity
from beijiang.quality.store.schema import quality_declined, quality_rule, quality_scorecard

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["RuleStore"]

_MINE = quality_rule.c


class RuleStore(Revisions[Rule]):
    """Read and write rules on one connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, quality_rule, _rule)

    def of_table(self, table: str) -> list[Rule]:
        """Return the rules in force of a table by name, so that those about one column stand together."""
        return self.in_force(_MINE.table_name == table, by=(_MINE.name,))

    def aging(self) -> list[Rule]:
        """Return the rules in force that time alone can break, of all tables."""
        kinds = (Kind.FRESHNESS, Kind.VALIDITY, Kind.EXPRESSION, Kind.SQL)
        may = _MINE.kind.in_([kind.value for kind in kinds]) | (_MINE.condition != "")
        return [rule for rule in self.in_force(may, by=(_MINE.table_name, _MINE.name)) if rule.ages]

    def beside(self, table: str) -> list[Rule]:
        """Return the rules in force of other tables that look into further ones, by table and name."""
        kinds = (Kind.EQUAL.value, Kind.REFERENCE.value, Kind.SQL.value)
        return self.in_force(_MINE.table_name != table, _MINE.kind.in_(kinds), by=(_MINE.table_name, _MINE.name))

    def counts(self) -> dict[str, int]:
        """Return how many rules in force each table has that has any."""
        query = select(_MINE.table_name, func.count()).where(_MINE.is_current.is_(True), _MINE.retired.is_(False))
        return {name: rules for name, rules in self._connection.execute(query.group_by(_MINE.table_name))}  # noqa: C416 - rows are no pairs to the type checker

    def add(self, rule: Rule) -> None:
        """Add a revision and make it the one that counts."""
        self.put(
            {
                "id": rule.id,
                "revision": rule.revision,
                "retired": rule.retired,
                "table_name": rule.table,
                "kind": rule.kind.value,
                "columns": list(rule.columns),
                "params": dict(rule.params),
                "name": rule.name,
                "severity": rule.severity.value,
                "threshold": rule.threshold,
                "indicator": rule.indicator,
                "condition": rule.where,
                "owner": rule.owner,
                "limit_words": rule.limit,
                "contract": rule.contract,
                "reason": rule.reason,
                "set_by": rule.by,
                "set_at": rule.at,
            }
        )

    def declined(self, table: str) -> list[Declined]:
        """Return the suggestions for a table that were declined, newest first."""
        mine = quality_declined.c
        query = select(quality_declined).where(mine.table_name == table).order_by(mine.at.desc(), mine.subject)
        return [
            Declined(row.table_name, row.subject, Kind(row.kind), tuple(row.columns), row.reason, row.by, row.at)
            for row in self._connection.execute(query)
        ]

    def decline(self, one: Declined) -> bool:
        """Keep that a suggestion is not meant; False where that is known already."""
        values = {"table_name": one.table, "subject": one.subject, "kind": one.kind.value, "columns": list(one.columns)}
        made = upsert(self._connection, quality_declined).values(**values, reason=one.reason, by=one.by, at=one.at)
        return self._connection.execute(made.on_conflict_do_nothing()).rowcount > 0

    def offer_again(self, table: str, subject: str) -> None:
        """Forget that a suggestion was declined."""
        mine = quality_declined.c
        self._connection.execute(delete(quality_declined).where(mine.table_name == table, mine.subject == subject))

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
