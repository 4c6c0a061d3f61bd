"""Standard entries (标准目录) and their claims (认领): a higher level lists once what each unit below compiles of its own.

A unit's entry may differ from the standard in its provider, region and contact, be fresher, and have more items; in nothing
else (`standards.md` 2.10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from beijiang.catalog import Entry, ItemEdit, ResourceEdit
from beijiang.kit import Conflict, Shown, Text, Word

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from beijiang.access import Organisation
    from beijiang.exchange.models.requests import Step
    from beijiang.standards import Case, Deadline

__all__ = [
    "ClaimMove",
    "ClaimState",
    "ClaimTask",
    "ClaimView",
    "Deviation",
    "Template",
    "TemplateDraft",
    "TemplatePlan",
    "TemplateView",
    "check_claim_move",
    "claim_moves_from",
    "deviations",
    "edit_to_standard",
    "entry_of_unit",
    "is_beneath",
]


class ClaimState(Word):
    """Where a unit's task stands."""

    OPEN = "open", "待认领", "to be claimed"
    CLAIMED = "claimed", "已认领", "claimed"
    NOT_APPLICABLE = "not_applicable", "提出不适用，待确认", "said not to apply"
    EXEMPT = "exempt", "不适用", "exempt"
    DISPUTED = "disputed", "提出应由他部门认领，待裁定", "said to be another's"
    MOVED = "moved", "已转他部门", "moved to another"
    CANCELLED = "cancelled", "已取消", "cancelled"

    @property
    def waits_for_unit(self) -> bool:
        """Tell whether the unit has to answer."""
        return self is ClaimState.OPEN

    @property
    def waits_for_issuer(self) -> bool:
        """Tell whether who issued the standard has to decide."""
        return self in {ClaimState.NOT_APPLICABLE, ClaimState.DISPUTED}


class ClaimMove(Word):
    """What is done with a standard entry or a task."""

    ISSUE = "issue", "下发标准目录", "issued"
    RETIRE = "retire", "废止标准目录", "retired"
    CLAIM = "claim", "认领", "claimed"
    DECLINE = "decline", "提出不适用", "said not to apply"
    NAME = "name", "提出应由他部门认领", "named another"
    EXCUSE = "excuse", "确认不适用", "exempted"
    MOVE = "move", "转他部门认领", "moved to another"
    BACK = "back", "退回认领", "sent back"
    URGE = "urge", "催办", "urged"
    ESCALATE = "escalate", "督办", "escalated"


_S, _M = ClaimState, ClaimMove
_MOVES: Final[Mapping[ClaimState, Mapping[ClaimMove, ClaimState]]] = {
    _S.OPEN: {_M.CLAIM: _S.CLAIMED, _M.DECLINE: _S.NOT_APPLICABLE, _M.NAME: _S.DISPUTED},
    _S.CLAIMED: {_M.CLAIM: _S.CLAIMED},
    _S.NOT_APPLICABLE: {_M.EXCUSE: _S.EXEMPT, _M.BACK: _S.OPEN},
    _S.DISPUTED: {_M.MOVE: _S.MOVED, _M.BACK: _S.OPEN},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDraft:
    """Which entry becomes the standard, for which units, on what basis."""

    resource_id: str
    tiers: frozenset[int] = frozenset()
    """All units of these tiers (2 league or city, 3 county) beneath the issuer, whose name has ``words`` in it."""
    words: str = ""
    orgs: frozenset[str] = frozenset()
    """Further units, one by one."""
    basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A standard entry in its newest version."""

    id: str
    org_id: str
    """Who issued it."""
    resource_id: str
    entry: Entry
    basis: str
    version: int = 1
    retired: bool = False
    revision: int = 1
    by_name: str
    created_at: datetime
    changed_at: datetime


_SAID: Final = Text("该部门的答复", "what the unit said")
_NAMED: Final = Text("应认领的部门", "the department that it names")
_STANDARD: Final = Text("标准的版本", "version of the standard")
_STEPS: Final = Text("办理过程", "what happened")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTask:
    """What a unit has to do about one version of a standard entry."""

    id: str
    template_id: str
    template_version: int
    name: str
    org_id: str
    state: ClaimState
    resource_id: str = ""
    """The unit's entry: the one it claimed with, or of an earlier version of the standard."""
    named: str = ""
    """The department that it says has to claim."""
    case: Case | None = None
    urged: int = 0
    revision: int = 1
    created_at: datetime
    changed_at: datetime

    @property
    def shown(self) -> Shown:
        """Return what somebody decides on who issued the standard."""
        said: dict[Text, object] = {_SAID: (self.state.value, self.resource_id), _NAMED: self.named}
        return Shown({**said, _STANDARD: self.template_version, _STEPS: self.revision})


@dataclass(frozen=True, slots=True)
class Deviation:
    """Where a unit's entry is not as the standard says."""

    field: str
    text: Text
    column: str = ""

    @property
    def stops(self) -> bool:
        """Tell whether the entry must not be handed in so; what type a column has is its table's to say."""
        return self.field != "type"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatePlan:
    """What issuing would do."""

    entry: Entry
    version: int
    units: tuple[str, ...]
    """Who gets a task."""
    kept: tuple[str, ...]
    """Who was asked before and has nothing to do now."""
    days: int | None
    """Working days that they have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateView:
    """A standard entry with every unit's task."""

    template: Template
    tasks: tuple[ClaimTask, ...]
    deadlines: Mapping[str, Deadline]
    steps: tuple[Step, ...]
    may_issue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimView:
    """A task with the standard, where the unit's entry differs, and the reader's moves."""

    task: ClaimTask
    template: Template
    deadline: Deadline | None
    deviations: tuple[Deviation, ...]
    steps: tuple[Step, ...]
    moves: tuple[ClaimMove, ...]


def claim_moves_from(state: ClaimState) -> tuple[ClaimMove, ...]:
    """Return which moves there are from a state."""
    return tuple(_MOVES.get(state, {}))


def check_claim_move(state: ClaimState, move: ClaimMove) -> ClaimState:
    """Return where a move leads.

    Raises:
        Conflict: it is not possible from there; says what is.

    """
    possible = _MOVES.get(state, {})
    if move in possible:
        return possible[move]
    zh = "、".join(one.text.zh for one in possible) or "没有可办的步骤"
    en = ", ".join(one.value for one in possible) or "nothing"
    raise Conflict(
        f"该认领任务现为“{state.text.zh}”，不能{move.text.zh}。现在可以：{zh}。",
        f"The task is {state.text.en}; {move.value} is not possible. Possible now: {en}.",
        code="claim_move",
        detail={"state": state.value, "possible": [one.value for one in possible]},
    )


def is_beneath(upper: Organisation, unit: Organisation) -> bool:
    """Tell whether a unit is of a lower tier inside the upper one's region."""
    if unit.admin_tier <= upper.admin_tier:
        return False
    if upper.admin_tier == 1 or upper.region_code is None:
        return upper.admin_tier == 1
    return (unit.region_code or "").startswith(upper.region_code[:4])


_OWN: Final = frozenset(
    {"contact", "inner_office", "items", "links", "provider_code", "provider_id", "provider_name", "region_code", "related_codes"}
)  # fmt: skip
"""What is a unit's own."""
_ITEM_OWN: Final = frozenset({"kind", "length", "level", "personal", "source_org"})
"""What protection finds out, or what the table has."""
_NAMES: Final[Mapping[str, Text]] = {
    "categories": Text("分类", "categories"),
    "code_set": Text("代码集", "code set"),
    "description": Text("说明", "description"),
    "element_id": Text("数据元", "data element"),
    "formats": Text("格式", "formats"),
    "keywords": Text("关键词", "keywords"),
    "licence": Text("许可", "licence"),
    "name": Text("名称", "name"),
    "no_share_basis": Text("不予共享依据", "basis for not sharing"),
    "open_condition": Text("开放条件", "condition of opening"),
    "open_type": Text("开放属性", "open type"),
    "secret_flag": Text("涉密标识", "secret flag"),
    "share_condition": Text("共享条件", "condition of sharing"),
    "share_method": Text("共享方式", "way of sharing"),
    "share_type": Text("共享类型", "sharing type"),
    "summary": Text("摘要", "summary"),
    "time_span": Text("时间范围", "time span"),
    "type": Text("类型", "type"),
    "update_cycle": Text("更新周期", "update cycle"),
}


def deviations(standard: Entry, own: Entry, slower: Callable[[str, str], bool]) -> Iterator[Deviation]:
    """Return where a unit's entry differs from the standard in more than it may.

    ``slower`` tells of two update cycles whether the first comes less often than the second.
    """
    for name in (f.name for f in fields(Entry) if f.name not in _OWN | {"update_cycle", "time_span", "keywords"}):
        if getattr(standard, name) != getattr(own, name):
            yield _differs(name)
    if slower(own.update_cycle, standard.update_cycle):
        yield Deviation(
            "update_cycle",
            Text("更新周期慢于标准目录。", "The update cycle is slower than the standard's."),
        )
    for item in standard.items:
        mine = own.item(item.column)
        if mine is None:
            yield Deviation(
                "items",
                Text(f"缺少标准数据项“{item.name}”。", f"The standard item “{item.name}” is missing."),
                item.column,
            )
            continue
        for name in (f.name for f in fields(item) if f.name not in _ITEM_OWN | {"update_cycle"}):
            if getattr(item, name) != getattr(mine, name):
                yield _differs(name, item.column)
        if mine.update_cycle and slower(own.cycle_of(mine), standard.cycle_of(item)):
            yield _differs("update_cycle", item.column)


def edit_to_standard(standard: Entry, own: Entry, slower: Callable[[str, str], bool]) -> ResourceEdit:
    """Return the edit that brings an entry to the standard, as far as its table has the items."""
    kept = {f.name for f in fields(ResourceEdit)} - _OWN - {"open_items", "time_span", "update_cycle"}
    cycle = standard.update_cycle if slower(own.update_cycle, standard.update_cycle) else None
    names = {f.name for f in fields(ItemEdit)} - _ITEM_OWN - {"column", "inherit", "update_cycle"}
    items = []
    for item in standard.items:
        mine = own.item(item.column)
        if mine is not None:
            wanted = {name: getattr(item, name) for name in names}
            empty = tuple(name for name, value in wanted.items() if value is None or value == "")
            cycle_too = ("update_cycle",) if mine.update_cycle else ()
            items.append(ItemEdit(column=item.column, **wanted, inherit=(*empty, *cycle_too)))
    values = {name: getattr(standard, name) for name in kept}
    return ResourceEdit(**values, update_cycle=cycle, items=tuple(items))


def entry_of_unit(standard: Entry, unit: Organisation) -> Entry:
    """Return the entry that a unit begins with."""
    own = {name: getattr(Entry(name="-", provider_id=unit.id), name) for name in _OWN - {"items"}}
    kept = {f.name: getattr(standard, f.name) for f in fields(Entry) if f.name not in own}
    return Entry(**{**kept, **own, "region_code": unit.region_code})


def _differs(name: str, column: str = "") -> Deviation:
    word = _NAMES.get(name, Text(name, name))
    return Deviation(name, Text(f"{word.zh}与标准目录不一致。", f"The {word.en} differs from the standard."), column)
