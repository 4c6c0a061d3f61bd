"""What the verbs of tickets share: whose ticket it is, its time, and how a step is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import IntegrityError

from beijiang.access import Permission
from beijiang.db import Remembered
from beijiang.ingest import AlertKind
from beijiang.kit import Conflict, Invalid, Text, new_id
from beijiang.quality.errors import no_ticket, ticket_changed
from beijiang.quality.events import DoubtMoved
from beijiang.quality.models.tickets import Move, Origin, Stage, Ticket, TicketLimit, TicketState, TicketStep
from beijiang.quality.service.base import Base
from beijiang.quality.store import TicketStore

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.quality.service.scoring import Quality

__all__ = ["Ticketing"]

WORDS_LONGEST: Final = 2000
_RULES: Final = "correction.handle."
_ALERTS: Final = (AlertKind.QUALITY_TICKET, AlertKind.QUALITY_TICKET_OVERDUE)


class Ticketing(Base):
    """Holds the parts of tickets and writes their steps."""

    def __init__(self, quality: Quality) -> None:
        q = quality
        super().__init__(q.db, q.tables, q.runner, q.access, q.evidence, q.jobs, q.alerts, q.clock)
        self.quality = quality
        self.zone = q.runner.zone
        self._doubts: Remembered[tuple[str, ...]] = Remembered(q.db)

    @property
    def today(self) -> date:
        """Return the day it is here."""
        return self.clock.now().astimezone(self.zone).date()

    def _peek(self, actor: Actor, ticket_id: str) -> Ticket:
        """Return a ticket that the actor may see; unknown and hidden look the same."""
        with self.db.read() as connection:
            found = TicketStore(connection).get(ticket_id)
        if found is None or not self._sees(actor, found):
            self.access.require(actor, Permission.QUALITY_TICKET_READ)
            raise no_ticket()
        return found

    def _sees(self, actor: Actor, ticket: Ticket) -> bool:
        if ticket.opened_by == actor.id and self.access.allows(actor, Permission.QUALITY_TICKET_READ):
            return True
        orgs = [org for org in (ticket.org_id, ticket.opened_org) if org]
        return any(self.access.allows(actor, Permission.QUALITY_TICKET_READ, org) for org in orgs)

    def _started(self, ticket: Ticket) -> Ticket:
        """Start the supplier's time today, by the rule that holds today."""
        limit = self._limit()
        due = self.standards.due(self.today, limit.days)
        return replace(
            ticket,
            started_on=self.today,
            limit=limit,
            due_on=due.on,
            provisional=due.provisional,
            stage=Stage.NONE,
            answer=None,
            answered_at=None,
            closed_at=None,
        )

    def _limit(self) -> TicketLimit:
        """Return the time limit in force: the newest active rule ``correction.handle.*``."""
        day = self.today.isoformat()
        rules = [r for r in self.standards.rules() if r.id.startswith(_RULES) and r.unit == "working_day"]
        holding = [
            r for r in rules if r.active and r.effective_from <= day and (not r.effective_to or day <= r.effective_to)
        ]
        rule = max(holding or rules, key=lambda r: r.effective_from)
        return TicketLimit(rule.id, int(rule.value), rule.basis, rule.verified)

    def _add(self, actor: Actor, draft: Mapping[str, Any], words: Text) -> Ticket:
        """Write a new ticket that goes to its supplier at once."""
        now, limit = self.clock.now(), self._limit()
        ticket = self._started(
            Ticket(
                **draft,
                id=new_id("qt"),
                state=TicketState.DISPATCHED,
                opened_by=actor.id,
                opened_name=actor.name,
                opened_org=actor.org_id,
                opened_at=now,
                started_on=self.today,
                limit=limit,
                due_on=self.today,
                provisional=False,
                changed_at=now,
            )
        )
        detail: dict[str, JsonValue] = {
            "table": ticket.table,
            "org": ticket.org_id,
            "origin": ticket.origin.value,
            "rule": ticket.rule_id,
            "run": ticket.run_id,
            "version": ticket.version,
            "failing": ticket.failing,
            "columns": list(ticket.columns),
            "due_on": ticket.due_on.isoformat(),
            "limit": ticket.limit.rule,
        }
        try:
            with self.db.begin() as tx:
                store = TicketStore(tx.connection)
                store.add(ticket)
                store.add_step(self._step(actor, ticket, Move.OPEN, words))
                _tell(tx, ticket, was_over=True)
                self.evidence.record(tx, actor, "quality.ticket_open", target=ticket.id, detail=detail)
        except IntegrityError:
            raise Conflict(
                "这条规则已有未办结的工单。",
                "The rule has an open ticket already.",
                code="ticket_exists",
            ) from None
        return ticket

    def _put(
        self, actor: Actor, before: Ticket, after: Ticket, move: Move, words: Text, action: str = "quality.ticket_move"
    ) -> Ticket:
        """Write a ticket's next state with its step and evidence; alerts of a state that is left are closed."""
        after = replace(after, changed_at=self.clock.now())
        detail: dict[str, JsonValue] = {
            "move": move.value,
            "from": before.state.value,
            "to": after.state.value,
            "org": after.org_id,
            "run": after.run_id,
            "version": after.version,
            "failing": after.failing,
            "due_on": after.due_on.isoformat(),
            "stage": after.stage.name.lower(),
            "words": words.zh,
        }
        with self.db.begin() as tx:
            self._write(tx, before, after)
            TicketStore(tx.connection).add_step(self._step(actor, after, move, words))
            _tell(tx, after, was_over=before.state.is_over)
            self.evidence.record(tx, actor, action, target=after.id, detail=detail)
        if not after.state.runs or after.stage is Stage.NONE:
            for kind in _ALERTS:
                self.alerts.clear(kind, after.id)
        return after

    @staticmethod
    def _write(tx: UnitOfWork, before: Ticket, after: Ticket) -> None:
        if not TicketStore(tx.connection).put(after, before):
            raise ticket_changed()

    def _step(self, actor: Actor, ticket: Ticket, move: Move, words: Text) -> TicketStep:
        return TicketStep(
            ticket_id=ticket.id,
            place=0,
            at=self.clock.now(),
            by=actor.id,
            name=actor.name,
            org_id=actor.org_id,
            move=move,
            state=ticket.state,
            words=words,
            detail={"run": ticket.run_id, "version": ticket.version, "failing": ticket.failing},
        )


def _tell(tx: UnitOfWork, ticket: Ticket, *, was_over: bool) -> None:
    """Publish that a reader's doubt begins or ends."""
    over, about = ticket.state.is_over, ticket.table or ticket.resource_id
    if ticket.origin is not Origin.PERSON or not about or over == was_over:
        return
    outcome = ticket.answer if ticket.state is TicketState.CLOSED else Move.WITHDRAW
    tx.publish(
        DoubtMoved(
            ticket_id=ticket.id,
            table=about,
            title=ticket.title,
            raised=not over,
            outcome=(outcome or Move.CLOSE).value if over else "",
            columns=ticket.columns,
        )
    )


def said(words: str, *, needed: bool) -> Text:
    """Return what a person wrote, cut to what is kept.

    Raises:
        Invalid: nothing, where a reason is needed.

    """
    plain = words.strip()[:WORDS_LONGEST]
    if needed and not plain:
        raise Invalid("请说明理由。", "A reason is needed.", code="reason_needed")
    return Text(plain, plain)


def closing(ticket: Ticket, now: datetime, answer: Move) -> Ticket:
    """Return a ticket that is closed; who had answered before answered then."""
    given = ticket.answer or answer
    return replace(
        ticket,
        state=TicketState.CLOSED,
        answer=given,
        answered_at=ticket.answered_at or now,
        closed_at=now,
        stage=ticket.stage if ticket.stage.is_overdue else Stage.NONE,
    )
