"""The lists of what departments need, do not agree with, and have brought to them: demands, disputes, pushes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.console.listing import Coded, Column, Kind, Table
from beijiang.console.lists.words import age, age_name, last_day, pace, short
from beijiang.exchange import DemandState, DisputeKind, DisputeState, Evaluation, Fulfilment, Outcome, PushState
from beijiang.kit import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.build import Platform
    from beijiang.exchange import Demand, DemandQuery, Dispute, DisputeQuery, Push, PushQuery
    from beijiang.kit import Actor
    from beijiang.standards import Deadline

__all__ = ["demand_table", "dispute_table", "push_table"]

_DEMAND: Final = {"completed": "ok", "confirmed": "ok", "rejected": "bad"}
_PUSH: Final = {"active": "ok", "held": "warn", "paused": "warn", "stopped": "bad"}


def demand_table(platform: Platform, actor: Actor, query: DemandQuery, names: Mapping[str, str]) -> Table[Demand]:
    """Return the list of those demands that were asked for and the actor may see."""
    now, demands = platform.clock.now(), platform.demands

    def called(org_id: str | None) -> str:
        return names.get(org_id or "", org_id or "")

    def due(row: Demand) -> Deadline | None:
        return _running(None if row.state.is_over else demands.due(row))

    return Table(
        key="demands",
        path="/console/demands",
        title=Text("数据需求", "Demands"),
        part=lambda wanted: demands.demand_part(actor, query, wanted),
        row_key=lambda d: d.id,
        columns=(
            Column(key="due", words=Text("期限", "Due"), of=lambda d: last_day(due(d)), kind=Kind.DAY, level=lambda d: pace(due(d)), sorts=False),
            Column(key="title", words=Text("需求", "Demand"), of=lambda d: d.draft.title, link=lambda d: f"/console/demands/{d.id}", under=lambda d: short(d.draft.items)),
            Column(key="consumer", words=Text("需求部门", "Needed by"), of=lambda d: called(d.org_id), choice=True, named=called),
            Column(key="source", words=Text("数源部门", "Source"), of=lambda d: called(d.source_org) or None, choice=True, named=called),
            Column(key="supply_by", words=Text("供数期限", "Supply by"), of=lambda d: d.supply_by, kind=Kind.DAY),
            Column(key="state", words=Text("状态", "State"), of=lambda d: d.state, kind=Kind.TAG, level=lambda d: _DEMAND.get(d.state.value, "" if d.state.is_over else "warn"), choice=True, named=lambda code: DemandState(code).text),
            Column(key="fulfilment", words=Text("怎样满足", "How it is met"), of=lambda d: d.fulfilment, choice=True, named=lambda code: Fulfilment(code).text, shown=False),
            Column(key="evaluation", words=Text("评价", "Evaluation"), of=lambda d: d.evaluation, choice=True, named=lambda code: Evaluation(code).text),
            Column(key="by", words=Text("提出人", "Raised by"), of=lambda d: d.by_name, shown=False),
            Column(key="at", words=Text("提出", "Raised"), of=lambda d: d.created_at, kind=Kind.MOMENT, shown=False),
            Column(key="age", words=Text("提出时间段", "Raised when"), of=lambda d: age(d.created_at, now), choice=True, named=age_name, shown=False),
            Column(key="id", words=Text("需求号", "Id"), of=lambda d: d.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip


def dispute_table(platform: Platform, actor: Actor, query: DisputeQuery, names: Mapping[str, str]) -> Table[Dispute]:
    """Return the list of those disputes that were asked for and the actor may see."""
    now, disputes = platform.clock.now(), platform.disputes

    def called(org_id: str) -> str:
        return names.get(org_id, org_id)

    def due(row: Dispute) -> Deadline | None:
        return _running(None if row.state.is_over else disputes.due(row))

    return Table(
        key="disputes",
        path="/console/disputes",
        title=Text("异议", "Disputes"),
        part=lambda wanted: disputes.dispute_part(actor, query, wanted),
        row_key=lambda d: d.id,
        columns=(
            Column(key="due", words=Text("期限", "Due"), of=lambda d: last_day(due(d)), kind=Kind.DAY, level=lambda d: pace(due(d)), sorts=False),
            Column(key="title", words=Text("异议", "Dispute"), of=lambda d: d.title, link=lambda d: f"/console/disputes/{d.id}"),
            Column(key="kind", words=Text("类型", "Kind"), of=lambda d: d.kind, choice=True, named=lambda code: DisputeKind(code).text),
            Column(key="org", words=Text("提出部门", "Raised by"), of=lambda d: called(d.org_id), choice=True, named=called),
            Column(key="against", words=Text("对方部门", "Against"), of=lambda d: called(d.against), choice=True, named=called),
            Column(key="state", words=Text("状态", "State"), of=lambda d: d.state, kind=Kind.TAG, level=lambda d: "ok" if d.state.is_over else "warn", choice=True, named=lambda code: DisputeState(code).text),
            Column(key="outcome", words=Text("裁定", "Decision"), of=lambda d: d.outcome, choice=True, named=lambda code: Outcome(code).text),
            Column(key="by", words=Text("提出人", "By"), of=lambda d: d.by_name, shown=False),
            Column(key="at", words=Text("提出", "Raised"), of=lambda d: d.created_at, kind=Kind.MOMENT, shown=False),
            Column(key="age", words=Text("提出时间段", "Raised when"), of=lambda d: age(d.created_at, now), choice=True, named=age_name, shown=False),
            Column(key="id", words=Text("异议号", "Id"), of=lambda d: d.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip


def push_table(platform: Platform, actor: Actor, query: PushQuery, names: Mapping[str, str]) -> Table[Push]:
    """Return the list of those subscriptions that were asked for and the actor may see."""
    now = platform.clock.now()

    def called(org_id: str) -> str:
        return names.get(org_id, org_id)

    return Table(
        key="pushes",
        path="/console/pushes",
        title=Text("推送", "Pushes"),
        part=lambda wanted: platform.pushes.push_part(actor, query, wanted),
        row_key=lambda p: p.id,
        columns=(
            Column(key="name", words=Text("推送", "Push"), of=lambda p: p.name, link=lambda p: f"/console/pushes/{p.id}"),
            Column(key="resource", words=Text("资源", "Entry"), of=lambda p: p.resource_name),
            Column(key="consumer", words=Text("使用部门", "Consumer"), of=lambda p: called(p.org_id), choice=True, named=called),
            Column(key="provider", words=Text("提供部门", "Provider"), of=lambda p: called(p.provider_id), choice=True, named=called, shown=False),
            Column(key="kind", words=Text("方式", "Kind"), of=lambda p: Coded(p.kind, platform.pushes.called(p.kind)), choice=True, named=platform.pushes.called),
            Column(key="target", words=Text("去处", "To"), of=lambda p: p.target),
            Column(key="state", words=Text("状态", "State"), of=lambda p: p.state, kind=Kind.TAG, level=lambda p: _PUSH.get(p.state.value, ""), choice=True, named=lambda code: PushState(code).text),
            Column(key="why", words=Text("说明", "Why"), of=lambda p: p.why, sorts=False),
            Column(key="version", words=Text("已送版本", "Version there"), of=lambda p: p.version, kind=Kind.NUMBER),
            Column(key="delivered", words=Text("送达时间", "Delivered"), of=lambda p: p.delivered_at, kind=Kind.MOMENT),
            Column(key="age", words=Text("送达时间段", "Delivered when"), of=lambda p: age(p.delivered_at, now), choice=True, named=age_name, shown=False),
            Column(key="at", words=Text("登记", "Set up"), of=lambda p: p.created_at, kind=Kind.MOMENT, shown=False),
            Column(key="id", words=Text("推送号", "Id"), of=lambda p: p.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip


def _running(found: Deadline | None) -> Deadline | None:
    return None if found is None or found.state.value == "answered" else found
