"""The graph of enterprises of the demo region, declared by the department that keeps the registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from beijiang.mining import GraphDraft, Holdings, Subjects

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.platform import Platform

__all__ = ["add_graph"]

_DRAFT: Final = GraphDraft(
    name="全区企业关系图",
    description="企业登记信息与股东出资信息：股权链、实际控制人、关联方。",
    shared=True,
    subjects=Subjects(
        table="企业登记信息",
        key="基本信息_统一社会信用代码",
        name="基本信息_企业名称",
        representative="法定代表人_姓名",
        representative_key="法定代表人_证件号码",
        address="经营地_地址",
        phone="法定代表人_联系电话",
    ),
    holdings=Holdings(
        table="股东出资信息",
        held="被投资企业统一社会信用代码",
        held_name="被投资企业名称",
        share="持股比例",
        holder_firm="股东统一社会信用代码",
        holder_person="股东证件号码",
        holder_name="股东名称",
        since="起始日期",
        until="退出日期",
    ),
)
_KEY: Final = "企业关系图"


def add_graph(platform: Platform, person: Callable[[str], Actor]) -> None:
    """Let identity numbers join as pseudonyms under one key, and declare the graph; what an earlier start did stays."""
    keeper = person("steward.commerce_admin")
    if platform.graphs.graphs(keeper):
        return
    people = (
        (_DRAFT.subjects.table, _DRAFT.subjects.representative_key),
        (_DRAFT.holdings.table, _DRAFT.holdings.holder_person),
    )
    for table, column in people:
        if all(one.column != column or one.ended_at for one in platform.protection.masks(keeper, table)):
            platform.protection.choose_mask(
                keeper, table, column, "pseudonym", {"key": _KEY}, reason="供企业关系图连接同一人"
            )
    platform.graphs.declare(keeper, _DRAFT)
