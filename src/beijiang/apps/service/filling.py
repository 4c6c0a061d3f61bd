"""Tables that jobs of applications fill for their pages: one statement for each, and there before readers get the version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.apps.errors import table_other, table_taken, table_waits
from beijiang.apps.models import clash, filled_by, values_of
from beijiang.apps.service.running import Running
from beijiang.apps.store import AppStore
from beijiang.kit import SYSTEM, BeijiangError
from beijiang.tables import Exit

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from beijiang.apps.models import AppVersion, Bundle, JobSpec

__all__ = ["Filling"]


class Filling(Running):
    """Look after the tables that jobs fill."""

    def check_filled(self, version: AppVersion) -> None:
        """Return if the tables are those that jobs of a version fill and its pages read, as whoever submitted it sees them.

        Raises:
            Conflict: one is not there; its job has to run first (``app_table_waits``). Another version or application fills it
                with something else (``app_table_taken``), or it has not the columns that the job gives (``app_table_other``).

        """
        bundle = self.bundle_of(version)
        filled = filled_by(bundle)
        if not filled:
            return
        self.check_statements(version)
        person = self.access.person(SYSTEM, version.by_id).as_actor(None)
        for table, job in filled.items():
            seen = self.gate.seen(person, self.gate.find(table), Exit.APP)
            if seen is None:
                raise table_waits(job.name, table)
            query, values = bundle.queries[job.asks], values_of(bundle.manifest.parameters, job.parameters)
            told = self.sql.describe(person, query.text, self.spoken(query, values), self.own_grants(bundle))
            there = {*(column.name for column in seen.columns), *seen.withheld}
            missing = [column.name for column in told.columns if column.name not in there]
            if missing:
                raise table_other(job.name, table, missing)

    def check_statements(self, version: AppVersion) -> None:
        """Return if no other version that was approved fills a table of this one with something else.

        Raises:
            Conflict: one does (``app_table_taken``).

        """
        bundle = self.bundle_of(version)
        with self.db.read() as connection:
            found = self._clashes(connection, bundle, version.number)
        if found is not None:
            job, app_id, number = found
            raise table_taken(job.name, job.table, app_id, number)

    def _clashes(self, connection: Connection, bundle: Bundle, number: int = 0) -> tuple[JobSpec, str, int] | None:
        """Return a job that would fill a table of another approved version with something else, and which version that is."""
        if not any(job.table for job in bundle.jobs.values()):
            return None
        facts, store = bundle.manifest, AppStore(connection)
        for mark in (one for app in store.all() if app.org_id == facts.owner for one in store.approved(app.id)):
            if (mark.app_id, mark.number) == (facts.id, number):
                continue
            try:
                job = clash(bundle, self.bundle_of(mark))
            except BeijiangError:  # changed behind the platform's back, or by today's rules none: it does not run
                continue
            if job is not None:
                return job, mark.app_id, mark.number
        return None
