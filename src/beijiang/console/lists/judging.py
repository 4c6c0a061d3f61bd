"""The lists of what is judged: what monitors found, tickets, proposals for standards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from beijiang.console.listing import Coded, Column, Kind, Table
from beijiang.console.lists.words import age, age_name
from beijiang.kit import Text
from beijiang.quality import FindingState, Monitor, Origin, Severity, Side, TicketState
from beijiang.standards import ProposalState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.build import Platform
    from beijiang.kit import Actor
    from beijiang.quality import Finding, Ticket, TicketQuery
    from beijiang.standards import Proposal

__all__ = ["finding_table", "proposal_table", "ticket_table"]

_STATES: Final = {"closed": "ok", "withdrawn": "", "corrected": "ok", "confirmed_right": "info"}
_PROPOSALS: Final = {"open": "warn", "approved": "ok", "returned": "bad"}
_SOON: Final = 2
"""Working days before the day on which a ticket is due soon."""


def finding_table(platform: Platform, actor: Actor) -> Table[Finding]:
    """Return the list of what the monitors found in tables whose results the actor may see."""
    now = platform.clock.now()

    def level(found: Finding) -> str:
        if found.state.value == "open":
            return "bad" if found.call.severity.value == "critical" else "warn"
        return {"expected": "info", "over": "ok"}.get(found.state.value, "")

    return Table(
        key="findings",
        path="/console/quality-findings",
        title=Text("监测发现", "Findings"),
        part=lambda wanted: platform.monitors.finding_part(actor, wanted),
        row_key=lambda f: f.id,
        columns=(
            Column(key="table", words=Text("表", "Table"), of=lambda f: f.table, link=lambda f: f"/console/quality/{quote(f.table)}/monitors", choice=True),
            Column(key="monitor", words=Text("监测", "Monitor"), of=lambda f: Coded(f.call.monitor.value, f.call.monitor.text), choice=True, named=lambda code: Monitor(code).text),
            Column(key="words", words=Text("发现", "Finding"), of=lambda f: f.call.words, sorts=False),
            Column(key="version", words=Text("版本", "Version"), of=lambda f: f.version, kind=Kind.NUMBER),
            Column(key="severity", words=Text("级别", "Severity"), of=lambda f: Coded(f.call.severity.value, f.call.severity.text), choice=True, named=lambda code: Severity(code).text),
            Column(key="state", words=Text("状态", "State"), of=lambda f: f.state, kind=Kind.TAG, level=level, choice=True, named=lambda code: FindingState(code).text),
            Column(key="until", words=Text("暂不提醒至", "Snoozed until"), of=lambda f: f.until, kind=Kind.DAY, shown=False),
            Column(key="at", words=Text("时间", "At"), of=lambda f: f.at, kind=Kind.MOMENT),
            Column(key="age", words=Text("时间段", "When"), of=lambda f: age(f.at, now), choice=True, named=age_name, shown=False),
        ),
    )  # fmt: skip


def ticket_table(platform: Platform, actor: Actor, query: TicketQuery, names: Mapping[str, str]) -> Table[Ticket]:
    """Return the list of those tickets that were asked for and the actor may see."""
    now, today = platform.clock.now(), platform.tickets.today
    between = platform.standards.calendar.working_days_between

    def called(org_id: str) -> str:
        return names.get(org_id, org_id)

    def days(one: Ticket) -> int | None:
        return between(today, one.due_on) if one.state.runs else None

    def left(one: Ticket) -> Text | None:
        found = days(one)
        if found is None:
            return None
        if found < 0:
            return Text(f"超期 {-found} 工作日", f"{-found} working {'day' if found == -1 else 'days'} late")
        if found == 0 and one.due_on <= today:
            return Text("今天到期", "due today") if one.due_on == today else Text("已超期", "late")
        return Text(f"剩 {found} 工作日", f"{found} working {'day' if found == 1 else 'days'} left")

    def level(one: Ticket) -> str:
        found = days(one)
        return "" if found is None or found > _SOON else "warn" if found > 0 else "bad"

    return Table(
        key="tickets",
        path="/console/tickets",
        title=Text("校核工单", "Tickets"),
        part=lambda wanted: platform.tickets.ticket_part(actor, query, wanted),
        row_key=lambda t: t.id,
        columns=(
            Column(key="due", words=Text("期限", "Due"), of=lambda t: t.due_on, kind=Kind.DAY),
            Column(key="left", words=Text("剩余", "Left"), of=left, kind=Kind.TAG, level=level, sorts=False),
            Column(key="title", words=Text("问题", "Matter"), of=lambda t: t.title, link=lambda t: f"/console/tickets/{t.id}"),
            Column(key="table", words=Text("表", "Table"), of=lambda t: t.table),
            Column(key="supplier", words=Text("供数部门", "Supplier"), of=lambda t: called(t.org_id), choice=True, named=called),
            Column(key="failing", words=Text("问题数", "Failing"), of=lambda t: t.failing if t.rule_id else None, kind=Kind.NUMBER),
            Column(key="state", words=Text("状态", "State"), of=lambda t: t.state, kind=Kind.TAG, level=lambda t: _STATES.get(t.state.value, "warn"), choice=True, named=lambda code: TicketState(code).text),
            Column(key="turn", words=Text("轮到", "Next"), of=lambda t: t.turn, choice=True, named=lambda code: Side(code).text),
            Column(key="origin", words=Text("来源", "Origin"), of=lambda t: t.origin, choice=True, named=lambda code: Origin(code).text, shown=False),
            Column(key="severity", words=Text("级别", "Severity"), of=lambda t: Coded(t.severity.value, t.severity.text), choice=True, named=lambda code: Severity(code).text, shown=False),
            Column(key="reopened", words=Text("重开次数", "Reopened"), of=lambda t: t.reopened or None, kind=Kind.NUMBER, sorts=False, shown=False),
            Column(key="opened", words=Text("提出", "Opened"), of=lambda t: t.opened_at, kind=Kind.MOMENT),
            Column(key="age", words=Text("提出时间段", "Opened when"), of=lambda t: age(t.opened_at, now), choice=True, named=age_name, shown=False),
            Column(key="id", words=Text("工单号", "Id"), of=lambda t: t.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip


def proposal_table(
    platform: Platform, actor: Actor, state: ProposalState | None, names: Mapping[str, str]
) -> Table[Proposal]:
    """Return the list of the proposals for standards of a state (None: of all)."""
    now = platform.clock.now()

    def called(org_id: str | None) -> str:
        return names.get(org_id or "", org_id or "")

    def about(one: Proposal) -> str:
        return "、".join(one.about[:3]) + (" …" if one.size > 3 else "")  # noqa: PLR2004 - as many as a line holds

    return Table(
        key="proposals",
        path="/console/standards/proposals",
        title=Text("标准提案", "Proposals"),
        part=lambda wanted: platform.registry.proposal_part(actor, state, wanted),
        row_key=lambda p: p.id,
        columns=(
            Column(key="reason", words=Text("理由", "Reason"), of=lambda p: p.reason, link=lambda p: f"/console/standards/proposals/{p.id}", under=about),
            Column(key="size", words=Text("条目", "Entries"), of=lambda p: p.size, kind=Kind.NUMBER),
            Column(key="org", words=Text("部门", "Department"), of=lambda p: called(p.org_id) or None, choice=True, named=called),
            Column(key="by", words=Text("提案人", "By"), of=lambda p: p.by_name),
            Column(key="valid_from", words=Text("生效日期", "Valid from"), of=lambda p: p.valid_from, kind=Kind.DAY),
            Column(key="state", words=Text("状态", "State"), of=lambda p: p.state, kind=Kind.TAG, level=lambda p: _PROPOSALS.get(p.state.value, ""), choice=True, named=lambda code: ProposalState(code).text),
            Column(key="at", words=Text("提交", "Handed in"), of=lambda p: p.at, kind=Kind.MOMENT),
            Column(key="age", words=Text("提交时间段", "Handed in when"), of=lambda p: age(p.at, now), choice=True, named=age_name, shown=False),
            Column(key="decided", words=Text("决定", "Decided"), of=lambda p: p.decided_at, kind=Kind.MOMENT, shown=False),
            Column(key="decided_by", words=Text("决定人", "Decided by"), of=lambda p: p.decided_name, shown=False),
            Column(key="id", words=Text("提案号", "Id"), of=lambda p: p.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip
