"""Where jobs of applications stand, and the alerts that they raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update

from beijiang.apps.models import AppAlert, JobStanding
from beijiang.apps.store.schema import hosted_alert, hosted_job
from beijiang.kit import Text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = ["AppJobStore"]

_J = hosted_job.c
_A = hosted_alert.c
ALERTS: Final = 100


class AppJobStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, app_id: str) -> Mapping[str, JobStanding]:
        """Return the jobs of an application that have a standing, by name."""
        rows = self._connection.execute(select(hosted_job).where(_J.app_id == app_id).order_by(_J.name))
        return {row.name: _standing(row) for row in rows}

    def put(self, one: JobStanding) -> None:
        """Write where a job stands, in the place of what stood there."""
        self.drop(one.app_id, [one.name])
        self._connection.execute(
            insert(hosted_job).values(
                app_id=one.app_id,
                name=one.name,
                schedule=one.schedule,
                next_at=one.next_at,
                last_at=one.last_at,
                rows=one.rows,
                seconds=one.seconds,
                raised=one.raised,
                error=None if one.error is None else {"zh": one.error.zh, "en": one.error.en},
            )
        )

    def claim(self, one: JobStanding, next_at: datetime | None) -> bool:
        """Set the next moment of a job unless another process did it; tell whether it was set here."""
        same = (_J.app_id == one.app_id, _J.name == one.name, _J.next_at == one.next_at)
        return self._connection.execute(update(hosted_job).where(*same).values(next_at=next_at)).rowcount == 1

    def note(self, app_id: str, name: str, facts: Mapping[str, Any]) -> None:
        """Write what became of a run."""
        self._connection.execute(update(hosted_job).where(_J.app_id == app_id, _J.name == name).values(**facts))

    def drop(self, app_id: str, names: Sequence[str]) -> None:
        """Forget jobs that the application no longer has."""
        self._connection.execute(delete(hosted_job).where(_J.app_id == app_id, _J.name.in_(names)))

    def add_alert(self, one: AppAlert) -> None:
        """Add an alert."""
        words = {"zh": one.text.zh, "en": one.text.en}
        self._connection.execute(
            insert(hosted_alert).values(id=one.id, app_id=one.app_id, job=one.job, text=words, rows=one.rows, at=one.at)
        )

    def end_alerts(self, app_id: str, job: str, at: datetime) -> None:
        """End what stands of a job."""
        standing = (_A.app_id == app_id, _A.job == job, _A.ended_at.is_(None))
        self._connection.execute(update(hosted_alert).where(*standing).values(ended_at=at))

    def alerts(self, app_id: str) -> Sequence[AppAlert]:
        """Return the latest alerts of an application, newest first."""
        query = select(hosted_alert).where(_A.app_id == app_id).order_by(_A.at.desc(), _A.id.desc()).limit(ALERTS)
        return [_alert(row) for row in self._connection.execute(query)]

    def alert(self, alert_id: str) -> AppAlert | None:
        """Return one alert."""
        row = self._connection.execute(select(hosted_alert).where(_A.id == alert_id)).one_or_none()
        return None if row is None else _alert(row)


def _standing(row: Row[Any]) -> JobStanding:
    return JobStanding(
        app_id=row.app_id,
        name=row.name,
        schedule=row.schedule,
        next_at=row.next_at,
        last_at=row.last_at,
        rows=row.rows,
        seconds=row.seconds,
        raised=row.raised,
        error=None if row.error is None else Text(**row.error),
    )


def _alert(row: Row[Any]) -> AppAlert:
    return AppAlert(
        id=row.id,
        app_id=row.app_id,
        job=row.job,
        text=Text(**row.text),
        rows=row.rows,
        at=row.at,
        ended_at=row.ended_at,
    )
