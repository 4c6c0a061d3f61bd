"""Runs: when a source was written and when asked; each adds a revision to both tables, or nothing at all."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.kit import BeijiangError, Conflict, Text, new_id
from beijiang.mining.models import BENCHMARKS, ForecastRun, RunCause, SourceKind
from beijiang.mining.service.forecasting.cards import Cards
from beijiang.mining.service.forecasting.results import Results
from beijiang.mining.store import ForecastStore
from beijiang.tables import CommitRequest, WriteMode

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from beijiang.jobs import Job, JobRun
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.mining.models import Forecast, SeriesForecast, Sorted
    from beijiang.mining.service.forecasting.base import Source
    from beijiang.tables import TableWritten

__all__ = ["FORECAST_JOB", "Running"]

FORECAST_JOB: Final = "mining.forecast"
RUNS_SHOWN: Final = 50


class Running(Cards):
    """Makes the forecasts."""

    def on_table_written(self, event: TableWritten) -> None:
        """Have the forecasts made anew whose table was written; again is harmless."""
        self._heard(SourceKind.TABLE, event.table, str(event.version))

    def on_indicator_released(self, code: str) -> None:
        """Have the forecasts made anew of which values were released."""
        self._heard(SourceKind.INDICATOR, code, "released")

    def run(self, actor: Actor, forecast_id: str) -> str:
        """Have a forecast made anew as a job; return its id."""
        found = self._seen(actor, forecast_id, Permission.MINING_FORECAST_MANAGE)
        return self._submit(actor, found, RunCause.ASKED, "asked")

    def run_now(self, actor: Actor, forecast_id: str, on_progress: Callable[[Job], None] | None = None) -> ForecastRun:
        """Make a forecast anew in this process; for the terminal.

        Raises:
            Conflict: it could not be made; the words are those of what went wrong.

        """
        found = self._seen(actor, forecast_id, Permission.MINING_FORECAST_MANAGE)
        job = self.jobs.run_inline(self.run(actor, forecast_id), on_progress)
        if not isinstance(job.result, dict):
            error = job.error or {}
            zh, en = str(error.get("zh") or "运行没有完成。"), str(error.get("en") or "The run did not end.")
            raise Conflict(zh, en, code=str(error.get("code") or "forecast_not_run"))
        return self.runs(actor, found.id)[0]

    def runs(self, actor: Actor, forecast_id: str) -> Sequence[ForecastRun]:
        """Return the runs of a forecast, newest first."""
        found = self._seen(actor, forecast_id)
        with self.db.read() as connection:
            return ForecastStore(connection).runs(found.id, RUNS_SHOWN)

    def work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Make one forecast anew; registered in build.py as the work of ``FORECAST_JOB``."""
        with self.db.read() as connection:
            found = ForecastStore(connection).get(str(arguments["forecast"]))
        if found is None or found.retired:
            return {"retired": True}
        with self.turns[found.id]:
            return self._work(job, found, RunCause(str(arguments["cause"])))

    # Inside

    def _heard(self, kind: SourceKind, source: str, what: str) -> None:
        with self.db.read() as connection:
            mine = [one for one in ForecastStore(connection).over(kind, source) if one.on_write]
        for found in mine:
            try:
                self._submit(found.owner, found, RunCause.WRITTEN, what)
            except BeijiangError as error:  # who set it may do it no more: the page says so
                self._note(self._begun(found, new_id("run"), RunCause.WRITTEN, found.owner.id, error.text))

    def _submit(self, actor: Actor, forecast: Forecast, cause: RunCause, what: str) -> str:
        arguments: dict[str, JsonValue] = {"forecast": forecast.id, "cause": cause.value}
        key = f"{FORECAST_JOB}:{forecast.id}:{forecast.revision}:{what}"
        return self.jobs.submit(actor, FORECAST_JOB, arguments, key=key, org_id=forecast.org_id)

    def _work(self, job: JobRun, forecast: Forecast, cause: RunCause) -> JsonValue:
        started = time.monotonic()
        run = self._begun(forecast, f"forecast-{job.id}", cause, job.actor.id)
        with self.db.read() as connection:
            last = ForecastStore(connection).last_done(forecast.id)
        try:
            actor = self.access.current(job.actor)
            self.access.require(actor, Permission.MINING_FORECAST_MANAGE, forecast.org_id)
            source = self._read(actor, forecast)
            if cause is RunCause.WRITTEN and last is not None and _same(last, run, source.version):
                return {"nothing": True}
            done = self._made(job, actor, forecast, replace(run, data_version=source.version), source)
        except BeijiangError as error:
            self._note(replace(run, seconds=time.monotonic() - started, error=error.text))
            raise
        self._note(replace(done, seconds=time.monotonic() - started))
        return {
            "run": done.id,
            "number": done.number,
            "version": done.version,
            "series": done.series,
            "done": done.done,
        }

    def _begun(
        self, forecast: Forecast, run_id: str, cause: RunCause, by: str, error: Text | None = None
    ) -> ForecastRun:
        with self.db.read() as connection:
            number = ForecastStore(connection).next_number(forecast.id, run_id)
        return ForecastRun(
            id=run_id,
            forecast_id=forecast.id,
            number=number,
            revision=forecast.revision,
            at=self.clock.now(),
            cause=cause,
            by=by,
            seconds=0.0,
            calendar=self.seasons.digest,
            model=self.forecaster.version,
            error=error,
        )

    def _made(self, job: JobRun, actor: Actor, forecast: Forecast, run: ForecastRun, source: Source) -> ForecastRun:
        from beijiang.mining.service.forecasting.testing import forecast_all

        found = self._sorted(forecast, source)

        def progress(done: int) -> None:
            job.check_cancelled()
            job.progress(done, len(found.ready), Text("正在预测与检验", "forecasting and testing"))

        made = list(
            forecast_all(
                found.ready,
                found.frequency,
                found.horizon,
                effort=forecast.effort,
                seasons=self.seasons,
                forecaster=self.forecaster,
                progress=progress,
            )
        )
        version = self._written(actor, forecast, run, found, made)
        return _summed(replace(run, version=version), found, made)

    def _written(
        self, actor: Actor, forecast: Forecast, run: ForecastRun, found: Sorted, made: Sequence[SeriesForecast]
    ) -> int:
        results = Results(forecast, self._keys(forecast), found.frequency, run.number, run.at)
        folder = self.settings.home / "staging" / run.id
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            tested = results.tested(made, found.without)
            self._commit(actor, forecast, f"{run.id}-tests", (forecast.tests, tested), (folder, results))
            expected = results.expected(made)
            return self._commit(actor, forecast, run.id, (forecast.target, expected), (folder, results))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _commit(
        self,
        actor: Actor,
        forecast: Forecast,
        run_id: str,
        rows: tuple[str, pa.Table],
        around: tuple[Path, Results],
    ) -> int:
        import pyarrow.parquet as pq

        (table, content), (folder, results) = rows, around
        file = folder / f"{run_id}.parquet"
        pq.write_table(content, file, compression="zstd")
        names = content.schema.names
        comments = {name: words for name, words in results.comments().items() if name in names}
        request = CommitRequest(
            table=table,
            org_id=forecast.org_id,
            staged=(file,),
            schema=content.schema,
            mode=WriteMode.APPEND,
            run_id=run_id,
            reason=f"预测“{forecast.name}”第 {results.number} 次运行",
            comments=comments,
            derived=results.origins(names),
        )
        return self.tables.commit(actor, request).version

    def _note(self, run: ForecastRun) -> None:
        with self.db.begin() as tx:
            ForecastStore(tx.connection).add_run(run)


def _same(last: ForecastRun, run: ForecastRun, version: str) -> bool:
    """Tell whether a run would come to what the last one came to."""
    before = (last.revision, last.data_version, last.calendar, last.model)
    return before == (run.revision, version, run.calendar, run.model)


def _summed(run: ForecastRun, found: Sorted, made: Sequence[SeriesForecast]) -> ForecastRun:
    """Return the run with what can be said of all its series together."""
    shown = [one.scores[one.method] for one in made]
    naive = [min(one.scores[m].mase for m in BENCHMARKS if m in one.scores) for one in made]
    return replace(
        run,
        frequency=found.frequency,
        last_period=found.frequency.label(found.last),
        series=len(found.ready) + len(found.without),
        without=Counter(reason.why.value for _, reason in found.without),
        methods=Counter(one.method.value for one in made),
        mase=median(score.mase for score in shown) if shown else None,
        naive_mase=median(naive) if naive else None,
        cover80=sum(s.cover80 * s.points for s in shown) / sum(s.points for s in shown) if shown else None,
    )
