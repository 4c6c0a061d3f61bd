"""The counts of a person's home: what waits, what is late, what went wrong, what changed; each leads to the list it counts.

A count is taken from the very rows of the list that it leads to, so the two agree. What the actor may not see is not asked
for, so no refusal is recorded.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from beijiang.access import Permission
from beijiang.console.counting import Tile, TileKind
from beijiang.console.duties import DUTIES
from beijiang.console.listing import ONLY, Ask, Listing
from beijiang.console.lists import (
    entry_table,
    finding_table,
    grant_table,
    job_table,
    people_table,
    request_table,
    run_table,
)
from beijiang.console.lists.people import NO_ROLE, RECORDS
from beijiang.console.lists.words import DAYS, LATE, MINE, RECENT, SOON
from beijiang.evidence import EvidenceQuery
from beijiang.exchange import DemandQuery, DisputeQuery, GrantQuery, GrantState, RequestQuery, RequestState
from beijiang.kit import HOW_MANY, Language, Text, Wanted
from beijiang.quality import TicketQuery

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beijiang.build import Platform
    from beijiang.console.counting import Maker
    from beijiang.console.listing import Table
    from beijiang.kit import Actor

__all__ = ["Tile", "TileKind", "tiles"]

_OF_MATTERS: Final = frozenset(
    {Permission.EXCHANGE_REQUEST_READ, Permission.EXCHANGE_GRANT_READ, Permission.QUALITY_TICKET_READ}
)
"""What is asked for each matter on its own: somebody may stand in for another department's reviewer."""


def tiles(platform: Platform, actor: Actor) -> Sequence[Tile]:
    """Return the counts of what the actor may see, waiting first."""
    with platform.db.snapshot():
        found = _made(platform, actor, _MAKERS)
    found += _made(platform, actor, _OF_NOW)
    order = list(TileKind)
    return sorted(found, key=lambda tile: order.index(tile.kind))


def _made(platform: Platform, actor: Actor, makers: Sequence[tuple[Permission, Maker]]) -> list[Tile]:
    return [tile for permission, make in makers if _may(platform, actor, permission) for tile in make(platform, actor)]


def _may(platform: Platform, actor: Actor, permission: Permission) -> bool:
    allowed = platform.access.allows(actor, permission)
    return allowed and (permission in _OF_MATTERS or platform.access.allows(actor, permission, actor.org_id))


def _count(platform: Platform, table: Table[Any], **only: str) -> tuple[int, str]:
    """Count what a list shows when it is narrowed, and return the address that narrows it."""
    pairs = [(ONLY + key, value) for key, value in only.items()]
    ask = Ask(path=table.path, pairs=pairs, language=Language.ZH, zone=ZoneInfo(platform.settings.time_zone))
    if table.part is not None:
        return table.part(Wanted(only=only, limit=0, counted=False)).found, ask.address()
    return Listing.of(table, ask).found, ask.address()


def _entries(platform: Platform, actor: Actor) -> Iterator[Tile]:
    table = entry_table(platform, actor)
    count, href = _count(platform, table, turn=MINE.value)
    yield Tile(TileKind.WAITING, Text("目录条目待办", "catalog entries to do"), count, href)
    count, href = _count(platform, table, turn=MINE.value, pace=LATE.value)
    yield Tile(TileKind.LATE, Text("目录条目超期", "catalog entries late"), count, href)
    count, href = _count(platform, table, state="published", age=RECENT.value)
    yield Tile(TileKind.CHANGED, Text(f"近 {DAYS} 天发布的目录条目", f"entries published in {DAYS} days"), count, href)


def _requests(platform: Platform, actor: Actor) -> Iterator[Tile]:
    waiting = request_table(platform, RequestQuery(mine=True), {}, actor=actor)
    count, _ = _count(platform, waiting)
    yield Tile(
        TileKind.WAITING, Text("共享申请待审批", "share requests to decide"), count, "/console/sharing?show=mine"
    )
    late, href = _count(platform, waiting, pace=LATE.value)
    words = Text("共享申请审批超期", "share requests late")
    yield Tile(TileKind.LATE, words, late, href.replace("?", "?show=mine&", 1))
    over = frozenset(state for state in RequestState if state.is_over)
    decided = request_table(platform, RequestQuery(states=over), {}, actor=actor)
    count, href = _count(platform, decided, turn=MINE.value, age=RECENT.value)
    words = Text(f"我的申请近 {DAYS} 天办结", f"my requests decided in {DAYS} days")
    yield Tile(TileKind.CHANGED, words, count, href.replace("?", "?show=over&", 1))


def _matters(platform: Platform, actor: Actor) -> Iterator[Tile]:
    demands = platform.demands.demand_part(actor, DemandQuery(mine=True), HOW_MANY).found
    disputes = platform.disputes.dispute_part(actor, DisputeQuery(mine=True), HOW_MANY).found
    claims = platform.templates.count_waiting(actor)
    for words, waiting, href in (
        (Text("数据需求待办", "demands to do"), demands, "/console/demands?show=mine"),
        (Text("异议待办", "disputes to do"), disputes, "/console/disputes?show=mine"),
        (Text("标准目录待认领", "standard entries to claim"), claims, "/console/templates"),
    ):
        yield Tile(TileKind.WAITING, words, waiting, href)


def _tickets(platform: Platform, actor: Actor) -> Iterator[Tile]:
    mine = platform.tickets.ticket_part(actor, TicketQuery(mine=True), HOW_MANY).found
    yield Tile(TileKind.WAITING, Text("校核工单待办", "tickets to do"), mine, "/console/tickets?state=mine")


def _lowerings(platform: Platform, actor: Actor) -> Iterator[Tile]:
    waiting = sum(view.may_decide for view in platform.protection.lowerings(actor))
    yield Tile(TileKind.WAITING, Text("分级的降低待决定", "lowered grades to decide"), waiting, "/console/grading")


def _grants(platform: Platform, actor: Actor) -> Iterator[Tile]:
    table = grant_table(platform, actor, GrantQuery(state=GrantState.ACTIVE), {})
    count, href = _count(platform, table, ending=SOON.value)
    words = Text("30 天内到期的授权", "grants that end in 30 days")
    yield Tile(TileKind.CHANGED, words, count, href.replace("?", "?state=active&", 1))


def _mending(platform: Platform, actor: Actor) -> Iterator[Tile]:
    counts = platform.bench.counts(actor)
    opened = Text("待修数据的行", "rows to mend")
    yield Tile(TileKind.WRONG, opened, sum(c.open for c in counts), "/console/quarantine?_sort=-open")
    mended = Text("已修正待入库的行", "mended rows to take in")
    yield Tile(TileKind.WAITING, mended, sum(c.fixed for c in counts), "/console/quarantine?_sort=-fixed")


def _runs(platform: Platform, actor: Actor) -> Iterator[Tile]:
    table = run_table(platform, actor)
    count, href = _count(platform, table, outcome="bad", age=RECENT.value)
    yield Tile(TileKind.WRONG, Text(f"近 {DAYS} 天未成功的汇聚", f"runs that failed in {DAYS} days"), count, href)
    count, href = _count(platform, table, outcome="good", age=RECENT.value)
    yield Tile(TileKind.CHANGED, Text(f"近 {DAYS} 天入库的汇聚", f"runs taken in in {DAYS} days"), count, href)
    alerts = Text("无人处理的告警", "alerts nobody looks after")
    yield Tile(TileKind.WRONG, alerts, platform.alerts.unattended(actor), "/console/alerts?_only.state=open")


def _jobs(platform: Platform, actor: Actor) -> Iterator[Tile]:
    table = job_table(platform, actor)
    count, href = _count(platform, table, state="failed", age=RECENT.value)
    yield Tile(TileKind.WRONG, Text(f"近 {DAYS} 天失败的作业", f"jobs that failed in {DAYS} days"), count, href)


def _findings(platform: Platform, actor: Actor) -> Iterator[Tile]:
    count, href = _count(platform, finding_table(platform, actor), state="open")
    yield Tile(TileKind.WRONG, Text("监测发现待处置", "findings to decide"), count, href)


def _people(platform: Platform, actor: Actor) -> Iterator[Tile]:
    table = people_table(platform, actor, {})
    count, href = _count(platform, table, standing=NO_ROLE.value)
    yield Tile(TileKind.WAITING, Text("还没有角色的账号", "accounts without a role"), count, href)


def _accounts(platform: Platform, actor: Actor) -> Iterator[Tile]:
    table = people_table(platform, actor, {})
    count, href = _count(platform, table, age=RECENT.value)
    yield Tile(TileKind.CHANGED, Text(f"近 {DAYS} 天建立的账号", f"accounts made in {DAYS} days"), count, href)


def _denials(platform: Platform, actor: Actor) -> Iterator[Tile]:
    then = platform.clock.now().astimezone(ZoneInfo(platform.settings.time_zone)) - timedelta(days=DAYS)
    since = then.replace(hour=0, minute=0, second=0, microsecond=0)
    found = platform.evidence_reader.search(actor, EvidenceQuery(decision="deny", since=since, limit=RECORDS))
    href = f"/console/evidence?decision=deny&since={since:%Y-%m-%d}"
    words = Text(f"近 {DAYS} 天被拒绝的访问", f"refusals in {DAYS} days")
    yield Tile(TileKind.WRONG, words, len(found.records), href, more=found.next is not None)


def _nodes(platform: Platform, actor: Actor) -> Iterator[Tile]:
    words = Text("三级联动告警", "alerts about linked nodes")
    yield Tile(TileKind.WRONG, words, len(platform.link_watch.troubles(actor)), "/console/federation")


def _calendar(platform: Platform, actor: Actor) -> Iterator[Tile]:
    wanting = platform.registry.years_wanting(actor)
    href = f"/console/standards/calendar/{wanting[0]}" if wanting else "/console/standards/calendar"
    yield Tile(TileKind.WAITING, Text("工作日历待录入的年份", "years to bring into the calendar"), len(wanting), href)


def _health(platform: Platform, actor: Actor) -> Iterator[Tile]:
    del actor
    ill = sum(1 for finding in platform.health.examine() if not finding.ok)
    yield Tile(
        TileKind.WRONG, Text("平台部件不正常", "parts of the platform that are not well"), ill, "/console/health"
    )


_MAKERS: Final[tuple[tuple[Permission, Maker], ...]] = (
    (Permission.EXCHANGE_REQUEST_READ, _requests),
    (Permission.EXCHANGE_REQUEST_READ, _matters),
    (Permission.CATALOG_RESOURCE_READ, _entries),
    (Permission.QUALITY_TICKET_READ, _tickets),
    (Permission.PROTECTION_GRADE_READ, _lowerings),
    (Permission.EXCHANGE_GRANT_READ, _grants),
    (Permission.INGEST_QUARANTINE_READ, _mending),
    (Permission.INGEST_RUN_READ, _runs),
    (Permission.JOBS_JOB_READ, _jobs),
    (Permission.QUALITY_RESULT_READ, _findings),
    (Permission.STANDARDS_ENTRY_APPROVE, _calendar),
    (Permission.ACCESS_ROLE_ASSIGN, _people),
    (Permission.ACCESS_PERSON_MANAGE, _accounts),
    (Permission.FEDERATION_NODE_READ, _nodes),
    *DUTIES,
)
_OF_NOW: Final[tuple[tuple[Permission, Maker], ...]] = (
    (Permission.EVIDENCE_LOG_READ, _denials),
    (Permission.PLATFORM_HEALTH_READ, _health),
)
"""What writes down what waits before it counts: a snapshot from before would not show it."""
