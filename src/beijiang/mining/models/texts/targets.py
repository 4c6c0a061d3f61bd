"""Numbers that are to be reached: 普及率达到60%, 新增覆盖240万户, 产值增长25%以上."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Target", "has_passed", "targets"]

_UNIT: Final = (
    r"%|‰|个百分点|平方公里|公里|立方米|工作日|个工作日|小时|分钟|天|PB|TB|GB|(?:百|千|万|亿){0,2}"
    r"(?:元|亩|吨|千瓦时|人次|人|户|台|架|个|家|项|件|座|所|处|条|类|种|次|张|米|部|套|名|辆|只|头|分)"
)
_GROWS: Final = r"增长|提高|提升|增加|下降|降低|减少|增幅|压缩"
_REACHES: Final = r"(?:力争)?(?:达到|达|(?:增长|提高|提升|增加|扩大|上升|下降|降低|压减|压缩|缩短)[到至]|增至|升至|控制在|降到|降至|保持在|稳定在|突破|超过|不低于|不少于|不超过|低于|为)"
_NUMBER: Final = r"(?P<value>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_TAIL: Final = rf"\s*(?P<unit>{_UNIT})(?P<more>以上|以内|以下|左右)?"
_CLAUSE: Final = re.compile(r"(?:[^,;。]|(?<=\d),(?=\d{3}))+")
_STATED: Final = re.compile(
    rf"(?P<name>[^,。;:、()\d]{{2,30}}?)(?:[由从]\d[\d.,]*(?:{_UNIT})?)?(?:(?P<grow>{_GROWS})(?P<at_least>不低于|不少于|超过|不超过|约)?"
    rf"|(?P<reach>{_REACHES}))\s*{_NUMBER}{_TAIL}"
)
_MADE: Final = re.compile(
    rf"(?P<name>(?:新增|完成|新建|建成|培育|引进|培训|落实|投入|接入|汇聚|关停|发放|清理|归集|开放)[^,。;:、()\d]{{1,24}}?)(?P<reach>不低于|不少于|超过|约)?\s*{_NUMBER}{_TAIL}"
)
_LEADING: Final = re.compile(
    r"^(?:(?:20\d{2})?年?(?:底|末)?[前内]?|到|至|力争|确保|努力|推动|使|将|把|实现|全区|其中|并|同时|且|年内|全年|今年|预计)+"
)
_PASSED: Final = re.compile(
    r"已经?(?:建成|达到|完成|有|实现|接入|形成|覆盖)|目前|截至20\d{2}年|上年(?!增长|提高|下降|降低|增加)|去年|现有(?!.*基础上)|累计已|以来|此前"
)
_AHEAD: Final = re.compile(r"力争|要|将|确保|今年|年内|[底末]前|不低于|不少于")
"""Words with which a sentence that told of the past turns to what is to be."""
_LOWER: Final = ("不超过", "低于", "控制在", "以内", "以下", "降到", "降至", "下降", "降低", "压减", "压缩", "缩短")
_HIGHER: Final = ("不低于", "不少于", "突破", "以上")


@dataclass(frozen=True, slots=True)
class Target:
    """A number to be reached, and the sentence that says so."""

    name: str
    operator: str
    """≥, ≤, > or =."""
    value: float
    unit: str
    sentence: int

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {self.value:.12g} {self.unit}"


def has_passed(clause: str) -> bool:
    """Tell whether a clause says what is or was rather than what is to be."""
    return _PASSED.search(clause) is not None


def targets(sentence: str, place: int = 0) -> Sequence[Target]:
    """Return the numeric targets of a sentence in order."""
    found: dict[int, Target] = {}
    passed = False
    for clause in _CLAUSE.finditer(sentence):
        passed = has_passed(clause.group()) or (passed and not _AHEAD.search(clause.group()))
        if passed:
            continue
        for pattern in (_STATED, _MADE):
            for match in pattern.finditer(clause.group()):
                at = clause.start() + match.start("value")
                made = _target(match, place)
                if made is not None and at not in found:
                    found[at] = made
    return [found[at] for at in sorted(found)]


def _target(match: re.Match[str], place: int) -> Target | None:
    groups = match.groupdict()
    name = _named(match["name"])
    grow = groups.get("grow") or ""
    if len(name) < 2:  # noqa: PLR2004 - a name of one character is none
        return None
    said = {groups.get("reach") or "", groups.get("at_least") or "", match["more"] or ""}
    return Target(f"{name}{grow}", _operator(said), float(match["value"].replace(",", "")), match["unit"], place)


def _named(words: str) -> str:
    """Return what is measured: without the day before it and words such as 力争 that measure nothing."""
    name = re.sub(r"^.*?(?:年底前?|年末前?|月底前?|季度末前?|日前|月前)", "", words.strip())
    name = _LEADING.sub("", name.strip())
    return re.sub(r"(?:比上年|较上年|同比|年均|力争|要|将|不断|累计|逐步|进一步)+$", "", name).strip()


def _operator(said: set[str]) -> str:
    if any(word in _HIGHER for word in said):
        return "≥"
    if any(word.startswith(_LOWER) for word in said):
        return "≤"
    return ">" if "超过" in said else "="
