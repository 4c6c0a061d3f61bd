"""A view keeps in its address, says what does not fit, and follows clicks to the nearest view that does."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beijiang.kit import Invalid, Language
from beijiang.opendata import explorer
from beijiang.opendata.explorer import building, drawing, telling
from beijiang.opendata.explorer.computing import nice_width
from beijiang.opendata.explorer.view import AUTOMATIC, By, Form, Order, View
from beijiang.tables import DateUnit, Filter, FilterOp, GovernedColumn, Measure, MeasureFn, Sort


def columns(**kinds: str) -> list[GovernedColumn]:
    return [GovernedColumn(name, kind, "", "L1", None, masked=False, mask=None) for name, kind in kinds.items()]


FIRMS = columns(企业名称="text", 盟市="text", 状态="text", 成立日期="date", 注册资本="decimal", 从业人数="integer")

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
TRICKY = st.sampled_from(
    ["盟市", "a:month", "a:bin10", "a:value", ":", "_by", "_form", "x__in", "a&b=c", "＝", "sum:x", "format"]
)
NAME = st.one_of(NAMES, TRICKY)
WIDTHS = st.decimals(min_value="0.0001", max_value="1000000", places=4).filter(lambda d: d > 0)
BYS = st.one_of(
    st.builds(By, NAME, st.sampled_from(DateUnit)),
    st.builds(lambda name, width: By(name, width=width), NAME, st.one_of(st.just(AUTOMATIC), WIDTHS)),
)
MEASURES = st.one_of(st.just(Measure(MeasureFn.COUNT)), st.builds(Measure, st.sampled_from(MeasureFn), NAME))
PLAIN = [op for op in FilterOp if op not in {FilterOp.IN_, FilterOp.NOTIN, FilterOp.ISNULL, FilterOp.NOTNULL}]
FILTERS = st.one_of(
    st.builds(Filter, NAME, st.sampled_from(PLAIN), NAMES),
    st.builds(Filter, NAME, st.sampled_from([FilterOp.ISNULL, FilterOp.NOTNULL])),
    st.builds(Filter, NAME, st.sampled_from([FilterOp.IN_, FilterOp.NOTIN]), st.lists(NAMES, max_size=3).map(tuple)),
)
VIEWS = st.builds(
    View,
    form=st.sampled_from(Form),
    by=st.lists(BYS, max_size=2).map(tuple),
    measures=st.lists(MEASURES, max_size=3).map(tuple),
    x=st.one_of(st.none(), NAME),
    y=st.one_of(st.none(), NAME),
    filters=st.lists(FILTERS, max_size=3).map(tuple),
    columns=st.lists(NAME, max_size=3).map(tuple),
    sort=st.one_of(st.none(), st.builds(Sort, NAME, st.booleans())),
    order=st.one_of(st.none(), st.sampled_from(Order)),
    top=st.one_of(st.none(), st.integers(0, 9999)),
)


@given(VIEWS)
def test_a_view_comes_back_from_its_address(view: View) -> None:
    written = explorer.query_string(view)
    again = explorer.parse(parse_qsl(written, keep_blank_values=True))
    assert again == view
    assert explorer.query_string(again) == written
    assert explorer.parse(parse_qsl(explorer.readable(view), keep_blank_values=True)) == view


def test_the_address_can_be_read() -> None:
    view = View(
        form=Form.BAR,
        by=(By("盟市"), By("成立日期", DateUnit.YEAR)),
        measures=(Measure(MeasureFn.AVG, "注册资本"),),
        filters=(Filter("状态", FilterOp.EQ, "存续"),),
    )
    assert explorer.pairs(view) == [
        ("_form", "bar"),
        ("_by", "盟市"),
        ("_by", "成立日期:year"),
        ("_measure", "mean:注册资本"),
        ("状态__exact", "存续"),
    ]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("_form=cake", "bad_view"),
        ("_form=bar", "bad_view"),
        ("_form=bar&_by=没有", "unknown_column"),
        ("_form=bar&_by=盟市:year", "bad_view"),
        ("_form=bar&_by=盟市:bins", "bad_view"),
        ("_form=bar&_by=盟市&_measure=sum:盟市", "bad_view"),
        ("_form=bar&_by=盟市&_measure=sum", "bad_view"),
        ("_form=bar&_by=盟市&_measure=hack:注册资本", "bad_view"),
        ("_form=pie&_by=盟市&_measure=mean:注册资本", "bad_view"),
        ("_form=stacked&_by=盟市", "bad_view"),
        ("_form=table&_by=盟市&_by=状态&_measure=count&_measure=sum:注册资本", "bad_view"),
        ("_form=bar&_by=盟市&_by=盟市", "bad_view"),
        ("_form=bar&_by=盟市&_x=注册资本", "bad_view"),
        ("_form=scatter&_x=注册资本&_y=盟市", "bad_view"),
        ("_form=scatter&_x=注册资本&_y=注册资本", "bad_view"),
        ("_form=histogram&_by=注册资本", "bad_view"),
        ("_form=bar&_by=盟市&_col=盟市", "bad_view"),
        ("_order=most", "bad_view"),
        ("_top=0", "bad_view"),
        ("_top=99999", "bad_view"),
        ("_top=x", "bad_view"),
        ("_size=10", "unknown_parameter"),
        ("_what=10", "unknown_parameter"),
        ("_form=bar&_form=bar", "repeated_parameter"),
        ("没有__exact=1", "unknown_column"),
    ],
)
def test_what_does_not_fit_is_told(query: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        explorer.check(explorer.parse(parse_qsl(query)), FIRMS)
    assert refused.value.reason == code


@given(VIEWS)
def test_any_click_ends_in_a_view_that_fits_or_in_words(view: View) -> None:
    try:
        found = explorer.fitted(view, FIRMS)
    except Invalid as error:
        told = error
    else:
        explorer.check(found, FIRMS)
        assert found.form is view.form
        return
    assert told.reason in {"bad_view", "unknown_column"}


@pytest.mark.parametrize("form", list(Form))
def test_every_form_is_one_click_away_from_every_other(form: Form) -> None:
    for view in explorer.suggestions(FIRMS):
        clicked = [("build", "1"), ("form", form.value)]
        clicked += [(f"by{i}", one.column) for i, one in enumerate(view.by, 1)]
        clicked += [(f"fn{i}", m.fn.value) for i, m in enumerate(view.measures, 1)]
        assert building.built(clicked, FIRMS).form is form


def test_clicks_become_a_view() -> None:
    fields = {
        "build": "1",
        "form": "bar",
        "by1": "成立日期",
        "cut1": "quarter",
        "fn1": "sum",
        "of1": "注册资本",
        "top": "12",
    }
    view = building.built([*fields.items(), ("状态__exact", "存续")], FIRMS)
    assert explorer.query_string(view) == explorer.query_string(
        View(
            form=Form.BAR,
            by=(By("成立日期", DateUnit.QUARTER),),
            measures=(Measure(MeasureFn.SUM, "注册资本"),),
            filters=(Filter("状态", FilterOp.EQ, "存续"),),
            top=12,
        )
    )
    more = building.built([*explorer.pairs(view), ("column", "盟市"), ("op", "ne"), ("value", "包头市")], FIRMS)
    assert more.filters == (*view.filters, Filter("盟市", FilterOp.NE, "包头市"))
    same = building.built([*explorer.pairs(view), ("column", "盟市"), ("op", "ne"), ("value", " ")], FIRMS)
    assert same == view


def test_a_click_keeps_the_third_measure() -> None:
    fields = {"build": "1", "form": "table", "by1": "盟市", "fn1": "count", "fn2": "sum", "of2": "注册资本"}
    three = building.built([*fields.items(), ("fn3", MeasureFn.AVG.value), ("of3", "注册资本")], FIRMS)
    assert [m.fn for m in three.measures] == [MeasureFn.COUNT, MeasureFn.SUM, MeasureFn.AVG]
    clicked = [("build", "1"), ("form", "bar"), ("by1", "盟市")]
    clicked += [(f"fn{i}", m.fn.value) for i, m in enumerate(three.measures, 1)]
    clicked += [(f"of{i}", m.column or "") for i, m in enumerate(three.measures, 1)]
    assert building.built(clicked, FIRMS).measures == three.measures


def test_good_first_views_are_suggested() -> None:
    stations = columns(站点="text", 经度="double", 纬度="double", 监测时间="timestamp", AQI="integer", PM25="double")
    forms = [view.form for view in explorer.suggestions(stations)]
    assert forms[0] is Form.LINE
    assert {Form.POINTS, Form.HISTOGRAM, Form.SCATTER} <= set(forms)
    assert forms[-1] is Form.TABLE
    assert explorer.suggestions([]) == (View(),)
    for view in explorer.suggestions(FIRMS):
        explorer.check(view, FIRMS)


@pytest.mark.parametrize(
    ("query", "zh", "en"),
    [
        (
            "_form=bar&_by=盟市&_measure=sum:注册资本&状态__exact=存续",
            "柱状图：注册资本合计，按盟市；只看 状态 等于 存续；从大到小。",
            "Bars: Sum of 注册资本 by 盟市; only where 状态 is 存续; largest first.",
        ),
        (
            "_form=line&_by=成立日期:month",
            "折线图：行数，按成立日期（月）；从早到晚。",
            "Line: Rows by 成立日期 (month); earliest first.",
        ),
        ("", "表格：明细行。", "Table: The rows."),
    ],
)
def test_a_view_is_told_in_a_sentence(query: str, zh: str, en: str) -> None:
    view: Any = explorer.parse(parse_qsl(query))
    answer = explorer.Answer(view=view, drawn=view, fields=(), rows=())
    assert telling.sentence(answer, Language.ZH) == zh
    assert telling.sentence(answer, Language.EN) == en


@given(st.decimals(-(10**9), 10**9, places=3), st.decimals("0.001", 10**9, places=3), st.integers(1, 50))
def test_steps_are_round_and_few(low: Decimal, span: Decimal, steps: int) -> None:
    width = nice_width(low, low + span, steps)
    assert width.as_tuple().digits[0] in {1, 2, 5}
    assert set(width.as_tuple().digits[1:]) <= {0}
    assert span / width <= steps
    assert span / width > steps / Decimal(10)


def axis(query: str, keys: list[Any]) -> list[Any]:
    view = explorer.parse(parse_qsl(query))
    return drawing.laid_out(view.by[0], keys, view)


def test_an_axis_of_time_or_numbers_leaves_no_group_out() -> None:
    january, april = date(2024, 1, 1), date(2024, 4, 1)
    months = axis("_form=line&_by=成立日期:month", [january, april, None])
    assert [at for _, at in months] == [0, None, None, 1, 2]
    assert axis("_form=line&_by=成立日期:quarter", [january, april]) == [(january, 0), (april, 1)]
    assert len(axis("_form=line&_by=成立日期:week", [january, april])) == 14
    assert len(axis("_form=line&_by=成立日期:day", [january, april])) == 92
    years = axis("_form=bar&_by=成立日期:year", [date(2020, 1, 1), date(2023, 1, 1)])
    assert [(key.year, at) for key, at in years] == [(2020, 0), (2021, None), (2022, None), (2023, 1)]
    steps = axis("_form=histogram&_by=注册资本:bin0.5", [Decimal("-0.5"), Decimal(1)])
    assert [key for key, _ in steps] == [Decimal("-0.5"), Decimal("0.0"), Decimal("0.5"), Decimal("1.0")]
    ranked = axis("_form=bar&_by=成立日期:year&_order=most", [date(2023, 1, 1), date(2020, 1, 1)])
    assert [at for _, at in ranked] == [0, 1]
    far = axis("_form=line&_by=注册资本:bin1", [Decimal(0), Decimal(10**12)])
    assert [at for _, at in far] == [0, 1]
