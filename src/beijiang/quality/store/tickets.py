"""Tickets with their steps, and the policies that open them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, or_, select, update

from beijiang.kit import Text
from beijiang.quality.models.rules import Severity
from beijiang.quality.models.tickets import (
    Move,
    Origin,
    Stage,
    Ticket,
    TicketLimit,
    TicketPolicy,
    TicketQuery,
    TicketState,
    TicketStep,
)
from beijiang.quality.store.schema import quality_ticket, quality_ticket_policy, quality_ticket_step

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row, Select

__all__ = ["TicketStore", "ticket_of", "tickets_asked"]

_T, _S, _P = quality_ticket.c, quality_ticket_step.c, quality_ticket_policy.c
_OVER = tuple(state.value for state in TicketState if state.is_over)
_RUNNING = tuple(state.value for state in TicketState if state.runs)
_SAME = (
    "id", "title", "words", "rule_id", "revision", "indicator", "run_id", "version", "failing", "assessed", "resource_id",
    "opened_by", "opened_name", "opened_org", "opened_at", "started_on", "due_on", "provisional", "answered_at", "closed_at",
    "reopened", "changed_at", "org_id",
)  # fmt: skip


class TicketStore:
    """Read and write tickets on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, ticket_id: str) -> Ticket | None:
        """Return one ticket."""
        return self._one(select(quality_ticket).where(_T.id == ticket_id))

    def standing(self, rule_id: str) -> Ticket | None:
        """Return the open ticket of a rule; there is one at most."""
        return self._one(select(quality_ticket).where(_T.standing == rule_id))

    def standing_of(self, table: str) -> list[Ticket]:
        """Return the open tickets of the rules of a table."""
        query = select(quality_ticket).where(_T.table_name == table, _T.standing.is_not(None))
        return [ticket_of(row) for row in self._connection.execute(query.order_by(_T.id))]

    def last(self, rule_id: str) -> Ticket | None:
        """Return the newest ticket of a rule, open or not."""
        query = select(quality_ticket).where(_T.rule_id == rule_id)
        return self._one(query.order_by(_T.opened_at.desc(), _T.id.desc()).limit(1))

    def running(self) -> list[Ticket]:
        """Return the tickets whose supplier's time runs."""
        query = select(quality_ticket).where(_T.state.in_(_RUNNING)).order_by(_T.id)
        return [ticket_of(row) for row in self._connection.execute(query)]

    def doubted(self, table: str) -> list[Ticket]:
        """Return the open tickets that readers of a table should know of; an entry without a table goes by its own id."""
        about = or_(_T.table_name == table, (_T.table_name == "") & (_T.resource_id == table))
        query = select(quality_ticket).where(about, _T.state.not_in(_OVER)).order_by(_T.id)
        return [ticket_of(row) for row in self._connection.execute(query)]

    def add(self, ticket: Ticket) -> None:
        """Add a ticket."""
        self._connection.execute(insert(quality_ticket).values(**_values(ticket)))

    def put(self, ticket: Ticket, before: Ticket) -> bool:
        """Write a ticket that is still as it was ``before``; False where somebody was faster."""
        unchanged = (_T.id == before.id, _T.state == before.state.value, _T.changed_at == before.changed_at)
        return bool(
            self._connection.execute(update(quality_ticket).where(*unchanged).values(**_values(ticket))).rowcount
        )

    def add_step(self, step: TicketStep) -> TicketStep:
        """Add a step at the end of its ticket; its place is given here."""
        newest = select(func.max(_S.place)).where(_S.ticket_id == step.ticket_id)
        place = (self._connection.execute(newest).scalar_one() or 0) + 1
        self._connection.execute(
            insert(quality_ticket_step).values(
                ticket_id=step.ticket_id,
                place=place,
                at=step.at,
                by=step.by,
                name=step.name,
                org_id=step.org_id,
                move=step.move.value,
                state=step.state.value,
                words={"zh": step.words.zh, "en": step.words.en},
                detail=dict(step.detail),
            )
        )
        return replace(step, place=place)

    def steps(self, ticket_id: str) -> list[TicketStep]:
        """Return what happened to a ticket, oldest first."""
        query = select(quality_ticket_step).where(_S.ticket_id == ticket_id).order_by(_S.place)
        return [_step(row) for row in self._connection.execute(query)]

    def organisations(self) -> set[str]:
        """Return the departments that tickets were ever sent to or opened by."""
        asked = select(_T.org_id).union(select(_T.opened_org).where(_T.opened_org.is_not(None)))
        return set(self._connection.execute(asked).scalars())

    def find(
        self, query: TicketQuery, org_ids: Collection[str] | None, actor_id: str, today: date
    ) -> tuple[list[Ticket], int]:
        """Return tickets that an actor may see, what is due first, and how many there are in all.

        ``org_ids`` are the departments whose tickets the actor sees; None: all.
        """
        asked = tickets_asked(query, org_ids, actor_id, today)
        count = self._connection.execute(asked.with_only_columns(func.count(), maintain_column_froms=True)).scalar_one()
        sorted_ = asked.order_by(_T.closed_at.is_not(None), _T.due_on, _T.id)
        return [ticket_of(row) for row in self._connection.execute(sorted_.limit(query.limit))], int(count)

    def opened_between(self, org_ids: Collection[str], since: datetime, until: datetime) -> list[Ticket]:
        """Return the tickets of some departments that were opened in a time."""
        query = select(quality_ticket).where(_T.org_id.in_(org_ids), _T.opened_at >= since, _T.opened_at < until)
        return [ticket_of(row) for row in self._connection.execute(query.order_by(_T.id))]

    def policies(self) -> dict[str, TicketPolicy]:
        """Return the policies by their scope."""
        return {row.scope: _policy(row) for row in self._connection.execute(select(quality_ticket_policy))}

    def put_policy(self, policy: TicketPolicy) -> None:
        """Write a policy in place of the one of its scope."""
        self._connection.execute(delete(quality_ticket_policy).where(_P.scope == policy.scope))
        self._connection.execute(
            insert(quality_ticket_policy).values(
                scope=policy.scope,
                severities=sorted(s.value for s in policy.severities),
                by=policy.by,
                at=policy.at,
                reason=policy.reason,
            )
        )

    def _one(self, query: Select[Any]) -> Ticket | None:
        row = self._connection.execute(query).one_or_none()
        return None if row is None else ticket_of(row)


def tickets_asked(query: TicketQuery, org_ids: Collection[str] | None, actor_id: str, today: date) -> Select[Any]:
    """Return the query for the tickets that an actor may see; ``org_ids`` are the departments whose tickets these are, None: all."""
    wanted = _wanted(query, today)
    if org_ids is not None:
        wanted.append(or_(_T.org_id.in_(org_ids), _T.opened_org.in_(org_ids), _T.opened_by == actor_id))
    return select(quality_ticket).where(*wanted)


def _wanted(query: TicketQuery, today: date) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if query.words:
        wanted.append(
            or_(
                _T.title.contains(query.words, autoescape=True),
                _T.table_name.contains(query.words, autoescape=True),
                _T.id == query.words,
            )
        )
    if query.states:
        wanted.append(_T.state.in_(sorted(state.value for state in query.states)))
    if query.org_id:
        wanted.append(_T.org_id == query.org_id)
    if query.table:
        wanted.append(_T.table_name == query.table)
    if query.origin is not None:
        wanted.append(_T.origin == query.origin.value)
    if query.overdue:
        wanted += [_T.state.in_(_RUNNING), _T.due_on < today]
    return wanted


def _values(ticket: Ticket) -> dict[str, Any]:
    return {
        **{name: getattr(ticket, name) for name in _SAME},
        "table_name": ticket.table,
        "origin": ticket.origin.value,
        "state": ticket.state.value,
        "standing": None if ticket.state.is_over else ticket.rule_id,
        "columns": list(ticket.columns),
        "rows": list(ticket.rows),
        "severity": ticket.severity.value,
        "limit_rule": ticket.limit.rule,
        "limit_days": ticket.limit.days,
        "limit_basis": ticket.limit.basis,
        "limit_verified": ticket.limit.verified,
        "stage": int(ticket.stage),
        "answer": None if ticket.answer is None else ticket.answer.value,
    }


def ticket_of(row: Row[Any]) -> Ticket:
    """Make a ticket of its row."""
    return Ticket(
        **{name: getattr(row, name) for name in _SAME},
        table=row.table_name,
        origin=Origin(row.origin),
        state=TicketState(row.state),
        columns=tuple(row.columns),
        rows=tuple(row.rows),
        severity=Severity(row.severity),
        limit=TicketLimit(row.limit_rule, row.limit_days, row.limit_basis, row.limit_verified),
        stage=Stage(row.stage),
        answer=None if row.answer is None else Move(row.answer),
    )


def _step(row: Row[Any]) -> TicketStep:
    return TicketStep(
        ticket_id=row.ticket_id,
        place=row.place,
        at=row.at,
        by=row.by,
        name=row.name,
        org_id=row.org_id,
        move=Move(row.move),
        state=TicketState(row.state),
        words=Text(row.words["zh"], row.words["en"]),
        detail=row.detail,
    )


def _policy(row: Row[Any]) -> TicketPolicy:
    return TicketPolicy(
        scope=row.scope,
        severities=frozenset(Severity(value) for value in row.severities),
        by=row.by,
        at=row.at,
        reason=row.reason,
    )
