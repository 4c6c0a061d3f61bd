"""Share requests of the demo region: one that was granted, and one that waits for its provider."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.exchange import Answer, DemandDraft, DemandMove, Item, RequestDraft, RequestState, Terms, Way
from beijiang.kit import SYSTEM
from beijiang.protection import Handling
from beijiang.tables import Filter, FilterOp

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.kit import Actor

__all__ = ["LEAD", "PROVIDER", "add_demand", "add_requests"]

PROVIDER: Final = "industry"
LEAD: Final = f"lead.{PROVIDER}"
TABLE: Final = "重点用能企业用电量"
DAYS: Final = 180


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
        if request.state is RequestState.FORMAL_REVIEW:
            request = exchange.approve(actor("reviewer"), request.id, "材料齐全，用途与职责相符。")
        if consumer != "environment":
            continue
        for login, words in ((f"steward.{PROVIDER}", "可以提供，限重点排污地区。"), (LEAD, "同意。")):
            if request.state is RequestState.PROVIDER_REVIEW:
                request = exchange.approve(actor(login), request.id, words)


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
        terms=_terms(
            platform, columns, frozenset({Way.PAGE, Way.API, Way.SQL}), (Filter("盟市", FilterOp.EQ, "包头市"),)
        ),
        purpose="supervision",
        use="与排污许可和在线监测数据比对，核查企业实际生产负荷与申报排放量是否相符。",
        basis="环境保护法第二十四条",
        system="污染源监管系统",
        contact="演示环境监察科",
    )


def _shops(platform: Platform, resource_id: str) -> RequestDraft:
    columns = ("企业名称", "行业门类", "盟市", "统计月份", "用电量（万千瓦时）", "同比增长")
    return RequestDraft(
        resource_id=resource_id,
        terms=_terms(platform, columns, frozenset({Way.PAGE, Way.API}), ()),
        purpose="decision",
        use="测算帮扶项目所在旗县重点企业的用工稳定情况，按月跟踪用电变化。",
        basis="自治区防止返贫监测和帮扶工作方案",
        contact="演示监测帮扶科",
    )


def _terms(platform: Platform, columns: tuple[str, ...], ways: frozenset[Way], filters: tuple[Filter, ...]) -> Terms:
    today = platform.exchange.today
    return Terms(
        items=tuple(Item(column, Handling.AS_IS) for column in columns),
        ways=ways,
        since=today,
        until=today + timedelta(days=DAYS),
        filters=filters,
        rows_per_day=100_000,
    )
