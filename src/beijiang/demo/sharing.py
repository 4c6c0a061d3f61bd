"""Share requests of the demo region: one that was granted, one that waits for its provider, and one for a number only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.crypto import OwnSet
from beijiang.exchange import Answer, DemandDraft, DemandMove, Item, RequestDraft, RequestState, Terms, Way
from beijiang.kit import SYSTEM
from beijiang.protection import Handling
from beijiang.tables import Exit, Filter, FilterOp

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.exchange import Request
    from beijiang.kit import Actor

__all__ = [
    "CODE",
    "LEAD",
    "PROVIDER",
    "TABLE",
    "add_demand",
    "add_intersection",
    "add_requests",
    "decide",
    "terms_of",
]

PROVIDER: Final = "industry"
LEAD: Final = f"lead.{PROVIDER}"
TABLE: Final = "重点用能企业用电量"
DAYS: Final = 180
MEETER: Final = "statistics"
CODE: Final = "统一社会信用代码"


def add_requests(platform: Platform, actor: Callable[[str], Actor]) -> None:
    """Ask for the power use of large consumers twice, as two departments would, and decide as far as the story goes."""
    exchange = platform.exchange
    resource = platform.catalog.resource_for_table(TABLE)
    if resource is None or not resource.is_serving:
        return
    made = {one.org_id: one for one in exchange.requests(SYSTEM)[0]}
    for consumer, draft in (
        ("environment", _emissions(platform, resource.id)),
        ("poverty", _shops(platform, resource.id)),
    ):
        asker = actor(f"steward.{consumer}")
        request = made.get(consumer)
        if request is None:
            drafts = [one for one in exchange.basket(asker) if one.table == TABLE]
            kept = drafts[0] if drafts else exchange.put(asker, draft)
            request = exchange.submit(asker, [kept.id])[0]
        decide(platform, actor, request, "可以提供，限重点排污地区。" if consumer == "environment" else "")


def add_intersection(platform: Platform, actor: Callable[[str], Actor]) -> None:
    """Find out how many polluters are large consumers of power too, and let neither department show its list."""
    exchange, resource = platform.exchange, platform.catalog.resource_for_table(TABLE)
    if resource is None or not resource.is_serving:
        return
    asker = actor(f"steward.{MEETER}")
    known = [one for one in exchange.requests(SYSTEM)[0] if one.org_id == MEETER and Way.OVERLAP in one.offered.ways]
    request = (
        known[0] if known else exchange.submit(asker, [exchange.put(asker, _meeting(platform, resource.id)).id])[0]
    )
    request = decide(platform, actor, request, "只答数量，不出名单，可以。")
    if request.grant_id is None or platform.intersections.mine(asker):
        return
    governed = platform.gate.open(actor(f"steward.{PROVIDER}"), TABLE, "demo", Exit.PAGE)
    codes = sorted({str(code) for batch in governed.batches(columns=[CODE]) for code in batch.column(0).to_pylist()})
    own = OwnSet([[code] for code in [*codes[::2], *(f"91150000MA0DEMO{n:03d}" for n in range(60))]])
    made = platform.intersections.begin(asker, request.grant_id, len(own.values))
    platform.jobs.wait(made.job)
    points = own.points() + own.doubled(platform.intersections.theirs(asker, made.id))
    platform.jobs.wait(platform.intersections.give(asker, made.id, points).job)


def decide(platform: Platform, actor: Callable[[str], Actor], request: Request, words: str) -> Request:
    """Let the bureau look at a request, and with ``words`` its provider agree."""
    exchange = platform.exchange
    if request.state is RequestState.FORMAL_REVIEW:
        request = exchange.approve(actor("reviewer"), request.id, "材料齐全，用途与职责相符。")
    for login, said in ((f"steward.{PROVIDER}", words), (LEAD, "同意。")):
        if words and request.state is RequestState.PROVIDER_REVIEW:
            request = exchange.approve(actor(login), request.id, said)
    return request


def add_demand(platform: Platform, actor: Callable[[str], Actor]) -> None:
    """Say what a department needs that nobody has catalogued, and send it to its likely source."""
    demands = platform.demands
    asker = actor("steward.poverty")
    if demands.demands(SYSTEM)[1]:
        return
    draft = DemandDraft(
        title="困难残疾人两项补贴发放信息",
        items="姓名、证件号码、补贴类别、发放月份、金额",
        purpose="service",
        use="与防返贫监测对象比对，发现应补未补的家庭。",
        basis="自治区防止返贫监测和帮扶工作方案",
        wished_by=platform.exchange.today + timedelta(days=60),
    )
    made = demands.raise_(asker, draft)
    demands.move(actor("reviewer"), made.id, DemandMove.PASS, "需求明确。")
    demands.move(actor("reviewer"), made.id, DemandMove.DISPATCH, "", Answer(org_id="human_resources"))


def _emissions(platform: Platform, resource_id: str) -> RequestDraft:
    columns = ("统一社会信用代码", "企业名称", "盟市", "统计月份", "用电量（万千瓦时）")
    return RequestDraft(
        resource_id=resource_id,
        terms=terms_of(
            platform,
            columns,
            frozenset({Way.PAGE, Way.API, Way.SQL, Way.FLIGHT, Way.PUSH}),
            (Filter("盟市", FilterOp.EQ, "包头市"),),
        ),
        purpose="supervision",
        use="与排污许可和在线监测数据比对，核查企业实际生产负荷与申报排放量是否相符。",
        basis="环境保护法第二十四条",
        system="污染源监管系统",
        contact="演示环境监察科",
    )


def _meeting(platform: Platform, resource_id: str) -> RequestDraft:
    return RequestDraft(
        resource_id=resource_id,
        terms=terms_of(platform, (CODE,), frozenset({Way.OVERLAP}), calls_per_day=20),
        purpose="decision",
        use="了解辖区内规上企业与重点用能企业的重合程度，不取得名单。",
        basis="统计法第七条",
        contact="演示工业统计科",
    )


def _shops(platform: Platform, resource_id: str) -> RequestDraft:
    columns = ("企业名称", "行业门类", "盟市", "统计月份", "用电量（万千瓦时）", "同比增长")
    return RequestDraft(
        resource_id=resource_id,
        terms=terms_of(platform, columns, frozenset({Way.PAGE, Way.API})),
        purpose="decision",
        use="测算帮扶项目所在旗县重点企业的用工稳定情况，按月跟踪用电变化。",
        basis="自治区防止返贫监测和帮扶工作方案",
        contact="演示监测帮扶科",
    )


def terms_of(
    platform: Platform,
    columns: tuple[str, ...],
    ways: frozenset[Way],
    filters: tuple[Filter, ...] = (),
    *,
    calls_per_day: int | None = None,
) -> Terms:
    """Return terms for items as they are, half a year long; with a limit of calls, none of rows."""
    today = platform.exchange.today
    return Terms(
        items=tuple(Item(column, Handling.AS_IS) for column in columns),
        ways=ways,
        since=today,
        until=today + timedelta(days=DAYS),
        filters=filters,
        rows_per_day=100_000 if calls_per_day is None else None,
        calls_per_day=calls_per_day,
    )
