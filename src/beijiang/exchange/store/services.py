"""Services, their versions, breakers, rates, calls and probes."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import case, delete, func, insert, or_, select, update

from beijiang.db import Shelf, age_of, part_of, upsert
from beijiang.exchange.models.services import (
    Breaker,
    BreakerState,
    CallOutcome,
    CallRow,
    Probe,
    Service,
    ServiceSpec,
    ServiceState,
    ServiceVersion,
    VersionState,
)
from beijiang.exchange.store.schema import (
    exchange_service,
    exchange_service_breaker,
    exchange_service_call,
    exchange_service_probe,
    exchange_service_rate,
    exchange_service_version,
)
from beijiang.kit import Part

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection, Row, Select

    from beijiang.exchange.models.services import ServiceQuery
    from beijiang.kit import Wanted

__all__ = ["ServiceStore"]

_S, _V, _B = exchange_service.c, exchange_service_version.c, exchange_service_breaker.c
_R, _C, _P = exchange_service_rate.c, exchange_service_call.c, exchange_service_probe.c
_SAME: Final = (
    "id",
    "name",
    "purpose",
    "resource_id",
    "resource_name",
    "provider_id",
    "live",
    "newest",
    "by",
    "by_name",
    "created_at",
    "changed_at",
    "reason",
    "revision",
)
_SAME_VERSION: Final = ("service_id", "number", "secret", "by_name", "at", "tested_at", "offered_at")


class ServiceStore:
    """Read and write services on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, made: Service) -> None:
        """Add a service."""
        self._connection.execute(insert(exchange_service).values(**_values(made)))

    def save(self, changed: Service) -> bool:
        """Write the next revision; False where somebody was faster."""
        unchanged = (_S.id == changed.id, _S.revision == changed.revision - 1)
        return (
            self._connection.execute(update(exchange_service).where(*unchanged).values(**_values(changed))).rowcount
            == 1
        )

    def get(self, service_id: str) -> Service | None:
        """Return one service."""
        row = self._connection.execute(select(exchange_service).where(_S.id == service_id)).one_or_none()
        return None if row is None else _service(row)

    def of_resource(self, resource_id: str) -> Service | None:
        """Return the service of an entry that is not retired."""
        wanted = select(exchange_service).where(_S.resource_id == resource_id, _S.state != ServiceState.RETIRED.value)
        row = self._connection.execute(wanted.order_by(_S.created_at.desc()).limit(1)).one_or_none()
        return None if row is None else _service(row)

    def find(self, query: ServiceQuery, orgs: Collection[str]) -> tuple[list[Service], int]:
        """Return services that are offered to all, and those of some departments in every state."""
        wanted = _known(orgs)
        if query.state is not None:
            wanted = wanted.where(_S.state == query.state.value)
        if query.words:
            wanted = wanted.where(
                or_(
                    _S.name.contains(query.words, autoescape=True),
                    _S.resource_name.contains(query.words, autoescape=True),
                    _S.id == query.words,
                )
            )
        count = self._connection.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()
        rows = self._connection.execute(wanted.order_by(_S.changed_at.desc(), _S.id).limit(query.limit))
        return [_service(row) for row in rows], count

    def part(self, wanted: Wanted, orgs: Collection[str], now: datetime) -> Part[Service]:
        """Return a part of the services that ``find`` finds, the one that was changed last first."""
        shelf = Shelf(
            rows=_known(orgs),
            columns={
                "name": _S.name,
                "resource": _S.resource_name,
                "purpose": _S.purpose,
                "provider": _S.provider_id,
                "state": _S.state,
                "live": _S.live,
                "newest": _S.newest,
                "by": _S.by_name,
                "at": _S.created_at,
                "changed": _S.changed_at,
                "age": age_of(_S.changed_at, now),
                "id": _S.id,
            },
            counted=("provider", "state", "age"),
            words=("name", "resource", "purpose", "by", "id"),
            order=(_S.changed_at.desc(), _S.id),
        )
        rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([_service(row) for row in rows], found, counts)

    def offered(self) -> list[Service]:
        """Return every service that is offered."""
        wanted = select(exchange_service).where(_S.state == ServiceState.OFFERED.value).order_by(_S.id)
        return [_service(row) for row in self._connection.execute(wanted)]

    def every(self) -> list[Service]:
        """Return all services."""
        return [_service(row) for row in self._connection.execute(select(exchange_service).order_by(_S.id))]

    def organisations(self) -> set[str]:
        """Return the departments that ever registered one."""
        return set(self._connection.execute(select(_S.provider_id).distinct()).scalars())

    # Versions

    def put_version(self, version: ServiceVersion) -> None:
        """Write a version, new or again."""
        here = (_V.service_id == version.service_id, _V.number == version.number)
        values = {
            **{name: getattr(version, name) for name in _SAME_VERSION},
            "state": version.state.value,
            "spec": version.spec.model_dump(mode="json"),
        }
        if not self._connection.execute(update(exchange_service_version).where(*here).values(**values)).rowcount:
            self._connection.execute(insert(exchange_service_version).values(**values))

    def version(self, service_id: str, number: int) -> ServiceVersion | None:
        """Return one version."""
        wanted = select(exchange_service_version).where(_V.service_id == service_id, _V.number == number)
        row = self._connection.execute(wanted).one_or_none()
        return None if row is None else _version(row)

    def versions(self, service_id: str) -> list[ServiceVersion]:
        """Return the versions, newest first."""
        wanted = select(exchange_service_version).where(_V.service_id == service_id).order_by(_V.number.desc())
        return [_version(row) for row in self._connection.execute(wanted)]

    # The breaker

    def breaker(self, service_id: str) -> Breaker | None:
        """Return the breaker of a service, None before anything failed."""
        row = self._connection.execute(
            select(exchange_service_breaker).where(_B.service_id == service_id)
        ).one_or_none()
        return None if row is None else _breaker(row)

    def breakers(self) -> dict[str, Breaker]:
        """Return every breaker."""
        found = [_breaker(row) for row in self._connection.execute(select(exchange_service_breaker))]
        return {one.service_id: one for one in found}

    def save_breaker(self, changed: Breaker) -> bool:
        """Write the next revision; False where another call was faster."""
        values = {
            "service_id": changed.service_id,
            "state": changed.state.value,
            "failures": changed.failures,
            "since": changed.since,
            "reason": changed.reason[:60],
            "revision": changed.revision,
        }
        if changed.revision == 1:
            added = upsert(self._connection, exchange_service_breaker).values(**values).on_conflict_do_nothing()
            # Drivers do not all count the rows of an INSERT.
            return self._connection.execute(added.returning(_B.service_id)).first() is not None
        same = (_B.service_id == changed.service_id, _B.revision == changed.revision - 1)
        return self._connection.execute(update(exchange_service_breaker).where(*same).values(**values)).rowcount == 1

    # Rates

    def take(self, service_id: str, who: str, minute: datetime, limit: int) -> bool:
        """Count a call of a minute unless it would be one too many; one statement, so that no race gets past it."""
        opened = upsert(self._connection, exchange_service_rate).values(
            service_id=service_id, who=who, minute=minute, calls=0
        )
        self._connection.execute(opened.on_conflict_do_nothing())
        fits = (_R.service_id == service_id, _R.who == who, _R.minute == minute, _R.calls < limit)
        counted = update(exchange_service_rate).where(*fits).values(calls=_R.calls + 1)
        return self._connection.execute(counted).rowcount == 1

    def forget_rates(self, before: datetime) -> None:
        """Drop minutes that are over."""
        self._connection.execute(delete(exchange_service_rate).where(_R.minute < before))

    # Calls and probes

    def count(self, service_id: str, row: CallRow) -> None:
        """Add calls to those of their day, consumer, outcome and span of time."""
        key = {
            "service_id": service_id,
            "day": row.day,
            "org_id": row.org_id,
            "outcome": row.outcome.value,
            "bucket": row.bucket,
        }
        numbers = {"calls": row.calls, "rows": row.rows, "millis": row.millis, "slowest": row.slowest}
        added = upsert(self._connection, exchange_service_call).values(**key, **numbers)
        self._connection.execute(
            added.on_conflict_do_update(
                index_elements=list(key),
                set_={
                    "calls": _C.calls + row.calls,
                    "rows": _C.rows + row.rows,
                    "millis": _C.millis + row.millis,
                    "slowest": case((_C.slowest > row.slowest, _C.slowest), else_=row.slowest),
                },
            )
        )

    def calls(self, service_id: str, since: date, until: date) -> list[CallRow]:
        """Return what was called in some days."""
        wanted = select(exchange_service_call).where(_C.service_id == service_id, _C.day >= since, _C.day <= until)
        return [
            CallRow(
                row.day,
                row.org_id,
                CallOutcome(row.outcome),
                row.bucket,
                row.calls,
                row.rows,
                row.millis,
                row.slowest,
            )
            for row in self._connection.execute(wanted.order_by(_C.day.desc(), _C.org_id))
        ]

    def answered(self, since: date, until: date) -> dict[tuple[str, str], int]:
        """Return how many calls of each consumer each service answered in some days."""
        well = _C.outcome.in_([CallOutcome.OK.value, CallOutcome.PARTLY.value])
        query = select(_C.service_id, _C.org_id, func.sum(_C.calls)).where(well, _C.day >= since, _C.day <= until)
        rows = self._connection.execute(query.group_by(_C.service_id, _C.org_id))
        return {(row[0], row[1]): int(row[2]) for row in rows}

    def add_probe(self, probe: Probe) -> None:
        """Note a probe."""
        values = {
            "service_id": probe.service_id,
            "at": probe.at,
            "ok": probe.ok,
            "millis": probe.millis,
            "reason": probe.reason[:60],
        }
        self._connection.execute(
            upsert(self._connection, exchange_service_probe).values(**values).on_conflict_do_nothing()
        )

    def probes(self, service_id: str, limit: int) -> list[Probe]:
        """Return the latest probes, newest first."""
        wanted = select(exchange_service_probe).where(_P.service_id == service_id).order_by(_P.at.desc()).limit(limit)
        return [
            Probe(service_id=row.service_id, at=row.at, ok=row.ok, millis=row.millis, reason=row.reason)
            for row in self._connection.execute(wanted)
        ]

    def last_probe(self, service_id: str) -> datetime | None:
        """Return when a service was probed last."""
        last: datetime | None = self._connection.execute(
            select(func.max(_P.at)).where(_P.service_id == service_id)
        ).scalar()
        return last

    def forget_probes(self, service_id: str, before: datetime) -> None:
        """Drop probes that no period of assessment asks for any more."""
        self._connection.execute(delete(exchange_service_probe).where(_P.service_id == service_id, _P.at < before))

    def probed(self, since: datetime, until: datetime) -> dict[str, tuple[int, int]]:
        """Return of each service how many probes of a time were well, and how many there were."""
        well = func.sum(case((_P.ok, 1), else_=0))
        wanted = select(_P.service_id, well.label("well"), func.count().label("all")).where(
            _P.at >= since, _P.at < until
        )
        rows = self._connection.execute(wanted.group_by(_P.service_id))
        return {row.service_id: (int(row.well), int(row.all)) for row in rows}


def _known(orgs: Collection[str]) -> Select[Any]:
    """Ask for the services that everybody may know of, and those of some departments in every state."""
    offered = _S.state.in_((ServiceState.OFFERED.value, ServiceState.PAUSED.value))
    return select(exchange_service).where(or_(offered, _S.provider_id.in_(orgs)))


def _values(one: Service) -> dict[str, Any]:
    return {**{name: getattr(one, name) for name in _SAME}, "state": one.state.value}


def _service(row: Row[Any]) -> Service:
    return Service(**{name: getattr(row, name) for name in _SAME}, state=ServiceState(row.state))


def _version(row: Row[Any]) -> ServiceVersion:
    return ServiceVersion(
        **{name: getattr(row, name) for name in _SAME_VERSION},
        state=VersionState(row.state),
        spec=ServiceSpec.model_validate(row.spec),
    )


def _breaker(row: Row[Any]) -> Breaker:
    return Breaker(
        service_id=row.service_id,
        state=BreakerState(row.state),
        failures=row.failures,
        since=row.since,
        reason=row.reason,
        revision=row.revision,
    )
