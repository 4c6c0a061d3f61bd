"""Base libraries of the demo region: declared by the data bureau, fed by the departments that agreed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beijiang.fusion import LinkDraft

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.kit import Actor

__all__ = ["KEEPER", "Given", "add_libraries"]

KEEPER: Final = "bigdata"


@dataclass(frozen=True, slots=True)
class Given:
    """A table that a department gives to a library."""

    org_key: str
    table: str
    columns: Mapping[str, str]
    priority: int
    key: tuple[str, ...] = ()
    seen: str = ""


LIBRARIES: Final[Mapping[str, tuple[Given, ...]]] = {
    "population": (
        Given(
            "public_security",
            "人口基础信息",
            {
                "公民身份号码": "公民身份号码",
                "姓名": "姓名",
                "性别代码": "性别代码",
                "民族代码": "民族代码",
                "出生日期": "出生日期",
                "户籍地区划": "户籍区划代码",
                "户籍地址": "户籍地址",
                "婚姻状况": "婚姻状况代码",
                "联系电话": "联系电话",
            },
            1,
            seen="更新日期",
        ),
        Given(
            "human_resources",
            "社会保险参保人员",
            {"公民身份号码": "社会保障号码", "姓名": "姓名", "联系电话": "手机号码"},
            2,
            key=("社会保障号码", "险种类型"),
        ),
        Given(
            "poverty",
            "低保及防返贫监测对象",
            {
                "公民身份号码": "户主信息_公民身份号码",
                "姓名": "户主信息_姓名",
                "居住地址": "家庭住址",
                "居住地区划": "区划代码",
                "联系电话": "户主信息_联系电话",
            },
            3,
        ),
    ),
    "legal_entity": (
        Given(
            "commerce_admin",
            "企业登记信息",
            {
                "统一社会信用代码": "基本信息_统一社会信用代码",
                "名称": "基本信息_企业名称",
                "成立日期": "基本信息_成立日期",
                "法定代表人姓名": "法定代表人_姓名",
                "法定代表人证件号码": "法定代表人_证件号码",
                "联系电话": "法定代表人_联系电话",
                "住所": "经营地_地址",
            },
            1,
        ),
        Given("ndrc", "行政许可", {"统一社会信用代码": "统一社会信用代码", "名称": "行政相对人名称", "法定代表人姓名": "法定代表人"}, 3),
        Given("industry", "重点用能企业用电量", {"统一社会信用代码": "统一社会信用代码", "名称": "企业名称"}, 4, key=("统一社会信用代码",)),
    ),
}  # fmt: skip


def add_libraries(platform: Platform, actor: Callable[[str], Actor], report: Callable[[str], None]) -> None:
    """Declare what is not there yet, have every department offer and the bureau take, and run it."""
    fusion, keeper = platform.fusion, actor(KEEPER)
    there = {one.kind: one for one in fusion.libraries(keeper)}
    for kind, given in LIBRARIES.items():
        library = there.get(kind)
        if library is None:
            draft = fusion.draft(keeper, kind)
            used = {name for one in given for name in one.columns}
            draft = replace(draft, elements=tuple(one for one in draft.elements if one.name in used))
            library = fusion.declare(keeper, draft, "按自治区工作方案建库")
        report(library.name)
        linked = {link.table for link in fusion.links(keeper, library.id)}
        for one in given:
            if one.table not in linked:
                words = LinkDraft(
                    table=one.table, columns=one.columns, priority=one.priority, key=one.key, seen=one.seen
                )
                fusion.agree(keeper, fusion.propose(actor(one.org_key), library.id, words).id)
        if not any(run.version for run in fusion.runs(keeper, library.id)):
            fusion.run_now(keeper, library.id)
