"""Findings and tickets as long lists: what stands in their columns, in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, or_

from beijiang.db import Shelf, age_of, part_of
from beijiang.kit import Part
from beijiang.quality.models.tickets import Origin, Side, TicketState
from beijiang.quality.store.monitors import finding_of, findings_asked
from beijiang.quality.store.schema import quality_finding, quality_ticket
from beijiang.quality.store.tickets import ticket_of, tickets_asked

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Connection

    from beijiang.kit import Wanted
    from beijiang.quality.models import Finding, Ticket, TicketQuery, TicketReader

__all__ = ["QualityLists"]

_F, _T = quality_finding.c, quality_ticket.c
_OVER = tuple(state.value for state in TicketState if state.is_over)
_RUNNING = tuple(state.value for state in TicketState if state.runs)


class QualityLists:
    """Parts of the long lists of quality, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def findings(self, wanted: Wanted, tables: Collection[str], now: datetime) -> Part[Finding]:
        """Return a part of what monitors found in some tables: what goes on first, then the newest."""
        query, order = findings_asked(tables)
        shelf = Shelf(
            rows=query,
            columns={
                "table": _F.table_name,
                "monitor": _F.monitor,
                "words": _F.words["zh"].as_string(),
                "words_en": _F.words["en"].as_string(),
                "version": _F.version,
                "severity": _F.severity,
                "state": _F.state,
                "until": _F.until,
                "at": _F.at,
                "age": age_of(_F.at, now),
            },
            counted=("table", "monitor", "severity", "state", "age"),
            words=("table", "words", "words_en"),
            order=order,
        )
        rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([finding_of(row) for row in rows], found, counts)

    def tickets(
        self, query: TicketQuery, wanted: Wanted, reader: TicketReader, today: date, now: datetime
    ) -> Part[Ticket]:
        """Return a part of the tickets that a reader may see, what is due first."""
        turn = _turn()
        rows = tickets_asked(query, reader.orgs, reader.id, today)
        shelf = Shelf(
            rows=rows.where(_is_mine(turn, reader)) if query.mine else rows,
            columns={
                "due": _T.due_on,
                "title": _T.title,
                "table": _T.table_name,
                "supplier": _T.org_id,
                "failing": case((_T.rule_id.is_not(None), _T.failing)),
                "state": _T.state,
                "turn": turn,
                "origin": _T.origin,
                "severity": _T.severity,
                "opened": _T.opened_at,
                "age": age_of(_T.opened_at, now),
                "id": _T.id,
            },
            counted=("supplier", "state", "turn", "origin", "severity", "age"),
            words=("title", "table", "id"),
            order=order_of_tickets(),
        )
        found_rows, found, counts = part_of(self._connection, shelf, wanted)
        return Part([ticket_of(row) for row in found_rows], found, counts)


def order_of_tickets() -> Sequence[ColumnElement[Any]]:
    """Return the order of tickets: open ones first, what is due first."""
    return (_T.closed_at.is_not(None), _T.due_on, _T.id)


def _turn() -> ColumnElement[Any]:
    """Say in SQL what ``Ticket.turn`` says."""
    checked = and_(_T.state == TicketState.CORRECTED.value, _T.rule_id.is_not(None))
    return case(
        (_T.state.in_(_OVER), Side.NOBODY.value),
        (_T.state.in_(_RUNNING), Side.SUPPLIER.value),
        (checked, Side.CHECK.value),
        else_=Side.OPENER.value,
    )


def _is_mine(turn: ColumnElement[Any], reader: TicketReader) -> ColumnElement[bool]:
    """Say in SQL whether the next step of a ticket is the reader's."""
    judges = and_(_T.origin == Origin.RUN.value, _T.org_id.in_(reader.supervises))
    return or_(
        and_(turn == Side.SUPPLIER.value, _T.org_id.in_(reader.handles)),
        and_(turn == Side.OPENER.value, or_(_T.opened_by == reader.id, judges)),
    )
