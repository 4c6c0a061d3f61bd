"""Files that go out of quality: failing rows for who must mend them, lists of tickets, records of departments.

Every cell is text: a spreadsheet runs nothing of it as a formula and rounds no number. Rows come from the gate only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Language, Text
from beijiang.standards import SheetFormat, text_file

if TYPE_CHECKING:
    from beijiang.quality.models.tickets import DepartmentTickets, Ticket
    from beijiang.quality.service.failing import Failing

__all__ = ["HandedOut", "failing_file", "record_file", "sheet", "tickets_file"]

_LEAD: Final = (Text("序号", "No."), Text("问题列", "Columns at fault"), Text("不符合的规则", "Rule that fails"))
_NOTES: Final = Text("说明", "Notes")
_TICKET: Final = (
    Text("工单", "ticket"), Text("表", "table"), Text("部门", "department"), Text("来源", "origin"),
    Text("问题", "matter"), Text("级别", "severity"), Text("状态", "state"), Text("问题数", "failing"),
    Text("评估数", "assessed"), Text("提出时间", "opened"), Text("期限", "due"), Text("时限依据", "basis of the limit"),
    Text("督办", "urgency"), Text("答复时间", "answered"), Text("办结时间", "closed"), Text("重开次数", "reopened"),
)  # fmt: skip
_RECORD: Final = (
    Text("部门", "department"), Text("收到", "opened"), Text("在办", "open"), Text("其中超期", "of these overdue"),
    Text("办结", "closed"), Text("按期答复", "answered in time"), Text("核实无误", "confirmed right"),
    Text("撤回", "withdrawn"), Text("重开", "reopened"), Text("答复用时中位数（工作日）", "median working days to the answer"),
    Text("按期率", "share in time"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HandedOut:
    """A file with its name."""

    name: str
    content: bytes
    media_type: str


def sheet(
    title: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    form: SheetFormat,
    notes: Sequence[tuple[str, str]] = (),
) -> HandedOut:
    """Return rows as CSV that spreadsheets open rightly, or as a workbook whose second sheet says what it is."""
    pages = [("1", [head, *rows]), *([(_NOTES.zh, notes)] if notes else [])]
    content = text_file(pages, form, title=title)
    return HandedOut(f"{title}.{form.value}", content, form.media_type)


def failing_file(
    found: Failing, key: Sequence[str], form: SheetFormat, language: Language, notes: Sequence[tuple[str, str]] = ()
) -> HandedOut:
    """Return failing rows as this reader may see them: the key first, so that the source's rows can be found by it."""
    shown = [column.name for column in found.governed.columns]
    first = [name for name in (*key, *found.columns) if name in shown]
    names = list(dict.fromkeys([*first, *shown]))
    fault, rule = "、".join(found.columns), found.rule.name
    rows = [
        [str(number), fault, rule, *(plain(row[name]) for name in names)]
        for number, row in enumerate(found.rows.to_pylist(), 1)
    ]
    masked = "、".join(c.name for c in found.governed.columns if c.masked)
    told = [
        (Text("表", "table"), found.rule.table),
        (Text("版本", "version"), str(found.run.version)),
        (Text("规则", "rule"), rule),
        (Text("行数", "rows"), f"{len(rows)}{'+' if found.cut else ''}"),
        (Text("主键", "key"), "、".join(key)),
        (Text("已脱敏的列", "masked columns"), masked),
        (Text("读取凭证", "receipt"), found.governed.receipt),
    ]
    lines = [*notes, *((word.in_language(language), value) for word, value in told)]
    title = f"{found.rule.table}-{rule}".replace("/", "_").replace("\\", "_")[:80]
    return sheet(title, [w.in_language(language) for w in _LEAD] + names, rows, form, lines)


def tickets_file(tickets: Sequence[Ticket], form: SheetFormat, language: Language) -> HandedOut:
    """Return a list of tickets."""
    rows = [
        [
            t.id, t.table, t.org_id, t.origin.text.in_language(language), t.title, t.severity.text.in_language(language),
            t.state.text.in_language(language), str(t.failing), str(t.assessed), plain(t.opened_at), plain(t.due_on),
            t.limit.basis, t.stage.text.in_language(language), plain(t.answered_at), plain(t.closed_at), str(t.reopened),
        ]
        for t in tickets
    ]  # fmt: skip
    title = Text("校核工单", "tickets").in_language(language)
    return sheet(title, [w.in_language(language) for w in _TICKET], rows, form)


def record_file(found: Sequence[DepartmentTickets], form: SheetFormat, language: Language) -> HandedOut:
    """Return the record of departments."""
    rows = [
        [
            d.org_id, str(d.opened), str(d.open), str(d.overdue), str(d.closed), str(d.on_time), str(d.confirmed_right),
            str(d.withdrawn), str(d.reopened), plain(d.median_days),
            "" if d.on_time_share is None else f"{100 * d.on_time_share:.1f}%",
        ]
        for d in found
    ]  # fmt: skip
    title = Text("校核办理情况", "record-of-tickets").in_language(language)
    return sheet(title, [w.in_language(language) for w in _RECORD], rows, form)


def plain(value: Any) -> str:
    """Return a cell as text; nothing of it is lost."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value)
