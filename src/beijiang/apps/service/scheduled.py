"""Jobs of released applications: at their times, as whoever submitted the version, with the rights of that day."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import tzinfo
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.apps.errors import no_app, no_job, wrong_state
from beijiang.apps.models import AppAlert, JobSpec, JobStanding, VersionState, filled_by, timing_of, values_of
from beijiang.apps.service.counting import Asked
from beijiang.apps.store import AppJobStore, AppStore, CanaryStore
from beijiang.ingest import Timing
from beijiang.kit import SYSTEM, BeijiangError, Conflict, NotFound, new_id
from beijiang.protection import QueryClass, QueryOrder
from beijiang.tables import CommitRequest, WriteMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime
    from pathlib import Path

    from beijiang.apps.models import App, AppVersion, Bundle
    from beijiang.apps.service.cycle import Apps
    from beijiang.apps.store import VersionMark
    from beijiang.jobs import JobRun, Jobs
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection import SqlResult
    from beijiang.tables import Tables

__all__ = ["APP_JOB", "AppJobs"]

APP_JOB: Final = "apps.job"
_READY: Final = frozenset({VersionState.APPROVED, VersionState.RELEASED})


class AppJobs:
    """Run the jobs of applications, keep where they stand, raise their alerts."""

    def __init__(
        self,
        apps: Apps,
        tables: Tables,
        jobs: Jobs,
        staging: Path,
        zone: tzinfo,
        is_working: Callable[[date], bool],
        most: int,
    ) -> None:
        self.apps = apps
        self.access = apps.access
        self._tables = tables
        self._jobs = jobs
        self._staging = staging
        self._zone = zone
        self._is_working = is_working
        self._most = most

    def standing(self, actor: Actor, app_id: str) -> Sequence[tuple[JobSpec, JobStanding | None]]:
        """Return the jobs of the version in use, for whoever has to do with the application.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        self.apps.app(actor, app_id)
        found = self._serving(app_id)
        with self.apps.db.read() as connection:
            known = AppJobStore(connection).of(app_id)
        return [] if found is None else [(job, known.get(name)) for name, job in found[2].jobs.items()]

    def run(self, actor: Actor, app_id: str, name: str) -> str:
        """Have a job run now, by its department; return the id of the job of the platform.

        Raises:
            NotFound: no such application or job, or none of the actor's business.

        """
        app, _ = self.apps.app(actor, app_id)
        self.access.require(actor, Permission.APPS_APP_BUILD, app.org_id)
        found = self._serving(app_id)
        if found is None or name not in found[2].jobs:
            raise no_job()
        self._refreshed(found[0], found[2])
        return self._submit(found[0], found[1], name, new_id("asked"))

    def fill(self, actor: Actor, app_id: str, number: int) -> Sequence[str]:
        """Have the tables filled now that pages of an approved version read, before readers get it; return the ids of the jobs.

        What another version fills that readers have is left to that one.

        Raises:
            NotFound: no such application or version, or none of the actor's business.
            Conflict: the version is not approved (``app_state``), or a table of it is filled with something else by another
                version (``app_table_taken``).

        """
        app, versions = self.apps.app(actor, app_id)
        self.access.require(actor, Permission.APPS_APP_BUILD, app.org_id)
        version = next((one for one in versions if one.number == number), None)
        if version is None:
            raise no_app()
        if version.state not in _READY:
            raise wrong_state("只能为审核通过的版本算表。", "Tables are filled for a version that was approved.")
        if number != app.current:
            self.apps.check_statements(version)
        jobs = self._ahead(app, version, self._used(app)).values()
        return [self._submit(app, version, job.name, new_id("ahead"), ahead=True) for job in jobs]

    def fills(self, actor: Actor, app_id: str) -> Mapping[int, Sequence[str]]:
        """Return which tables ``fill`` would fill for each version that waits for its release; see ``fill``."""
        app, versions = self.apps.app(actor, app_id)
        found: dict[int, Sequence[str]] = {}
        used = self._used(app)
        for version in (one for one in versions if one.state is VersionState.APPROVED):
            with suppress(BeijiangError):  # by today's rules it is no application any more, and is not released
                found[version.number] = [*self._ahead(app, version, used)]
        return found

    def alerts(self, actor: Actor, app_id: str) -> Sequence[AppAlert]:
        """Return the latest alerts of an application, newest first, for its department and the authority.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        self._near(actor, app_id)
        with self.apps.db.read() as connection:
            return AppJobStore(connection).alerts(app_id)

    def alert(self, actor: Actor, alert_id: str) -> AppAlert:
        """Return one alert; see ``alerts``."""
        self.access.require(actor, Permission.APPS_APP_OPEN)
        with self.apps.db.read() as connection:
            found = AppJobStore(connection).alert(alert_id)
        if found is None:
            raise no_app()
        self._near(actor, found.app_id)
        return found

    def watch(self) -> None:
        """Submit the jobs whose moment has come; called by the dispatcher. Each moment runs once, whoever looks."""
        self.apps.counting.write()
        self.apps.timing.write()
        with self.apps.db.read() as connection:
            apps = [app for app in AppStore(connection).all() if app.serves]
        for app in apps:
            found = self._serving(app.id)
            if found is None:
                continue
            _, version, bundle = found
            now = self.apps.clock.now()
            for name, one in self._refreshed(app, bundle).items():
                if one.next_at is not None and one.next_at <= now and self._claimed(one):
                    self._begin(app, version, name, one.next_at)

    def work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Run one job; registered in build.py as the work of ``APP_JOB``."""
        app_id, name = str(arguments["app"]), str(arguments["job"])
        found = self._approved(app_id, arguments) if arguments.get("ahead") else self._serving(app_id)
        if found is None or name not in found[2].jobs or found[1].number != arguments["version"]:
            return {"gone": True}  # switched off, or another version is in use
        app, version, bundle = found
        if arguments.get("ahead") and name not in {
            one.name for one in self._ahead(app, version, self._used(app)).values()
        }:
            return {"gone": True}  # readers have got another version meanwhile that fills its table
        began, asking = time.monotonic(), Asked(job=True, failed=True)
        try:
            actor = self.access.current(job.actor)
            self.access.require(actor, Permission.APPS_APP_BUILD, app.org_id)
            result = self._asked(actor, bundle, bundle.jobs[name])
            if result.cost is not None and not result.cached:
                asking.cost = result.cost.seconds, result.cost.rows
            told = self._carried_out(actor, app, bundle.jobs[name], result, job.id)
            asking.failed = False
        except BeijiangError as error:
            words: JsonValue = {"zh": error.text.zh, "en": error.text.en}
            self._note(app, name, began, {"error": words})
            raise
        finally:
            self.apps.counting.note_asked((app.id, version.number), self.apps.clock.now().date(), asking)
            self.apps.counting.write()  # the process that works may not be the one that writes by the clock
        self._note(app, name, began, {"error": None, "rows": result.rows.num_rows})
        return told

    # When

    def _serving(self, app_id: str) -> tuple[App, AppVersion, Bundle] | None:
        """Return an application that readers have, with its version and what was written."""
        with self.apps.db.read() as connection:
            store = AppStore(connection)
            app = store.get(app_id)
            version = None if app is None or not app.serves else store.version(app_id, app.current or 0)
        if app is None or version is None:
            return None
        try:
            return app, version, self.apps.bundle_of(version)
        except Conflict:  # changed behind the platform's back: it does not run
            return None

    def _approved(self, app_id: str, arguments: Mapping[str, JsonValue]) -> tuple[App, AppVersion, Bundle] | None:
        """Return an application with a version that readers have, had or may get, unless it was switched off."""
        with self.apps.db.read() as connection:
            store = AppStore(connection)
            app, version = store.get(app_id), store.version(app_id, int(str(arguments["version"])))
        if app is None or app.off or version is None or version.state not in _READY:
            return None
        try:
            return app, version, self.apps.bundle_of(version)
        except Conflict:
            return None

    def _ahead(self, app: App, version: AppVersion, used: Sequence[VersionMark]) -> Mapping[str, JobSpec]:
        """Return the jobs that fill tables of a version's pages, by table, but for tables that another one in use fills."""
        now = version.number == app.current
        others = [] if now else [self.apps.bundle_of(one) for one in used if one.number != version.number]
        taken = {job.table for other in others for job in other.jobs.values()}
        return {table: job for table, job in filled_by(self.apps.bundle_of(version)).items() if table not in taken}

    def _used(self, app: App) -> Sequence[VersionMark]:
        """Return the versions that readers have: the one in use, and one on trial."""
        with self.apps.db.read() as connection:
            trial, store = CanaryStore(connection).get(app.id), AppStore(connection)
            numbers = (app.current or 0, 0 if trial is None else trial.version)
            return [one for number in numbers if (one := store.mark(app.id, number)) is not None]

    def _refreshed(self, app: App, bundle: Bundle) -> Mapping[str, JobStanding]:
        """Let the jobs of the version in use have their next moment, and forget those that it has not."""
        with self.apps.db.read() as connection:
            known = AppJobStore(connection).of(app.id)
        gone = [name for name in known if name not in bundle.jobs]
        fresh = {
            name: replace(
                known.get(name) or JobStanding(app_id=app.id, name=name, schedule=job.schedule, next_at=None),
                schedule=job.schedule,
                next_at=self._next(job.schedule),
            )
            for name, job in bundle.jobs.items()
            if name not in known or known[name].schedule != job.schedule
        }
        if gone or fresh:
            with self.apps.db.begin() as tx:
                store = AppJobStore(tx.connection)
                store.drop(app.id, gone)
                for one in fresh.values():
                    store.put(one)
        return {name: one for name, one in {**known, **fresh}.items() if name in bundle.jobs}

    def _next(self, schedule: str) -> datetime | None:
        return Timing.from_json(timing_of(schedule)).next(self.apps.clock.now(), self._zone, self._is_working)

    def _claimed(self, one: JobStanding) -> bool:
        with self.apps.db.begin() as tx:
            return AppJobStore(tx.connection).claim(one, self._next(one.schedule))

    def _begin(self, app: App, version: AppVersion, name: str, moment: datetime) -> None:
        """Queue a run at its moment; where nobody answers for it any more, that is what became of it."""
        try:
            self._submit(app, version, name, moment.isoformat())
        except BeijiangError as error:
            words: JsonValue = {"zh": error.text.zh, "en": error.text.en}
            self._note(app, name, time.monotonic(), {"error": words})

    def _submit(self, app: App, version: AppVersion, name: str, moment: str, *, ahead: bool = False) -> str:
        """Queue a run as whoever submitted the version, who answers for it."""
        person = self.access.person(SYSTEM, version.by_id)
        arguments: dict[str, JsonValue] = {"app": app.id, "job": name, "version": version.number, "ahead": ahead}
        key = f"{APP_JOB}:{app.id}:{version.number}:{name}:{moment}"
        return self._jobs.submit(person.as_actor(None), APP_JOB, arguments, key=key, org_id=app.org_id)

    # What

    def _asked(self, actor: Actor, bundle: Bundle, job: JobSpec) -> SqlResult:
        query = bundle.queries[job.asks]
        values = values_of(bundle.manifest.parameters, job.parameters)
        own = self.apps.own_grants(bundle)
        order = QueryOrder(door=QueryClass.BACKGROUND, own=own, rows=0 if job.is_alert else self._most)
        spoken = self.apps.spoken(query, values)
        return self.apps.sql.answer(actor, query.text, f"app:{bundle.manifest.id}", order, spoken)

    def _carried_out(self, actor: Actor, app: App, job: JobSpec, result: SqlResult, run: str) -> JsonValue:
        if job.is_alert:
            return {"rows": result.rows.num_rows, "raised": self._told(actor, app, job, result.rows.num_rows)}
        if result.truncated:
            raise Conflict(
                f"作业 {job.name} 的结果超过 {result.rows.num_rows:,} 行，没有写入表。请先汇总再写。",
                f"The answer of job {job.name} has over {result.rows.num_rows:,} rows and was not written. Sum before you write.",
                code="app_job_rows",
            )
        return {"rows": result.rows.num_rows, "version": self._written(actor, app, job, result, run)}

    def _told(self, actor: Actor, app: App, job: JobSpec, rows: int) -> bool:
        """Raise an alert that does not stand yet, or end one that is over; tell whether it was raised now."""
        now = self.apps.clock.now()
        with self.apps.db.begin() as tx:
            store = AppJobStore(tx.connection)
            stands = store.of(app.id)[job.name].raised
            if not rows and stands:
                store.end_alerts(app.id, job.name, now)
            if bool(rows) != stands:
                store.note(app.id, job.name, {"raised": bool(rows)})
            if not rows or stands:
                return False
            made = AppAlert(
                id=new_id("alert"), app_id=app.id, job=job.name, text=job.text or app.name, rows=rows, at=now
            )
            store.add_alert(made)
            people = [
                one.id
                for one in self.access.people(SYSTEM, app.org_id)
                if one.disabled_at is None and job.to in one.roles
            ]
            detail: dict[str, JsonValue] = {
                "app": app.id, "job": job.name, "rows": rows, "role": job.to, "org": app.org_id, "people": [*people]
            }  # fmt: skip
            self.apps.evidence.record(tx, actor, "apps.job_alert", target=made.id, detail=detail)
        return True

    def _written(self, actor: Actor, app: App, job: JobSpec, result: SqlResult, run: str) -> int:
        """Commit the rows as a version of the job's table; its columns are as sensitive as what they were made of."""
        from pyarrow import parquet

        folder = self._staging / f"app-{run}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            path = folder / "part-00000.parquet"
            parquet.write_table(result.rows, path)
            request = CommitRequest(
                table=job.table,
                org_id=app.org_id,
                staged=(path,),
                schema=result.rows.schema,
                mode=WriteMode.REPLACE,
                run_id=f"app-{run}",
                reason=f"应用 {app.id} 的作业 {job.name}",
                derived=result.origins,
            )
            self._own_table(actor, app, job.table)
            return self._tables.commit(actor, request).version
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _own_table(self, actor: Actor, app: App, table: str) -> None:
        """Return if a job may fill a table: a new one, or one of the department that only jobs of applications filled.

        Raises:
            Conflict: it has another source (``table_has_source``).

        """
        taken = bool(self._tables.writers_of(table))
        with suppress(NotFound):
            taken = (
                taken
                or self._tables.get(actor, table).org_id != app.org_id
                or any(not one.run_id.startswith("app-") for one in self._tables.history(actor, table))
            )
        if taken:
            raise Conflict(
                f"表“{table}”已有数据来源（一数一源）。请让作业写入新的表。",
                f'Table "{table}" is filled from elsewhere (one source per item). Let the job write a table of its own.',
                code="table_has_source",
            )

    def _note(self, app: App, name: str, began: float, facts: Mapping[str, JsonValue]) -> None:
        """Write what became of a run; the department is told once when a job begins to fail, and when it works again."""
        with self.apps.db.begin() as tx:
            store = AppJobStore(tx.connection)
            before = store.of(app.id).get(name)
            done = {"last_at": self.apps.clock.now(), "seconds": time.monotonic() - began, **facts}
            store.note(app.id, name, done)
            fails = facts["error"] is not None
            if before is not None and fails != (before.error is not None):
                action = "apps.job_fail" if fails else "apps.job_recover"
                detail: dict[str, JsonValue] = {"job": name, "org": app.org_id, "error": facts["error"]}
                self.apps.evidence.record(tx, SYSTEM, action, target=app.id, detail=detail)

    def _near(self, actor: Actor, app_id: str) -> None:
        """Return if the actor is of the application's department, or has to do with it.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        self.access.require(actor, Permission.APPS_APP_OPEN)
        with self.apps.db.read() as connection:
            app = AppStore(connection).get(app_id)
        if app is None or actor.org_id != app.org_id or actor.is_anonymous:
            self.apps.app(actor, app_id)
