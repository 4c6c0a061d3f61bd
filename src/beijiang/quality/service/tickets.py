"""Tickets (校核): send what is wrong back to its supplier, follow it to the end, and keep the record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.kit import Conflict, Denied, Invalid, NotFound, Text
from beijiang.quality.errors import no_run
from beijiang.quality.models import Severity
from beijiang.quality.models.tickets import (
    MOVES,
    DepartmentTickets,
    Doubt,
    Move,
    Origin,
    Side,
    Ticket,
    TicketPolicy,
    TicketQuery,
    TicketReader,
    TicketState,
    TicketStep,
    by_department,
    check_move,
    moves_from,
)
from beijiang.quality.service.handing import HandedOut, failing_file, sheet
from beijiang.quality.service.rechecking import Rechecking, found_words
from beijiang.quality.service.ticketing import closing, said
from beijiang.quality.store import QualityLists, RuleStore, TicketStore

if TYPE_CHECKING:
    from beijiang.catalog import Entry
    from beijiang.kit import Actor, Language, Part, Wanted
    from beijiang.kit.errors import JsonValue
    from beijiang.standards import SheetFormat

__all__ = ["TicketView", "Tickets"]

ROWS_MOST: Final = 50
ROW_LONGEST: Final = 200
DOUBTS_MOST: Final = 50
"""Open doubts of one person."""


@dataclass(frozen=True, slots=True)
class TicketView:
    """One ticket with what happened to it, and what this reader may do next."""

    ticket: Ticket
    steps: Sequence[TicketStep]
    moves: tuple[Move, ...]
    may_see_rows: bool
    days_left: int
    """Working days to the due day; negative when it is over."""


class Tickets(Rechecking):
    """Matters between who found something wrong and who supplies the data."""

    def tickets(self, actor: Actor, query: TicketQuery) -> tuple[Sequence[Ticket], int]:
        """Return the tickets that the actor may see, what is due first, and how many there are."""
        self.access.require(actor, Permission.QUALITY_TICKET_READ)
        with self.db.read() as connection:
            store = TicketStore(connection)
            return store.find(query, self._seen_orgs(actor, store), actor.id, self.today)

    def ticket_part(self, actor: Actor, query: TicketQuery, wanted: Wanted) -> Part[Ticket]:
        """Return a part of the tickets that were asked for and the actor may see, narrowed, counted and sorted."""
        self.access.require(actor, Permission.QUALITY_TICKET_READ)
        with self.db.read() as connection:
            reader = self._reader(actor, TicketStore(connection))
            return QualityLists(connection).tickets(query, wanted, reader, self.today, self.clock.now())

    def waiting(self, actor: Actor) -> Sequence[Ticket]:
        """Return the open tickets whose next step is this actor's, what is due first."""
        self.access.require(actor, Permission.QUALITY_TICKET_READ)
        open_ones = frozenset(state for state in TicketState if not state.is_over)
        found, _ = self.tickets(actor, TicketQuery(states=open_ones, limit=500))
        return [t for t in found if self._is_turn(actor, t)]

    def ticket(self, actor: Actor, ticket_id: str) -> TicketView:
        """Return one ticket.

        Raises:
            NotFound: no such ticket, or not this actor's to see.

        """
        found = self._peek(actor, ticket_id)
        with self.db.read() as connection:
            steps = TicketStore(connection).steps(found.id)
        moves = tuple(move for move in moves_from(found.state) if self._may(actor, found, move))
        rows = found.rule_id is not None and self.access.allows(actor, Permission.QUALITY_ROWS_READ, found.org_id)
        left = self.standards.calendar.working_days_between(self.today, found.due_on)
        return TicketView(found, steps, moves, rows, left)

    def doubted(self, actor: Actor, resource_id: str) -> Sequence[Ticket]:
        """Return what is in doubt of an entry now, for whoever may read the entry; who doubts is not told."""
        table = self._entry(actor, resource_id)[1]
        with self.db.read() as connection:
            found = TicketStore(connection).doubted(table or resource_id)
        return [replace(t, opened_by="", opened_name="", opened_org=None, words="", rows=()) for t in found]

    def in_doubt(self, table: str) -> tuple[str, ...]:
        """Return the columns of a table, or of an entry without one, that are in doubt now, ``*`` for all of them.

        Asked at every delivery, so it is remembered until anything in the database is changed.
        """
        return self._doubts.get(table, lambda connection: _columns(TicketStore(connection).doubted(table)))

    def doubts(self, table: str) -> Sequence[Ticket]:
        """Return the open tickets by which readers doubt values of a table, or of an entry without one by its id."""
        with self.db.read() as connection:
            return [one for one in TicketStore(connection).doubted(table) if one.origin is Origin.PERSON]

    def entry(self, actor: Actor, resource_id: str) -> tuple[Entry, str]:
        """Return the entry that the actor wants to doubt a value of, and its provider's name.

        Raises:
            NotFound: no such entry, or not this actor's to read.

        """
        self.access.require(actor, Permission.QUALITY_TICKET_RAISE)
        entry, _, _ = self._entry(actor, resource_id)
        return entry, entry.provider_name

    def open(self, actor: Actor, run_id: str, rule_id: str, words: str = "") -> Ticket:
        """Send a failing rule of a run to the table's supplier.

        Raises:
            NotFound: no such run or rule.
            Conflict: the rule passed, or has an open ticket.

        """
        run = self.quality.run(actor, run_id)
        if not self.access.allows(actor, Permission.QUALITY_TICKET_SUPERVISE, run.org_id):
            self.access.require(actor, Permission.QUALITY_RULE_MANAGE, run.org_id)
        fact = next((f for f in run.facts if f.rule_id == rule_id), None)
        with self.db.read() as connection:
            rule = None if fact is None else RuleStore(connection).get(rule_id, fact.revision)
            standing = TicketStore(connection).standing(rule_id)
        if fact is None or rule is None:
            raise no_run()
        if not fact.failing:
            raise Conflict("这条规则没有问题行。", "Nothing fails this rule.", code="nothing_fails")
        if standing is not None:
            raise Conflict(
                f"这条规则已有未办结的工单 {standing.id}。",
                f"The rule has an open ticket already, {standing.id}.",
                code="ticket_exists",
                detail={"ticket": standing.id},
            )
        more, first = said(words, needed=False), found_words(run, fact)
        draft = {**self._draft(rule, run, fact), "words": more.zh}
        return self._add(actor, draft, Text(f"{first.zh}{more.zh}", f"{first.en} {more.en}".strip()))

    def doubt(self, actor: Actor, resource_id: str, doubt: Doubt) -> Ticket:
        """Say that a value is in doubt; the supplier gets a ticket. Whoever may read the entry may do so.

        Raises:
            NotFound: no such entry.
            Invalid: no words, or a column that the entry does not have.

        """
        self.access.require(actor, Permission.QUALITY_TICKET_RAISE)
        entry, table, version = self._entry(actor, resource_id)
        known = {item.column for item in entry.items}
        words = said(doubt.words, needed=True)
        strange = [column for column in doubt.columns if column not in known]
        if strange:
            raise Invalid(
                f"目录里没有数据项“{strange[0][:40]}”。",
                f'The entry has no item "{strange[0][:40]}".',
                code="unknown_column",
            )
        rows = tuple(row.strip()[:ROW_LONGEST] for row in doubt.rows if row.strip())
        if len(rows) > ROWS_MOST:
            raise Invalid(f"一次最多 {ROWS_MOST} 行。", f"At most {ROWS_MOST} rows at once.", code="too_many_rows")
        mine = frozenset(state for state in TicketState if not state.is_over)
        found, _ = self.tickets(actor, TicketQuery(states=mine, origin=Origin.PERSON, limit=500))
        if sum(t.opened_by == actor.id for t in found) >= DOUBTS_MOST:
            raise Conflict(
                f"您有 {DOUBTS_MOST} 件疑义尚未办结。",
                f"You have {DOUBTS_MOST} open doubts.",
                code="too_many_doubts",
            )
        about = "、".join(doubt.columns[:3])
        draft: dict[str, object] = {
            "table": table or "",
            "org_id": entry.provider_id,
            "origin": Origin.PERSON,
            "title": f"{entry.name}：{about}"[:400] if about else entry.name[:400],
            "words": words.zh,
            "columns": doubt.columns,
            "rows": rows,
            "version": version,
            "resource_id": resource_id,
        }
        return self._add(actor, draft, words)

    def move(self, actor: Actor, ticket_id: str, move: Move, words: str = "", to: str = "") -> Ticket:
        """Take a step; ``to`` is the department of a transfer.

        Raises:
            NotFound: no such ticket.
            Denied: the step is another's.
            Conflict: it is not possible now; the error says what is.
            Invalid: a reason is needed, or no such department.

        """
        ticket = self._peek(actor, ticket_id)
        spec = check_move(ticket.state, move)
        if not self._may(actor, ticket, move):
            needed = (
                Permission.QUALITY_TICKET_HANDLE if spec.side is Side.SUPPLIER else Permission.QUALITY_TICKET_SUPERVISE
            )
            self.access.require(actor, needed, ticket.org_id)
            raise Denied("这一步由提出方或数据局办理。", "This step is the opener's or the data authority's.")
        text, now = said(words, needed=spec.words), self.clock.now()
        after = replace(ticket, state=spec.to)
        if move is Move.TRANSFER:
            after = replace(after, org_id=self._other(ticket, to))
            text = Text(f"转至 {after.org_id}。{text.zh}", f"To {after.org_id}. {text.en}")
        if spec.restarts:
            again = ticket.reopened + (move is Move.REOPEN)
            after = replace(self._started(after), reopened=again)
        elif move in {Move.CORRECT, Move.CONFIRM_RIGHT}:
            after = replace(after, answer=move, answered_at=now)
        elif spec.to is TicketState.CLOSED:
            after = closing(after, now, Move.CLOSE)
        elif spec.to is TicketState.WITHDRAWN:
            after = replace(after, closed_at=now)
        return self._put(actor, ticket, after, move, text)

    def reply(self, actor: Actor, ticket_id: str, words: str) -> TicketStep:
        """Say something without moving the ticket; whoever sees it may.

        Raises:
            Invalid: nothing was said.

        """
        ticket = self._peek(actor, ticket_id)
        text = said(words, needed=True)
        with self.db.begin() as tx:
            step = TicketStore(tx.connection).add_step(self._step(actor, ticket, Move.REPLY, text))
            detail: dict[str, JsonValue] = {"place": step.place}
            self.evidence.record(tx, actor, "quality.ticket_reply", target=ticket.id, detail=detail)
        return step

    def return_file(self, actor: Actor, ticket_id: str, form: SheetFormat, language: Language) -> HandedOut:
        """Return the failing rows of a ticket through the gate, for the supplier to mend at the source.

        Of a reader's doubt, the rows that the reader named.

        Raises:
            NotFound: no such ticket, or its rows are not this actor's to see.

        """
        ticket = self._peek(actor, ticket_id)
        told = [
            (Text("工单", "ticket"), ticket.id),
            (Text("期限", "due"), ticket.due_on.isoformat()),
            (Text("时限依据", "basis of the limit"), ticket.limit.basis),
            (Text("疑义", "doubt"), ticket.words),
        ]
        notes = [(word.in_language(language), value) for word, value in told]
        if ticket.rule_id is None or ticket.run_id is None:
            head = [w.in_language(language) for w in (Text("行", "row"), Text("列", "columns"), Text("疑义", "doubt"))]
            rows = [[row, "、".join(ticket.columns), ticket.words] for row in ticket.rows or ("",)]
            return sheet(ticket.id, head, rows, form, notes)
        found = self.quality.failing(actor, ticket.run_id, ticket.rule_id, whole=True)
        return failing_file(found, self.tables.get(actor, ticket.table).subject, form, language, notes)

    def policies(self, actor: Actor) -> Mapping[str, TicketPolicy]:
        """Return which failing rules open tickets by themselves, where it was said; critical and major ones elsewhere."""
        self.access.require(actor, Permission.QUALITY_TICKET_READ)
        with self.db.read() as connection:
            return TicketStore(connection).policies()

    def set_policy(self, actor: Actor, scope: str, severities: Collection[Severity], reason: str) -> TicketPolicy:
        """Say which failing rules open tickets: of everything (``*``), of a table, or of one rule (by its id).

        Raises:
            NotFound: no such table or rule.
            Invalid: no reason.

        """
        self.access.require(actor, Permission.QUALITY_TICKET_SUPERVISE)
        if scope != "*" and not scope.startswith("qr_"):
            self._table(actor, scope)
        elif scope != "*":
            self._rule(actor, scope, Permission.QUALITY_RESULT_READ)
        made = TicketPolicy(
            scope=scope,
            severities=frozenset(severities),
            by=actor.id,
            at=self.clock.now(),
            reason=said(reason, needed=True).zh,
        )
        with self.db.begin() as tx:
            TicketStore(tx.connection).put_policy(made)
            named: list[JsonValue] = [s.value for s in sorted(made.severities)]
            detail: dict[str, JsonValue] = {"severities": named, "reason": made.reason}
            self.evidence.record(tx, actor, "quality.ticket_policy", target=scope, detail=detail)
        return made

    def record(self, actor: Actor, since: date, until: date) -> Sequence[DepartmentTickets]:
        """Return the record of the departments whose tickets the actor may see, of tickets opened in these days.

        Raises:
            Invalid: the days are in the wrong order.

        """
        self.access.require(actor, Permission.QUALITY_TICKET_READ)
        if until < since:
            raise Invalid("起止日期颠倒。", "The days are in the wrong order.", code="bad_period")
        begin = datetime.combine(since, time(), self.zone)
        end = datetime.combine(until + timedelta(days=1), time(), self.zone)
        with self.db.read() as connection:
            store = TicketStore(connection)
            found = store.opened_between(self._seen_orgs(actor, store), begin, end)
        return by_department(found, self.today, self.standards.calendar, self.zone)

    # Whose it is

    def _seen_orgs(self, actor: Actor, store: TicketStore) -> list[str]:
        return [o for o in store.organisations() if self.access.allows(actor, Permission.QUALITY_TICKET_READ, o)]

    def _reader(self, actor: Actor, store: TicketStore) -> TicketReader:
        orgs, own = self._seen_orgs(actor, store), actor.org_id
        handles = own is not None and self.access.allows(actor, Permission.QUALITY_TICKET_HANDLE, own)
        judged = [o for o in orgs if self.access.allows(actor, Permission.QUALITY_TICKET_SUPERVISE, o)]
        return TicketReader(id=actor.id, orgs=orgs, handles=[own] if own and handles else [], supervises=judged)

    def _may(self, actor: Actor, ticket: Ticket, move: Move) -> bool:
        spec = MOVES[move]
        if spec.side is Side.SUPPLIER:
            return self.access.allows(actor, Permission.QUALITY_TICKET_HANDLE, ticket.org_id)
        if self.access.allows(actor, Permission.QUALITY_TICKET_SUPERVISE, ticket.org_id):
            return True
        judged = ticket.origin is Origin.RUN and move in {Move.CLOSE, Move.REOPEN}
        return ticket.opened_by == actor.id and move is not Move.TRANSFER and not judged

    def _is_turn(self, actor: Actor, ticket: Ticket) -> bool:
        if ticket.turn is Side.SUPPLIER:
            own = actor.org_id == ticket.org_id
            return own and self.access.allows(actor, Permission.QUALITY_TICKET_HANDLE, ticket.org_id)
        if ticket.turn is not Side.OPENER:
            return False
        if ticket.opened_by == actor.id:
            return True
        return ticket.origin is Origin.RUN and self.access.allows(
            actor, Permission.QUALITY_TICKET_SUPERVISE, ticket.org_id
        )

    def _other(self, ticket: Ticket, to: str) -> str:
        known = {o.id for o in self.access.organisations()}
        if to not in known or to == ticket.org_id:
            raise Invalid(
                "请选择要转给的另一个部门。", "Choose another department to transfer to.", code="bad_department"
            )
        return to

    def _entry(self, actor: Actor, resource_id: str) -> tuple[Entry, str | None, int]:
        """Return an entry that the actor may read, with its table and the version that readers have."""
        catalog = self.runner.catalog
        try:
            resource = catalog.get(actor, resource_id)
        except NotFound:
            found = catalog.published(actor, resource_id)
            return found.version.entry, found.table, found.table_version or 0
        return resource.entry, resource.table, resource.released_table_version or resource.facts.version or 0


def _columns(doubted: Sequence[Ticket]) -> tuple[str, ...]:
    return tuple(sorted({column for ticket in doubted for column in ticket.columns or ("*",)}))
