"""Runs with their raw facts, and decisions to give readers a version all the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from beijiang.kit import Text
from beijiang.quality.models import Fact, Outcome, Release, Run, Severity, Trigger
from beijiang.quality.store.schema import quality_aged, quality_fact, quality_release, quality_run

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection, Row

__all__ = ["RunStore"]

_RUN = quality_run.c
_FACT = quality_fact.c


class RunStore:
    """Read and write runs on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, run: Run) -> None:
        """Add a run; it is the newest of its table unless one of a later version is there."""
        later = select(_RUN.id).where(_RUN.table_name == run.table, _RUN.version > run.version).limit(1)
        newest = self._connection.execute(later).first() is None
        if newest:
            self._connection.execute(
                update(quality_run)
                .where(_RUN.table_name == run.table, _RUN.is_newest.is_(True))
                .values(is_newest=False)
            )
        self._connection.execute(
            insert(quality_run).values(
                id=run.id,
                table_name=run.table,
                org_id=run.org_id,
                version=run.version,
                rows=run.rows,
                at=run.at,
                trigger=run.trigger.value,
                by=run.by,
                seconds=run.seconds,
                is_newest=newest,
            )
        )
        if run.facts:
            self._connection.execute(insert(quality_fact), [_row(run.id, n, f) for n, f in enumerate(run.facts)])

    def succeed(self, run_id: str) -> bool:
        """Take a run from its place as the newest, for the one that was made from it; False if it is that no more.

        In the transaction that adds the other: of two that succeed the same run, the later one finds it gone.
        """
        mine = update(quality_run).where(_RUN.id == run_id, _RUN.is_newest.is_(True))
        return self._connection.execute(mine.values(is_newest=False)).rowcount == 1

    def get(self, run_id: str) -> Run | None:
        """Return a run with its facts."""
        return self._one(select(quality_run).where(_RUN.id == run_id))

    def newest(self, table: str, version: int | None = None) -> Run | None:
        """Return the newest run of a table, or of one of its versions."""
        query = select(quality_run).where(_RUN.table_name == table)
        query = query.where(_RUN.is_newest.is_(True)) if version is None else query.where(_RUN.version == version)
        return self._one(query.order_by(_RUN.at.desc(), _RUN.id.desc()).limit(1))

    def of_table(self, table: str, limit: int) -> list[Run]:
        """Return the runs of a table with their facts, newest first."""
        query = select(quality_run).where(_RUN.table_name == table).order_by(_RUN.at.desc(), _RUN.id.desc())
        return self._with_facts(self._connection.execute(query.limit(limit)).all())

    def all_newest(self) -> list[Run]:
        """Return the newest run of each table, with its facts."""
        query = select(quality_run).where(_RUN.is_newest.is_(True)).order_by(_RUN.table_name)
        return self._with_facts(self._connection.execute(query).all())

    def aged(self) -> dict[str, date]:
        """Return for each table the day on which time was last reckoned with."""
        return {row.table_name: row.day for row in self._connection.execute(select(quality_aged))}

    def age(self, table: str, day: date) -> bool:
        """Write down that time was reckoned with on a day; false if it was written down before.

        Raises:
            IntegrityError: another process does it for the first time at the same moment.

        """
        mine = quality_aged.c.table_name == table
        known = self._connection.execute(select(quality_aged.c.day).where(mine)).scalar_one_or_none()
        if known is None:
            self._connection.execute(insert(quality_aged).values(table_name=table, day=day))
            return True
        changed = update(quality_aged).where(mine, quality_aged.c.day == known, quality_aged.c.day != day)
        return self._connection.execute(changed.values(day=day)).rowcount == 1

    def release(self, table: str, version: int) -> Release | None:
        """Return the decision on a version, if one was made."""
        query = select(quality_release).where(
            quality_release.c.table_name == table, quality_release.c.version == version
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _release(row)

    def releases(self, table: str) -> list[Release]:
        """Return all decisions on a table, newest first."""
        query = select(quality_release).where(quality_release.c.table_name == table)
        return [_release(row) for row in self._connection.execute(query.order_by(quality_release.c.version.desc()))]

    def add_release(self, release: Release) -> None:
        """Add a decision."""
        self._connection.execute(
            insert(quality_release).values(
                table_name=release.table,
                version=release.version,
                run_id=release.run_id,
                rules=list(release.rules),
                reason=release.reason,
                by=release.by,
                at=release.at,
            )
        )

    def _one(self, query: Any) -> Run | None:
        row = self._connection.execute(query).one_or_none()
        return None if row is None else self._with_facts([row])[0]

    def _with_facts(self, rows: Sequence[Row[Any]]) -> list[Run]:
        facts: dict[str, list[Fact]] = {row.id: [] for row in rows}
        for part in _parts(list(facts)):
            query = select(quality_fact).where(_FACT.run_id.in_(part)).order_by(_FACT.run_id, _FACT.place)
            for row in self._connection.execute(query):
                facts[row.run_id].append(_fact(row))
        return [_run(row, facts[row.id]) for row in rows]


def _parts(ids: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _row(run_id: str, place: int, fact: Fact) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "place": place,
        "indicator": fact.indicator,
        "rule_id": fact.rule_id,
        "revision": fact.revision,
        "name": fact.name,
        "severity": fact.severity.value,
        "threshold": fact.threshold,
        "a": fact.a,
        "b": fact.b,
        "outcome": fact.outcome.value,
        "error": None if fact.error is None else [fact.error.zh, fact.error.en],
    }


def _fact(row: Row[Any]) -> Fact:
    return Fact(
        indicator=row.indicator,
        rule_id=row.rule_id,
        revision=row.revision,
        name=row.name,
        severity=Severity(row.severity),
        threshold=row.threshold,
        a=row.a,
        b=row.b,
        outcome=Outcome(row.outcome),
        error=None if row.error is None else Text(*row.error),
    )


def _run(row: Row[Any], facts: Sequence[Fact]) -> Run:
    return Run(
        id=row.id,
        table=row.table_name,
        org_id=row.org_id,
        version=row.version,
        rows=row.rows,
        at=row.at,
        trigger=Trigger(row.trigger),
        by=row.by,
        seconds=row.seconds,
        facts=tuple(facts),
    )


def _release(row: Row[Any]) -> Release:
    return Release(
        table=row.table_name,
        version=row.version,
        run_id=row.run_id,
        rules=tuple(row.rules),
        reason=row.reason,
        by=row.by,
        at=row.at,
    )
