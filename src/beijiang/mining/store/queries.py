"""Runs of queries, and saved queries with all their revisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, insert, or_, select, update

from beijiang.db import Revisions
from beijiang.mining.models import Chart, QueryRun, RunState, SavedQuery
from beijiang.mining.store.schema import query_run, saved_query
from beijiang.protection import QueryClass
from beijiang.tables import Exit

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from beijiang.kit import Actor

__all__ = ["RunStore", "SavedStore"]

_R = query_run.c
_S = saved_query.c


class RunStore:
    """Read and write runs on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, run: QueryRun) -> None:
        """Add a run."""
        self._connection.execute(
            insert(query_run).values(
                id=run.id,
                person_id=run.person_id,
                person=run.person[:200],
                org_id=run.org_id,
                door=run.door.value,
                exit=run.exit.value,
                text=run.text,
                purpose=run.purpose,
                asked_at=run.asked_at,
                process=run.process,
                stop_asked=False,
                **_outcome(run),
            )
        )

    def end(self, run: QueryRun) -> None:
        """Write how a run ended."""
        self._connection.execute(update(query_run).where(_R.id == run.id).values(**_outcome(run)))

    def of_person(self, person_id: str, words: str, limit: int, before: datetime | None) -> Sequence[QueryRun]:
        """Return the runs of one person, newest first, whose text holds ``words``."""
        query = select(query_run).where(_R.person_id == person_id)
        if words:
            query = query.where(_R.text.contains(words, autoescape=True))
        if before is not None:
            query = query.where(_R.asked_at < before)
        found = self._connection.execute(query.order_by(_R.asked_at.desc(), _R.id.desc()).limit(limit))
        return [_run(row) for row in found]

    def get(self, run_id: str) -> QueryRun | None:
        """Return one run."""
        row = self._connection.execute(select(query_run).where(_R.id == run_id)).one_or_none()
        return None if row is None else _run(row)

    def open_elsewhere(self, process: str, since: datetime) -> Sequence[QueryRun]:
        """Return the runs that other processes have under way; what began before ``since`` must have ended."""
        query = select(query_run).where(_R.state == RunState.OPEN.value, _R.asked_at >= since, _R.process != process)
        return [_run(row) for row in self._connection.execute(query.order_by(_R.asked_at))]

    def ask_to_stop(self, run_id: str) -> None:
        """Ask the process that runs it to stop a run."""
        self._connection.execute(update(query_run).where(_R.id == run_id).values(stop_asked=True))

    def to_be_stopped(self, process: str) -> Sequence[str]:
        """Return the runs of a process that somebody asked to stop."""
        query = select(_R.id).where(_R.state == RunState.OPEN.value, _R.process == process, _R.stop_asked.is_(True))
        return list(self._connection.execute(query).scalars())

    def forget(self, before: datetime) -> None:
        """Remove the runs from before a moment."""
        self._connection.execute(delete(query_run).where(_R.asked_at < before))


class SavedStore(Revisions[SavedQuery]):
    """Read and write saved queries on one connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, saved_query, _saved)

    def add(self, new: SavedQuery) -> None:
        """Add a revision; it is the one in force from now on."""
        self.put(
            {
                "id": new.id,
                "revision": new.revision,
                "retired": new.retired,
                "name": new.name,
                "text": new.text,
                "description": new.description,
                "folder": new.folder,
                "shared": new.shared,
                "chart": None if new.chart is None else new.chart.to_json(),
                "owner_id": new.owner_id,
                "owner": new.owner[:200],
                "org_id": new.org_id,
                "set_at": new.at,
            }
        )

    def visible(self, actor: Actor) -> Sequence[SavedQuery]:
        """Return the queries in force that an actor keeps, or that his organisation shares, by folder and name."""
        seen = [_S.owner_id == actor.id]
        if actor.org_id is not None:
            seen.append(and_(_S.org_id == actor.org_id, _S.shared.is_(True)))
        return self.in_force(or_(*seen), by=(_S.folder, _S.name))


def _outcome(run: QueryRun) -> dict[str, Any]:
    return {
        "state": run.state.value,
        "seconds": run.seconds,
        "rows": run.rows,
        "truncated": run.truncated,
        "cached": run.cached,
        "grade": run.grade,
        "receipt": run.receipt,
        "error": run.error,
        "tables": list(run.tables),
    }


def _run(row: Row[Any]) -> QueryRun:
    return QueryRun(
        id=row.id,
        person_id=row.person_id,
        person=row.person,
        org_id=row.org_id,
        door=QueryClass(row.door),
        exit=Exit(row.exit),
        text=row.text,
        purpose=row.purpose,
        asked_at=row.asked_at,
        state=RunState(row.state),
        seconds=row.seconds,
        rows=row.rows,
        truncated=row.truncated,
        cached=row.cached,
        grade=row.grade,
        receipt=row.receipt,
        error=row.error,
        tables=tuple(row.tables),
        process=row.process,
    )


def _saved(row: Row[Any]) -> SavedQuery:
    return SavedQuery(
        id=row.id,
        revision=row.revision,
        retired=row.retired,
        name=row.name,
        text=row.text,
        description=row.description,
        folder=row.folder,
        shared=row.shared,
        chart=Chart.from_json(row.chart),
        owner_id=row.owner_id,
        owner=row.owner,
        org_id=row.org_id,
        at=row.set_at,
    )
