"""The list of one's own notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.console.listing import Coded, Column, Kind, Table
from beijiang.console.lists.words import age, age_name
from beijiang.kit import Text
from beijiang.notices import NoticeKind, words_of

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.kit import Actor
    from beijiang.notices import NoticeQuery, Shown

__all__ = ["notice_table"]

_PRESSING: Final = frozenset({NoticeKind.TASK, NoticeKind.DEADLINE, NoticeKind.RUN})
_STATES: Final = {
    "unread": Coded("unread", Text("未读", "unread")),
    "read": Coded("read", Text("已读", "read")),
}
_GONE: Final = Text("这件事项您现在不能查看。", "You may not see this any more.")


def notice_table(platform: Platform, actor: Actor, query: NoticeQuery) -> Table[Shown]:
    """Return the list of those of the actor's own notices that were asked for.

    What a notice is about is looked up for its reader as it is shown, so the list is not searched or sorted by it.
    """
    now = platform.clock.now()

    def what(code: str) -> Text:
        action, _, rest = code.partition("|")
        kind, _, subject = rest.partition("|")
        return words_of(action, NoticeKind(kind), subject)

    def level(one: Shown) -> str:
        if one.notice.read_at is not None:
            return ""
        return "warn" if one.notice.kind in _PRESSING else "info"

    return Table(
        key="notices",
        path="/console/notices",
        title=Text("我的通知", "My notices"),
        part=lambda wanted: platform.notices.notice_part(actor, query, wanted),
        row_key=lambda one: one.notice.id,
        columns=(
            Column(key="kind", words=Text("类别", "Kind"), of=lambda one: one.notice.kind, kind=Kind.TAG, level=level, choice=True, named=lambda code: NoticeKind(code).text),
            Column(key="what", words=Text("发生了什么", "What happened"), of=lambda one: Coded(f"{one.notice.action}|{one.notice.kind.value}|{one.notice.subject}", one.words), link=lambda one: f"/console/notices/{one.notice.id}/open", choice=True, named=what),
            Column(key="about", words=Text("事项", "About"), of=lambda one: _GONE if one.seen is None else one.seen.title, sorts=False),
            Column(key="state", words=Text("状态", "State"), of=lambda one: _STATES["read" if one.notice.read_at else "unread"], kind=Kind.TAG, level=level, choice=True, named=lambda code: _STATES[code].text),
            Column(key="at", words=Text("时间", "At"), of=lambda one: one.notice.at, kind=Kind.MOMENT),
            Column(key="age", words=Text("时间段", "When"), of=lambda one: age(one.notice.at, now), choice=True, named=age_name, shown=False),
        ),
    )  # fmt: skip
