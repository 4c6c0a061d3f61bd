"""Files of an assessment: ranks of all departments, and one department with every fact. Every cell is text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from beijiang.assess.models import Mark, Ranking, Standing, indicators
from beijiang.kit import Language, Text
from beijiang.quality import HandedOut
from beijiang.standards import SheetFormat, text_file

if TYPE_CHECKING:
    from beijiang.assess.models import Fact

__all__ = ["department_file", "file_of", "ranking_file"]

_RANKS: Final = (
    Text("名次", "rank"), Text("层级", "tier"), Text("部门", "department"), Text("综合得分", "total"),
    Text("已计分指标", "indicators scored"), Text("权重覆盖", "weight covered"), Text("上期得分", "total before"),
)  # fmt: skip
_MARKS: Final = (
    Text("指标", "indicator"), Text("名称", "name"), Text("A（分子）", "A (numerator)"), Text("B（分母）", "B (denominator)"),
    Text("比率", "rate"), Text("得分", "score"), Text("权重", "weight"), Text("说明", "state"), Text("依据", "basis"),
)  # fmt: skip
_FACTS: Final = (
    Text("指标", "indicator"), Text("对象", "subject"), Text("标识", "id"), Text("名称", "name"), Text("计入 A", "in A"),
    Text("计入 B", "in B"), Text("是否计入", "counts"), Text("原因", "why"), Text("时间", "at"),
)  # fmt: skip


def file_of(
    title: str,
    pages: Sequence[tuple[Text, Sequence[Text], Sequence[Sequence[str]]]],
    form: SheetFormat,
    tongue: Language,
) -> HandedOut:
    """Return pages as a workbook or for paper, or the first as CSV."""
    sheets = [
        (name.in_language(tongue)[:31], [[w.in_language(tongue) for w in head], *rows]) for name, head, rows in pages
    ]
    return HandedOut(f"{title}.{form.value}", text_file(sheets, form, title=title, language=tongue), form.media_type)


def ranking_file(found: Ranking, names: Mapping[str, str], form: SheetFormat, tongue: Language) -> HandedOut:
    """Return ranks and totals, and the weights behind them."""
    rows = [
        [
            "" if p.rank is None else str(p.rank), str(p.group), names.get(p.org_id, p.org_id), _points(p.total),
            str(p.scored), f"{100 * p.covered:.0f}%", _points(found.before[p.org_id].total) if p.org_id in found.before else "",
        ]
        for p in found.places
    ]  # fmt: skip
    weights = [
        [one.id, one.name.in_language(tongue), f"{found.book.weight(one.id):g}", one.basis]
        for one in indicators().values()
    ]
    head = (_MARKS[0], _MARKS[1], _MARKS[6], _MARKS[8])
    title = f"{Text('考核结果', 'assessment').in_language(tongue)}-{found.sheet.period}"
    pages = [(Text("排名", "ranks"), _RANKS, rows), (Text("权重", "weights"), head, weights)]
    return file_of(title, pages, form, tongue)


def department_file(
    found: Standing, name: str, facts: Mapping[str, Sequence[Fact]], form: SheetFormat, tongue: Language
) -> HandedOut:
    """Return one department, indicator by indicator, with every fact on the second page."""
    marks = []
    for one in indicators().values():
        mark = found.marks.get(one.id)
        told = found.sheet.missing.get(one.id) if mark is None else mark.state.text
        words = told or Text("本部门无此类事实", "no such facts of this department")
        marks.append([one.id, one.name.in_language(tongue), *_numbers(mark), f"{found.book.weight(one.id):g}",
                      words.in_language(tongue), one.basis])  # fmt: skip
    rows = [
        [
            indicator, f.subject.text.in_language(tongue), f.ref, f.name, f"{f.a:g}", f"{f.b:g}",
            (Text("计入", "yes") if f.counted else Text("不计", "no")).in_language(tongue), f.why.in_language(tongue),
            "" if f.at is None else f.at.isoformat(sep=" ", timespec="minutes"),
        ]
        for indicator, mine in facts.items()
        for f in mine
    ]  # fmt: skip
    title = f"{Text('考核结果', 'assessment').in_language(tongue)}-{found.sheet.period}-{name}"
    return file_of(
        title, [(Text("指标", "indicators"), _MARKS, marks), (Text("事实", "facts"), _FACTS, rows)], form, tongue
    )


def _numbers(mark: Mark | None) -> list[str]:
    if mark is None:
        return ["", "", "", ""]
    rate = "" if mark.rate is None else f"{100 * mark.rate:.1f}%"
    return [f"{mark.a:g}", f"{mark.b:g}", rate, _points(mark.score)]


def _points(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
