"""``beijiang quality ticket``: what goes back to its supplier, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.quality.models import Doubt, Move, Severity, TicketQuery, TicketState
from beijiang.quality.service.handing import record_file, tickets_file
from beijiang.standards import SheetFormat
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.quality.models import Ticket, TicketPolicy
    from beijiang.quality.service import HandedOut, Quality, Tickets

__all__ = ["add_tickets"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_ID = typer.Argument(help="Id of the ticket.")
_STATE = typer.Option([], "--state", help="Only in these states; may be given several times.")
_MOVE = typer.Argument(help="What to do: accept, correct, confirm_right, send_back, close, refuse, transfer, ...")
_OUT = typer.Option(None, "--out", help="File to write; .csv or .xlsx.")
_COLUMN = typer.Option([], "--column", help="Column in doubt; may be given several times.")
_ROW = typer.Option([], "--row", help="What names a row at the source; may be given several times.")
_SEVERITY = typer.Option([], "--severity", help="Severities that open a ticket; none: none does.")
_TICKETS = (
    Column("id", Text("工单", "ticket"), whole=True),
    Column("table", Text("表", "table")),
    Column("org_id", Text("部门", "department"), spare=True),
    Column("title", Text("问题", "matter")),
    Column("failing", Text("问题数", "failing"), right=True),
    Column("state", Text("状态", "state")),
    Column("due_on", Text("期限", "due")),
    Column("stage", Text("督办", "urgency")),
)
_STEPS = (
    Column("at", Text("时间", "at")),
    Column("by", Text("谁", "by")),
    Column("move", Text("做了什么", "what")),
    Column("words", Text("说明", "words")),
)
_RECORD = (
    Column("org_id", Text("部门", "department"), whole=True),
    Column("opened", Text("收到", "opened"), right=True),
    Column("open", Text("在办", "open"), right=True),
    Column("overdue", Text("超期", "overdue"), right=True),
    Column("closed", Text("办结", "closed"), right=True),
    Column("on_time", Text("按期", "in time"), right=True),
    Column("reopened", Text("重开", "reopened"), right=True),
    Column("median_days", Text("中位工作日", "median days"), right=True),
)


def add_tickets(
    group: typer.Typer, get: Callable[[], Tickets], quality: Callable[[], Quality], access: Callable[[], Access]
) -> None:
    """Add the commands of tickets to the group of quality."""
    tickets = typer.Typer(help="Tickets: data that go back to their supplier.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("rows")
    def rows(
        table: str = typer.Argument(help="Name of the table."),
        rule: str = typer.Argument(help="Id of the rule."),
        out: Path = typer.Option(..., "--out", help="File to write; .csv or .xlsx."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Write the rows that fail a rule in the newest run to a file, through the gate."""
        actor = who(person)
        run = quality().report(actor, table).run
        if run is None:
            raise Invalid("还没有检查过。", "Not checked yet.", code="run_not_found")
        _write(quality().failing_file(actor, run.id, rule, _form(out), language()), out)

    group.add_typer(tickets, name="ticket")
    _add_reading(tickets, get, who)
    _add_working(tickets, get, quality, who)


def _add_reading(tickets: typer.Typer, get: Callable[[], Tickets], who: Callable[[str], Actor]) -> None:
    @tickets.command("list")
    def listed(
        words: str = typer.Option("", help="Only those whose title or table has these words."),
        state: list[TicketState] = _STATE,
        overdue: bool = typer.Option(False, "--overdue", help="Only those past their day."),
        table: str = typer.Option("", help="Only of this table."),
        out: Path | None = _OUT,
        person: str = _AS,
    ) -> None:
        """Show tickets, what is due first."""
        query = TicketQuery(words=words, states=frozenset(state), overdue=overdue, table=table or None, limit=5000)
        found, _ = get().tickets(who(person), query)
        if out is not None:
            _write(tickets_file(found, _form(out), language()), out)
        else:
            show([_line(t) for t in found], _TICKETS)

    @tickets.command("show")
    def one(ticket: str = _ID, person: str = _AS) -> None:
        """Show one ticket, what happened to it, and what may be done next."""
        view = get().ticket(who(person), ticket)
        show([_line(view.ticket)], _TICKETS)
        tongue = language()
        show(
            [
                {
                    "at": s.at,
                    "by": s.name,
                    "move": s.move.text.in_language(tongue),
                    "words": s.words.in_language(tongue),
                }
                for s in view.steps
            ],
            _STEPS,
        )
        zh, en = "、".join(m.value for m in view.moves), ", ".join(m.value for m in view.moves)
        say(Text(f"可以：{zh or '回复'}。", f"Possible: {en or 'a reply'}."))

    @tickets.command("file")
    def return_file(
        ticket: str = _ID,
        out: Path = typer.Option(..., "--out", help="File to write; .csv or .xlsx."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Write the return file: the ticket's rows, through the gate."""
        _write(get().return_file(who(person), ticket, _form(out), language()), out)

    @tickets.command("record")
    def record(
        since: str = typer.Option(..., help="First day on which tickets were opened, YYYY-MM-DD."),
        until: str = typer.Option(..., help="Last day."),
        out: Path | None = _OUT,
        person: str = _AS,
    ) -> None:
        """Show the record of departments: opened, closed in time, overdue, reopened, median working days."""
        found = get().record(who(person), _day(since), _day(until))
        if out is not None:
            _write(record_file(found, _form(out), language()), out)
            return
        show([{name.key: getattr(d, name.key) for name in _RECORD} for d in found], _RECORD)


def _add_working(
    tickets: typer.Typer, get: Callable[[], Tickets], quality: Callable[[], Quality], who: Callable[[str], Actor]
) -> None:
    @tickets.command("open")
    def open_one(
        table: str = typer.Argument(help="Name of the table."),
        rule: str = typer.Argument(help="Id of the rule."),
        words: str = typer.Option("", help="What to tell the supplier."),
        person: str = _AS,
    ) -> None:
        """Send a rule that fails in the newest run back to the table's supplier."""
        actor = who(person)
        run = quality().report(actor, table).run
        if run is None:
            raise Invalid("还没有检查过。", "Not checked yet.", code="run_not_found")
        show([_line(get().open(actor, run.id, rule, words))], _TICKETS)

    @tickets.command("doubt")
    def doubt(
        resource: str = typer.Argument(help="Id of the catalog entry."),
        words: str = typer.Option(..., help="What is wrong, and how you know."),
        column: list[str] = _COLUMN,
        row: list[str] = _ROW,
        person: str = _AS,
    ) -> None:
        """Say that a value is in doubt; its supplier gets a ticket."""
        made = get().doubt(who(person), resource, Doubt(words=words, columns=tuple(column), rows=tuple(row)))
        show([_line(made)], _TICKETS)

    @tickets.command("step")
    def step(
        ticket: str = _ID,
        move: Move = _MOVE,
        words: str = typer.Option("", help="The reason, where one is needed."),
        to: str = typer.Option("", help="Department, of a transfer."),
        person: str = _AS,
    ) -> None:
        """Take a step; one that is not possible says what is."""
        show([_line(get().move(who(person), ticket, move, words, to))], _TICKETS)

    @tickets.command("reply")
    def reply(ticket: str = _ID, words: str = typer.Argument(help="What to say."), person: str = _AS) -> None:
        """Say something without a step."""
        get().reply(who(person), ticket, words)
        say(Text("已回复。", "Said."))

    @tickets.command("policy")
    def policy(
        scope: str = typer.Argument("", help="*, a table, or the id of a rule; empty: show what was said."),
        severity: list[Severity] = _SEVERITY,
        reason: str = typer.Option("", help="Why; kept in the evidence."),
        person: str = _AS,
    ) -> None:
        """Show or set which failing rules open tickets by themselves; critical and major ones where nothing was said."""
        if scope:
            show([_policy(get().set_policy(who(person), scope, severity, reason))])
        else:
            show([_policy(p) for p in get().policies(who(person)).values()])


def _write(file: HandedOut, out: Path) -> None:
    out.write_bytes(file.content)
    say(Text(f"已写入 {out}。", f"Written to {out}."))


def _form(out: Path) -> SheetFormat:
    try:
        return SheetFormat(out.suffix.removeprefix(".").lower())
    except ValueError:
        raise Invalid(
            "文件名须以 .csv、.xlsx 或 .pdf 结尾。", "The file's name ends in .csv, .xlsx or .pdf.", code="bad_option"
        ) from None


def _day(words: str) -> date:
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise Invalid("日期写作 2026-03-31。", "A day is written 2026-03-31.", code="bad_option") from None


def _line(t: Ticket) -> dict[str, Any]:
    tongue = language()
    return {
        "id": t.id,
        "table": t.table,
        "org_id": t.org_id,
        "title": t.title,
        "failing": t.failing,
        "state": t.state.text.in_language(tongue),
        "due_on": t.due_on,
        "stage": t.stage.text.in_language(tongue) if t.state.runs else "",
    }


def _policy(p: TicketPolicy) -> dict[str, Any]:
    return {"scope": p.scope, "severities": sorted(s.value for s in p.severities), "reason": p.reason, "at": p.at}
