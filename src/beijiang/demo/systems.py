"""The systems that the departments of the demo region run, linked to the entries of their data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Final

from beijiang.catalog import Network, SystemDraft, SystemQuery, SystemState

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.kit import Actor

__all__ = ["add_systems"]

_IN, _BUILDING, _OUT = SystemState.IN_USE, SystemState.BUILDING, SystemState.RETIRED
SYSTEMS: Final[tuple[tuple[str, str, SystemState, Network, int, tuple[str, ...]], ...]] = (
    ("environment", "空气质量自动监测平台", _IN, Network.EXTRANET, 2013, ("空气质量小时数据",)),
    ("environment", "排污许可管理系统", _IN, Network.EXTRANET, 2017, ()),
    ("ndrc", "信用信息共享平台", _IN, Network.EXTRANET, 2015, ("行政许可", "行政处罚")),
    ("commerce_admin", "市场主体登记系统", _IN, Network.PRIVATE, 2014, ("企业登记信息",)),
    ("commerce_admin", "企业年报系统（旧）", _OUT, Network.PRIVATE, 2009, ()),
    ("bigdata", "政务数据共享交换平台", _IN, Network.EXTRANET, 2018, ("行政区划",)),
    ("education", "学籍与学校管理系统", _IN, Network.EXTRANET, 2012, ("学校名录",)),
    ("transport", "公交运行监测系统", _IN, Network.INTERNET, 2016, ("公交站点",)),
    ("meteorology", "气象观测资料系统", _IN, Network.PRIVATE, 2010, ("气象站日观测",)),
    ("industry", "重点用能单位监测平台", _IN, Network.EXTRANET, 2017, ("重点用能企业用电量",)),
    ("forestry", "森林防火指挥系统", _IN, Network.PRIVATE, 2011, ("森林防火瞭望点",)),
    ("tourism", "文化和旅游公共服务平台", _IN, Network.INTERNET, 2016, ("文化场馆", "旅游景区")),
    ("public_security", "人口信息管理系统", _IN, Network.PRIVATE, 2006, ("人口基础信息",)),
    ("human_resources", "社会保险信息系统", _IN, Network.PRIVATE, 2008, ("社会保险参保人员",)),
    ("human_resources", "就业服务平台", _BUILDING, Network.INTERNET, 2018, ()),
    ("poverty", "防返贫监测系统", _IN, Network.EXTRANET, 2014, ("低保及防返贫监测对象",)),
    ("statistics", "统计联网直报平台", _IN, Network.INTERNET, 2012, ()),
)
"""Department, name, state, network, year, and the tables whose entries describe its data. Names are made up."""


def add_systems(platform: Platform, actor: Callable[[str], Actor]) -> None:
    """Register the systems as each department's steward would; what is there already is left as it is."""
    inventory = platform.inventory
    for org, name, state, network, year, tables in SYSTEMS:
        steward = actor(f"steward.{org}")
        there, _ = inventory.systems(steward, SystemQuery(words=name, org_id=org))
        draft = SystemDraft(name=name, state=state, network=network, since=date(year, 1, 1))
        made = there[0] if there else inventory.add(steward, draft)
        for table in tables:
            entry = platform.catalog.resource_for_table(table)
            if entry is not None:
                inventory.link(steward, made.id, entry.id)
