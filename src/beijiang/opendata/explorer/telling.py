"""Say a view in words: the sentence above it, the names of its columns, and its values as people read them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from beijiang.kit import Language, Text
from beijiang.opendata import charts, tableview
from beijiang.opendata.explorer.answer import Answer, Field
from beijiang.opendata.explorer.view import By, Form, Order, View
from beijiang.tables import DateUnit, Measure, MeasureFn

__all__ = [
    "cut_names",
    "cut_note",
    "function_names",
    "group_label",
    "heading",
    "name_of",
    "sentence",
    "title",
    "written",
]

UNITS: Final = {
    DateUnit.YEAR: Text("年", "year"),
    DateUnit.QUARTER: Text("季度", "quarter"),
    DateUnit.MONTH: Text("月", "month"),
    DateUnit.WEEK: Text("周", "week"),
    DateUnit.DAY: Text("日", "day"),
}
FUNCTIONS: Final = {
    MeasureFn.COUNT: Text("非空个数", "values"),
    MeasureFn.SUM: Text("合计", "sum"),
    MeasureFn.AVG: Text("平均", "mean"),
    MeasureFn.MIN: Text("最小", "least"),
    MeasureFn.MAX: Text("最大", "greatest"),
    MeasureFn.MEDIAN: Text("中位数", "median"),
    MeasureFn.DISTINCT: Text("不同值个数", "different values"),
}


def function_names(language: Language) -> list[tuple[str, str]]:
    """Return the measures that the form offers."""
    named = [(fn.value, word.in_language(language)) for fn, word in FUNCTIONS.items() if fn is not MeasureFn.COUNT]
    return [(MeasureFn.COUNT.value, Text("行数", "rows").in_language(language)), *named]


def cut_names(language: Language) -> list[tuple[str, str]]:
    """Return the ways to cut dates and numbers that the form offers, as the address writes them."""
    units = [(unit.value, Text(f"按{word.zh}", f"by {word.en}").in_language(language)) for unit, word in UNITS.items()]
    ends = [("bins", Text("数值分段", "steps of numbers")), ("value", Text("原值", "as it is"))]
    return [*units, *((value, name.in_language(language)) for value, name in ends)]


def measure_name(measure: Measure, language: Language) -> str:
    """Return what is measured, in words."""
    if measure.column is None:
        return Text("行数", "rows").in_language(language)
    word = FUNCTIONS[measure.fn].in_language(language)
    return f"{measure.column}{word}" if language is Language.ZH else f"{word} of {measure.column}"


def group_name(one: By, language: Language) -> str:
    """Return a grouping in words."""
    if one.unit is not DateUnit.NONE:
        unit = UNITS[one.unit].in_language(language)
        return f"{one.column}（{unit}）" if language is Language.ZH else f"{one.column} ({unit})"
    if one.width is not None and one.width > 0:
        return Text(f"{one.column}（每 {one.width:,f} 一段）", f"{one.column} (steps of {one.width:,f})").in_language(
            language
        )
    return (
        Text(f"{one.column}（分段）", f"{one.column} (steps)").in_language(language)
        if one.width is not None
        else one.column
    )


def name_of(field: Field, language: Language) -> str:
    """Return the head of a column."""
    if field.by is not None:
        return group_name(field.by, language)
    name = measure_name(field.measure, language) if field.measure is not None else field.key
    return name[:1].upper() + name[1:] if field.measure is not None else name


def heading(answer: Answer, language: Language) -> str:
    """Return the title of the drawing: what is measured, by what."""
    return described(answer.drawn, language)


def title(view: View, language: Language) -> str:
    """Return a view's name in a list of suggestions."""
    form = view.form.text.in_language(language)
    return Text(f"{form}：", f"{form}: ").in_language(language) + described(view, language)


def described(view: View, language: Language) -> str:
    """Return what is measured, by what."""
    if view.is_rows:
        return Text("明细行", "The rows").in_language(language)
    if view.x is not None:
        both = Text(f"{view.x}与{view.y}", f"{view.x} and {view.y}")
        return both.in_language(language)
    joint = Text("、", ", ").in_language(language)
    measured = joint.join(measure_name(m, language) for m in view.measured)
    by = Text(" × ", " and by ").in_language(language).join(group_name(one, language) for one in view.by)
    if not by:
        return measured[:1].upper() + measured[1:]
    return f"{measured}，按{by}" if language is Language.ZH else f"{measured[:1].upper()}{measured[1:]} by {by}"


def sentence(answer: Answer, language: Language) -> str:
    """Return in one sentence what is seen: form, measure, groups, conditions, order."""
    view = answer.drawn
    told = [title(view, language)]
    if view.filters:
        joint = Text("，且", " and ").in_language(language)
        conditions = joint.join(tableview.told(f, language) for f in view.filters)
        told.append(Text(f"只看 {conditions}", f"only where {conditions}").in_language(language))
    if view.by and view.form is not Form.HISTOGRAM:
        told.append(_order_of(view, language))
    end = "。" if language is Language.ZH else "."
    return Text("；", "; ").in_language(language).join(told) + end


def _order_of(view: View, language: Language) -> str:
    order = view.ordered
    if order in {Order.FIRST, Order.LAST} and view.by[0].unit is not DateUnit.NONE:
        return (
            Text("从早到晚", "earliest first") if order is Order.FIRST else Text("从晚到早", "latest first")
        ).in_language(language)
    return order.text.in_language(language)


def cut_note(answer: Answer, language: Language) -> str:
    """Return what is not shown, empty where everything is."""
    shown = len(answer.pivot.rows) if answer.pivot else len(answer.rows)
    if answer.gathered:
        zh = f"点数较多，相近的点已在服务器上归并为 {shown:,} 个，位置是各组的平均。"
        return Text(
            zh, f"There are many points; near ones were gathered to {shown:,}, each at their mean."
        ).in_language(language)
    if not answer.cut:
        return ""
    if answer.view.is_rows:
        return Text(f"显示前 {shown:,} 行。", f"The first {shown:,} rows are shown.").in_language(language)
    if answer.pivot:
        across = len(answer.pivot.columns)
        zh = f"分组较多，显示 {shown:,} 行 × {across:,} 列，总计含未显示的各组。"
        en = f"There are more groups; {shown:,} × {across:,} are shown, the totals count all of them."
        return Text(zh, en).in_language(language)
    zh = f"分组较多，显示 {shown:,} 组，其余合为“其他”。"
    return Text(zh, f"There are more groups; {shown:,} are shown, the rest is “others”.").in_language(language)


def group_label(value: Any, one: By, language: Language) -> str:
    """Return a group as it stands on an axis: a day, a quarter, ``1,000 – 2,000``."""
    if one.width is not None and value is not None:
        return f"{_plain(value)} – {_plain(value + one.width)}"
    if one.unit is DateUnit.WEEK and value is not None:
        day = charts.label(value, one.unit, language)
        return Text(f"{day} 起一周", f"week of {day}").in_language(language)
    return charts.label(value, one.unit, language)


def _plain(value: Decimal) -> str:
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def written(value: Any, field: Field, language: Language) -> str:
    """Return a value of a column as it stands in the table; means and medians to two decimals."""
    if field.by is not None:
        return group_label(value, field.by, language)
    if value is None:
        return "—"
    if field.measure is not None:
        return tableview.printed(rounded(value, field.measure), language)
    return tableview.printed(value, language)


def rounded(value: Any, measure: Measure) -> Any:
    """Return a measure for the eye; files and the API keep every digit."""
    if measure.fn in {MeasureFn.AVG, MeasureFn.MEDIAN}:
        return charts.shown(value, MeasureFn.AVG)
    return float(f"{value:.12g}") if isinstance(value, float) else value
