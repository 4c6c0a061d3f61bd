"""What an entry could say where its steward has not decided yet, each with the reason for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from beijiang.catalog.models.attributes import Level, OpenType, Personal, ShareMethod, ShareType
from beijiang.catalog.models.entry import NAME_LIMIT, Entry, ResourceEdit
from beijiang.catalog.models.resource import Resource
from beijiang.kit import Text

Value = str | tuple[str, ...] | ShareType | ShareMethod | OpenType


@dataclass(frozen=True, slots=True)
class Advice:
    """One field, what it could say, and why."""

    field: str
    value: Value
    reason: Text
    decided: bool = False
    """Whether the steward has said so already; then it is only repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the entries of the same provider and the standards tell."""

    category: str | None
    category_reason: Text
    contact: str
    licence: str
    usual_cycle: str


_TAIL: Final = re.compile(
    r"(?:[\s_\-（(]*(?:最终版?|终稿|定稿|副本|汇总表?|新版?|copy|final|v\d+|\d{6,8}|\d{1,2})[)）]*)+$", re.IGNORECASE
)
_CYCLES: Final = (
    (re.compile(r"实时|逐小时|每小时"), "1"),
    (re.compile(r"日报|每日|逐日|按日"), "2"),
    (re.compile(r"周报|每周"), "3"),
    (re.compile(r"月报|每月|月份|月度|统计月"), "4"),
    (re.compile(r"季报|季度|每季"), "5"),
    (re.compile(r"年报|年度|学年|年份|\d{4}\s*年"), "6"),
)
_CONDITION: Final = "限政务部门因履行职责需要，经提供方审核后，用于申请写明的用途，用毕删除。"
_REFUSED: Final = frozenset({Level.L3, Level.L4})


def tidy_name(name: str) -> str:
    """Return a name without what people add to the names of files: 终稿, (2), v3, a date of eight digits."""
    tidy = _TAIL.sub("", name).strip(" _-　")
    return (tidy or name)[:NAME_LIMIT]


def advise(resource: Resource, around: Around) -> Iterator[Advice]:
    """Yield advice for each field that a submission needs, those that are decided too."""
    entry = resource.entry
    yield _or(
        entry.name if entry.name != resource.table else "",
        "name",
        tidy_name(entry.name),
        Text("取自文件名，去掉了版本和日期一类的尾巴。", "The name of the file, without its version or date."),
    )
    yield Advice(
        "summary",
        entry.summary,
        Text("由部门、行数、时间和列名写成。", "Made of the department, the rows, the time and the columns."),
    )
    if around.category or entry.categories:
        category = entry.categories or (around.category or "",)
        yield Advice(
            "categories",
            category,
            around.category_reason,
            decided=resource.revision > _FRESH and bool(entry.categories),
        )
    cycle, why = _cycle(resource, around)
    yield _or("" if entry.update_cycle == _UNDECIDED else entry.update_cycle, "update_cycle", cycle, why)
    yield from _sharing(entry)
    yield from _opening(entry, around)
    if entry.contact or around.contact:
        yield _or(
            entry.contact,
            "contact",
            around.contact,
            Text("与本单位上一条目录相同。", "As in the last entry of this department."),
        )


_FRESH: Final = 2
_UNDECIDED: Final = "9"
_DECIDED: Final = Text("已经填写。", "Said already.")


def _or(own: str, field: str, value: Value, reason: Text) -> Advice:
    return Advice(field, own, _DECIDED, decided=True) if own else Advice(field, value, reason)


def _cycle(resource: Resource, around: Around) -> tuple[str, Text]:
    words = [resource.table or "", resource.entry.name, *resource.facts.sources, *resource.facts.columns]
    for pattern, code in _CYCLES:
        for word in words:
            found = pattern.search(word)
            if found:
                return code, Text(f"“{word}”里有“{found.group()}”。", f"“{found.group()}” stands in “{word}”.")
    usual = around.usual_cycle or "6"
    return usual, Text(
        "名称里看不出周期；与本单位多数目录相同。到期未更新会提醒您。",
        "No name tells; as most entries of this department. You are reminded when it is due.",
    )


def _sensitive(entry: Entry) -> list[str]:
    return [item.name for item in entry.items if item.level in _REFUSED or item.personal is not Personal.NONE]


def _named(names: Sequence[str]) -> tuple[str, str]:
    few = names[:3]
    return "、".join(few) + ("等" if len(names) > len(few) else ""), ", ".join(few) + (
        " …" if len(names) > len(few) else ""
    )


def _sharing(entry: Entry) -> Iterator[Advice]:
    zh, en = _named(_sensitive(entry))
    if entry.share_type is not None:
        yield Advice("share_type", entry.share_type, _DECIDED, decided=True)
    elif zh:
        yield Advice(
            "share_type",
            ShareType.CONDITIONAL,
            Text(
                f"含个人信息或 L3 以上的数据项（{zh}），其他部门须申请。",
                f"It has personal data or items of L3 and above ({en}); others have to ask.",
            ),
        )
    else:
        yield Advice(
            "share_type",
            ShareType.UNCONDITIONAL,
            Text(
                "没有个人信息，分级都在 L2 以下；政务数据以共享为原则（国发〔2016〕51号）。",
                "No personal data and no grade above L2; sharing is the rule between departments (国发〔2016〕51号).",
            ),
        )
    kind = entry.share_type or (ShareType.CONDITIONAL if zh else ShareType.UNCONDITIONAL)
    if kind is ShareType.CONDITIONAL:
        yield _or(
            entry.share_condition,
            "share_condition",
            _CONDITION,
            Text(
                "写明供谁用、作何用、用多久；可以改得更具体。",
                "It says who, for what and how long; make it more concrete.",
            ),
        )
    method = entry.share_method or ShareMethod.FILE
    yield Advice(
        "share_method",
        method,
        Text(
            "平台按文件、数据库和接口都能提供，选最常用的。",
            "The platform gives it in every way; this is the usual one.",
        ),
        decided=False,
    )


def _opening(entry: Entry, around: Around) -> Iterator[Advice]:
    zh, en = _named(_sensitive(entry))
    plain = bool(entry.items) and not zh and all(item.level is Level.L1 for item in entry.items)
    kind = entry.open_type or (OpenType.UNCONDITIONAL if plain else OpenType.NOT_OPEN)
    if entry.open_type is not None:
        yield Advice("open_type", entry.open_type, _DECIDED, decided=True)
    elif plain:
        yield Advice(
            "open_type", kind, Text("每一项都是 L1，没有个人信息。", "Every item is L1, and none is personal.")
        )
    else:
        yield Advice(
            "open_type",
            kind,
            Text(
                f"不是每一项都能公开{f'（{zh}）' if zh else ''}；先不开放，以后可以改。",
                f"Not every item can be public{f' ({en})' if en else ''}; closed for now, to be changed later.",
            ),
        )
    if kind is OpenType.UNCONDITIONAL:
        yield _or(
            entry.licence,
            "licence",
            around.licence,
            Text("最常用的开放许可：注明来源即可使用。", "The usual open licence: use with attribution."),
        )
    if kind is OpenType.NOT_OPEN:
        why = f"含有不宜公开的数据项：{zh}。" if zh else "含有 L2 级数据项，尚未评估能否公开。"
        yield _or(
            entry.open_condition, "open_condition", why, Text("公众会看到这条理由。", "The public sees this reason.")
        )


def edit_of(advice: Sequence[Advice]) -> ResourceEdit:
    """Return the edit that takes all advice."""
    return ResourceEdit(**{one.field: one.value for one in advice if one.value})  # type: ignore[arg-type]


__all__ = ["Advice", "Around", "advise", "edit_of", "tidy_name"]
