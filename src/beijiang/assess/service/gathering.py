"""Facts of the platform for each indicator: which entry, table, ticket or field counted in A or in B, and why.

Guards against gaming (`standards.md` 10.1): an update that changes nothing is no refresh; a set that is empty, or whose
data were handed in under another name too, does not count. What does not count is kept and shown all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import OrganisationKind
from beijiang.assess.models import Fact, Indicator, Subject
from beijiang.assess.service.exchanged import (
    call_volume,
    claim_rate,
    demand_satisfaction,
    open_feedback_on_time,
    reply_on_time,
    service_availability,
)
from beijiang.assess.service.looking import MANY, Look
from beijiang.catalog import OpenType, ShareType, State, SystemQuery, SystemState, TaskKind
from beijiang.exchange import PEER_ORGANISATION
from beijiang.fusion import ClaimState, DisputeState
from beijiang.kit import SYSTEM, Text
from beijiang.quality import TicketQuery, TicketState
from beijiang.tables import WriteMode

if TYPE_CHECKING:
    from beijiang.assess.models import NodeDone
    from beijiang.catalog import Entry, Resource
    from beijiang.ingest import Promised
    from beijiang.tables import TableVersion

__all__ = ["gather"]

REGION_TIER: Final = 1
LEAGUE_TIER: Final = 2
STATE_DAYS: Final = 31
_REGION_DIGITS: Final = 12
"""How long after the end of a period its state can still be taken: the platform keeps no state of days gone by."""
_NO_CHANGE: Final = frozenset({WriteMode.COMPACT, WriteMode.ROLLBACK})
_UNFINISHED: Final = frozenset({TaskKind.COMPLETE, TaskKind.MEND})


def gather(look: Look, indicator: Indicator) -> Sequence[Fact] | Text:
    """Return the facts of an indicator, of all departments; words where the platform has no source of them."""
    if indicator.state and look.today - look.period.last > timedelta(days=STATE_DAYS):
        return Text(
            f"期末状态未留存：须在期末后 {STATE_DAYS} 天内计算",
            f"the state of that time was not kept: compute within {STATE_DAYS} days of the period's end",
        )
    if indicator.state and look.period.first > look.today:
        return Text("期间尚未开始", "the period has not begun")
    source = _SOURCES.get(indicator.id)
    if source is None:
        return _NONE.get(
            indicator.id, Text("平台还没有这项事实的来源", "the platform has no source of these facts yet")
        )
    if indicator.id in _EXCHANGED and look.parts.exchange is None:
        return Text("共享交换尚未接入，没有事实", "exchange is not connected yet, so there are no facts")
    return sorted(source(look), key=lambda f: (f.org_id, not f.counted, f.a >= f.b, f.name, f.ref))


def _entry(found: Resource, a: float, b: float, why: Text, *, counted: bool = True) -> Fact:
    return Fact(
        org_id=found.provider_id,
        subject=Subject.ENTRY,
        ref=found.id,
        name=found.entry.name,
        a=a,
        b=b,
        why=why,
        counted=counted,
        at=found.published_at,
    )


def catalog_completeness(look: Look) -> Iterator[Fact]:
    """Look at entries in force, and at those that were not completed by the day that the law gives."""
    due = {t.resource_id: t.due_on for t in look.parts.catalog.tasks_for(SYSTEM) if t.kind in _UNFINISHED}
    for one in look.resources:
        if one.is_serving:
            gaps = [] if one.state is not State.PUBLISHED else look.parts.catalog.missing(SYSTEM, one.id)
            lacking = [gap for gap in gaps if gap.blocking]
            why = Text("必填项齐全有效", "all mandatory fields are valid")
            if lacking:
                why = Text("；".join(g.text.zh for g in lacking[:3]), "; ".join(g.text.en for g in lacking[:3]))
            yield _entry(one, float(not lacking), 1.0, why)
        elif one.id in due and one.state is not State.WITHDRAWN:
            late = due[one.id] < look.today
            words = (
                Text(f"应于 {due[one.id]} 前编完，已逾期", f"was to be completed by {due[one.id]}")
                if late
                else Text(f"编制中，期限 {due[one.id]}", f"being compiled, due {due[one.id]}")
            )
            yield _entry(one, 0.0, 1.0, words, counted=late)


def system_coverage(look: Look) -> Iterator[Fact]:
    """Look at the systems in use, and whether an entry in force describes their data."""
    serving = {one.id: one.entry.name for one in look.resources if one.is_serving}
    found, _ = look.parts.inventory.systems(SYSTEM, SystemQuery(state=SystemState.IN_USE), limit=MANY)
    for one in found:
        names = [serving[entry] for entry in one.entries if entry in serving]
        why = Text("没有在用的目录", "no entry in force")
        if names:
            why = Text(f"目录：{'、'.join(names[:3])}", f"entries: {', '.join(names[:3])}")
        yield Fact(
            org_id=one.org_id,
            subject=Subject.SYSTEM,
            ref=one.id,
            name=one.draft.name,
            a=float(bool(names)),
            b=1.0,
            why=why,
            at=one.changed_at,
        )


def linkage_rate(look: Look) -> Iterator[Fact]:
    """Look at what the people of leagues, cities and counties did, each under its league; signing in alone is nothing done.

    A unit that runs a linked node is active too by the entries that it told and the requests that it wrote about.
    """
    active = look.parts.evidence.active(look.start, look.until)
    nodes = {} if look.parts.linkage is None else _by_unit(look.parts.linkage.deeds(look.start, look.until))
    units = {unit.id: unit for unit in look.parts.access.organisations()}
    for unit in units.values():
        if unit.admin_tier == REGION_TIER or unit.id.startswith(PEER_ORGANISATION):
            continue  # what stands for a department of another node is no unit of this one
        league = unit
        while league.admin_tier > LEAGUE_TIER and league.parent_id in units:
            league = units[league.parent_id]
        governs = unit.kind in {OrganisationKind.GOVERNMENT, OrganisationKind.ZONE}
        node = nodes.get(_place(unit.region_code) or unit.id) if governs else None
        last, why = _activity(active.get(unit.id), node)
        yield Fact(
            org_id=league.id,
            subject=Subject.UNIT if node is None else Subject.NODE,
            ref=unit.id if node is None else node.node_id,
            name=unit.name_zh,
            a=float(last is not None),
            b=1.0,
            why=why,
            at=last,
        )


def _by_unit(found: Sequence[NodeDone]) -> dict[str, NodeDone]:
    """Return nodes by the unit that each is the platform of: its region code, or the id that a unit without one is seeded by."""
    return {_place(one.region_code) or f"gov-{one.node_id.lower()}": one for one in found}


def _place(code: str | None) -> str:
    """Return a region code in twelve digits: 150100, 150100000 and 150100000000 are one place (GB/T 2260, GB/T 10114)."""
    return code.ljust(_REGION_DIGITS, "0") if code else ""


def _activity(here: datetime | None, node: NodeDone | None) -> tuple[datetime | None, Text]:
    """Return when a unit did something last, on this platform or on its own, and what."""
    zh, en = [], []
    if here is not None:
        zh.append(f"最近一次活动 {here:%Y-%m-%d}")
        en.append(f"last active {here:%Y-%m-%d}")
    there = None if node is None else node.last
    if node is not None and there is not None:
        zh.append(f"从本级节点上报目录 {node.entries} 条次、往来申请 {node.requests} 件次，最近 {there:%Y-%m-%d}")
        en.append(f"told {node.entries} entries and wrote {node.requests} times about requests, last {there:%Y-%m-%d}")
    if not zh:
        return None, Text("本期没有活动", "nothing done in the period")
    return max(one for one in (here, there) if one is not None), Text("；".join(zh), "; ".join(en))


def binding_rate(look: Look) -> Iterator[Fact]:
    """Look at published entries that are shared, with or without conditions."""
    for one, entry in look.published:
        if entry.share_type is ShareType.NOT_SHARED:
            continue
        idle = look.idle(one)
        if one.table is None and entry.links:
            yield _entry(one, 1.0, 1.0, Text("由来源方提供链接", "by links of its source"))
        elif idle is not None and one.table in look.copies:
            yield _entry(one, 0.0, 1.0, idle, counted=False)
        elif idle is None and one.released_table_version is not None:
            yield _entry(one, 1.0, 1.0, Text(f"已挂接“{one.table}”", f'bound to "{one.table}"'))
        else:
            yield _entry(one, 0.0, 1.0, Text("没有挂接可用的数据", "no data to use behind it"))


def update_timeliness(look: Look) -> Iterator[Fact]:
    """Look at tables with a promise: late ones were older than cycle and grace at some time of the period."""
    for fresh in look.parts.freshness.freshness(SYSTEM):
        table = look.tables.get(fresh.table)
        if fresh.promise is None or table is None or table.created_at >= look.until:
            continue
        refreshed, ignored = _refreshed(look.histories[table.name], look.until)
        late = _late(look, fresh.promise, table.created_at, refreshed)
        zh, en = ("更新及时", "in time") if late is None else (f"{late:%Y-%m-%d} 起超期", f"late since {late:%Y-%m-%d}")
        if ignored:
            zh, en = (
                f"{zh}；{ignored} 次更新内容未变，不计",
                f"{en}; {ignored} updates changed nothing and do not count",
            )
        why = Text(f"{fresh.promise.text.zh}：{zh}", f"{fresh.promise.text.en}: {en}")
        yield Fact(
            org_id=table.org_id,
            subject=Subject.TABLE,
            ref=table.name,
            name=table.name,
            a=float(late is None),
            b=1.0,
            why=why if table.rows else Text("没有数据行，不计", "no rows of data, not counted"),
            counted=bool(table.rows) and table.name not in look.copies,
            at=refreshed[-1] if refreshed else None,
        )


def _refreshed(versions: Sequence[TableVersion], until: datetime) -> tuple[list[datetime], int]:
    """Return when content changed, and how many writes changed nothing."""
    moments, ignored, digests = [], 0, frozenset[str]()
    for version in versions:
        if version.at > until or version.mode in _NO_CHANGE:
            continue
        own = frozenset(source.sha256 for source in version.sources)
        same = bool(own) and own == digests
        digests = own or digests
        if same or not (version.rows_added or version.rows_changed or version.rows_removed):
            ignored += 1
        else:
            moments.append(version.at)
    return moments, ignored


def _late(look: Look, promise: Promised, born: datetime, refreshed: Sequence[datetime]) -> datetime | None:
    """Return when a promise broke so that the period was touched; None where it held."""
    is_working = look.parts.standards.calendar.is_working
    since = max([moment for moment in refreshed if moment <= look.start], default=born)
    for moment in [*(m for m in refreshed if m > look.start), look.until]:
        deadline = promise.deadline(since, look.zone, is_working)
        if deadline < moment:
            return deadline.astimezone(look.zone)
        since = moment
    return None


def correction_on_time(look: Look) -> Iterator[Fact]:
    """Look at tickets whose day lies in the period."""
    found, _ = look.parts.tickets.tickets(SYSTEM, TicketQuery(limit=MANY))
    for ticket in found:
        if ticket.due_on not in look.period or ticket.state is TicketState.WITHDRAWN:
            continue
        answered = ticket.answered_at.astimezone(look.zone).date() if ticket.answered_at else None
        kept = answered is not None and answered <= ticket.due_on
        running = not kept and ticket.due_on > look.last
        if kept:
            why = Text(f"{answered} 答复，期限 {ticket.due_on}", f"answered {answered}, due {ticket.due_on}")
        elif running:
            why = Text(f"办理中，期限 {ticket.due_on}", f"still running, due {ticket.due_on}")
        else:
            why = Text(f"期限 {ticket.due_on}，未按期答复", f"due {ticket.due_on}, not answered in time")
        yield Fact(
            org_id=ticket.org_id,
            subject=Subject.TICKET,
            ref=ticket.id,
            name=ticket.title,
            a=float(kept),
            b=1.0,
            why=why,
            counted=not running,
            at=ticket.answered_at or ticket.opened_at,
        )


def quality_score(look: Look) -> Iterator[Fact]:
    """Look at the newest run of every table with rules."""
    for one in look.parts.quality.board(SYSTEM):
        if one.score is None or one.score.total is None or one.run is None:
            continue
        points = Text(
            f"得分 {one.score.total:.1f}（{one.score.assessed} 项指标，第 {one.run.version} 版）",
            f"score {one.score.total:.1f} ({one.score.assessed} indicators, version {one.run.version})",
        )
        yield Fact(
            org_id=one.org_id,
            subject=Subject.TABLE,
            ref=one.table,
            name=one.table,
            a=one.score.total / 100.0,
            b=1.0,
            why=points if one.run.rows else Text("没有数据行，不计", "no rows of data, not counted"),
            counted=bool(one.run.rows),
            at=one.run.at,
        )


def not_shared_ratio(look: Look) -> Iterator[Fact]:
    """Look at published entries."""
    for one, entry in look.published:
        kind = entry.share_type or ShareType.NOT_SHARED
        yield _entry(one, float(kind is ShareType.NOT_SHARED), 1.0, kind.text)


def not_shared_basis(look: Look) -> Iterator[Fact]:
    """Look at published entries that are not shared."""
    for one, entry in look.published:
        if (entry.share_type or ShareType.NOT_SHARED) is ShareType.NOT_SHARED:
            basis = entry.no_share_basis.strip()
            yield _entry(one, float(bool(basis)), 1.0, Text(basis or "没有写明依据", basis or "no basis is stated"))


def single_source_rate(look: Look) -> Iterator[Fact]:
    """Look at fields of libraries that departments declared to be the source of."""
    for library in look.parts.fusion.libraries(SYSTEM):
        claims, disputes = look.parts.fusion.claims(SYSTEM, library.id)
        raised = {d.claim_id for d in disputes if d.state is DisputeState.RAISED}
        for claim in claims:
            if claim.state not in {ClaimState.PROPOSED, ClaimState.IN_FORCE}:
                continue
            rivals = [c for c in claims if c.element == claim.element and c.state is ClaimState.IN_FORCE]
            sole = rivals == [claim] and claim.id not in raised
            why = Text("唯一数源，已确认", "the one source, confirmed") if sole else claim.state.text
            if claim.id in raised:
                why = Text("有异议待裁定", "an objection waits for a ruling")
            yield Fact(
                org_id=claim.org_id,
                subject=Subject.LIBRARY,
                ref=library.id,
                name=f"{library.name} · {claim.element}",
                a=float(sole),
                b=1.0,
                why=why,
                at=claim.decided_at or claim.at,
            )


def grading_rate(look: Look) -> Iterator[Fact]:
    """Look at the items of published entries."""
    for one, entry in look.published:
        levels = sum(item.level is not None for item in entry.items)
        why = Text(f"{len(entry.items)} 项中 {levels} 项已定级", f"{levels} of {len(entry.items)} items are graded")
        yield _entry(one, float(levels), float(len(entry.items)), why, counted=bool(entry.items))


def open_item_ratio(look: Look) -> Iterator[Fact]:
    """Look at the items of published entries."""
    for one, entry in look.published:
        opened = len(entry.open_items)
        why = Text(f"{len(entry.items)} 项中开放 {opened} 项", f"{opened} of {len(entry.items)} items are open")
        idle = look.idle(one) if opened else None
        yield _entry(
            one, float(opened), float(len(entry.items)), idle or why, counted=bool(entry.items) and idle is None
        )


def _open_sets(look: Look) -> Iterator[tuple[Resource, Entry, Text | None]]:
    for one, entry in look.published:
        if entry.open_type in {OpenType.UNCONDITIONAL, OpenType.CONDITIONAL}:
            yield one, entry, look.idle(one)


def open_set_count(look: Look) -> Iterator[Fact]:
    """Look at open sets that hold data."""
    for one, entry, idle in _open_sets(look):
        opened = (entry.open_type or OpenType.NOT_OPEN).text
        yield _entry(one, 1.0, 1.0, idle or opened, counted=idle is None)


def open_volume(look: Look) -> Iterator[Fact]:
    """Look at rows and open items of open sets."""
    for one, entry, idle in _open_sets(look):
        rows, items = one.facts.rows, len(entry.open_items)
        why = Text(f"{rows:,} 行 × {items} 个开放字段", f"{rows:,} rows × {items} open items")
        yield _entry(one, float(rows * items), 1.0, idle or why, counted=idle is None)


def open_api_share(look: Look) -> Iterator[Fact]:
    """Look at open sets: those that the platform serves have its row API, harvested ones what their source links to."""
    for one, entry, idle in _open_sets(look):
        served = one.table is not None and one.released_table_version is not None and bool(one.facts.rows)
        linked = any(link.format.upper() in {"API", "REST", "JSON API", "WFS"} for link in entry.links)
        why = Text("有行接口", "served by the row API") if served else Text("没有接口", "no API")
        if linked:
            why = Text("来源方提供接口", "an API of its source")
        yield _entry(one, float(served or linked), 1.0, idle or why, counted=idle is None)


_SOURCES: Final[Mapping[str, Callable[[Look], Iterator[Fact]]]] = {
    "catalog_completeness": catalog_completeness,
    "binding_rate": binding_rate,
    "system_coverage": system_coverage,
    "linkage_rate": linkage_rate,
    "update_timeliness": update_timeliness,
    "correction_on_time": correction_on_time,
    "quality_score": quality_score,
    "not_shared_ratio": not_shared_ratio,
    "not_shared_basis": not_shared_basis,
    "single_source_rate": single_source_rate,
    "grading_rate": grading_rate,
    "open_set_count": open_set_count,
    "open_volume": open_volume,
    "open_item_ratio": open_item_ratio,
    "open_api_share": open_api_share,
    "reply_on_time": reply_on_time,
    "demand_satisfaction": demand_satisfaction,
    "claim_rate": claim_rate,
    "service_availability": service_availability,
    "call_volume": call_volume,
    "open_feedback_on_time": open_feedback_on_time,
}
_EXCHANGED: Final = frozenset({"reply_on_time", "demand_satisfaction", "claim_rate", "service_availability"})
_NONE: Final[Mapping[str, Text]] = {
    "return_flow_rate": Text("数据回流尚未接入", "the return of data downward is not connected yet"),
    "incident_score": Text("安全事件台账尚未接入", "the register of incidents is not connected yet"),
}
