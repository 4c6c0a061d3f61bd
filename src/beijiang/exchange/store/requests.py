"""Requests, what happened to them, and who stands in for whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, or_, select, update

from beijiang.exchange.models import (
    PEER_ORGANISATION,
    Delegation,
    Elsewhere,
    Request,
    RequestDraft,
    RequestState,
    Stage,
    Step,
    Terms,
)
from beijiang.exchange.models.moves import move_of
from beijiang.exchange.store.schema import exchange_delegation, exchange_request, exchange_step
from beijiang.standards import Case, CaseState

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

    from beijiang.exchange.models import RequestQuery
    from beijiang.standards import Deadline

__all__ = ["RequestStore", "request_of", "requests_asked", "time_of"]

_R, _S, _D = exchange_request.c, exchange_step.c, exchange_delegation.c
_SAME = (
    "id", "org_id", "by", "by_name", "resource_name", "resource_version", "provider_id", "at_stage", "urged",
    "revision", "created_at", "submitted_at", "decided_at", "grant_id",
)  # fmt: skip
_RUNNING = tuple(s.value for s in RequestState if not s.is_over and s is not RequestState.DRAFT)


class RequestStore:
    """Read and write requests on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, request_id: str) -> Request | None:
        """Return one request."""
        row = self._connection.execute(select(exchange_request).where(_R.id == request_id)).one_or_none()
        return None if row is None else request_of(row)

    def add(self, made: Request, time: Deadline | None = None) -> None:
        """Add a request, with how its time stands."""
        self._connection.execute(insert(exchange_request).values(**_values(made), **time_of(time)))

    def save(self, changed: Request, time: Deadline | None) -> bool:
        """Write the next revision of a request with how its time stands; False where somebody was faster."""
        unchanged = (_R.id == changed.id, _R.revision == changed.revision - 1)
        values = {**_values(changed), **time_of(time)}
        done = self._connection.execute(update(exchange_request).where(*unchanged).values(**values))
        return done.rowcount == 1

    def has_of(self, org_id: str) -> bool:
        """Tell whether an organisation has asked for anything."""
        return self._connection.execute(select(_R.id).where(_R.org_id == org_id).limit(1)).first() is not None

    def departments(self, node_id: str) -> set[str]:
        """Return the organisations that stand for departments of another node and have asked here."""
        theirs = (_R.org_id.startswith(PEER_ORGANISATION), _R.afar["node_id"].as_string() == node_id)
        return set(self._connection.execute(select(_R.org_id).where(*theirs).distinct()).scalars())

    def discard(self, request_id: str) -> None:
        """Take a draft away; what was handed in stays."""
        draft = (_R.id == request_id, _R.state == RequestState.DRAFT.value)
        self._connection.execute(delete(exchange_request).where(*draft))

    def drafts(self, person_id: str) -> list[Request]:
        """Return what a person put together and has not handed in, oldest first."""
        query = select(exchange_request).where(_R.by == person_id, _R.state == RequestState.DRAFT.value)
        return self._all(query.order_by(_R.created_at, _R.id))

    def running(self) -> list[Request]:
        """Return the requests that were handed in and are not over, oldest first."""
        query = select(exchange_request).where(_R.state.in_(_RUNNING)).order_by(_R.submitted_at, _R.id)
        return self._all(query)

    def times(self) -> dict[str, dict[str, Any]]:
        """Return how the time of every request that is not over was written down."""
        query = select(_R.id, _R.due_on, _R.warned_at, _R.late_at).where(_R.state.in_(_RUNNING))
        return {
            row.id: {"due_on": row.due_on, "warned_at": row.warned_at, "late_at": row.late_at}
            for row in self._connection.execute(query)
        }

    def write_time(self, request: Request, time: Deadline | None) -> None:
        """Write down how the time of a request stands, unless somebody moved it meanwhile."""
        same = (_R.id == request.id, _R.revision == request.revision)
        self._connection.execute(update(exchange_request).where(*same).values(**time_of(time)))

    def asked(self) -> list[tuple[str, str]]:
        """Return by which right the stages that are worked at now are decided, and for which providers."""
        pairs = select(_R.asks, _R.provider_id).where(_R.asks.is_not(None)).distinct()
        return [
            (row.asks, row.provider_id) for row in self._connection.execute(pairs.order_by(_R.asks, _R.provider_id))
        ]

    def find(
        self, query: RequestQuery, orgs: Collection[str], person_id: str, *, every: bool
    ) -> tuple[list[Request], int]:
        """Return requests by or to some departments, newest first, and how many there are; drafts are their maker's."""
        wanted = requests_asked(query, orgs, person_id, every=every)
        count = self._connection.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()
        return self._all(wanted.order_by(_R.created_at.desc(), _R.id).limit(query.limit)), count

    def organisations(self) -> set[str]:
        """Return the departments that ever asked or were asked."""
        return set(self._connection.execute(select(_R.org_id).union(select(_R.provider_id))).scalars())

    def add_step(self, step: Step) -> Step:
        """Add a step at the end of its matter; its place is given here."""
        newest = select(func.max(_S.place)).where(_S.matter_id == step.matter_id)
        placed = replace(step, place=(self._connection.execute(newest).scalar_one() or 0) + 1)
        self._connection.execute(
            insert(exchange_step).values(
                matter_id=placed.matter_id,
                place=placed.place,
                at=placed.at,
                by=placed.by,
                name=placed.name,
                org_id=placed.org_id,
                behalf=placed.behalf,
                move=placed.move.value,
                stage=placed.stage,
                words=placed.words,
                detail=dict(placed.detail),
            )
        )
        return placed

    def steps(self, matter_id: str) -> list[Step]:
        """Return what happened to a request or a grant, oldest first."""
        rows = self._connection.execute(select(exchange_step).where(_S.matter_id == matter_id).order_by(_S.place))
        return [_step(row) for row in rows]

    def steps_of(self, matter_ids: Collection[str]) -> Mapping[str, Sequence[Step]]:
        """Return what happened to each of some matters, oldest first."""
        found: dict[str, list[Step]] = {one: [] for one in matter_ids}
        query = select(exchange_step).where(_S.matter_id.in_(list(found))).order_by(_S.matter_id, _S.place)
        for row in self._connection.execute(query):
            found[row.matter_id].append(_step(row))
        return found

    def add_delegation(self, made: Delegation) -> None:
        """Note who stands in for whom."""
        names = ("id", "org_id", "by", "by_name", "to", "to_name", "since", "until", "reason", "at", "ended_at")
        self._connection.execute(insert(exchange_delegation).values({name: getattr(made, name) for name in names}))

    def end_delegation(self, delegation_id: str, at: datetime) -> bool:
        """End it; False where it was ended before."""
        running = (_D.id == delegation_id, _D.ended_at.is_(None))
        return bool(self._connection.execute(update(exchange_delegation).where(*running).values(ended_at=at)).rowcount)

    def delegations(self, person_id: str) -> list[Delegation]:
        """Return the delegations by or to a person, newest first."""
        query = select(exchange_delegation).where(or_(_D.by == person_id, _D.to == person_id))
        rows = self._connection.execute(query.order_by(_D.at.desc(), _D.id))
        return [Delegation(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's documented name

    def _all(self, query: Select[Any]) -> list[Request]:
        return [request_of(row) for row in self._connection.execute(query)]


def _values(one: Request) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in _SAME},
        "draft": one.draft.to_json(),
        "resource_id": one.draft.resource_id,
        "table_name": one.table,
        "state": one.state.value,
        "stages": [stage.to_json() for stage in one.stages],
        "offered": one.offered.to_json(),
        "clock": None if one.case is None else one.case.to_json(),
        "afar": None if one.afar is None else one.afar.to_json(),
        "stage": None if one.stage is None else one.stage.id,
        "asks": None if one.stage is None else one.stage.permission,
    }


def time_of(time: Deadline | None) -> dict[str, Any]:
    """Return what lists sort and narrow by; of a time that stands still only the day, as it would be if it ran on now."""
    if time is None or time.state is CaseState.ANSWERED:
        return {"due_on": None, "warned_at": None, "late_at": None}
    runs = time.state is not CaseState.PAUSED
    return {
        "due_on": time.last_day,
        "warned_at": time.warnings[0] if runs and time.warnings else None,
        "late_at": time.due if runs else None,
    }


def requests_asked(query: RequestQuery, orgs: Collection[str], person_id: str, *, every: bool) -> Select[Any]:
    """Return the question for requests by or to some departments; drafts are their maker's."""
    wanted = select(exchange_request).where(_R.state != RequestState.DRAFT.value)
    if not every:
        wanted = wanted.where(or_(_R.org_id.in_(orgs), _R.provider_id.in_(orgs), _R.by == person_id))
    if query.states:
        wanted = wanted.where(_R.state.in_(sorted(query.states)))
    if query.org_id:
        wanted = wanted.where(_R.org_id == query.org_id)
    if query.provider_id:
        wanted = wanted.where(_R.provider_id == query.provider_id)
    if query.words:
        wanted = wanted.where(
            or_(
                _R.resource_name.contains(query.words, autoescape=True),
                _R.table_name.contains(query.words, autoescape=True),
                _R.id == query.words,
            )
        )
    return wanted


def request_of(row: Row[Any]) -> Request:
    """Return the request of a row."""
    return Request(
        **{name: getattr(row, name) for name in _SAME},
        draft=RequestDraft.from_json(row.draft),
        table=row.table_name,
        state=RequestState(row.state),
        stages=tuple(Stage.from_json(one) for one in row.stages),
        offered=Terms.from_json(row.offered),
        case=None if row.clock is None else Case.from_json(row.clock),
        afar=None if row.afar is None else Elsewhere.from_json(row.afar),
    )


def _step(row: Row[Any]) -> Step:
    return Step(
        matter_id=row.matter_id,
        place=row.place,
        at=row.at,
        by=row.by,
        name=row.name,
        org_id=row.org_id,
        behalf=row.behalf,
        move=move_of(row.move),
        stage=row.stage,
        words=row.words,
        detail=row.detail,
    )
