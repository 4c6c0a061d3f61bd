"""Forecasts with all their revisions, and their runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from beijiang.db import Revisions
from beijiang.kit import Actor, Text
from beijiang.mining.models import Effort, Forecast, ForecastRun, Frequency, RunCause, SourceKind
from beijiang.mining.store.forecast_tables import forecast, forecast_run

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["ForecastStore"]

_F = forecast.c
_RUN = forecast_run.c


class ForecastStore(Revisions[Forecast]):
    """Read and write forecasts on one connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, forecast, _forecast)

    def add(self, new: Forecast) -> None:
        """Add a revision; it is the one in force from now on."""
        self.put(
            {
                "id": new.id,
                "revision": new.revision,
                "retired": new.retired,
                "name": new.name,
                "org_id": new.org_id,
                "kind": new.kind.value,
                "source": new.source,
                "target": new.target,
                "declared": new.to_json(),
                "reason": new.reason,
                "owner": new.owner.to_json(),
                "set_at": new.at,
            }
        )

    def all(self) -> list[Forecast]:
        """Return the forecasts in force, by name."""
        return self.in_force(by=(_F.name,))

    def over(self, kind: SourceKind, source: str) -> list[Forecast]:
        """Return the forecasts in force over a source, by name."""
        return self.in_force(_F.kind == kind.value, _F.source == source, by=(_F.name,))

    def filling(self, target: str) -> Forecast | None:
        """Return the newest revision of the forecast that fills a table, in force or retired."""
        query = select(forecast).where(_F.is_current.is_(True), _F.target == target).order_by(_F.retired, _F.id)
        row = self._connection.execute(query).first()
        return None if row is None else _forecast(row)

    def owners(self, forecast_ids: Collection[str]) -> dict[str, frozenset[str]]:
        """Return who declared any revision of some forecasts."""
        query = select(_F.id, _F.owner).where(_F.id.in_(forecast_ids))
        found: dict[str, frozenset[str]] = {}
        for row in self._connection.execute(query):
            found[row.id] = found.get(row.id, frozenset()) | {Actor.from_json(row.owner).id}
        return found

    def add_run(self, run: ForecastRun) -> None:
        """Add a run, or replace one that was cut short after it was noted."""
        self._connection.execute(forecast_run.delete().where(_RUN.id == run.id))
        self._connection.execute(
            insert(forecast_run).values(
                id=run.id,
                forecast_id=run.forecast_id,
                number=run.number,
                revision=run.revision,
                at=run.at,
                cause=run.cause.value,
                by=run.by,
                seconds=run.seconds,
                frequency=run.frequency.value if run.frequency else "",
                data_version=run.data_version,
                calendar=run.calendar,
                model=run.model,
                seed=run.seed,
                last_period=run.last_period,
                series=run.series,
                without=dict(run.without),
                methods=dict(run.methods),
                mase=run.mase,
                naive_mase=run.naive_mase,
                cover80=run.cover80,
                version=run.version,
                error=None if run.error is None else {"zh": run.error.zh, "en": run.error.en},
            )
        )

    def runs(self, forecast_id: str, limit: int) -> Sequence[ForecastRun]:
        """Return runs, newest first."""
        query = select(forecast_run).where(_RUN.forecast_id == forecast_id)
        query = query.order_by(_RUN.number.desc(), _RUN.at.desc(), _RUN.id.desc()).limit(limit)
        return [_run(row) for row in self._connection.execute(query)]

    def run(self, forecast_id: str, number: int) -> ForecastRun | None:
        """Return one run that wrote its forecasts."""
        query = select(forecast_run).where(_RUN.forecast_id == forecast_id, _RUN.number == number)
        row = self._connection.execute(query.where(_RUN.version.is_not(None))).first()
        return None if row is None else _run(row)

    def run_by_id(self, run_id: str) -> ForecastRun | None:
        """Return one run."""
        row = self._connection.execute(select(forecast_run).where(_RUN.id == run_id)).one_or_none()
        return None if row is None else _run(row)

    def last_done(self, forecast_id: str) -> ForecastRun | None:
        """Return the newest run that wrote its forecasts."""
        query = select(forecast_run).where(_RUN.forecast_id == forecast_id, _RUN.version.is_not(None))
        row = self._connection.execute(query.order_by(_RUN.number.desc()).limit(1)).one_or_none()
        return None if row is None else _run(row)

    def next_number(self, forecast_id: str, run_id: str) -> int:
        """Return the number of a run: its own if it was noted before, else the next one."""
        known = self.run_by_id(run_id)
        if known is not None:
            return known.number
        query = select(func.max(_RUN.number)).where(_RUN.forecast_id == forecast_id)
        return int(self._connection.execute(query).scalar_one_or_none() or 0) + 1


def _forecast(row: Row[Any]) -> Forecast:
    said = row.declared
    return Forecast(
        id=row.id,
        revision=row.revision,
        retired=row.retired,
        name=row.name,
        org_id=row.org_id,
        kind=SourceKind(row.kind),
        source=row.source,
        target=row.target,
        series=tuple(said["series"]),
        period=said["period"],
        value=said["value"],
        definition=said["definition"],
        horizon=int(said["horizon"]),
        effort=Effort(said["effort"]),
        on_write=bool(said["on_write"]),
        reason=row.reason,
        owner=Actor.from_json(row.owner),
        at=row.set_at,
    )


def _run(row: Row[Any]) -> ForecastRun:
    return ForecastRun(
        id=row.id,
        forecast_id=row.forecast_id,
        number=row.number,
        revision=row.revision,
        at=row.at,
        cause=RunCause(row.cause),
        by=row.by,
        seconds=row.seconds,
        frequency=Frequency(row.frequency) if row.frequency else None,
        data_version=row.data_version,
        calendar=row.calendar,
        model=row.model,
        seed=row.seed,
        last_period=row.last_period,
        series=row.series,
        without={name: int(count) for name, count in row.without.items()},
        methods={name: int(count) for name, count in row.methods.items()},
        mase=row.mase,
        naive_mase=row.naive_mase,
        cover80=row.cover80,
        version=row.version,
        error=None if row.error is None else Text(row.error["zh"], row.error["en"]),
    )
